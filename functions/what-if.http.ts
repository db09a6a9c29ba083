/** What-ifs of jobs: asked for, shown, approved. */
import type { WhatIfs } from "../shared/application/what-if/what-ifs.ts";
import { approveWhatIf, getWhatIf, listWhatIfs, runWhatIf } from "../shared/contracts/admin/what-ifs.ts";
import type { Route } from "./http-route.ts";
import { listed, plain, serveAdmin } from "./serve.ts";

export function whatIfRoutes(whatIfs: WhatIfs): Route[] {
  return [
    serveAdmin(runWhatIf, async ({ params, body }, admin) => plain(await whatIfs.run(params.jobId, body, admin.id))),
    serveAdmin(listWhatIfs, async (asked) =>
      listed(asked, await whatIfs.list(asked.params.jobId), ({ id }) => id, "descending"),
    ),
    serveAdmin(getWhatIf, async ({ params }) => plain(await whatIfs.get(params.jobId, params.id))),
    serveAdmin(approveWhatIf, async ({ params, body }, admin) =>
      plain(await whatIfs.approve(params.jobId, body.digest, admin.id)),
    ),
  ];
}
