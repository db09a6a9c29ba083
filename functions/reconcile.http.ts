/** Reconciles of a job: asked for, listed, shown with what they found. */
import type { ReconcileAdmin } from "../shared/application/reconcile/reconcile-admin.ts";
import { askReconcile, listFindings, listReconciles, showReconcile } from "../shared/contracts/admin/reconciles.ts";
import type { Route } from "./http-route.ts";
import { listed, paged, plain, serveAdmin } from "./serve.ts";

export function reconcileRoutes(reconciles: ReconcileAdmin): Route[] {
  return [
    serveAdmin(askReconcile, async ({ params, body }, admin) =>
      plain(await reconciles.ask(params.jobId, body.policy, admin.id)),
    ),
    serveAdmin(listReconciles, async (asked) =>
      listed(asked, await reconciles.list(asked.params.jobId), ({ id }) => id, "descending"),
    ),
    serveAdmin(showReconcile, async ({ params }) => plain(await reconciles.show(params.jobId, params.reconcileId))),
    serveAdmin(listFindings, async (asked) => {
      const { params, query } = asked;
      return paged(
        asked,
        await reconciles.findings(params.jobId, params.reconcileId, query.$skiptoken ?? null, query.$top),
      );
    }),
  ];
}
