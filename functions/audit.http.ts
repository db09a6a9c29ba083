/** The audit log, newest first. What is written there: `serve.ts`, around every change. */
import type { AuditLog } from "../shared/application/audit-log.ts";
import { ok } from "../shared/application/failure.ts";
import { listDirectoryAudits } from "../shared/contracts/admin/audit.ts";
import type { Route } from "./http-route.ts";
import { pageOf, serveAdmin } from "./serve.ts";

export function auditRoute(audit: AuditLog): Route {
  return serveAdmin(listDirectoryAudits, async ({ query: { $top, $skiptoken }, linkTo }) => {
    const page = await audit.page($top, $skiptoken);
    if (!page.ok) return page;
    return ok({ body: pageOf(page.value, (next) => linkTo({ $top: String($top), $skiptoken: next })) });
  });
}
