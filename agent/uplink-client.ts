/**
 * The agent API over HTTPS, as the agent sees it.
 *
 * What may pass by itself (network, 429, 408, 5xx) is tried again with exponential back-off and jitter, each time with a fresh
 * proof; what the service refuses comes back as a value with the service's own words. An aborted signal ends the waiting
 * between tries, never a request under way: that one the service may have taken already.
 */
import { z } from "zod";
import {
  AcceptReply,
  acceptBatch,
  EnrolReply,
  type EnrolRequest,
  ErrorReply,
  type Expected,
  enrol,
  HeartbeatReply,
  type HeartbeatRequest,
  heartbeat,
} from "../shared/contracts/agent-api.ts";
import { answerCommand, awaitCommands, type CommandAnswer, CommandsReply } from "../shared/contracts/agent-commands.ts";
import { pathWith } from "../shared/contracts/operation.ts";
import { PROOF_HEADER } from "../shared/contracts/proof.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Log } from "../shared/ports/log.ts";
import type { AgentKey } from "./keys.ts";
import { createProver } from "./proof.ts";
import { rest } from "./rest.ts";

export interface ServiceFailure {
  /** The service's code, or `service-unreachable`, `service-untrusted`, `service-reply` (no reply of ours), `stopped`. */
  readonly code: string;
  /** The HTTP status; null when there was no answer. */
  readonly status: number | null;
  readonly message: string;
  readonly remedy: string;
  readonly expected?: Expected;
  readonly details?: readonly { readonly target: string; readonly message: string }[];
}
export type ServiceResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: ServiceFailure };

export interface RetryPolicy {
  readonly firstMilliseconds: number;
  readonly mostMilliseconds: number;
}
export const DEFAULT_RETRY: RetryPolicy = { firstMilliseconds: 500, mostMilliseconds: 60_000 };

export interface UplinkClient {
  enrol(request: EnrolRequest, options: CallOptions): Promise<ServiceResult<EnrolReply>>;
  heartbeat(request: HeartbeatRequest, options: CallOptions): Promise<ServiceResult<HeartbeatReply>>;
  /** `body` is gzip of a batch. */
  sendBatch(jobId: string, body: Uint8Array, options: CallOptions): Promise<ServiceResult<AcceptReply>>;
  /** The service may take its time; the signal ends the request itself, for it changes nothing. */
  awaitCommands(leaseEpoch: number, options: CallOptions): Promise<ServiceResult<CommandsReply>>;
  answerCommand(commandId: string, answer: CommandAnswer, options: CallOptions): Promise<ServiceResult<undefined>>;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** How often at most; Infinity for what must arrive. */
  readonly attempts: number;
  /** The trace that the request belongs to. */
  readonly traceparent?: string | undefined;
}

export interface UplinkClientDeps {
  /** The service's address; `/api` is added to a bare origin. */
  readonly url: string;
  readonly key: AgentKey;
  readonly clock: Clock;
  readonly log: Log;
  readonly fetch: typeof fetch;
  readonly retry?: RetryPolicy;
  readonly requestTimeoutMilliseconds?: number;
}

/** Longer than the platform lets a request take. */
const REQUEST_TIMEOUT = 240_000;

export function createUplinkClient(deps: UplinkClientDeps): UplinkClient {
  const prover = createProver(deps);
  const retry = deps.retry ?? DEFAULT_RETRY;
  const base = apiBaseOf(deps.url);

  async function post<T>(
    route: string,
    body: Uint8Array,
    isGzip: boolean,
    schema: z.ZodType<T>,
    options: CallOptions & { readonly cut?: AbortSignal },
  ) {
    const url = `${base}/${route}`;
    for (let attempt = 1; ; attempt++) {
      const outcome = await once(url, body, isGzip, schema, options);
      if (outcome.ok || !outcome.again || attempt >= options.attempts) return strip(outcome);
      const backOff = Math.min(retry.firstMilliseconds * 2 ** Math.min(attempt - 1, 20), retry.mostMilliseconds);
      // Full jitter over the upper half: agents that lost the service together don't come back together.
      const pause = Math.max(outcome.retryAfterMilliseconds, backOff * (0.5 + Math.random() / 2));
      deps.log.debug("service-retry", {
        code: outcome.failure.code,
        status: outcome.failure.status,
        attempt,
        milliseconds: Math.round(pause),
      });
      if (attempt === 3)
        deps.log.warn("service-waiting", {
          code: outcome.failure.code,
          message: outcome.failure.message,
          remedy: outcome.failure.remedy,
        });
      await rest(pause, options.signal);
      if (options.signal.aborted) return stopped<T>(outcome.failure);
    }
  }

  async function once<T>(
    url: string,
    body: Uint8Array,
    isGzip: boolean,
    schema: z.ZodType<T>,
    { cut, traceparent }: { readonly cut?: AbortSignal; readonly traceparent?: string | undefined },
  ): Promise<Outcome<T>> {
    const timeOut = AbortSignal.timeout(deps.requestTimeoutMilliseconds ?? REQUEST_TIMEOUT);
    let response: Response;
    let text: string;
    try {
      response = await deps.fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(isGzip ? { "content-encoding": "gzip" } : {}),
          accept: "application/json",
          ...(traceparent === undefined ? {} : { traceparent }),
          [PROOF_HEADER]: await prover.prove("POST", url, body),
        },
        body,
        // A proof is for one URL; and a redirect would hand the body to another.
        redirect: "error",
        signal: cut ? AbortSignal.any([cut, timeOut]) : timeOut,
      });
      text = await response.text();
    } catch (error) {
      return noAnswer(url, error);
    }
    if (response.ok) {
      const parsed = schema.safeParse(parseJson(text));
      if (parsed.success) return { ok: true, value: parsed.data };
      return refused(strange(url, response.status, parsed.error.issues[0]?.path.join(".") ?? ""));
    }
    return answered(url, response, text, deps.clock.now());
  }

  return {
    enrol: (request, options) => post(enrol.path, jsonBytes(request), false, EnrolReply, options),
    heartbeat: (request, options) => post(heartbeat.path, jsonBytes(request), false, HeartbeatReply, options),
    awaitCommands: (leaseEpoch, options) =>
      post(awaitCommands.path, jsonBytes({ leaseEpoch }), false, CommandsReply, { ...options, cut: options.signal }),
    answerCommand: (commandId, answer, options) =>
      post(pathWith(answerCommand, { commandId }), jsonBytes(answer), false, z.undefined(), options),
    sendBatch: (jobId, body, options) => post(pathWith(acceptBatch, { jobId }), body, true, AcceptReply, options),
  };
}

/** `https://host` and `https://host/` mean `https://host/api`, where the functions are; any other path is taken as it is. */
export function apiBaseOf(url: string): string {
  const { origin, pathname } = new URL(url);
  const path = pathname.replace(/\/+$/, "");
  return `${origin}${path === "" ? "/api" : path}`;
}

type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly failure: ServiceFailure;
      readonly again: boolean;
      readonly retryAfterMilliseconds: number;
    };

function strip<T>(outcome: Outcome<T>): ServiceResult<T> {
  return outcome.ok ? outcome : { ok: false, failure: outcome.failure };
}

function refused(failure: ServiceFailure): Outcome<never> {
  return { ok: false, failure, again: false, retryAfterMilliseconds: 0 };
}

function stopped<T>(last: ServiceFailure): ServiceResult<T> {
  return {
    ok: false,
    failure: { ...last, code: "stopped", message: `Stopped while waiting to try again. ${last.message}` },
  };
}

function answered(url: string, response: Response, text: string, now: number): Outcome<never> {
  const { status } = response;
  const parsed = ErrorReply.safeParse(parseJson(text));
  const failure: ServiceFailure = parsed.success
    ? {
        code: parsed.data.error.code,
        status,
        message: parsed.data.error.message,
        remedy: parsed.data.error.remedy ?? "See the service's log for this request.",
        ...(parsed.data.error.expected === undefined ? {} : { expected: parsed.data.error.expected }),
        ...(parsed.data.error.details === undefined ? {} : { details: parsed.data.error.details }),
      }
    : strange(url, status, "");
  const again = status === 429 || status === 408 || status >= 500;
  return {
    ok: false,
    failure,
    again,
    retryAfterMilliseconds: again ? retryAfter(response.headers.get("retry-after"), now) : 0,
  };
}

/** Seconds or an HTTP date; at most an hour, whatever the header says. */
function retryAfter(header: string | null, now: number): number {
  if (header === null) return 0;
  const seconds = Number(header);
  const milliseconds = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isFinite(milliseconds) ? Math.min(Math.max(milliseconds, 0), 3_600_000) : 0;
}

const UNTRUSTED = /^(ERR_TLS|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(VERIFY|GET)|HOSTNAME_MISMATCH)/;

function noAnswer(url: string, error: unknown): Outcome<never> {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const why = cause instanceof Error ? cause.message || code || cause.name : String(cause);
  const origin = new URL(url).origin;
  if (UNTRUSTED.test(code)) {
    return refused({
      code: "service-untrusted",
      status: null,
      message: `Cannot trust ${origin}: its certificate was refused (${code}).`,
      remedy: "Start the agent with NODE_EXTRA_CA_CERTS set to the PEM file of the authority that issued it.",
    });
  }
  const failure = {
    code: "service-unreachable",
    status: null,
    message: `Cannot reach ${origin}: ${why}.`,
    remedy: "Check the address, the name's resolution, and that TCP 443 (or the port in the address) is open outbound.",
  };
  return { ok: false, failure, again: true, retryAfterMilliseconds: 0 };
}

function strange(url: string, status: number, path: string): ServiceFailure {
  const where = path === "" ? "" : ` (at '${path}')`;
  return {
    code: "service-reply",
    status,
    message: `${url} answered ${status} with something that is no answer of this service${where}.`,
    remedy: "Check the address in the agent's configuration; a proxy or a captive portal may have answered instead.",
  };
}

function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value), "utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
