/** The one-time tokens by which agents enrol. */

import type { EnrolmentTokens } from "../shared/application/agents/enrolment-tokens.ts";
import { ok } from "../shared/application/failure.ts";
import type { Configurations } from "../shared/application/jobs/configurations.ts";
import {
  createEnrolmentToken,
  listEnrolmentTokens,
  revokeEnrolmentToken,
} from "../shared/contracts/admin/enrolment-tokens.ts";
import type { Route } from "./http-route.ts";
import { pagedBy, serveAdmin } from "./serve.ts";

export function enrolmentTokenRoutes({
  configurations,
  enrolmentTokens,
}: {
  readonly configurations: Pick<Configurations, "createToken">;
  readonly enrolmentTokens: EnrolmentTokens;
}): Route[] {
  return [
    serveAdmin(createEnrolmentToken, async ({ params, body }, admin) => {
      const made = await configurations.createToken(params.configurationId, body, admin.id);
      if (!made.ok) return made;
      const { id, token, expiresAt } = made.value;
      return ok({ body: { id, token, expiresAt: new Date(expiresAt).toISOString() } });
    }),
    serveAdmin(listEnrolmentTokens, async (asked) =>
      pagedBy(asked, await enrolmentTokens.list(asked.params.configurationId), ({ id }) => id),
    ),
    serveAdmin(revokeEnrolmentToken, async ({ params }, admin) => {
      const done = await enrolmentTokens.revoke(params.configurationId, params.tokenId, admin.id);
      return done.ok ? ok({ body: undefined }) : done;
    }),
  ];
}
