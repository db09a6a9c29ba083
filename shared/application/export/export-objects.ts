/**
 * Carries out planned actions: mark the rows, call the target, write the rows with what came back.
 *
 * Every call to the target is preceded by a mark on the object's row, If-Match: whoever meets the row knows that a call
 * may be under way, and what it may have changed if its answer never comes. Results are written with the effect; a
 * repetition that finds its own batch in `last` takes that outcome and calls nothing. A create whose answer was lost is
 * looked up by anchor before it is tried again.
 */
import type { ObjectRecord, Outcome } from "../../domain/object-record.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { TargetAnswer, TargetDirectory, TargetFailure } from "../../ports/target-directory.ts";
import type { Excluded } from "../exclusions/excluded.ts";
import type { ChunkHeader, ObjectFailure, PlannedObject } from "../lanes/chunk-files.ts";
import type { JobMapping } from "../mapping/job-mapping.ts";
import type { Vanished } from "../matching/vanished.ts";
import type { ClaimIndex } from "../state/claim-index.ts";
import type { ObjectStore, StoredObject } from "../state/object-store.ts";
import { brought, doubtBefore, type Marked, markedRecord, valuesOf } from "./export-records.ts";
import { firstCall, lookUpCreates, send, updateCall } from "./send-actions.ts";
import { finish } from "./write-outcomes.ts";

export interface ExportDeps {
  readonly objects: ObjectStore;
  readonly claims: ClaimIndex;
  readonly target: TargetDirectory;
  readonly clock: Clock;
  readonly vanished: Vanished;
  readonly excluded: Excluded;
  /** Of the schema's version by which the chunk was planned: what the flow types leave to whom a create meets. */
  readonly mapping: Pick<JobMapping, "flowsOf" | "rulesOf">;
  /** Creates of groups with the members that go with them: whose rows carry our mark, and no others'. */
  readonly bindMembers: (planned: readonly PlannedObject[]) => Promise<readonly PlannedObject[]>;
}

/** What became of one planned object. */
export type ExportResult =
  | {
      readonly kind: "settled";
      readonly planned: PlannedObject;
      readonly outcome: Outcome;
      readonly targetId?: string;
      readonly failure?: ObjectFailure & { readonly retryAfterMs?: number };
      readonly warnings: readonly TargetFailure[];
      /** The row as it stands now. */
      readonly record: ObjectRecord;
      /** Settled before an interruption: what was noted then says more. */
      readonly isRepeated?: boolean;
      /** To the last write for it, where there was one and it was answered. */
      readonly answer?: TargetAnswer;
    }
  /** The row changed since it was planned: it has to be looked at again. */
  | { readonly kind: "contested"; readonly planned: PlannedObject }
  /** The target asks for patience: surely nothing was written. */
  | { readonly kind: "unsent"; readonly planned: PlannedObject; readonly retryAfterMs: number };

/** `resumed`: objects whose rows carry this batch's own mark already, with the etag under which it was seen. */
export async function exportObjects(
  deps: ExportDeps,
  header: ChunkHeader,
  lane: Lane,
  planned: readonly PlannedObject[],
  resumed: ReadonlyMap<string, string>,
): Promise<ExportResult[]> {
  const results: ExportResult[] = [];
  const marked = await mark(deps, header, lane, planned, resumed, results);
  const entries = await lookUpCreates(deps, header, marked, results);
  const bound = await deps.bindMembers(entries.map((entry) => entry.planned));
  const calls = entries.map((entry, index) => ({ ...entry, planned: bound[index] ?? entry.planned }));
  const restored = await send(deps, header, calls, results, firstCall);
  // A restored object still has to be brought to what the directory says now.
  const followUps = restored.filter(
    (entry) => entry.planned.action.kind === "restore" && Object.keys(valuesOf(entry.planned.action)).length > 0,
  );
  await finish(
    deps,
    header,
    restored.filter((entry) => !followUps.includes(entry)),
    results,
  );
  const updated = await send(
    deps,
    header,
    followUps.map((entry) => brought(header, entry)),
    results,
    updateCall,
  );
  await finish(deps, header, updated, results);
  return results;
}

async function mark(
  deps: ExportDeps,
  header: ChunkHeader,
  lane: Lane,
  planned: readonly PlannedObject[],
  resumed: ReadonlyMap<string, string>,
  results: ExportResult[],
): Promise<Marked[]> {
  const fresh = planned.filter((object) => !resumed.has(object.objectGuid));
  const at = deps.clock.now();
  const marks = fresh.map((object): StoredObject => {
    const record = markedRecord(header, lane, object, at);
    return object.etag === undefined ? { record } : { record, etag: object.etag };
  });
  const written = await deps.objects.write(marks);
  const marked: Marked[] = [];
  fresh.forEach((object, index) => {
    const result = written[index];
    const record = marks[index]?.record;
    if (result?.written && record) marked.push({ planned: object, record, etag: result.etag, ...doubtBefore(object) });
    else results.push({ kind: "contested", planned: object });
  });
  for (const object of planned) {
    const etag = resumed.get(object.objectGuid);
    if (etag !== undefined) marked.push({ planned: object, record: object.record, etag, ...doubtBefore(object) });
  }
  return marked;
}
