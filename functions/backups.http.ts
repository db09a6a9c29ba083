/** Backups of rows: which there are, and what is put back from one. */
import type { RestoreRows } from "../shared/application/restore-rows.ts";
import { listBackups, restoreRows } from "../shared/contracts/admin/backups.ts";
import type { Route } from "./http-route.ts";
import { listed, plain, serveAdmin } from "./serve.ts";

export function backupRoutes(restore: RestoreRows): Route[] {
  return [
    serveAdmin(listBackups, async () => listed(await restore.list())),
    serveAdmin(restoreRows, async ({ params, body }, admin) => plain(await restore.part(params.jobId, body, admin.id))),
  ];
}
