/**
 * One row of the provisioning log for every object whose removal a read's end held back: what would have gone, and why it
 * didn't. Keyed by the cycle, so that a repetition writes the same rows.
 */
import { REMOVAL_CLASSES } from "../../domain/plan.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { cameFrom, serviceEntry } from "../log/service-entry.ts";
import { type JobRow, jobTable, ROW, readRow } from "../state/job-rows.ts";
import type { LogEntry } from "../state/log-entry.ts";
import type { ObjectLight } from "../state/object-row.ts";
import type { ObjectStore } from "../state/object-store.ts";
import type { ProvisioningLog } from "../state/provisioning-log.ts";
import { allowedFor, type JudgedRemoval, reasonFor, type Verdict } from "./verdict.ts";

export type LogStaged = (jobId: string, cycleId: string, verdict: Verdict, schemaVersion: number) => Promise<void>;

/** Rows that are looked up and written at a time. */
const AT_ONCE = 500;

export function createLogStaged(deps: {
  readonly rows: RowStore;
  readonly objects: ObjectStore;
  readonly provisioningLog: ProvisioningLog;
}): LogStaged {
  return async (jobId, cycleId, verdict, schemaVersion) => {
    const staged = verdict.removals.flatMap((removal, index) => {
      const allow = allowedFor(verdict, removal);
      const classes = removal.classes.filter((name) => !allow.includes(name));
      return classes.length > 0 && !removal.isIdle ? [{ removal, index, classes }] : [];
    });
    if (staged.length === 0) return;
    const job = await readRow<JobRow>(jobTable(deps.rows), jobId, ROW.job);
    if (!job) return;
    const { configurationId } = job.value;
    for (let at = 0; at < staged.length; at += AT_ONCE) {
      const part = staged.slice(at, at + AT_ONCE);
      const guids = part.map(({ removal }) => removal.objectGuid);
      const lights = await deps.objects.lights(configurationId, guids, { dn: true });
      await deps.provisioningLog.write(
        part.map((own) => entryOf(jobId, cycleId, verdict, schemaVersion, own, lights.get(own.removal.objectGuid))),
      );
    }
  };
}

function entryOf(
  jobId: string,
  cycleId: string,
  verdict: Verdict,
  schemaVersion: number,
  own: { readonly removal: JudgedRemoval; readonly index: number; readonly classes: readonly string[] },
  light: ObjectLight | undefined,
): LogEntry {
  const { removal, index, classes } = own;
  const batchId = `${cycleId}-staged`;
  const isDelete = classes.includes("deletes");
  const code = isDelete ? "StagedDelete" : "StagedAction";
  const reasons = REMOVAL_CLASSES.flatMap((name) =>
    classes.includes(name) ? [reasonFor(verdict, removal, name)] : [],
  );
  const reason = removal.blindBecause ?? reasons.find((one) => one !== "") ?? "";
  const message = `Held back (${classes.join(", ")})${reason === "" ? "" : `: ${reason}`}.`;
  return serviceEntry({
    ...{ jobId, cycleId, batchId, index, at: verdict.at, schemaVersion },
    ...{ outcome: "staged", status: "warning", code, message, step: "EntrySynchronizationStaged" },
    action: isDelete ? "stageddelete" : "other",
    ...{ objectGuid: removal.objectGuid, light },
    ...cameFrom(removal, cycleId, verdict),
  });
}
