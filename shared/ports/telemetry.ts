/**
 * What is seen of the work from outside: spans of traces, measurements, events. It watches and never takes part: no call
 * fails or waits because of an exporter, and without one nothing happens at all.
 *
 * A trace is carried on as a `traceparent` (W3C), over HTTP, on the doorbell and in a batch's row. Attributes and dimensions
 * are ids, counts and codes.
 */
import type { EventName, Level } from "../contracts/events.ts";
import type { Dimensions, MetricName, MetricOf } from "../contracts/metrics.ts";
import type { LogFields } from "./log.ts";

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  readonly kind?: "internal" | "server" | "client" | "producer" | "consumer";
  /** A `traceparent`; absent: the span that runs now, or none. */
  readonly parent?: string | undefined;
  /** A `traceparent` that this very span has: its ids are given, for others know them already. */
  readonly self?: string | undefined;
  readonly attributes?: Attributes;
  /** When it began, where that was before now: milliseconds since 1970. */
  readonly startedAt?: number | undefined;
}

export interface Span {
  /** For whoever goes on with the trace; undefined where nobody traces and nobody asked for it. */
  readonly traceparent: string | undefined;
  set(attributes: Attributes): void;
  /** It ends badly: by code, never by prose. */
  fail(code: string): void;
}

export interface Telemetry {
  /** Runs within a span; what `run` throws is thrown on, and the span has failed. */
  span<T>(name: string, options: SpanOptions, run: (span: Span) => Promise<T>): Promise<T>;
  /** The `traceparent` of the span that runs now. */
  current(): string | undefined;
  count<M extends MetricOf<"counter">>(metric: M, value: number, dimensions: Dimensions<M>): void;
  /** Of a histogram: one measurement. Of a gauge: how it stands. */
  record<M extends Exclude<MetricName, MetricOf<"counter">>>(metric: M, value: number, dimensions: Dimensions<M>): void;
  event(level: Level, event: EventName, fields: LogFields): void;
  /** Sends what there is, within a bounded time; never rejects. */
  flush(): Promise<void>;
  /** The same, and nothing after it. */
  close(): Promise<void>;
}

/** Nobody watches. A trace that somebody else began is still carried on. */
export const NO_TELEMETRY: Telemetry = {
  span: (_name, { parent, self }, run) =>
    run({ traceparent: self ?? parent, set: () => undefined, fail: () => undefined }),
  current: () => undefined,
  count: () => undefined,
  record: () => undefined,
  event: () => undefined,
  flush: async () => undefined,
  close: async () => undefined,
};
