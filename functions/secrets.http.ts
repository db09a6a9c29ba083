/** Secrets of a configuration, and the check of credentials against the target. */

import { ok } from "../shared/application/failure.ts";
import type { ConfigurationSecrets } from "../shared/application/jobs/configuration-secrets.ts";
import { listSecrets, putSecrets, validateCredentials } from "../shared/contracts/admin/secrets.ts";
import type { Route } from "./http-route.ts";
import { listed, serveAdmin } from "./serve.ts";

export function secretRoutes(secrets: ConfigurationSecrets): Route[] {
  return [
    serveAdmin(listSecrets, async (asked) =>
      listed(asked, await secrets.keys(asked.params.configurationId), ({ key }) => key),
    ),
    serveAdmin(putSecrets, async ({ params, body }, admin) => {
      const done = await secrets.replace(params.configurationId, body, admin.id);
      return done.ok ? ok({ body: undefined }) : done;
    }),
    serveAdmin(validateCredentials, async ({ params, body }) => {
      const done = await secrets.validate(params.configurationId, params.jobId, body);
      return done.ok ? ok({ body: undefined }) : done;
    }),
  ];
}
