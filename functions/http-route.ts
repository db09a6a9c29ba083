/**
 * The one wrapper of every HTTP function: it authenticates, bounds the body, answers failures in Graph's error shape and
 * gives every reply its `request-id`. A route without a guard can't be written, and a test looks for functions that were
 * registered past it.
 */
import { randomUUID } from "node:crypto";
import type { HttpFunctionOptions, HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import { app } from "@azure/functions";
import { type Failure, fail, type Result } from "../shared/application/failure.ts";
import type { Admin, AdminTokens } from "../shared/application/verify-admin-token.ts";
import type { ProofVerifier, ProvenAgent, SignedRequest } from "../shared/application/verify-proof.ts";
import type { ErrorReply } from "../shared/contracts/agent-api.ts";
import { PROOF_HEADER } from "../shared/contracts/proof.ts";
import { StorageError } from "../shared/ports/row-store.ts";

/** Larger bodies are refused before they are read: a batch is 4 MiB at most, inflated. */
const MAX_BODY_BYTES = 5 * 1024 * 1024;

export interface RouteRequest {
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Uint8Array;
  readonly isGzip: boolean;
  readonly signed: SignedRequest;
}

export interface RouteReply {
  readonly status: number;
  readonly body: unknown;
}

export type Guarded =
  | {
      readonly guard: "agent";
      readonly handle: (request: RouteRequest, agent: ProvenAgent) => Promise<Result<RouteReply>>;
    }
  | {
      readonly guard: "admin-read" | "admin-write";
      readonly handle: (request: RouteRequest, admin: Admin) => Promise<Result<RouteReply>>;
    }
  /** The handler itself checks a one-time token and the proof of a new key. */
  | { readonly guard: "enrolment"; readonly handle: (request: RouteRequest) => Promise<Result<RouteReply>> }
  /** Says nothing that isn't public. */
  | { readonly guard: "public"; readonly handle: (request: RouteRequest) => Promise<Result<RouteReply>> };

export type Route = {
  readonly name: string;
  readonly methods: HttpFunctionOptions["methods"];
  readonly route: string;
} & Guarded;

export interface RouteDeps {
  readonly proofs: ProofVerifier;
  readonly adminTokens: AdminTokens;
}

/** Names of the functions that were registered here, for the test that looks for others. */
export const guardedFunctions = new Set<string>();

export function registerRoute(deps: RouteDeps, route: Route): void {
  guardedFunctions.add(route.name);
  app.http(route.name, {
    methods: route.methods ?? ["GET"],
    route: route.route,
    // Keys of the host would be a secret more; who may call is decided by proof or token.
    authLevel: "anonymous",
    handler: (request, context) => answer(deps, route, request, context),
  });
}

async function answer(
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
  if (declared > MAX_BODY_BYTES) return tooLarge();
  const body = new Uint8Array(await request.arrayBuffer());
  if (body.length > MAX_BODY_BYTES) return tooLarge();
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

/** What failed is named, details of it stay in the log. */
function unavailable(error: unknown): Failure {
  const isStorage = error instanceof StorageError && error.retriable;
  return {
    status: 503,
    code: isStorage ? "storage-unreachable" : "service-unavailable",
    message: isStorage ? "The service can't reach its storage now." : "The service could not do that now.",
    remedy: "Try again later; the request-id finds the reason in the log.",
    retryAfterSeconds: 5,
  };
}

function tooLarge(): Result<RouteReply> {
  return fail({
    status: 413,
    code: "payload-too-large",
    message: `The body has more than ${MAX_BODY_BYTES} bytes.`,
    remedy: "Send less at once.",
  });
}

function refusal(failure: Failure, headers: Record<string, string>, requestId: string): HttpResponseInit {
  const { code, message, remedy, details, expected, retryAfterSeconds } = failure;
  const body: ErrorReply = {
    error: {
      code,
      message,
      remedy,
      ...(details ? { details: [...details] } : {}),
      ...(expected ? { expected } : {}),
      innerError: { "request-id": requestId, date: new Date().toISOString() },
    },
  };
  return {
    status: failure.status,
    headers: retryAfterSeconds === undefined ? headers : { ...headers, "retry-after": String(retryAfterSeconds) },
    jsonBody: body,
  };
}

/** Graph's `$top`: 50 unless said otherwise, 1,000 at most. */
export function topOf(request: RouteRequest): number {
  const top = Number(request.query.get("$top") ?? 50);
  return Number.isInteger(top) && top > 0 ? Math.min(top, 1000) : 50;
}
