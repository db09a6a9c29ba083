/**
 * The agent's loop: heartbeat → lease → order → read → send, again and again.
 *
 * It decides nothing about the data. The service says who reads (the lease), what and from where (the order), and what it took
 * (the reply); the agent keeps no state of its own but its key and the outbox. Whatever goes wrong, the read is given up and asked
 * for again: the watermark has not moved, so nothing is lost, and what arrived twice is known by its number.
 */
import type { HeartbeatReply, ReadOrder } from "../shared/contracts/agent-api.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Log } from "../shared/ports/log.ts";
import type { SourceDescription } from "../shared/ports/source-directory.ts";
import type { Telemetry } from "../shared/ports/telemetry.ts";
import { AgentError } from "./agent-error.ts";
import type { AgentSource } from "./agent-source.ts";
import { answerCommands, createHeldLease } from "./answer-commands.ts";
import type { AgentConfig } from "./config.ts";
import type { AgentKey } from "./keys.ts";
import { openOutbox } from "./outbox.ts";
import { type Progress, silentProgress } from "./progress.ts";
import { createSender, type ReadSenderDeps } from "./read-sender.ts";
import { rest } from "./rest.ts";
import { createOrderServer, type NextBeat, type Served } from "./serve-order.ts";
import { lockState } from "./state-lock.ts";
import { createUplinkClient, type RetryPolicy, type ServiceFailure } from "./uplink-client.ts";
import { AGENT_VERSION } from "./version.ts";

export interface AgentDeps {
  readonly config: Pick<AgentConfig, "url" | "outboxDir" | "intervals" | "agentId">;
  readonly source: AgentSource;
  readonly key: AgentKey;
  readonly log: Log;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  readonly progress?: Progress;
  /** Absent: nobody watches. */
  readonly telemetry?: Telemetry | undefined;
  readonly retry?: RetryPolicy;
}

export interface OnceResult {
  /** False when there was nothing to read. */
  readonly read: boolean;
  readonly objects: number;
  readonly batches: number;
}

export interface Agent {
  /** Until the signal: ends after the request under way. Throws only for defects and an unusable outbox. */
  run(stop: AbortSignal): Promise<void>;
  /**
   * One read, then done. Throws `SourceError` and `AgentError`; `no-lease` and `no-order` when the service gives none within
   * `waitSeconds`.
   */
  once(stop: AbortSignal, options: { readonly waitSeconds: number }): Promise<OnceResult>;
}

/** A service that can't be reached is asked so often before the loop says so and pauses. */
const HEARTBEAT_ATTEMPTS = 3;
/** Conflicts and refused cookies in a row after which `once` gives up. */
const MOST_RETRIES_ONCE = 5;

export function createAgent(deps: AgentDeps): Agent {
  const { log, source, config } = deps;
  const lease = createHeldLease();
  const client = lease.noting(createUplinkClient({ ...deps, url: config.url }));

  async function loop(stop: AbortSignal, once?: { readonly waitSeconds: number }): Promise<OnceResult> {
    const lock = await lockState(config.outboxDir);
    const ended = new AbortController();
    const stopped = AbortSignal.any([stop, ended.signal]);
    // One read is all that it is here for.
    const answering = once
      ? Promise.resolve()
      : answerCommands({ client, source, lease, log, intervals: config.intervals }, stopped);
    try {
      return await lockedLoop(stop, once);
    } finally {
      ended.abort();
      await answering;
      await lock.release();
    }
  }

  async function lockedLoop(stop: AbortSignal, once?: { readonly waitSeconds: number }): Promise<OnceResult> {
    const outbox = await openOutbox(config.outboxDir);
    const { clock, telemetry, progress = silentProgress } = deps;
    const watched = { clock, telemetry, agentId: config.agentId };
    const senderDeps: ReadSenderDeps = { source, client, outbox, log, progress, ...watched };
    const server = createOrderServer({
      ...senderDeps,
      intervals: config.intervals,
      isOnce: once !== undefined,
    });
    const nothing: OnceResult = { read: false, objects: 0, batches: 0 };
    const began = deps.clock.now();
    let beat: NextBeat = { want: "delta" };
    let failures = 0;
    let retries = 0;
    let said = "";

    const pause = async (): Promise<void> => {
      const { retryFirstSeconds, retryMostSeconds } = config.intervals;
      const isChanged = await server.pause(
        Math.min(retryFirstSeconds * 2 ** Math.min(failures, 16), retryMostSeconds),
        stop,
      );
      failures = isChanged ? 0 : failures + 1;
    };
    const sayOnce = (event: "agent-pending" | "standby" | "scope-object-missing", message: string): void => {
      if (said !== event) log.info(event, { message });
      said = event;
    };
    const waitedTooLong = () => once !== undefined && deps.clock.now() - began > once.waitSeconds * 1000;

    await sendLeftovers(senderDeps, stop);
    while (!stop.aborted) {
      let description: SourceDescription;
      try {
        description = await source.describe();
        beat = await server.adjust(beat);
      } catch (error) {
        if (once) throw error;
        reportError(log, error);
        await pause();
        continue;
      }
      const heartbeat = await client.heartbeat(
        {
          version: AGENT_VERSION,
          domain: description.domain,
          want: beat.want,
          ...(beat.reason === undefined ? {} : { reason: beat.reason }),
          ...(beat.abortReadNo === undefined ? {} : { abortReadNo: beat.abortReadNo }),
          ...(beat.trouble === undefined ? {} : { trouble: beat.trouble }),
        },
        { signal: stop, attempts: HEARTBEAT_ATTEMPTS },
      );
      if (!heartbeat.ok) {
        if (stop.aborted) break;
        if (once) throw serviceError(heartbeat.failure);
        reportFailure(log, heartbeat.failure);
        await pause();
        continue;
      }
      const hasTrouble = beat.trouble !== undefined;
      beat = { want: beat.want, ...(beat.reason === undefined ? {} : { reason: beat.reason }) };
      const reply: HeartbeatReply = heartbeat.value;
      if (once && beat.want === "none" && reply.order === null) return nothing;
      if (reply.agentStatus !== "active" || !reply.lease.held) {
        const isPending = reply.agentStatus === "pending";
        sayOnce(isPending ? "agent-pending" : "standby", reply.message ?? standbyText(reply));
        if (waitedTooLong()) throw withoutLease(reply);
        const seconds = Math.min(reply.heartbeatSeconds, once?.waitSeconds ?? Number.POSITIVE_INFINITY);
        await rest(seconds * 1000, stop);
        continue;
      }
      if (reply.order === null) {
        if (hasTrouble) sayOnce("scope-object-missing", "Nothing is read until it is back.");
        if (waitedTooLong()) throw withoutOrder();
        await server.idle(beat, reply.heartbeatSeconds, stop);
        continue;
      }
      said = "";
      let order: ReadOrder | null = reply.order;
      while (order !== null && !stop.aborted) {
        const served: Served = await server.serve(order, description, reply.heartbeatSeconds, stop);
        order = null;
        if (served.kind === "done") {
          failures = 0;
          retries = 0;
          log.info("read-finished", {
            kind: served.readKind,
            readNo: served.readNo,
            objects: served.objects,
            batches: served.batches,
          });
          if (once) return { read: true, objects: served.objects, batches: served.batches };
          beat = { want: "delta" };
        } else if (served.kind === "order") {
          order = served.order;
        } else if (served.kind === "next") {
          beat = served.beat;
          if (served.isRetry) {
            retries++;
            if (once && retries > MOST_RETRIES_ONCE) throw tooManyRetries(served.beat);
            if (retries > 1) await pause();
          }
        } else if (served.kind === "failed") {
          beat = served.beat;
          await giveUp(description, beat, stop);
          if (once) throw served.error;
          reportError(log, served.error);
          await pause();
          beat = { want: served.beat.want };
        }
      }
    }
    return nothing;
  }

  /** Tells the service that an open read is given up, before the pause: its successor need not wait for it. */
  async function giveUp(description: SourceDescription, beat: NextBeat, stop: AbortSignal): Promise<void> {
    if (beat.abortReadNo === undefined) return;
    await client.heartbeat(
      {
        version: AGENT_VERSION,
        domain: description.domain,
        want: "none",
        reason: beat.reason ?? "failed",
        abortReadNo: beat.abortReadNo,
        ...(beat.trouble === undefined ? {} : { trouble: beat.trouble }),
      },
      { signal: stop, attempts: 1 },
    );
  }

  return {
    run: async (stop) => {
      await loop(stop);
    },
    once: (stop, options) => loop(stop, options),
  };
}

/** What an earlier process had read and not sent. A read that the service doesn't want any more is dropped whole. */
async function sendLeftovers(deps: ReadSenderDeps, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const first = deps.outbox.first();
    if (first === undefined) return;
    deps.log.info("outbox-found", { batches: deps.outbox.size, readNo: first.readNo });
    const sender = createSender(deps, stop);
    await sender.finish();
    if (sender.failure === undefined || sender.failure.code === "stopped") continue;
    deps.log.info("outbox-dropped", { readNo: deps.outbox.first()?.readNo ?? 0, code: sender.failure.code });
    await deps.outbox.drop(deps.outbox.first()?.readNo);
  }
}

export function serviceError(failure: ServiceFailure): AgentError {
  const isUnreachable = failure.status === null || failure.status === 429 || failure.status >= 500;
  const details = (failure.details ?? []).map((one) => `\n  ${one.target}: ${one.message}`).join("");
  return new AgentError(
    isUnreachable ? "service-unreachable" : "service-refused",
    `${failure.message}${details}`,
    failure.remedy,
  );
}

function reportFailure(log: Log, failure: ServiceFailure): void {
  log.warn("service-failed", {
    code: failure.code,
    status: failure.status,
    message: failure.message,
    remedy: failure.remedy,
  });
}

function reportError(log: Log, error: unknown): void {
  const known = error instanceof Error && "code" in error && "remedy" in error;
  if (!known) throw error;
  log.warn("read-failed", { code: String(error.code), message: error.message, remedy: String(error.remedy) });
}

function standbyText(reply: HeartbeatReply): string {
  if (reply.agentStatus === "pending") return "An admin must approve this agent first.";
  if (reply.agentStatus === "inactive") return "The service has set this agent inactive.";
  return "Another agent holds the domain's lease; this one stands by.";
}

function withoutLease(reply: HeartbeatReply): AgentError {
  return new AgentError(
    "no-lease",
    `This agent may not read now: ${reply.message ?? standbyText(reply)}`,
    "Wait, or stop the agent that holds the lease.",
  );
}

function tooManyRetries(beat: NextBeat): AgentError {
  return new AgentError(
    "service-refused",
    `The service kept refusing the read (${beat.reason ?? "no reason"}).`,
    "See the log above for what it expected, and whether another agent reads the same domain.",
  );
}

function withoutOrder(): AgentError {
  return new AgentError(
    "no-order",
    "The service has given no order to read.",
    "Start the job (it may be paused or in quarantine), then run this again.",
  );
}
