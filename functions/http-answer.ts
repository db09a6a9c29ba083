/** The one way of every HTTP request: bounded, authenticated by its route's guard, handled, answered with a `request-id`. */
import { randomUUID } from "node:crypto";
import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import type { Result } from "../shared/application/failure.ts";
import { PROOF_HEADER } from "../shared/contracts/proof.ts";
import { parseTraceparent } from "../shared/domain/trace-context.ts";
import { NO_TELEMETRY } from "../shared/ports/telemetry.ts";
import { refusal, tooLarge, unavailable } from "./http-refusal.ts";
import type { Handled, RouteDeps, RouteReply, RouteRequest } from "./http-route.ts";

/** Larger bodies are refused before they are read: a batch is 4 MiB at most, inflated. */
const MAX_BODY_BYTES = 5 * 1024 * 1024;

export async function answer(deps: RouteDeps, route: Handled, request: HttpRequest): Promise<HttpResponseInit> {
  const clientRequestId = request.headers.get("client-request-id") ?? "";
  const headers: Record<string, string> = { "request-id": randomUUID(), "cache-control": "no-store" };
  // The caller's own id, told back; what could break a header or a log's line is no id.
  if (/^[A-Za-z0-9._-]{1,64}$/.test(clientRequestId)) headers["client-request-id"] = clientRequestId;
  try {
    const result = await traced(deps, route, request, headers["request-id"] ?? "");
    if (result.ok) {
      const { status, body, headers: own } = result.value;
      return { status, headers: { ...headers, ...own }, ...(body === undefined ? {} : { jsonBody: body }) };
    }
    return refusal(result.failure, headers);
  } catch (error) {
    deps.log.error("request-failed", {
      operation: route.name,
      requestId: headers["request-id"],
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return refusal(unavailable(error), headers);
  }
}

/** What comes with a trace goes on with it; what an admin changes begins one. Everything else would only be noise. */
async function traced(
  deps: RouteDeps,
  route: Handled,
  request: HttpRequest,
  requestId: string,
): Promise<Result<RouteReply>> {
  const { telemetry = NO_TELEMETRY } = deps;
  const given = request.headers.get("traceparent") ?? undefined;
  const parent = parseTraceparent(given) ? given : undefined;
  if (parent === undefined && route.guard !== "admin-write") return handle(deps, route, request, requestId, undefined);
  const attributes = { requestId, "http.request.method": request.method };
  return telemetry.span(route.name, { kind: "server", parent, attributes }, async (span) => {
    const result = await handle(deps, route, request, requestId, span.traceparent);
    span.set({ "http.response.status_code": result.ok ? result.value.status : result.failure.status });
    if (!result.ok) span.fail(result.failure.code);
    return result;
  });
}

async function handle(
  deps: RouteDeps,
  route: Handled,
  request: HttpRequest,
  requestId: string,
  trace: string | undefined,
): Promise<Result<RouteReply>> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > MAX_BODY_BYTES) return tooLarge(MAX_BODY_BYTES);
  const body = new Uint8Array(await request.arrayBuffer());
  if (body.length > MAX_BODY_BYTES) return tooLarge(MAX_BODY_BYTES);
  const parsed: RouteRequest = {
    method: request.method,
    params: request.params,
    query: request.query,
    body,
    ifMatch: request.headers.get("if-match"),
    ifNoneMatch: request.headers.get("if-none-match"),
    origin: new URL(request.url).origin,
    requestId,
    trace,
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
      return admin.ok ? route.handle(parsed, admin.value, deps.audit) : admin;
    }
    case "enrolment":
      return route.handle(parsed);
    case "public": {
      const authorization = request.headers.get("authorization");
      if (!route.handleAdmin || authorization === null) return route.handle(parsed);
      const admin = await deps.adminTokens.verify(authorization, false);
      return admin.ok ? route.handleAdmin(parsed, admin.value) : admin;
    }
  }
}
