/** The one way of every HTTP request: bounded, authenticated by its route's guard, handled, answered with a `request-id`. */
import { randomUUID } from "node:crypto";
import type { HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import type { Result } from "../shared/application/failure.ts";
import { PROOF_HEADER } from "../shared/contracts/proof.ts";
import { refusal, tooLarge, unavailable } from "./http-refusal.ts";
import type { Route, RouteDeps, RouteReply, RouteRequest } from "./http-route.ts";

/** Larger bodies are refused before they are read: a batch is 4 MiB at most, inflated. */
const MAX_BODY_BYTES = 5 * 1024 * 1024;

export async function answer(
  deps: RouteDeps,
  route: Route,
  request: HttpRequest,
  context: InvocationContext,
): Promise<HttpResponseInit> {
  const requestId = request.headers.get("client-request-id") ?? randomUUID();
  const headers = { "request-id": requestId, "cache-control": "no-store" };
  try {
    const result = await handle(deps, route, request);
    if (result.ok) return { status: result.value.status, headers, jsonBody: result.value.body };
    return refusal(result.failure, headers, requestId);
  } catch (error) {
    context.error(`${route.name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return refusal(unavailable(error), headers, requestId);
  }
}

async function handle(deps: RouteDeps, route: Route, request: HttpRequest): Promise<Result<RouteReply>> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > MAX_BODY_BYTES) return tooLarge(MAX_BODY_BYTES);
  const body = new Uint8Array(await request.arrayBuffer());
  if (body.length > MAX_BODY_BYTES) return tooLarge(MAX_BODY_BYTES);
  const parsed: RouteRequest = {
    method: request.method,
    params: request.params,
    query: request.query,
    body,
    isGzip: request.headers.get("content-encoding") === "gzip",
    signed: {
      method: request.method,
      path: new URL(request.url).pathname,
      proof: request.headers.get(PROOF_HEADER),
      body,
    },
  };
  switch (route.guard) {
    case "agent": {
      const agent = await deps.proofs.agentOf(parsed.signed);
      return agent.ok ? route.handle(parsed, agent.value) : agent;
    }
    case "admin-read":
    case "admin-write": {
      const admin = await deps.adminTokens.verify(request.headers.get("authorization"), route.guard === "admin-write");
      return admin.ok ? route.handle(parsed, admin.value) : admin;
    }
    case "enrolment":
    case "public":
      return route.handle(parsed);
  }
}
