/**
 * How old the newest whole backup of rows is: what the gauge tells, and what the health answer finds when a night went by without one.
 *
 * Whole ones have a manifest, and its name has the moment at which the backup was begun; what one holds isn't looked at here. Where none
 * was ever made, it counts from the oldest job: before that there was nothing to keep.
 */
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { Configurations } from "../jobs/configurations.ts";
import { createBackupFiles, momentOfBackup } from "../state/backup-files.ts";
import { type JobRow, jobTable, ROW, readRow } from "../state/job-rows.ts";

export interface BackupAge {
  readonly ms: number;
  /** Id of the newest whole one; undefined: there is none. */
  readonly newest: string | undefined;
}

export type TellBackupAge = () => Promise<BackupAge>;

export function createTellBackupAge(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly configurations: Pick<Configurations, "list">;
  readonly targetKey: string;
}): TellBackupAge {
  const files = createBackupFiles(deps);

  async function oldestJob(): Promise<number> {
    const entries = await deps.configurations.list();
    const jobs = await Promise.all(entries.map(({ jobId }) => readRow<JobRow>(jobTable(deps.rows), jobId, ROW.job)));
    return Math.min(deps.clock.now(), ...jobs.flatMap((job) => (job ? [job.value.createdAt] : [])));
  }

  return async () => {
    const newest = (await files.ids()).at(-1);
    const since = (newest === undefined ? undefined : momentOfBackup(newest)) ?? (await oldestJob());
    return { ms: Math.max(0, deps.clock.now() - since), newest };
  };
}
