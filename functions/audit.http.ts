/** The audit log, newest first. What is written there: `serve.ts`, around every change. */
import type { AuditLog } from "../shared/application/admin/audit-log.ts";
import { listDirectoryAudits } from "../shared/contracts/admin/audit.ts";
import type { Route } from "./http-route.ts";
import { paged, serveAdmin } from "./serve.ts";

export function auditRoute(audit: AuditLog): Route {
  return serveAdmin(listDirectoryAudits, async (asked) =>
    paged(asked, await audit.page(asked.query.$top, asked.query.$skiptoken)),
  );
}
