/**
 * What a service does beside working off its agents' batches, made to happen while it is recorded: a what-if, a reconcile, the
 * nightly backup of rows, and the migration of a job that an older release made. Each activity of theirs fails once.
 */
import { readFile } from "node:fs/promises";
import { createTableRowStore } from "../../shared/adapters/tables/row-store.ts";
import { type JobRow, jobTable, pack, ROW, readRow } from "../../shared/application/state/job-rows.ts";
import { listBackups } from "../../shared/contracts/admin/backups.ts";
import { StartError } from "../start/home.ts";
import type { Runtime } from "../start/runtime.ts";
import { createSecureFetch } from "../start/secure-fetch.ts";
import { until } from "./until.ts";

export const DUTIES_FAILED_ONCE = ["MapWhatIf", "ReconcileStep", "BackUpPiece", "MigrateStep"] as const;

/** Throws `StartError` when one of them doesn't come to its end. */
export async function runDuties(runtime: Runtime, jobId: string, log: (line: string) => void): Promise<void> {
  const { admin } = runtime;
  log("a what-if of the job as it is");
  const { id } = await admin.runWhatIf(jobId, { kind: "present" });
  await until("the what-if", async () => (await admin.whatIf(jobId, id)).state === "done");

  log("a reconcile, as far as the first look");
  const asked = await admin.reconcile(jobId, "report");
  await until("the reconcile", async () =>
    ["confirming", "done"].includes((await admin.reconcileOf(jobId, asked.id)).state),
  );

  log("a backup");
  await runTimer(runtime, "Backup");
  await until("the backup", async () => (await admin.call(listBackups, {})).value.length > 0);

  log("the migration of a job that an older release made");
  await forgetFormat(runtime, jobId);
  await runTimer(runtime, "Tick");
  await until("the migration", async () => (await migrationOf(runtime, jobId)) === "done");
}

/** As the host's administration API does it: at once, and not at its hour. */
async function runTimer({ caFile, urls }: Runtime, name: string): Promise<void> {
  const fetch = createSecureFetch(await readFile(caFile, "utf8"));
  const headers = { "content-type": "application/json" };
  const { status } = await fetch(`${urls.service}/admin/functions/${name}`, { method: "POST", headers, body: "{}" });
  if (status !== 202) throw new StartError(`The timer ${name} was not run (${status}).`);
}

/** Release 0.1.0 wrote no format into its jobs. */
async function forgetFormat({ storageConnection }: Runtime, jobId: string): Promise<void> {
  const jobs = jobTable(createTableRowStore({ connectionString: storageConnection }));
  const job = await readRow<JobRow>(jobs, jobId, ROW.job);
  if (!job) throw new StartError(`The job ${jobId} has no row.`);
  const { objectFormat: _, ...older } = job.value;
  const written = await jobs.transact(jobId, [{ op: "replace", row: ROW.job, values: pack(older), etag: job.etag }]);
  if (!written.ok) throw new StartError(`The row of ${jobId} was changed meanwhile.`);
}

async function migrationOf({ storageConnection }: Runtime, jobId: string): Promise<string | undefined> {
  const jobs = jobTable(createTableRowStore({ connectionString: storageConnection }));
  return (await readRow<{ readonly state: string }>(jobs, jobId, "migration"))?.value.state;
}
