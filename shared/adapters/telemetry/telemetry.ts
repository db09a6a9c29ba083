/**
 * Telemetry over an SDK that is loaded late: composition isn't held up, and what happens before it is there waits in a short queue.
 *
 * It never fails and hardly ever delays: a flush takes a second at most, and after one that failed or took too long nobody waits
 * for another half a minute. What can't be exported is lost, which is said once in a while in the log, and work goes on.
 * The span that runs is known by the asynchronous context, so nobody hands it on.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { fieldsWithoutNames } from "../../domain/names-in-text.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { NO_TELEMETRY, type Telemetry } from "../../ports/telemetry.ts";
import type { Sdk, Signal } from "./sdk.ts";

export interface TelemetryOptions {
  /** Loads and starts the SDK; called at once. */
  readonly load: (onExport: (signal: Signal, error: Error | undefined) => void) => Promise<Sdk>;
  /** Names the exporter in the log. */
  readonly exporter: string;
  /** Where it is said that something was lost: a log that doesn't come back here. */
  readonly log: Log;
  readonly clock: Clock;
  /** Milliseconds; 1,000 when left out. */
  readonly flushMs?: number;
}

const QUEUED = 2_000;
const NO_WAIT_MS = 30_000;
const TELL_MS = 600_000;

export function createTelemetry({ load, exporter, log, clock, flushMs = 1_000 }: TelemetryOptions): Telemetry {
  const running = new AsyncLocalStorage<string>();
  const early: ((sdk: Sdk) => void)[] = [];
  let sdk: Sdk | undefined;
  let hopeless = false;
  let noWaitUntil = 0;
  let flushing: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const toldAt = new Map<Signal, number>();

  const onExport = (signal: Signal, error: Error | undefined) => {
    if (!error) return;
    noWaitUntil = clock.now() + NO_WAIT_MS;
    if (clock.now() - (toldAt.get(signal) ?? Number.NEGATIVE_INFINITY) < TELL_MS) return;
    toldAt.set(signal, clock.now());
    log.warn("telemetry-lost", { exporter, signal, message: error.message });
  };
  const ready = load(onExport).then(
    (loaded) => {
      sdk = loaded;
      log.info("telemetry-on", { exporter });
      for (const act of early.splice(0)) act(loaded);
    },
    (error: unknown) => {
      hopeless = true;
      early.length = 0;
      log.warn("telemetry-lost", { exporter, signal: "all", message: String(error) });
    },
  );
  const soon = (act: (own: Sdk) => void) => {
    if (sdk) act(sdk);
    else if (!hopeless && early.length < QUEUED) early.push(act);
  };

  const flushOnce = async (): Promise<void> => {
    const before = clock.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), flushMs);
    });
    const sent = (sdk?.flush() ?? Promise.resolve()).catch(() => undefined);
    if ((await Promise.race([sent, late])) === "late") noWaitUntil = before + NO_WAIT_MS;
    clearTimeout(timer);
  };
  const flush = (): Promise<void> => {
    if (!sdk || clock.now() < noWaitUntil) return Promise.resolve();
    if (flushing) {
      // What ended since that one began is not in it.
      next ??= flushing.then(() => {
        next = undefined;
        return flush();
      });
      return next;
    }
    flushing = flushOnce().finally(() => {
      flushing = undefined;
    });
    return flushing;
  };

  return {
    async span(name, options, run) {
      await ready;
      if (!sdk) return NO_TELEMETRY.span(name, options, run);
      const span = sdk.startSpan(name, {
        ...options,
        parent: options.self === undefined ? (options.parent ?? running.getStore()) : undefined,
        attributes: fieldsWithoutNames(options.attributes ?? {}),
      });
      const handle = {
        traceparent: span.traceparent,
        set: (attributes: NonNullable<typeof options.attributes>) => span.set(fieldsWithoutNames(attributes)),
        fail: span.fail,
      };
      try {
        return await running.run(span.traceparent, () => run(handle));
      } catch (error) {
        span.fail(codeOf(error));
        throw error;
      } finally {
        span.end();
      }
    },
    current: () => running.getStore(),
    count: (metric, value, dimensions) => {
      if (value > 0) soon((own) => own.measure(metric, value, dimensions));
    },
    record: (metric, value, dimensions) => soon((own) => own.measure(metric, value, dimensions)),
    event(level, event, fields) {
      const context = { at: clock.now(), trace: running.getStore() };
      soon((own) => own.log(level, event, fieldsWithoutNames(fields), context));
    },
    flush,
    async close() {
      await ready;
      await flush();
      const end = sdk?.close().catch(() => undefined) ?? Promise.resolve();
      await Promise.race([end, new Promise<void>((resolve) => setTimeout(resolve, flushMs).unref())]);
    },
  };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
