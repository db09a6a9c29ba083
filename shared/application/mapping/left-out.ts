/**
 * What of a schema the target can't hold, told once for each version of a job's schema: a row of the provisioning log for
 * each class, with every mapping's name and the reason, beside the rows of the objects that it concerns.
 *
 * A marker remembers when it was told first; rows are keyed by it, so every process that tells it again writes the same.
 */

import type { RowStore } from "../../ports/row-store.ts";
import type { ChunkHeader } from "../lanes/chunk-files.ts";
import { jobTable, pack, ROW, readRow } from "../state/job-rows.ts";
import type { LogEntry, ProvisioningLog } from "../state/provisioning-log.ts";
import type { JobMapping, LeftOut } from "./job-mapping.ts";

const MAPPING_LEFT_OUT = "MappingLeftOut";

/** A row of the log is about an object; these are about none. */
const NO_OBJECT = "00000000-0000-0000-0000-000000000000";

interface ToldRow {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly cycleId: string;
}

/** Writes the rows unless this process did. */
export type TellLeftOut = (header: ChunkHeader, mapping: JobMapping) => Promise<void>;

export function createTellLeftOut(deps: {
  readonly rows: RowStore;
  readonly provisioningLog: ProvisioningLog;
}): TellLeftOut {
  const told = new Set<string>();
  const jobs = jobTable(deps.rows);

  async function markerOf({ jobId, at, cycleId }: ChunkHeader, version: number): Promise<ToldRow> {
    const row = ROW.leftOut(version);
    const marker: ToldRow = { at, cycleId };
    const written = await jobs.transact(jobId, [{ op: "insert", row, values: pack(marker) }]);
    return written.ok ? marker : ((await readRow<ToldRow>(jobs, jobId, row))?.value ?? marker);
  }

  return async (header, { leftOut, schemaVersion }) => {
    const key = `${header.jobId}:${schemaVersion}`;
    if (told.has(key)) return;
    if (leftOut.length > 0) {
      const marker = await markerOf(header, schemaVersion);
      await deps.provisioningLog.write(
        leftOut.map((own, index) => entryOf(header.jobId, schemaVersion, marker, own, index)),
      );
    }
    told.add(key);
  };
}

function entryOf(
  jobId: string,
  schemaVersion: number,
  { at, cycleId }: ToldRow,
  { objectClass, targetName, mappings }: LeftOut,
  index: number,
): LogEntry {
  const names = mappings.map(({ target }) => target).join(", ");
  const [many, are] = mappings.length === 1 ? ["1 mapping", "is"] : [`${mappings.length} mappings`, "are"];
  const reasons = [...new Set(mappings.map(({ reason }) => reason))];
  const batchId = `schema-${schemaVersion}`;
  return {
    jobId,
    cycleId,
    batchId,
    index,
    at,
    action: "other",
    outcome: "no-op",
    status: "warning",
    code: MAPPING_LEFT_OUT,
    message: `${many} of ${objectClass} to ${targetName} ${are} left out, for the target can't hold them: ${names}.`,
    remedy: "Nothing, where nobody needs them. The check of the schema says of each where it stands.",
    source: { objectGuid: NO_OBJECT, dn: `schema version ${schemaVersion}`, objectClass },
    before: {},
    after: {},
    steps: reasons.map((reason) => ({
      name: "EntrySynchronizationSkip",
      type: "processing",
      status: "skipped",
      description: `${namesFor(mappings, reason)}: ${reason}`,
    })),
    change: `${batchId}:${index}`,
    agentId: "",
    server: "",
    schemaVersion,
  };
}

function namesFor(mappings: LeftOut["mappings"], reason: string): string {
  return mappings.flatMap((own) => (own.reason === reason ? [own.target] : [])).join(", ");
}
