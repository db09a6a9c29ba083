/** Links mended by hand. */
import { ok } from "../shared/application/failure.ts";
import type { LinkAdmin } from "../shared/application/link-admin.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import type { Admin } from "../shared/application/verify-admin-token.ts";
import { JoinRequest, MoveRequest, RebuildRequest } from "../shared/contracts/admin/links.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import type { Route, RouteRequest } from "./http-route.ts";

export function linkRoutes(links: LinkAdmin): Route[] {
  const placeOf = ({ params }: RouteRequest) => [params["jobId"] ?? "", params["objectGuid"] ?? ""] as const;

  async function change(request: RouteRequest, admin: Admin) {
    const [jobId, objectGuid] = placeOf(request);
    switch (request.params["action"]) {
      case "join": {
        const asked = parseJson(request.body, JoinRequest, "join request");
        return asked.ok ? links.join(jobId, objectGuid, asked.value.targetId, admin.id) : asked;
      }
      case "move": {
        const asked = parseJson(request.body, MoveRequest, "move request");
        if (!asked.ok) return asked;
        const to = { jobId: asked.value.toJobId ?? jobId, objectGuid: asked.value.toObjectGuid };
        return links.move(jobId, objectGuid, to, admin.id);
      }
      default:
        return links.unlink(jobId, objectGuid, admin.id);
    }
  }

  return [
    {
      name: "ShowLink",
      methods: ["GET"],
      route: ADMIN_ROUTES.link,
      guard: "admin-read",
      handle: async (request) => {
        const shown = await links.show(...placeOf(request));
        return shown.ok ? ok({ status: 200, body: shown.value }) : shown;
      },
    },
    {
      name: "ChangeLink",
      methods: ["POST"],
      route: ADMIN_ROUTES.linkAction,
      guard: "admin-write",
      handle: async (request, admin) => {
        const done = await change(request, admin);
        return done.ok ? ok({ status: 200, body: done.value }) : done;
      },
    },
    {
      name: "RebuildLinks",
      methods: ["POST"],
      route: ADMIN_ROUTES.rebuildLinks,
      guard: "admin-write",
      handle: async (request, admin) => {
        const asked = parseJson(request.body, RebuildRequest, "rebuild request");
        if (!asked.ok) return asked;
        const done = await links.rebuild(placeOf(request)[0], asked.value.shard, admin.id);
        return done.ok ? ok({ status: 200, body: done.value }) : done;
      },
    },
  ];
}
