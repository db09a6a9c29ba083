/** The exclusion list: what nobody may touch. */
import type { ExclusionAdmin } from "../shared/application/exclusions/exclusion-admin.ts";
import { ok, type Result } from "../shared/application/failure.ts";
import { etagOf } from "../shared/application/jobs/job-settings.ts";
import {
  addExclusion,
  type ExclusionReply,
  getExclusion,
  listExclusions,
  removeExclusion,
} from "../shared/contracts/admin/exclusions.ts";
import type { Route } from "./http-route.ts";
import { expectEtag, expectPresent, pagedBy, type Served, serveAdmin } from "./serve.ts";

export function exclusionRoutes(exclusions: ExclusionAdmin): Route[] {
  return [
    serveAdmin(listExclusions, async (asked) => pagedBy(asked, ok(await exclusions.list()), ({ guid }) => guid)),
    serveAdmin(getExclusion, async ({ params }) => withEtag(await exclusions.show(params.guid))),
    serveAdmin(addExclusion, async (asked, admin) => {
      const { guid } = asked.params;
      const refusalOf = (now: string | undefined) => expectPresent(entry(guid), asked, now);
      return withEtag(await exclusions.add(guid, asked.body.reason, admin.id, refusalOf));
    }),
    serveAdmin(removeExclusion, async ({ params: { guid }, ifMatch }, admin) =>
      withEtag(await exclusions.remove(guid, admin.id, (now) => expectEtag(entry(guid), ifMatch, now))),
    ),
  ];
}

const entry = (guid: string) => `The exclusion of ${guid}`;

function withEtag(shown: Result<ExclusionReply>): Result<Served<ExclusionReply>> {
  return shown.ok ? ok({ body: shown.value, etag: etagOf(shown.value) }) : shown;
}
