/**
 * The wire to Microsoft Graph: one call, or a `$batch` of up to 20 whose items succeed and fail alone.
 *
 * It knows tokens, headers, time-outs and what an answer's absence means; it decides nothing about objects and never
 * sleeps. An item comes back as an answer, as *lost* (sent, effect unknown) or as *unsent* (surely without effect).
 * Only when the target as a whole can't be worked with does it throw `TargetUnavailable`. No body is ever logged.
 */

import { randomUUID } from "node:crypto";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { type TargetAnswer, TargetUnavailable } from "../../ports/target-directory.ts";
import type { AccessTokens } from "./access-token.ts";
import { graphErrorOf } from "./graph-failure.ts";

export interface GraphRequest {
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Below the version, with a leading slash, already encoded. */
  readonly url: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** No answer, a fault of the target, or an answer that isn't one: what it did is not known. */
export type LostCode = "Timeout" | "InternalServerError" | "WebExceptionProtocolError";

export type GraphReply =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly body: unknown;
      readonly retryAfterMs?: number;
      /** Part of the application's writes in this tenant that is used; Graph says it above 0.8. */
      readonly quotaUsed?: number;
      /** The target's name of the item, or of the batch where it names no items; and ours of the batch. */
      readonly requestId?: string;
      readonly clientRequestId?: string;
    }
  | { readonly kind: "lost"; readonly code: LostCode; readonly message: string }
  | { readonly kind: "unsent"; readonly status: number; readonly retryAfterMs?: number };

/** Refused because the quota is used up; a busy target (503) is something else. */
export function isThrottle(reply: GraphReply): reply is Exclude<GraphReply, { kind: "lost" }> {
  return reply.kind !== "lost" && reply.status === 429;
}

/** Undefined of one that wasn't answered. */
export function answerOf(reply: GraphReply): TargetAnswer | undefined {
  if (reply.kind !== "answer") return undefined;
  const { status, requestId, clientRequestId } = reply;
  return {
    status,
    ...(requestId === undefined ? {} : { requestId }),
    ...(clientRequestId === undefined ? {} : { clientRequestId }),
  };
}

export interface GraphClient {
  /** One reply a request, in order; at most 20. */
  batch(requests: readonly GraphRequest[], lowPriority: boolean): Promise<readonly GraphReply[]>;
  /** A single GET: a path as in `GraphRequest`, or a next link of the same origin. */
  get(pathOrLink: string): Promise<GraphReply>;
}

export const BATCH_SIZE = 20;
const UNREACHABLE_WAIT_MS = 15_000;
const CREDENTIALS_WAIT_MS = 300_000;

type HttpOutcome =
  | { readonly kind: "response"; readonly status: number; readonly headers: Headers; readonly body: unknown }
  | { readonly kind: "lost"; readonly code: LostCode; readonly message: string };

export function createGraphClient(deps: {
  readonly baseUrl: string;
  readonly tokens: AccessTokens;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly log: Log;
  readonly timeoutMs: number;
}): GraphClient {
  const { tokens, clock, log } = deps;
  const root = deps.baseUrl.replace(/\/$/, "");

  /** One HTTP exchange; a token that is refused is replaced once. */
  const exchange = async (url: string, init: { method: string; headers: Record<string, string>; body?: string }) => {
    let token = await tokens.get();
    for (let attempt = 1; ; attempt++) {
      const headers = {
        ...init.headers,
        authorization: `Bearer ${token}`,
        accept: "application/json",
        // What the target's support asks for, and the only name of a request whose answer never came.
        "client-request-id": randomUUID(),
      };
      const outcome = await send(deps, url, { ...init, headers });
      if (outcome.kind !== "response" || outcome.status !== 401)
        return { outcome, clientRequestId: headers["client-request-id"] };
      if (attempt === 2) throw credentialsRefused(graphErrorOf(outcome.body).message);
      const claims = claimsOf(outcome.headers.get("www-authenticate"));
      token = await tokens.get({ token, ...(claims === undefined ? {} : { claims }) });
    }
  };

  const retryAfter = (value: string | null | undefined) => retryAfterMs(value, clock.now());

  return {
    async batch(requests, lowPriority) {
      const priority: Record<string, string> = lowPriority ? { "x-ms-throttle-priority": "low" } : {};
      const started = clock.now();
      const { outcome, clientRequestId } = await exchange(`${root}/$batch`, {
        method: "POST",
        headers: { "content-type": "application/json", ...priority },
        body: JSON.stringify({ requests: requests.map((request, index) => itemOf(request, index, priority)) }),
      });
      if (outcome.kind === "lost") return requests.map(() => outcome);
      log.debug("graph-batch", { count: requests.length, status: outcome.status, ms: clock.now() - started });
      if (outcome.status !== 200) return requests.map(() => wholeBatchReply(outcome, retryAfter));
      const call = { clientRequestId, ...requestIdIn(outcome.headers.get("request-id")) };
      const replies = repliesOf(outcome.body, call, retryAfter);
      const all = [...replies.values()];
      // A token that ran out between the batch and its items.
      if (all.length > 0 && all.every((reply) => reply.kind === "answer" && reply.status === 401)) {
        throw credentialsRefused("every item of a batch was refused");
      }
      const missing = {
        kind: "lost",
        code: "WebExceptionProtocolError",
        message: "the answer has no such item",
      } as const;
      return requests.map((_, index) => replies.get(String(index)) ?? missing);
    },
    async get(pathOrLink) {
      const url = pathOrLink.startsWith("/") ? `${root}${pathOrLink}` : sameOrigin(pathOrLink, root);
      const { outcome } = await exchange(url, { method: "GET", headers: {} });
      if (outcome.kind === "lost") return outcome;
      const wait = retryAfter(outcome.headers.get("retry-after"));
      const { status, body } = outcome;
      return { kind: "answer", status, body, ...(wait === undefined ? {} : { retryAfterMs: wait }) };
    },
  };
}

async function send(
  deps: { readonly fetch: typeof fetch; readonly timeoutMs: number },
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
): Promise<HttpOutcome> {
  let response: Response;
  try {
    response = await deps.fetch(url, { ...init, redirect: "error", signal: AbortSignal.timeout(deps.timeoutMs) });
  } catch (error) {
    if (neverSent(error)) throw unreachable(error);
    return { kind: "lost", code: "Timeout", message: `the connection broke before the answer came (${codeOf(error)})` };
  }
  let text: string;
  try {
    text = await response.text();
  } catch (error) {
    return { kind: "lost", code: "Timeout", message: `the connection broke within the answer (${codeOf(error)})` };
  }
  try {
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    return { kind: "response", status: response.status, headers: response.headers, body };
  } catch (error) {
    // A gateway's error page is no JSON, and its status says enough. A success that can't be read says nothing.
    if (!response.ok) return { kind: "response", status: response.status, headers: response.headers, body: undefined };
    const message = `the answer is not JSON (${error instanceof Error ? error.message : "unreadable"})`;
    return { kind: "lost", code: "WebExceptionProtocolError", message };
  }
}

function itemOf(request: GraphRequest, index: number, priority: Readonly<Record<string, string>>) {
  const { method, url, body } = request;
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  const headers = { ...priority, ...request.headers, ...type };
  return { id: String(index), method, url, headers, ...(body === undefined ? {} : { body }) };
}

type HttpResponse = Extract<HttpOutcome, { kind: "response" }>;

/** A batch that was refused whole: throttled and busy had no effect, other 5xx may have had one. */
function wholeBatchReply(
  { status, headers, body }: HttpResponse,
  retryAfter: (value: string | null) => number | undefined,
): GraphReply {
  if (status === 429 || status === 503) {
    const wait = retryAfter(headers.get("retry-after"));
    return { kind: "unsent", status, ...(wait === undefined ? {} : { retryAfterMs: wait }) };
  }
  if (status >= 500) {
    return { kind: "lost", code: status === 504 ? "Timeout" : "InternalServerError", message: `it answered ${status}` };
  }
  throw new TargetUnavailable(
    "target-refused",
    `The target refuses calls as a whole with ${status}: ${graphErrorOf(body).message || "no reason given"}`,
    "Check the base URL of the target and the application's permissions.",
    CREDENTIALS_WAIT_MS,
  );
}

function repliesOf(
  body: unknown,
  call: { readonly clientRequestId: string; readonly requestId?: string },
  retryAfter: (value: string | undefined) => number | undefined,
) {
  const replies = new Map<string, GraphReply>();
  const { responses } = (body ?? {}) as { readonly responses?: unknown };
  for (const item of Array.isArray(responses) ? responses : []) {
    const { id, status, headers, body: itemBody } = (item ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof status !== "number" || (typeof id !== "string" && typeof id !== "number")) continue;
    const wait = retryAfter(headerOf(headers, "retry-after"));
    replies.set(String(id), {
      kind: "answer",
      status,
      body: itemBody,
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
      ...quotaUsedOf(headers),
      ...call,
      ...requestIdIn(headerOf(headers, "request-id")),
    });
  }
  return replies;
}

/** Of the writes of this application in this tenant: other limits are told in the same headers. */
function quotaUsedOf(headers: unknown): { readonly quotaUsed?: number } {
  if (!/^Tenant_Application\/Write\b/i.test(headerOf(headers, "x-ms-throttle-scope") ?? "")) return {};
  const part = Number(headerOf(headers, "x-ms-throttle-limit-percentage"));
  return Number.isFinite(part) && part > 0 ? { quotaUsed: part } : {};
}

/** It is shown and kept: nothing but an id. */
function requestIdIn(value: string | null | undefined): { readonly requestId?: string } {
  return value && /^[A-Za-z0-9._-]{1,64}$/.test(value) ? { requestId: value } : {};
}

function headerOf(headers: unknown, wanted: string): string | undefined {
  const entries = typeof headers === "object" && headers !== null ? Object.entries(headers) : [];
  const value: unknown = entries.find(([name]) => name.toLowerCase() === wanted)?.[1];
  return value === undefined || value === null ? undefined : String(value);
}

/** Seconds, or a date as HTTP writes it; undefined when there is neither. */
function retryAfterMs(value: string | null | undefined, now: number): number | undefined {
  if (value === null || value === undefined || value.trim() === "") return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function claimsOf(challenge: string | null): string | undefined {
  const encoded = /claims="([A-Za-z0-9+/=_-]+)"/.exec(challenge ?? "")?.[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString();
}

/** A next link elsewhere would be handed our token. */
function sameOrigin(link: string, root: string): string {
  if (URL.canParse(link) && new URL(link).origin === new URL(root).origin) return link;
  throw new TargetUnavailable(
    "target-refused",
    `The target's next link leads away from ${new URL(root).origin}; it isn't followed.`,
    "Check the base URL of the target, and what lies between here and there.",
    CREDENTIALS_WAIT_MS,
  );
}

const NEVER_SENT =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT|TLS|SSL|UNABLE_TO/;

function neverSent(error: unknown): boolean {
  return NEVER_SENT.test(codeOf(error));
}

/** fetch throws a TypeError whose cause carries the system's code, at times one cause deeper (several addresses). */
function codeOf(error: unknown): string {
  const codes: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code, errors } = at as { readonly code?: unknown; readonly errors?: unknown };
    if (typeof code === "string") codes.push(code);
    for (const inner of Array.isArray(errors) ? errors : []) codes.push(codeOf(inner));
  }
  return codes.join(" ") || (error instanceof Error ? error.name : "unknown");
}

function unreachable(error: unknown): TargetUnavailable {
  return new TargetUnavailable(
    "target-unreachable",
    `The target can't be reached (${codeOf(error)}).`,
    "Check network, name resolution, proxy and certificates; it is tried again.",
    UNREACHABLE_WAIT_MS,
    { cause: error },
  );
}

function credentialsRefused(message: string): TargetUnavailable {
  return new TargetUnavailable(
    "target-credentials",
    `The target refuses our token, also a fresh one: ${message || "no reason given"}`,
    "Check the application's registration, its permissions and the token's audience (scope).",
    CREDENTIALS_WAIT_MS,
  );
}
