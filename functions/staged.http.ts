/** What waits for an admin's hand: staged removals, and escrows that needn't wait for their time. */
import type { AdminQueries } from "../shared/application/admin/admin-queries.ts";
import type { StagedContents } from "../shared/application/guard/staged-contents.ts";
import type { StagedSets } from "../shared/application/guard/staged-sets.ts";
import type { RetryEscrows } from "../shared/application/lanes/retry-escrows.ts";
import type { StagedClass } from "../shared/application/state/removal-rows.ts";
import { listEscrows, retryEscrows } from "../shared/contracts/admin/escrows.ts";
import { decideStaged, listStaged, listStagedObjects } from "../shared/contracts/admin/staged.ts";
import type { Route } from "./http-route.ts";
import { listed, paged, plain, serveAdmin } from "./serve.ts";

export function stagedRoutes(deps: {
  readonly staged: StagedSets;
  readonly retryEscrows: RetryEscrows;
  readonly stagedContents: StagedContents;
  readonly queries: Pick<AdminQueries, "escrowPage">;
}): Route[] {
  const { staged } = deps;
  return [
    serveAdmin(listStaged, async (asked) => {
      const { params, query } = asked;
      const all = await staged.list(params.jobId, { members: query.members === "true" });
      return listed(asked, all, (set) => `${set.class}.${set.digest}`);
    }),
    serveAdmin(listStagedObjects, async (asked) => {
      const { params, query } = asked;
      const set = { class: params.class as StagedClass, digest: params.digest };
      return paged(asked, await deps.stagedContents(params.jobId, set, query.$skiptoken ?? null, query.$top));
    }),
    serveAdmin(decideStaged, async ({ params, body }, admin) => {
      const decide = params.action === "approve" ? staged.approve : staged.drop;
      // The path lets nothing else through.
      return plain(await decide(params.jobId, params.class as StagedClass, body.digest, admin.id));
    }),
    serveAdmin(listEscrows, async (asked) => {
      const { $top, $skiptoken } = asked.query;
      return paged(asked, await deps.queries.escrowPage(asked.params.jobId, $top, $skiptoken));
    }),
    serveAdmin(retryEscrows, async ({ params, body }, admin) =>
      plain(await deps.retryEscrows(params.jobId, body.objectGuid, admin.id)),
    ),
  ];
}
