/**
 * Whom a delta's batch may bring into a scope by place or group, or out of it, without saying so: noted before its links
 * and containers are written, and looked at when the read has ended. Everybody is, anyway, at the end of a full read.
 *
 * Members whose edges it speaks of; groups that go, for those who were in them; everybody, when a unit has another parent.
 */
import type { ChangeBatch } from "../../contracts/change.ts";
import type { ChunkHeader } from "../lanes/chunk-files.ts";
import type { JobMappings } from "../mapping/job-mapping.ts";
import type { JobRow } from "../state/job-rows.ts";
import { EVERYBODY, type ScopeNotes } from "../state/scope-notes.ts";
import type { ScopedRows } from "../state/scoped-rows.ts";
import { isNothing } from "./scope-needs.ts";

/** Notes members of groups; undefined: nobody asks for them. */
export type NoteMembers = ((objectGuids: Iterable<string>) => Promise<void>) | undefined;

export interface NoteScope {
  /** What the batch itself says; for its members comes back whom to tell. */
  batch(job: JobRow, header: ChunkHeader, batch: Pick<ChangeBatch, "kind" | "changes">): Promise<NoteMembers>;
}

export function createNoteScope(deps: {
  readonly mappings: JobMappings;
  readonly notes: ScopeNotes;
  readonly scopedRows: ScopedRows;
}): NoteScope {
  return {
    async batch(job, { configurationId, jobId }, { kind, changes }) {
      const { scope } = await deps.mappings(job);
      if (kind === "full" || isNothing(scope)) return undefined;
      const containers = changes.filter((change) => change.op === "container");
      if (scope.organizationalUnits.length > 0 && containers.length > 0) {
        const guids = containers.map(({ objectGuid }) => objectGuid);
        const rows = await deps.scopedRows.getMany(configurationId, guids);
        const hasMoved = containers.some(({ objectGuid, parentGuid }) => {
          const before = rows.get(objectGuid);
          return before !== undefined && before.parentGuid !== parentGuid;
        });
        if (hasMoved) await deps.notes.put(jobId, "live", [EVERYBODY]);
      }
      if (scope.groups.length === 0) return undefined;
      const gone = changes.filter((change) => change.op === "delete" || change.op === "leave");
      const guids = gone.map(({ objectGuid }) => objectGuid);
      const rows = await deps.scopedRows.getMany(configurationId, guids);
      const groups = guids.filter((guid) => rows.get(guid)?.objectClass === "group");
      await deps.notes.put(jobId, "live", groups);
      return (members) => deps.notes.put(jobId, "live", [...members]);
    },
  };
}
