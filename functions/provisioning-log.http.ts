/** The provisioning log, newest first, page by page. */
import type { AdminQueries } from "../shared/application/admin/admin-queries.ts";
import { ok } from "../shared/application/failure.ts";
import { listProvisioningLog } from "../shared/contracts/provisioning-log.ts";
import type { Route } from "./http-route.ts";
import { pageOf, serveAdmin } from "./serve.ts";

export function provisioningLogRoute(queries: Pick<AdminQueries, "log">): Route {
  return serveAdmin(listProvisioningLog, async ({ query, request, linkTo }) => {
    const { $filter: filter, $orderby: orderby, $top: top, $skiptoken: skipToken, ...own } = query;
    const found = await queries.log({ ...own, filter, orderby, top, skipToken });
    if (!found.ok) return found;
    // The next page answers the same question.
    const asked = Object.fromEntries([...request.query].filter(([name]) => name !== "$skiptoken"));
    return ok({ body: pageOf(found.value, (next) => linkTo({ ...asked, $top: String(top), $skiptoken: next })) });
  });
}
