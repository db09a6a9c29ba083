/** Rows that were lost: backups, what is put back from one, and the target read for matching. */
import type { RestoreRows } from "../shared/application/backup/restore-rows.ts";
import type { SeekTargets } from "../shared/application/matching/seek-targets.ts";
import { listBackups, restoreRows, seekTargets } from "../shared/contracts/admin/backups.ts";
import type { Route } from "./http-route.ts";
import { listed, plain, serveAdmin } from "./serve.ts";

export function backupRoutes({
  restoreRows: restore,
  seekTargets: seek,
}: {
  readonly restoreRows: RestoreRows;
  readonly seekTargets: SeekTargets;
}): Route[] {
  return [
    serveAdmin(listBackups, async (asked) => listed(asked, await restore.list(), ({ id }) => id, "descending")),
    serveAdmin(restoreRows, async ({ params, body }, admin) => plain(await restore.part(params.jobId, body, admin.id))),
    serveAdmin(seekTargets, async ({ params, body }, admin) => plain(await seek.page(params.jobId, body, admin.id))),
  ];
}
