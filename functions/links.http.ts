/** Links mended by hand. */
import type { LinkAdmin } from "../shared/application/links/link-admin.ts";
import { joinLink, moveLink, rebuildLinks, showLink, unlink } from "../shared/contracts/admin/links.ts";
import type { Route } from "./http-route.ts";
import { plain, serveAdmin } from "./serve.ts";

export function linkRoutes(links: LinkAdmin): Route[] {
  return [
    serveAdmin(showLink, async ({ params }) => plain(await links.show(params.jobId, params.objectGuid))),
    serveAdmin(joinLink, async ({ params, body }, admin) =>
      plain(await links.join(params.jobId, params.objectGuid, body.targetId, admin.id)),
    ),
    serveAdmin(moveLink, async ({ params, body }, admin) => {
      const to = { jobId: body.toJobId ?? params.jobId, objectGuid: body.toObjectGuid };
      return plain(await links.move(params.jobId, params.objectGuid, to, admin.id));
    }),
    serveAdmin(unlink, async ({ params }, admin) =>
      plain(await links.unlink(params.jobId, params.objectGuid, admin.id)),
    ),
    serveAdmin(rebuildLinks, async ({ params, body }, admin) =>
      plain(await links.rebuild(params.jobId, body, admin.id)),
    ),
  ];
}
