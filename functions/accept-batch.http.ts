/** A batch of changes comes in: 202 when it is stored now, 200 when it was stored before. */
import type { AcceptBatch } from "../shared/application/accept-batch.ts";
import { ok } from "../shared/application/failure.ts";
import { AGENT_ROUTES } from "../shared/contracts/agent-api.ts";
import type { Route } from "./http-route.ts";

export function acceptBatchRoute(acceptBatch: AcceptBatch): Route {
  return {
    name: "AcceptBatch",
    methods: ["POST"],
    route: AGENT_ROUTES.batches,
    guard: "agent",
    handle: async (request, agent) => {
      const { body, isGzip } = request;
      const accepted = await acceptBatch(agent, { jobId: request.params["jobId"] ?? "", body, isGzip });
      return accepted.ok
        ? ok({ status: accepted.value.accepted === "now" ? 202 : 200, body: accepted.value })
        : accepted;
    },
  };
}
