/** A batch of changes comes in: 202 when it is stored now, 200 when it was stored before. */

import { ok } from "../shared/application/failure.ts";
import type { AcceptBatch } from "../shared/application/reading/accept-batch.ts";
import { acceptBatch } from "../shared/contracts/agent-api.ts";
import type { Route } from "./http-route.ts";
import { serveAgent } from "./serve.ts";

export function acceptBatchRoute(accept: AcceptBatch): Route {
  return serveAgent(acceptBatch, async ({ params, request: { body, isGzip, trace } }, agent) => {
    const accepted = await accept(agent, { jobId: params.jobId, body, isGzip, trace });
    return accepted.ok ? ok({ body: accepted.value, status: accepted.value.accepted === "now" ? 202 : 200 }) : accepted;
  });
}
