/** Reconciles of a job: asked for, listed, shown with what they found. */
import { ok } from "../shared/application/failure.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import type { ReconcileAdmin } from "../shared/application/reconcile-admin.ts";
import { ReconcileRequest } from "../shared/contracts/admin/reconciles.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import { type Route, type RouteRequest, topOf } from "./http-route.ts";

export function reconcileRoutes(reconciles: ReconcileAdmin): Route[] {
  return [
    {
      name: "AskReconcile",
      methods: ["POST"],
      route: ADMIN_ROUTES.reconcile,
      guard: "admin-write",
      handle: async (request, admin) => {
        const asked = parseJson(request.body, ReconcileRequest, "reconcile request");
        if (!asked.ok) return asked;
        const done = await reconciles.ask(jobOf(request), asked.value.policy, admin.id);
        return done.ok ? ok({ status: 202, body: done.value }) : done;
      },
    },
    {
      name: "ListReconciles",
      methods: ["GET"],
      route: ADMIN_ROUTES.reconciles,
      guard: "admin-read",
      handle: async (request) => {
        const found = await reconciles.list(jobOf(request));
        return found.ok ? ok({ status: 200, body: { value: found.value } }) : found;
      },
    },
    {
      name: "ShowReconcile",
      methods: ["GET"],
      route: ADMIN_ROUTES.reconcileOne,
      guard: "admin-read",
      handle: async (request) => {
        const found = await reconciles.show(jobOf(request), idOf(request));
        return found.ok ? ok({ status: 200, body: found.value }) : found;
      },
    },
    {
      name: "ListFindings",
      methods: ["GET"],
      route: ADMIN_ROUTES.reconcileFindings,
      guard: "admin-read",
      handle: async (request) => {
        const top = topOf(request);
        const found = await reconciles.findings(jobOf(request), idOf(request), request.query.get("$skiptoken"), top);
        if (!found.ok) return found;
        const { value, next } = found.value;
        const path = `/api/v1.0/uplink/jobs/${jobOf(request)}/reconciles/${idOf(request)}/findings`;
        const link = next === undefined ? {} : { "@odata.nextLink": `${path}?$top=${top}&$skiptoken=${next}` };
        return ok({ status: 200, body: { value, ...link } });
      },
    },
  ];
}

function jobOf(request: RouteRequest): string {
  return request.params["jobId"] ?? "";
}

function idOf(request: RouteRequest): string {
  return request.params["reconcileId"] ?? "";
}
