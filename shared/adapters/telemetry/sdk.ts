/**
 * OpenTelemetry's SDK, put together: every span, measurement and log record goes to the exporters that it is given.
 *
 * Nothing is sampled: the sampler is "always", whatever the caller's flag or the environment says. Metrics are deltas, so that
 * an instance of the service that nobody calls any more says nothing instead of repeating its last word. It is loaded only where an
 * exporter is set: that costs a quarter of a second.
 */
import {
  ROOT_CONTEXT,
  type Span as SdkSpan,
  SpanKind,
  SpanStatusCode,
  type TimeInput,
  trace,
} from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from "@opentelemetry/sdk-logs";
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  RandomIdGenerator,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import type { EventName, Level } from "../../contracts/events.ts";
import { METRICS, type MetricName } from "../../contracts/metrics.ts";
import { parseTraceparent, traceparentOf } from "../../domain/trace-context.ts";
import type { LogFields } from "../../ports/log.ts";
import type { Attributes, SpanOptions } from "../../ports/telemetry.ts";

export interface Exporters {
  readonly spans: SpanExporter;
  readonly metrics: PushMetricExporter;
  readonly logs: LogRecordExporter;
}

export type Signal = "traces" | "metrics" | "logs";

export interface SdkOptions {
  readonly exporters: Exporters;
  readonly service: { readonly name: string; readonly version: string; readonly instance: string };
  /** What came of each export; `error` undefined: it arrived. */
  readonly onExport: (signal: Signal, error: Error | undefined) => void;
}

export interface SdkSpanHandle {
  readonly traceparent: string;
  set(attributes: Attributes): void;
  fail(code: string): void;
  end(): void;
}

export interface Sdk {
  startSpan(name: string, options: SpanOptions): SdkSpanHandle;
  measure(metric: MetricName, value: number, dimensions: Readonly<Record<string, string>>): void;
  /** `at`: milliseconds since 1970. */
  log(
    level: Level,
    event: EventName,
    fields: LogFields,
    context: { readonly at: number; readonly trace?: string | undefined },
  ): void;
  flush(): Promise<void>;
  close(): Promise<void>;
}

const NAME = "directory-uplink";
/** One attempt of an export, with its repetitions. */
export const EXPORT_TIMEOUT_MS = 5_000;
const SECONDS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400];
const MILLISECONDS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000];

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;
const SEVERITIES = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
} as const;

export function startSdk({ exporters, service, onExport }: SdkOptions): Sdk {
  const resource = resourceFromAttributes({
    "service.name": service.name,
    "service.version": service.version,
    "service.instance.id": service.instance,
  });
  const ids = createIds();
  const bounds = { exportTimeoutMillis: EXPORT_TIMEOUT_MS, scheduledDelayMillis: 5_000 };
  const tracing = new BasicTracerProvider({
    resource,
    sampler: new AlwaysOnSampler(),
    idGenerator: ids,
    spanProcessors: [
      new BatchSpanProcessor(watched(exporters.spans, "traces", onExport), { ...bounds, maxQueueSize: 8_192 }),
    ],
  });
  const metering = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: unlessEmpty(watched(exporters.metrics, "metrics", onExport)),
        exportIntervalMillis: 60_000,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  const logging = new LoggerProvider({
    resource,
    processors: [
      new BatchLogRecordProcessor(watched(exporters.logs, "logs", onExport), { ...bounds, maxQueueSize: 8_192 }),
    ],
  });
  const tracer = tracing.getTracer(NAME, service.version);
  const instruments = createInstruments(metering, service.version);
  const logger = logging.getLogger(NAME, service.version);
  const all = (of: (part: { forceFlush(): Promise<void>; shutdown(): Promise<void> }) => Promise<void>) =>
    Promise.allSettled([tracing, metering, logging].map(of)).then(() => undefined);

  return {
    startSpan(name, { kind = "internal", parent, self, attributes = {}, startedAt }) {
      const begun = startedAt === undefined ? {} : { startTime: new Date(startedAt) };
      const above = contextOf(parent);
      const span = ids.as(self, () =>
        tracer.startSpan(
          name,
          { kind: KINDS[kind], attributes: { ...attributes }, root: above === undefined, ...begun },
          above ?? ROOT_CONTEXT,
        ),
      );
      return handleOf(span);
    },
    measure: instruments,
    log(level, event, fields, { at, trace: of }) {
      const context = contextOf(of);
      logger.emit({
        timestamp: at as TimeInput,
        severityNumber: SEVERITIES[level],
        severityText: level.toUpperCase(),
        body: event,
        attributes: { event, ...definite(fields) },
        ...(context ? { context } : {}),
      });
    },
    flush: () => all((part) => part.forceFlush()),
    close: () => all((part) => part.shutdown()),
  };
}

function contextOf(traceparent: string | undefined) {
  const known = parseTraceparent(traceparent);
  return known && trace.setSpanContext(ROOT_CONTEXT, { ...known, traceFlags: 1, isRemote: true });
}

function handleOf(span: SdkSpan): SdkSpanHandle {
  return {
    traceparent: traceparentOf(span.spanContext()),
    set: (attributes) => void span.setAttributes({ ...attributes }),
    fail: (code) => {
      span.setAttribute("error.type", code);
      span.setStatus({ code: SpanStatusCode.ERROR });
    },
    end: () => span.end(),
  };
}

/** Random ids, but for a span whose ids are given. Starting a span is synchronous, so what is given is for that one alone. */
function createIds() {
  const random = new RandomIdGenerator();
  let given: { readonly traceId: string; readonly spanId: string } | undefined;
  return {
    generateTraceId: () => given?.traceId ?? random.generateTraceId(),
    generateSpanId: () => given?.spanId ?? random.generateSpanId(),
    as<T>(self: string | undefined, start: () => T): T {
      given = parseTraceparent(self);
      try {
        return start();
      } finally {
        given = undefined;
      }
    },
  };
}

function createInstruments(metering: MeterProvider, version: string): Sdk["measure"] {
  const meter = metering.getMeter(NAME, version);
  const known = new Map<MetricName, (value: number, dimensions: Readonly<Record<string, string>>) => void>();
  return (metric, value, dimensions) => {
    let measure = known.get(metric);
    if (!measure) {
      const { kind, unit, meaning: description } = METRICS[metric];
      if (kind === "counter") {
        const counter = meter.createCounter(metric, { unit, description });
        measure = (own, by) => counter.add(own, by);
      } else if (kind === "gauge") {
        const gauge = meter.createGauge(metric, { unit, description });
        measure = (own, by) => gauge.record(own, by);
      } else {
        const advice = { explicitBucketBoundaries: unit === "s" ? SECONDS : MILLISECONDS };
        const histogram = meter.createHistogram(metric, { unit, description, advice });
        measure = (own, by) => histogram.record(own, by);
      }
      known.set(metric, measure);
    }
    measure(value, dimensions);
  };
}

function definite(fields: LogFields): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(fields).filter(
      (own): own is [string, string | number | boolean] => own[1] !== undefined && own[1] !== null,
    ),
  );
}

interface Exporting<I> {
  export(items: I, done: (result: ExportResult) => void): void;
}

/** The same exporter, and what came of each export is told. */
function watched<I, E extends Exporting<I>>(
  exporter: E & Exporting<I>,
  signal: Signal,
  onExport: SdkOptions["onExport"],
): E {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) =>
    send(items, (result) => {
      const isLost = result.code === ExportResultCode.FAILED;
      onExport(signal, isLost ? (result.error ?? new Error("the exporter gave no reason")) : undefined);
      done(result);
    });
  return exporter;
}

/** Nothing was measured: nothing is sent. */
function unlessEmpty(exporter: PushMetricExporter): PushMetricExporter {
  const send = exporter.export.bind(exporter);
  exporter.export = (metrics: ResourceMetrics, done) =>
    metrics.scopeMetrics.length === 0 ? done({ code: ExportResultCode.SUCCESS }) : send(metrics, done);
  return exporter;
}
