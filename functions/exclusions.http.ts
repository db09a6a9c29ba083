/** The exclusion list: what nobody may touch. */
import type { ExclusionAdmin } from "../shared/application/exclusion-admin.ts";
import { ok } from "../shared/application/failure.ts";
import { addExclusion, listExclusions, removeExclusion } from "../shared/contracts/admin/exclusions.ts";
import type { Route } from "./http-route.ts";
import { pagedBy, plain, serveAdmin } from "./serve.ts";

export function exclusionRoutes(exclusions: ExclusionAdmin): Route[] {
  return [
    serveAdmin(listExclusions, async (asked) => pagedBy(asked, ok(await exclusions.list()), ({ guid }) => guid)),
    serveAdmin(addExclusion, async ({ params, body }, admin) =>
      ok({ body: await exclusions.add(params.guid, body.reason, admin.id) }),
    ),
    serveAdmin(removeExclusion, async ({ params }, admin) => plain(await exclusions.remove(params.guid, admin.id))),
  ];
}
