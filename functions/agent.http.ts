/** The agent API: enrolment, heartbeat, batches. */
import type { AcceptBatch } from "../shared/application/accept-batch.ts";
import type { EnrolAgent } from "../shared/application/enrol-agent.ts";
import { ok } from "../shared/application/failure.ts";
import type { Heartbeat } from "../shared/application/heartbeat.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import type { ProofVerifier } from "../shared/application/verify-proof.ts";
import { AGENT_ROUTES, EnrolRequest, HeartbeatRequest } from "../shared/contracts/agent-api.ts";
import type { Route } from "./http-route.ts";

export function agentRoutes(deps: {
  readonly proofs: ProofVerifier;
  readonly enrolAgent: EnrolAgent;
  readonly heartbeat: Heartbeat;
  readonly acceptBatch: AcceptBatch;
}): Route[] {
  return [
    {
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
    },
    {
      name: "Heartbeat",
      methods: ["POST"],
      route: AGENT_ROUTES.heartbeat,
      guard: "agent",
      handle: async (request, agent) => {
        const parsed = parseJson(request.body, HeartbeatRequest, "heartbeat");
        if (!parsed.ok) return parsed;
        const reply = await deps.heartbeat(agent, parsed.value);
        return reply.ok ? ok({ status: 200, body: reply.value }) : reply;
      },
    },
    {
      name: "AcceptBatch",
      methods: ["POST"],
      route: AGENT_ROUTES.batches,
      guard: "agent",
      handle: async (request, agent) => {
        const accepted = await deps.acceptBatch(agent, {
          jobId: request.params["jobId"] ?? "",
          body: request.body,
          isGzip: request.isGzip,
        });
        return accepted.ok
          ? ok({ status: accepted.value.accepted === "now" ? 202 : 200, body: accepted.value })
          : accepted;
      },
    },
  ];
}
