/** The admin API: configurations, enrolment tokens, what a job does and did. */
import type { AdminQueries } from "../shared/application/admin-queries.ts";
import type { Configurations } from "../shared/application/configurations.ts";
import { fail, ok, type Result } from "../shared/application/failure.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import { ADMIN_ROUTES, type ConfigurationReply } from "../shared/contracts/admin-api.ts";
import { CreateConfigurationRequest, CreateTokenRequest } from "../shared/contracts/configuration.ts";
import type { Route, RouteReply, RouteRequest } from "./http-route.ts";

export function adminRoutes(deps: {
  readonly configurations: Configurations;
  readonly queries: AdminQueries;
  readonly wakeJob: (jobId: string) => Promise<void>;
}): Route[] {
  const { configurations, queries } = deps;
  return [
    {
      name: "CreateConfiguration",
      methods: ["POST"],
      route: ADMIN_ROUTES.configurations,
      guard: "admin-write",
      handle: async (request) => {
        const parsed = parseJson(request.body, CreateConfigurationRequest, "configuration");
        if (!parsed.ok) return parsed;
        const created = await configurations.create(parsed.value);
        return created.ok
          ? ok({ status: created.value.created ? 201 : 200, body: configurationReply(created.value) })
          : created;
      },
    },
    {
      name: "ListConfigurations",
      methods: ["GET"],
      route: ADMIN_ROUTES.configurations,
      guard: "admin-read",
      handle: async () => ok({ status: 200, body: { value: (await configurations.list()).map(configurationReply) } }),
    },
    {
      name: "CreateEnrolmentToken",
      methods: ["POST"],
      route: ADMIN_ROUTES.tokens,
      guard: "admin-write",
      handle: async (request, admin) => {
        const parsed = parseJson(request.body, CreateTokenRequest, "token request");
        if (!parsed.ok) return parsed;
        const made = await configurations.createToken(request.params["configurationId"] ?? "", parsed.value, admin.id);
        return made.ok
          ? ok({
              status: 201,
              body: { token: made.value.token, expiresAt: new Date(made.value.expiresAt).toISOString() },
            })
          : made;
      },
    },
    {
      name: "ListAgents",
      methods: ["GET"],
      route: ADMIN_ROUTES.agents,
      guard: "admin-read",
      handle: async (request) => {
        const id = request.params["configurationId"] ?? "";
        const entry = (await configurations.list()).find((own) => own.configurationId === id);
        if (!entry)
          return fail({
            status: 404,
            code: "configuration-not-found",
            message: `There is no configuration ${id}.`,
            remedy: "List the configurations and take an id from there.",
          });
        return ok({ status: 200, body: { value: await queries.agents(id, entry.jobId) } });
      },
    },
    {
      name: "JobStatus",
      methods: ["GET"],
      route: ADMIN_ROUTES.jobStatus,
      guard: "admin-read",
      handle: (request) => answered(queries.status(request.params["jobId"] ?? "")),
    },
    {
      name: "ListCycles",
      methods: ["GET"],
      route: ADMIN_ROUTES.cycles,
      guard: "admin-read",
      handle: (request) => listed(queries.cycles(request.params["jobId"] ?? "", topOf(request))),
    },
    {
      name: "ListEscrows",
      methods: ["GET"],
      route: ADMIN_ROUTES.escrows,
      guard: "admin-read",
      handle: (request) => listed(queries.escrows(request.params["jobId"] ?? "")),
    },
    {
      name: "JobAction",
      methods: ["POST"],
      route: ADMIN_ROUTES.jobAction,
      guard: "admin-write",
      handle: async (request) => {
        const jobId = request.params["jobId"] ?? "";
        const { action } = request.params;
        const done =
          action === "restart"
            ? await configurations.requestFullRead(jobId, "asked")
            : await configurations.setPaused(jobId, action === "pause");
        if (!done.ok) return done;
        if (action !== "pause") await deps.wakeJob(jobId);
        return ok({ status: 204, body: undefined });
      },
    },
    {
      name: "ProvisioningLog",
      methods: ["GET"],
      route: ADMIN_ROUTES.provisioningLog,
      guard: "admin-read",
      handle: async (request) => {
        const jobId = request.query.get("jobId");
        if (jobId === null)
          return fail({
            status: 400,
            code: "query-unsupported",
            message: "The query names no jobId.",
            remedy: "Add ?jobId=…, and optionally objectGuid, sinceDays and $top.",
          });
        const objectGuid = request.query.get("objectGuid");
        const sinceDays = Math.min(Math.max(Number(request.query.get("sinceDays") ?? 2) || 2, 1), 31);
        return ok({
          status: 200,
          body: {
            value: await queries.log({
              jobId,
              ...(objectGuid === null ? {} : { objectGuid }),
              sinceDays,
              top: topOf(request),
            }),
          },
        });
      },
    },
  ];
}

function configurationReply(entry: {
  configurationId: string;
  jobId: string;
  displayName: string;
  domainFqdn: string;
}): ConfigurationReply {
  return {
    id: entry.configurationId,
    jobId: entry.jobId,
    displayName: entry.displayName,
    domainFqdn: entry.domainFqdn,
  };
}

function topOf(request: RouteRequest): number {
  const top = Number(request.query.get("$top") ?? 50);
  return Number.isInteger(top) && top > 0 ? Math.min(top, 1000) : 50;
}

async function answered(result: Promise<Result<unknown>>): Promise<Result<RouteReply>> {
  const settled = await result;
  return settled.ok ? ok({ status: 200, body: settled.value }) : settled;
}

async function listed(result: Promise<Result<unknown[]>>): Promise<Result<RouteReply>> {
  const settled = await result;
  return settled.ok ? ok({ status: 200, body: { value: settled.value } }) : settled;
}
