/** Enrolment: a one-time token and the proof of a new key make an agent. */
import type { EnrolAgent } from "../shared/application/enrol-agent.ts";
import { ok } from "../shared/application/failure.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import type { ProofVerifier } from "../shared/application/verify-proof.ts";
import { AGENT_ROUTES, EnrolRequest } from "../shared/contracts/agent-api.ts";
import type { Route } from "./http-route.ts";

export function enrolRoute(deps: { readonly proofs: ProofVerifier; readonly enrolAgent: EnrolAgent }): Route {
  return {
    name: "Enrol",
    methods: ["POST"],
    route: AGENT_ROUTES.enrol,
    guard: "enrolment",
    handle: async (request) => {
      const parsed = parseJson(request.body, EnrolRequest, "enrolment");
      if (!parsed.ok) return parsed;
      const proven = await deps.proofs.newKey(request.signed, parsed.value.publicKey);
      if (!proven.ok) return proven;
      const enrolled = await deps.enrolAgent(parsed.value, proven.value);
      return enrolled.ok ? ok({ status: 201, body: enrolled.value }) : enrolled;
    },
  };
}
