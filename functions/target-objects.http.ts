/** What the target has of a name. */
import type { FindTargetObjects } from "../shared/application/links/target-objects.ts";
import { listTargetObjects } from "../shared/contracts/admin/target-objects.ts";
import type { Route } from "./http-route.ts";
import { listed, serveAdmin } from "./serve.ts";

export function targetObjectsRoute(find: FindTargetObjects): Route {
  return serveAdmin(listTargetObjects, async (asked) => listed(asked, await find(asked.query.name), ({ id }) => id));
}
