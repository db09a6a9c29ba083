/** Everything but exports, or exports too; and every object mapped anew without a read. */
import type { HeldExports } from "../shared/application/export/held-exports.ts";
import { reevaluate, setJobMode } from "../shared/contracts/admin/jobs.ts";
import type { Route } from "./http-route.ts";
import { plain, serveAdmin } from "./serve.ts";

export function heldExportsRoutes({
  heldExports,
}: {
  readonly heldExports: Pick<HeldExports, "setMode" | "reevaluate">;
}): Route[] {
  return [
    serveAdmin(setJobMode, async ({ params, body }, admin) =>
      plain(await heldExports.setMode(params.jobId, body.mode, admin.id)),
    ),
    serveAdmin(reevaluate, async ({ params }, admin) => plain(await heldExports.reevaluate(params.jobId, admin.id))),
  ];
}
