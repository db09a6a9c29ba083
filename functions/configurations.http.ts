/** Configurations and their enrolment tokens. */
import type { ConfigurationEntry, Configurations } from "../shared/application/configurations.ts";
import { ok } from "../shared/application/failure.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import { CreateConfigurationRequest, CreateTokenRequest } from "../shared/contracts/configuration.ts";
import type { Route } from "./http-route.ts";

export function configurationRoutes(configurations: Configurations): Route[] {
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
        return created.ok ? ok({ status: created.value.created ? 201 : 200, body: replyOf(created.value) }) : created;
      },
    },
    {
      name: "ListConfigurations",
      methods: ["GET"],
      route: ADMIN_ROUTES.configurations,
      guard: "admin-read",
      handle: async () => ok({ status: 200, body: { value: (await configurations.list()).map(replyOf) } }),
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
  ];
}

function replyOf(entry: ConfigurationEntry): ConfigurationReply {
  return {
    id: entry.configurationId,
    jobId: entry.jobId,
    displayName: entry.displayName,
    domainFqdn: entry.domainFqdn,
  };
}
