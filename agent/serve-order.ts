/**
 * What to do with one order, and what to ask for after it.
 *
 * A delta order stays open while nothing changes: the source is polled from the newest cookie, which lives in memory only, and
 * nothing is sent; now and then an empty batch moves the service's watermark. A source that knows no deltas answers one by
 * comparing fingerprints: unchanged, there is nothing to read; changed, a full read is asked for.
 */
import type { HeartbeatRequest, ReadOrder } from "../shared/contracts/agent-api.ts";
import type { AgentScope } from "../shared/contracts/configuration.ts";
import type { Clock } from "../shared/ports/clock.ts";
import { type SourceDescription, SourceError } from "../shared/ports/source-directory.ts";
import { AgentError } from "./agent-error.ts";
import type { Intervals } from "./config.ts";
import { continueRequest, type ReadLost, verdictOnRead } from "./lease-watch.ts";
import { type ReadOutcome, type ReadSenderDeps, sendRead } from "./read-sender.ts";
import { rest } from "./rest.ts";
import { FullReadNeeded } from "./source/scope-errors.ts";
import type { ServiceFailure } from "./uplink-client.ts";

/** What the next heartbeat says. */
export interface NextBeat {
  readonly want: HeartbeatRequest["want"];
  readonly reason?: string;
  readonly abortReadNo?: number;
  readonly trouble?: Trouble;
}

export type Trouble = NonNullable<HeartbeatRequest["trouble"]>;

export type Served =
  | {
      readonly kind: "done";
      readonly readKind: "full" | "delta";
      readonly readNo: number;
      readonly objects: number;
      readonly batches: number;
    }
  | { readonly kind: "order"; readonly order: ReadOrder }
  /** Ask again. `isRetry`: something didn't go as ordered, so not without end and not without pauses. */
  | { readonly kind: "next"; readonly beat: NextBeat; readonly isRetry: boolean }
  | { readonly kind: "failed"; readonly beat: NextBeat; readonly error: SourceError | AgentError }
  | { readonly kind: "stopped" };

export interface OrderServer {
  serve(order: ReadOrder, description: SourceDescription, heartbeatSeconds: number, stop: AbortSignal): Promise<Served>;
  /**
   * What a full-only source really wants now, and whether what the scope names is still missing: that is looked for anew each time.
   * Throws `SourceError`.
   */
  adjust(beat: NextBeat): Promise<NextBeat>;
  /** Waits without an order: until the source changes or the next heartbeat is due. */
  idle(beat: NextBeat, seconds: number, stop: AbortSignal): Promise<void>;
  /** Waits after a failure; a full-only source that looks different ends it (true). */
  pause(seconds: number, stop: AbortSignal): Promise<boolean>;
}

export interface OrderServerDeps extends ReadSenderDeps {
  readonly clock: Clock;
  readonly intervals: Intervals;
  readonly isOnce: boolean;
}

/** As the contract bounds them. */
const MESSAGE_LENGTH = 2_000;
const OBJECTS_NAMED = 100;

export function createOrderServer(deps: OrderServerDeps): OrderServer {
  const { source, log } = deps;
  /** Of a full-only source: what the service has. Unknown until an order showed its watermark or a read was sent. */
  let served: string | undefined;
  /** The scope of which something is missing. */
  let troubled: AgentScope | undefined;

  async function serve(
    order: ReadOrder,
    first: SourceDescription,
    heartbeatSeconds: number,
    stop: AbortSignal,
  ): Promise<Served> {
    troubled = undefined;
    // Begun by an earlier process: what it counted and hashed is gone with it.
    if (order.nextSequence !== 1)
      return { kind: "next", beat: { want: order.kind, reason: "restart", abortReadNo: order.readNo }, isRetry: true };
    try {
      if (source.reads === "full-only" && order.kind === "delta") return await answerDelta(order);
      log.info("read-started", {
        kind: order.kind,
        readNo: order.readNo,
        reason: order.reason,
        visibility: first.visibility,
      });
      return await follow(order, first, heartbeatSeconds, stop);
    } catch (error) {
      return onError(order, error);
    }
  }

  async function answerDelta(order: ReadOrder): Promise<Served> {
    const now = await fingerprint();
    const isSame = order.watermark?.mode === "ldif" && order.watermark.token === now;
    if (isSame) served = now;
    const beat: NextBeat = isSame
      ? { want: "none", reason: "unchanged", abortReadNo: order.readNo }
      : { want: "full", reason: "changed", abortReadNo: order.readNo };
    return { kind: "next", beat, isRetry: false };
  }

  async function follow(
    given: ReadOrder,
    first: SourceDescription,
    heartbeatSeconds: number,
    stop: AbortSignal,
  ): Promise<Served> {
    const sendEmptyAt = deps.clock.now() + deps.intervals.watermarkMinutes * 60_000;
    let order = given;
    let description = first;
    let from = order.watermark;
    let beatAt = deps.clock.now() + heartbeatSeconds * 1000;
    for (;;) {
      const fingerprintBefore = source.reads === "full-only" ? await fingerprint() : undefined;
      deps.progress.start(order.kind, source.expectedObjects?.());
      const outcome = await sendRead(deps, {
        order,
        description,
        from,
        keepEmpty: order.kind === "delta" && !deps.isOnce && deps.clock.now() < sendEmptyAt,
        heartbeatSeconds,
        stop,
      });
      if (outcome.kind === "sent") served = fingerprintBefore;
      if (outcome.kind !== "empty") return afterRead(order, outcome);
      from = outcome.watermark ?? from;
      await waitAtMost(Math.max(beatAt - deps.clock.now(), 0), stop);
      if (stop.aborted) return { kind: "stopped" };
      if (deps.clock.now() >= beatAt) {
        const asked = await askAgain(order, description, stop);
        if (asked.lost) return afterLoss(order, asked.lost);
        order = asked.order;
        beatAt = deps.clock.now() + heartbeatSeconds * 1000;
      }
      description = await source.describe();
    }
  }

  /**
   * Nothing of the order was sent yet, so it is asked for anew: if the service wants a full read by now, or other attributes, it says
   * so here, and doesn't have to wait for the next change.
   */
  async function askAgain(
    order: ReadOrder,
    description: SourceDescription,
    stop: AbortSignal,
  ): Promise<{ readonly order: ReadOrder; readonly lost?: ReadLost }> {
    const request = { ...continueRequest(order, description.domain), want: order.kind };
    const result = await deps.client.heartbeat(request, { signal: stop, attempts: 1 });
    if (!result.ok) return { order };
    const lost = verdictOnRead(result.value, order);
    return { order: result.value.order ?? order, ...(lost === undefined ? {} : { lost }) };
  }

  function afterRead(order: ReadOrder, outcome: Exclude<ReadOutcome, { kind: "empty" }>): Served {
    if (outcome.kind === "sent") {
      return {
        kind: "done",
        readKind: order.kind,
        readNo: order.readNo,
        objects: outcome.objects,
        batches: outcome.batches,
      };
    }
    if (outcome.kind === "lost") return afterLoss(order, outcome.lost);
    if (outcome.kind === "rejected") return afterRejection(order, outcome.failure);
    return { kind: "stopped" };
  }

  function afterLoss(order: ReadOrder, lost: ReadLost): Served {
    log.info("read-lost", { readNo: order.readNo, why: lost.why });
    if (lost.order !== null && lost.why === "replaced") return { kind: "order", order: lost.order };
    return { kind: "next", beat: { want: order.kind }, isRetry: false };
  }

  function afterRejection(order: ReadOrder, failure: ServiceFailure): Served {
    const isOpen = failure.expected === undefined || failure.expected.readNo === order.readNo;
    const beat: NextBeat = { want: order.kind, reason: failure.code, ...(isOpen ? { abortReadNo: order.readNo } : {}) };
    const error = new AgentError("service-refused", failure.message, failure.remedy);
    if (failure.status === 409) {
      log.info("read-conflict", { readNo: order.readNo, code: failure.code, message: failure.message });
      return { kind: "next", beat, isRetry: true };
    }
    return { kind: "failed", beat, error };
  }

  function onError(order: ReadOrder, error: unknown): Served {
    if (error instanceof SourceError && error.code === "source-cookie" && order.kind === "delta") {
      log.info("cookie-refused", { readNo: order.readNo, message: error.message });
      return {
        kind: "next",
        beat: {
          want: "full",
          reason: error instanceof FullReadNeeded ? error.reason : "cookie",
          abortReadNo: order.readNo,
        },
        isRetry: true,
      };
    }
    if (error instanceof SourceError && error.code === "source-scope") {
      troubled = order.scope;
      const beat: NextBeat = {
        want: order.kind,
        reason: error.code,
        abortReadNo: order.readNo,
        trouble: troubleOf(error),
      };
      return { kind: "failed", beat, error };
    }
    if (error instanceof SourceError || error instanceof AgentError) {
      return { kind: "failed", beat: { want: order.kind, reason: error.code, abortReadNo: order.readNo }, error };
    }
    throw error;
  }

  async function adjust(beat: NextBeat): Promise<NextBeat> {
    const trouble = await troubleNow();
    const { trouble: _, ...rest } = beat;
    const next: NextBeat = trouble === undefined ? rest : { ...rest, trouble };
    if (source.reads !== "full-only" || served === undefined || beat.want === "full") return next;
    const isSame = (await fingerprint()) === served;
    return isSame ? { ...next, want: "none" } : { ...next, want: "full", reason: "changed" };
  }

  async function troubleNow(): Promise<Trouble | undefined> {
    if (troubled === undefined) return undefined;
    try {
      await source.checkScope(troubled);
    } catch (error) {
      if (error instanceof SourceError && error.code === "source-scope") return troubleOf(error);
      throw error;
    }
    log.info("scope-found-again");
    troubled = undefined;
    return undefined;
  }

  async function idle(beat: NextBeat, seconds: number, stop: AbortSignal): Promise<void> {
    const until = deps.clock.now() + seconds * 1000;
    do {
      await waitAtMost(Math.max(until - deps.clock.now(), 0), stop);
      if (beat.want !== "none") return;
      const now = await fingerprint().catch(() => undefined);
      if (now !== served) return;
    } while (!stop.aborted && deps.clock.now() < until);
  }

  async function pause(seconds: number, stop: AbortSignal): Promise<boolean> {
    const until = deps.clock.now() + seconds * 1000;
    const before = await looks();
    while (!stop.aborted && deps.clock.now() < until) {
      const left = Math.max(until - deps.clock.now(), 0);
      if (before === undefined) await rest(left, stop);
      else await waitAtMost(left, stop);
      if ((await looks()) !== before) return true;
    }
    return false;
  }

  /** How a full-only source looks, faulty or not; undefined for others. */
  async function looks(): Promise<string | undefined> {
    return source.fingerprint?.().catch((error: unknown) => String(error));
  }

  async function waitAtMost(milliseconds: number, stop: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const signal = AbortSignal.any([stop, ended.signal]);
    await Promise.race([source.waitForChange(signal), rest(milliseconds, signal)]);
    ended.abort();
  }

  async function fingerprint(): Promise<string> {
    if (source.fingerprint) return source.fingerprint();
    throw new SourceError(
      "source-config",
      "The source knows neither deltas nor a fingerprint.",
      "Report this as a defect.",
    );
  }

  return { serve, adjust, idle, pause };
}

function troubleOf(error: SourceError): Trouble {
  return {
    code: "ScopeObjectMissing",
    message: error.message.slice(0, MESSAGE_LENGTH),
    objectGuids: error.objectGuids.slice(0, OBJECTS_NAMED),
  };
}
