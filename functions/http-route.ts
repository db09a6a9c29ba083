/**
 * How an HTTP function is declared: name, path, guard, handler; and what answers where none is. A route without a guard can't be
 * written, and a test looks for functions that were registered past this file. Authentication and answers: `http-answer.ts`.
 */
import type { HttpFunctionOptions } from "@azure/functions";
import { app } from "@azure/functions";
import type { AuditLog } from "../shared/application/admin/audit-log.ts";
import type { Admin, AdminTokens } from "../shared/application/admin/verify-admin-token.ts";
import type { ProofVerifier, ProvenAgent, SignedRequest } from "../shared/application/agents/verify-proof.ts";
import { fail, type Result } from "../shared/application/failure.ts";
import type { Operation } from "../shared/contracts/operation.ts";
import type { Log } from "../shared/ports/log.ts";
import type { Telemetry } from "../shared/ports/telemetry.ts";
import { answer } from "./http-answer.ts";
import { unknownPath } from "./http-refusal.ts";

export interface RouteRequest {
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Uint8Array;
  readonly isGzip: boolean;
  /** The header `If-Match`. */
  readonly ifMatch: string | null;
  /** The header `If-None-Match`. */
  readonly ifNoneMatch?: string | null;
  /** Of the service, as the caller reached it. */
  readonly origin: string;
  readonly signed: SignedRequest;
  /** Of the answer, as the audit log names it. */
  readonly requestId?: string;
  /** The `traceparent` with which what follows goes on. */
  readonly trace?: string | undefined;
}

export interface RouteReply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Guarded =
  | {
      readonly guard: "agent";
      readonly handle: (request: RouteRequest, agent: ProvenAgent) => Promise<Result<RouteReply>>;
    }
  | {
      readonly guard: "admin-read" | "admin-write";
      /** `audit`: where a change is written down; the wrapper always gives it. */
      readonly handle: (request: RouteRequest, admin: Admin, audit?: AuditLog) => Promise<Result<RouteReply>>;
    }
  /** The handler itself checks a one-time token and the proof of a new key. */
  | { readonly guard: "enrolment"; readonly handle: (request: RouteRequest) => Promise<Result<RouteReply>> }
  | {
      readonly guard: "public";
      /** Says nothing that isn't public. */
      readonly handle: (request: RouteRequest) => Promise<Result<RouteReply>>;
      /** What who sends a token is told in its place; absent: a token isn't looked at. */
      readonly handleAdmin?: (request: RouteRequest, admin: Admin) => Promise<Result<RouteReply>>;
    };

/** What the wrapper needs of a route. */
export type Handled = { readonly name: string } & Guarded;

export type Route = {
  readonly name: string;
  readonly methods: HttpFunctionOptions["methods"];
  readonly route: string;
  /** What it was declared by. */
  readonly operation: Operation;
} & Guarded;

export interface RouteDeps {
  readonly proofs: ProofVerifier;
  readonly adminTokens: AdminTokens;
  readonly audit: AuditLog;
  readonly log: Log;
  readonly telemetry?: Telemetry;
}

/** What was registered here, for the tests that look for others and ask each of them. */
export const registered: Operation[] = [];

export function registerRoute(deps: RouteDeps, route: Route): void {
  registered.push(route.operation);
  app.http(route.name, {
    methods: route.methods ?? ["GET"],
    route: route.route,
    // Keys of the host would be a secret more; who may call is decided by proof or token.
    authLevel: "anonymous",
    handler: (request) => answer(deps, route, request),
  });
}

/** What no other route takes, of whatever version or method. The host itself would answer 404 without a word. */
export const UNKNOWN = {
  name: "UnknownPath",
  route: "{*path}",
  methods: ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"],
} as const;

/** To be called once; where it stands among the others is all one, for a host asks the more specific route first. */
export function registerUnknown(deps: RouteDeps): void {
  const refused: Handled = {
    name: UNKNOWN.name,
    guard: "public",
    handle: async (request) => fail(unknownPath(request)),
  };
  app.http(UNKNOWN.name, {
    methods: [...UNKNOWN.methods],
    route: UNKNOWN.route,
    authLevel: "anonymous",
    handler: (request) => answer(deps, refused, request),
  });
}
