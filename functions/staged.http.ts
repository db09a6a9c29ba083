/** What waits for an admin's hand: staged removals, and escrows that needn't wait for their time. */
import type { AdminQueries } from "../shared/application/admin-queries.ts";
import { ok } from "../shared/application/failure.ts";
import type { RetryEscrows } from "../shared/application/retry-escrows.ts";
import type { StagedContents } from "../shared/application/staged-contents.ts";
import type { StagedSets } from "../shared/application/staged-sets.ts";
import type { StagedClass } from "../shared/application/state/removal-rows.ts";
import { listEscrows, retryEscrows } from "../shared/contracts/admin/escrows.ts";
import { decideStaged, listStaged, listStagedObjects } from "../shared/contracts/admin/staged.ts";
import type { Route } from "./http-route.ts";
import { listed, pageOf, plain, serveAdmin } from "./serve.ts";

export function stagedRoutes(deps: {
  readonly staged: StagedSets;
  readonly retryEscrows: RetryEscrows;
  readonly stagedContents: StagedContents;
  readonly queries: Pick<AdminQueries, "escrows">;
}): Route[] {
  const { staged } = deps;
  return [
    serveAdmin(listStaged, async ({ params, query }) =>
      listed(await staged.list(params.jobId, { members: query.members === "true" })),
    ),
    serveAdmin(listStagedObjects, async ({ params, query, linkTo }) => {
      const { $top, $skiptoken } = query;
      const set = { class: params.class as StagedClass, digest: params.digest };
      const found = await deps.stagedContents(params.jobId, set, $skiptoken ?? null, $top);
      return found.ok
        ? ok({ body: pageOf(found.value, (next) => linkTo({ $top: String($top), $skiptoken: next })) })
        : found;
    }),
    serveAdmin(decideStaged, async ({ params, body }, admin) => {
      const decide = params.action === "approve" ? staged.approve : staged.drop;
      // The path lets nothing else through.
      return plain(await decide(params.jobId, params.class as StagedClass, body.digest, admin.id));
    }),
    serveAdmin(listEscrows, async ({ params }) => listed(await deps.queries.escrows(params.jobId))),
    serveAdmin(retryEscrows, async ({ params, body }, admin) =>
      plain(await deps.retryEscrows(params.jobId, body.objectGuid, admin.id)),
    ),
  ];
}
