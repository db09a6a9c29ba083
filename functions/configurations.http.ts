/** Configurations, one for each domain. */

import { ok } from "../shared/application/failure.ts";
import type { ConfigurationEntry, Configurations } from "../shared/application/jobs/configurations.ts";
import {
  type ConfigurationReply,
  createConfiguration,
  listConfigurations,
} from "../shared/contracts/admin/configurations.ts";
import type { Route } from "./http-route.ts";
import { listed, serveAdmin } from "./serve.ts";

export function configurationRoutes(configurations: Configurations): Route[] {
  return [
    serveAdmin(createConfiguration, async ({ body, onlyNew }) => {
      const created = await configurations.create(body, { onlyNew });
      return created.ok ? ok({ body: replyOf(created.value), status: created.value.created ? 201 : 200 }) : created;
    }),
    serveAdmin(listConfigurations, async (asked) =>
      listed(asked, ok((await configurations.list()).map(replyOf)), ({ id }) => id),
    ),
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
