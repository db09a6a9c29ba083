/** Enrolment: a one-time token and the proof of a new key make an agent. */
import type { EnrolAgent } from "../shared/application/agents/enrol-agent.ts";
import type { ProofVerifier } from "../shared/application/agents/verify-proof.ts";
import { enrol } from "../shared/contracts/agent-api.ts";
import type { Route } from "./http-route.ts";
import { plain, serveOpen } from "./serve.ts";

export function enrolRoute(deps: { readonly proofs: ProofVerifier; readonly enrolAgent: EnrolAgent }): Route {
  return serveOpen(enrol, async ({ body, request }) => {
    const proven = await deps.proofs.newKey(request.signed, body.publicKey);
    return proven.ok ? plain(await deps.enrolAgent(body, proven.value)) : proven;
  });
}
