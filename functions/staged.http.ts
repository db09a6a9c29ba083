/** What waits for an admin's hand: staged removals, and escrows that needn't wait for their time. */
import { ok } from "../shared/application/failure.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import type { RetryEscrows } from "../shared/application/retry-escrows.ts";
import type { StagedContents } from "../shared/application/staged-contents.ts";
import type { StagedSets } from "../shared/application/staged-sets.ts";
import type { StagedClass } from "../shared/application/state/removal-rows.ts";
import { EscrowRetryRequest } from "../shared/contracts/admin/escrows.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import { StagedDecisionRequest } from "../shared/contracts/admin/staged.ts";
import { type Route, type RouteRequest, topOf } from "./http-route.ts";

export function stagedRoutes(deps: {
  readonly staged: StagedSets;
  readonly stagedContents: StagedContents;
  readonly retryEscrows: RetryEscrows;
}): Route[] {
  const { staged, stagedContents, retryEscrows } = deps;
  return [
    {
      name: "ListStaged",
      methods: ["GET"],
      route: ADMIN_ROUTES.staged,
      guard: "admin-read",
      handle: async (request) => {
        const sets = await staged.list(jobOf(request), { members: request.query.get("members") === "true" });
        return sets.ok ? ok({ status: 200, body: { value: sets.value } }) : sets;
      },
    },
    {
      name: "ListStagedObjects",
      methods: ["GET"],
      route: ADMIN_ROUTES.stagedObjects,
      guard: "admin-read",
      handle: async (request) => {
        const set = { class: classOf(request), digest: request.params["digest"] ?? "" };
        const top = topOf(request);
        const found = await stagedContents(jobOf(request), set, request.query.get("$skiptoken"), top);
        if (!found.ok) return found;
        const { value, next } = found.value;
        const path = `/api/v1.0/uplink/jobs/${jobOf(request)}/staged/${set.class}/${set.digest}/objects`;
        const link = next === undefined ? {} : { "@odata.nextLink": `${path}?$top=${top}&$skiptoken=${next}` };
        return ok({ status: 200, body: { value, ...link } });
      },
    },
    {
      name: "DecideStaged",
      methods: ["POST"],
      route: ADMIN_ROUTES.stagedDecision,
      guard: "admin-write",
      handle: async (request, admin) => {
        const asked = parseJson(request.body, StagedDecisionRequest, "decision on staged removals");
        if (!asked.ok) return asked;
        const decide = request.params["action"] === "approve" ? staged.approve : staged.drop;
        const done = await decide(jobOf(request), classOf(request), asked.value.digest, admin.id);
        return done.ok ? ok({ status: 200, body: done.value }) : done;
      },
    },
    {
      name: "RetryEscrows",
      methods: ["POST"],
      route: ADMIN_ROUTES.escrowRetry,
      guard: "admin-write",
      handle: async (request, admin) => {
        const asked = parseJson(request.body, EscrowRetryRequest, "retry request");
        if (!asked.ok) return asked;
        const done = await retryEscrows(jobOf(request), asked.value.objectGuid, admin.id);
        return done.ok ? ok({ status: 200, body: done.value }) : done;
      },
    },
  ];
}

/** The route lets nothing else through. */
function classOf(request: RouteRequest): StagedClass {
  return request.params["class"] as StagedClass;
}

function jobOf(request: RouteRequest): string {
  return request.params["jobId"] ?? "";
}
