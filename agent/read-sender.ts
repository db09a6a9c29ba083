/**
 * One read, from the source to the service: pages → batches → outbox → HTTPS.
 *
 * Reading and sending overlap; the outbox between them is bounded, so a slow service slows the reading and memory stays
 * small. Batches go one after another, because the service takes them in order only.
 */
import { batchTrace } from "../shared/application/reading/batch-trace.ts";
import type { ReadOrder } from "../shared/contracts/agent-api.ts";
import type { Watermark } from "../shared/contracts/change.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Log } from "../shared/ports/log.ts";
import type { SourceDescription, SourcePage } from "../shared/ports/source-directory.ts";
import { NO_TELEMETRY, type Telemetry } from "../shared/ports/telemetry.ts";
import type { AgentSource } from "./agent-source.ts";
import { makeBatches } from "./batcher.ts";
import { type ReadLost, watchLease } from "./lease-watch.ts";
import { OUTBOX_CAPACITY, type Outbox } from "./outbox.ts";
import type { Progress } from "./progress.ts";
import type { ServiceFailure, UplinkClient } from "./uplink-client.ts";

export interface ReadSenderDeps {
  readonly source: AgentSource;
  readonly client: UplinkClient;
  readonly outbox: Outbox;
  readonly log: Log;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly agentId: string;
  /** Absent: nobody watches. */
  readonly telemetry?: Telemetry | undefined;
}

export interface ReadRequest {
  readonly order: ReadOrder;
  readonly description: SourceDescription;
  /** Where to go on from: the accepted watermark, or a newer one of a poll that found nothing. */
  readonly from: Watermark | null;
  /** A delta without changes is not sent; its watermark comes back. */
  readonly keepEmpty: boolean;
  readonly heartbeatSeconds: number;
  readonly stop: AbortSignal;
}

export type ReadOutcome =
  | { readonly kind: "sent"; readonly objects: number; readonly batches: number }
  | { readonly kind: "empty"; readonly watermark: Watermark | null }
  | { readonly kind: "rejected"; readonly failure: ServiceFailure }
  | { readonly kind: "lost"; readonly lost: ReadLost }
  | { readonly kind: "stopped" };

/**
 * Throws `SourceError` and `AgentError` (outbox); then nothing of the read is left in the outbox. On `stopped` what was read
 * stays there and is sent at the next start.
 */
export async function sendRead(deps: ReadSenderDeps, request: ReadRequest): Promise<ReadOutcome> {
  const { order, description } = request;
  const ended = new AbortController();
  const watch = watchLease(deps, { order, domain: description.domain, everySeconds: request.heartbeatSeconds }, () =>
    ended.abort(),
  );
  const signal = AbortSignal.any([request.stop, ended.signal]);
  const sender = createSender(deps, signal);
  try {
    const described = await withProof(deps.source, order, description);
    const pages = deps.source.read({
      kind: order.kind,
      attributes: order.attributes,
      objectClasses: order.objectClasses,
      watermark: request.from,
      scope: order.scope,
      reportsLeaves: order.reportsLeaves,
    });
    const peeked = request.keepEmpty ? await peek(pages) : { isEmpty: false as const, pages };
    if (peeked.isEmpty)
      return watch.lost ? { kind: "lost", lost: watch.lost } : { kind: "empty", watermark: peeked.watermark };
    let since = deps.clock.now();
    for await (const batch of makeBatches(peeked.pages, { order, description: described })) {
      sender.read(batch.batchId, since);
      since = deps.clock.now();
      await sender.room();
      if (signal.aborted || sender.failure !== undefined) break;
      await deps.outbox.put(batch);
      sender.kick();
    }
    await sender.finish();
  } catch (error) {
    await sender.settle();
    await deps.outbox.drop(order.readNo);
    throw error;
  } finally {
    await watch.stop();
    deps.progress.stop();
  }
  if (sender.isComplete) return { kind: "sent", objects: sender.objects, batches: sender.batches };
  if (sender.failure !== undefined && sender.failure.code !== "stopped") {
    await deps.outbox.drop(order.readNo);
    return { kind: "rejected", failure: sender.failure };
  }
  if (watch.lost) {
    await deps.outbox.drop(order.readNo);
    return { kind: "lost", lost: watch.lost };
  }
  return { kind: "stopped" };
}

/** With the cursor that the order asks for, taken before anything is read: what is read is at least as current. */
export async function withProof(
  source: AgentSource,
  { replCursorOf }: ReadOrder,
  description: SourceDescription,
): Promise<SourceDescription> {
  if (replCursorOf === undefined || replCursorOf === description.server.invocationId) return description;
  const usn = await source.replicationCursor?.(replCursorOf);
  if (usn === undefined) return description;
  return { ...description, server: { ...description.server, replCursor: { invocationId: replCursorOf, usn } } };
}

interface Sender {
  /** Reading a batch began at that moment: milliseconds since 1970. Of one that is found in the outbox nobody knows. */
  read(batchId: string, since: number): void;
  readonly failure: ServiceFailure | undefined;
  readonly isComplete: boolean;
  readonly objects: number;
  readonly batches: number;
  kick(): void;
  /** Resolves when the outbox takes another batch, or nothing is sent any more. */
  room(): Promise<void>;
  /** Resolves when all is sent, or nothing is sent any more. */
  finish(): Promise<void>;
  /** Resolves when no request is under way. */
  settle(): Promise<void>;
}

/** Sends what lies in the outbox, the oldest first. An aborted signal ends it after the request under way. */
export function createSender(
  deps: Pick<ReadSenderDeps, "client" | "outbox" | "progress" | "agentId" | "telemetry">,
  signal: AbortSignal,
): Sender {
  const { telemetry = NO_TELEMETRY } = deps;
  const readSince = new Map<string, number>();
  let running: Promise<void> | undefined;
  let failure: ServiceFailure | undefined;
  let defect: unknown;
  let isComplete = false;
  let objects = 0;
  let batches = 0;

  async function sendAll(): Promise<void> {
    for (let batch = deps.outbox.first(); batch !== undefined; batch = deps.outbox.first()) {
      if (signal.aborted) return;
      const { jobId, batchId, changes } = batch;
      telemetry.record("uplink.agent.outbox", deps.outbox.size, { agentId: deps.agentId });
      const options = {
        self: batchTrace(batchId),
        startedAt: readSince.get(batchId),
        attributes: { jobId, batchId, changes, agentId: deps.agentId },
      };
      // The trace of the batch begins here, whether or not this program exports it.
      const result = await telemetry.span("AgentBatch", options, async ({ traceparent, fail }) => {
        const sent = await deps.client.sendBatch(jobId, batch.body, {
          signal,
          attempts: Number.POSITIVE_INFINITY,
          traceparent,
        });
        if (!sent.ok) fail(sent.failure.code);
        return sent;
      });
      readSince.delete(batchId);
      if (!result.ok) {
        failure = result.failure;
        return;
      }
      await deps.outbox.remove(batchId);
      objects += changes;
      batches++;
      isComplete = batch.isLast;
      deps.progress.sent(objects, batches);
    }
  }

  function kick(): void {
    if (running !== undefined || failure !== undefined || defect !== undefined) return;
    running = sendAll()
      .catch((error: unknown) => {
        defect = error;
      })
      .finally(() => {
        running = undefined;
      });
  }

  const canSend = () => failure === undefined && defect === undefined && !signal.aborted;
  async function until(isDone: () => boolean): Promise<void> {
    while (canSend() && !isDone()) {
      kick();
      await running;
    }
    if (!canSend()) await running;
    if (defect !== undefined) throw defect;
  }

  return {
    get failure() {
      return failure;
    },
    get isComplete() {
      return isComplete;
    },
    get objects() {
      return objects;
    },
    get batches() {
      return batches;
    },
    read: (batchId, since) => void readSince.set(batchId, since),
    kick,
    room: () => until(() => deps.outbox.size < OUTBOX_CAPACITY),
    finish: () => until(() => deps.outbox.size === 0),
    settle: async () => {
      await running;
    },
  };
}

type Peeked =
  | { readonly isEmpty: true; readonly watermark: Watermark | null }
  | { readonly isEmpty: false; readonly pages: AsyncIterable<SourcePage> };

/** Reads on to the first page with changes; a read that ends before it is empty. */
async function peek(pages: AsyncIterable<SourcePage>): Promise<Peeked> {
  const iterator = pages[Symbol.asyncIterator]();
  let watermark: Watermark | null = null;
  for (;;) {
    const next = await iterator.next();
    // Without a last page it is no read, empty or not: the batcher says so.
    if (next.done) return { isEmpty: false, pages: nothing() };
    const page = next.value;
    watermark = page.watermarkAfter ?? watermark;
    if (page.changes.length > 0) return { isEmpty: false, pages: rejoin(page, iterator) };
    if (page.isLast) {
      await iterator.return?.();
      return { isEmpty: true, watermark };
    }
  }
}

async function* nothing(): AsyncGenerator<SourcePage> {}

async function* rejoin(first: SourcePage, rest: AsyncIterator<SourcePage>): AsyncGenerator<SourcePage> {
  try {
    yield first;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
