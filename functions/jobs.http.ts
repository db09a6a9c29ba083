/** Jobs: what they do and did, and starting, pausing and restarting them. */
import type { AdminQueries } from "../shared/application/admin-queries.ts";
import type { Configurations } from "../shared/application/configurations.ts";
import { ok, type Result } from "../shared/application/failure.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import type { Quarantines } from "../shared/application/quarantines.ts";
import { WATERMARK_RESET } from "../shared/application/reads.ts";
import { RestartRequest } from "../shared/contracts/admin/jobs.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import { AgentScope } from "../shared/contracts/configuration.ts";
import { type Route, type RouteReply, type RouteRequest, topOf } from "./http-route.ts";

export interface JobRouteDeps {
  readonly configurations: Configurations;
  readonly queries: AdminQueries;
  readonly quarantines: Pick<Quarantines, "clear">;
  readonly wakeJob: (jobId: string) => Promise<void>;
}

export function jobRoutes({ configurations, queries, quarantines, wakeJob }: JobRouteDeps): Route[] {
  return [
    get("JobStatus", ADMIN_ROUTES.jobStatus, (request) => queries.status(jobOf(request))),
    get("ListCycles", ADMIN_ROUTES.cycles, async (request) =>
      listed(await queries.cycles(jobOf(request), topOf(request))),
    ),
    get("ListDays", ADMIN_ROUTES.days, async (request) => listed(await queries.days(jobOf(request), topOf(request)))),
    get("ListEscrows", ADMIN_ROUTES.escrows, async (request) => listed(await queries.escrows(jobOf(request)))),
    {
      name: "SetScope",
      methods: ["PUT"],
      route: ADMIN_ROUTES.jobScope,
      guard: "admin-write",
      handle: async (request) => {
        const parsed = parseJson(request.body, AgentScope, "scope");
        if (!parsed.ok) return parsed;
        const done = await configurations.setScope(jobOf(request), parsed.value);
        return done.ok ? ok({ status: 200, body: done.value }) : done;
      },
    },
    {
      name: "JobAction",
      methods: ["POST"],
      route: ADMIN_ROUTES.jobAction,
      guard: "admin-write",
      handle: async (request) => {
        const { action } = request.params;
        const jobId = jobOf(request);
        const asked = parseJson(request.body.length > 0 ? request.body : Buffer.from("{}"), RestartRequest, "restart");
        if (action === "restart" && !asked.ok) return asked;
        const reason = asked.ok && asked.value.resetsWatermark ? WATERMARK_RESET : "asked";
        const done =
          action === "restart"
            ? await configurations.requestFullRead(jobId, reason)
            : await configurations.setPaused(jobId, action === "pause");
        if (!done.ok) return done;
        if (action === "pause") return ok({ status: 204, body: undefined });
        // As in Graph: who starts or restarts a job means it to work.
        await quarantines.clear(jobId);
        await wakeJob(jobId);
        return ok({ status: 204, body: undefined });
      },
    },
  ];
}

function get(name: string, route: string, query: (request: RouteRequest) => Promise<Result<unknown>>): Route {
  const handle = async (request: RouteRequest): Promise<Result<RouteReply>> => {
    const found = await query(request);
    return found.ok ? ok({ status: 200, body: found.value }) : found;
  };
  return { name, methods: ["GET"], route, guard: "admin-read", handle };
}

function listed(result: Result<unknown[]>): Result<unknown> {
  return result.ok ? ok({ value: result.value }) : result;
}

function jobOf(request: RouteRequest): string {
  return request.params["jobId"] ?? "";
}
