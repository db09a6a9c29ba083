/**
 * An OTLP endpoint on the loopback: takes what real exporters send over HTTP as JSON, decodes it and keeps it. It can also behave as
 * one that is broken: refuse, or never answer.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

type Value = { stringValue?: string; intValue?: string | number; doubleValue?: number; boolValue?: boolean };
type Attribute = { key: string; value: Value };

export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly kind: number;
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** 2: failed. */
  readonly status: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface ReceivedPoint {
  readonly metric: string;
  readonly unit: string;
  /** 1: since the last export; undefined: of a gauge. */
  readonly temporality: number | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of a histogram: the sum. */
  readonly value: number;
  readonly count: number | undefined;
}

export interface ReceivedLog {
  readonly service: string;
  readonly event: string;
  readonly severity: string;
  readonly traceId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export type Behaviour = "takes" | "refuses" | "hangs";
export type OtlpReceiver = Awaited<ReturnType<typeof startOtlpReceiver>>;

export async function startOtlpReceiver() {
  let behaviour: Behaviour = "takes";
  const spans: ReceivedSpan[] = [];
  const points: ReceivedPoint[] = [];
  const logs: ReceivedLog[] = [];
  /** Everything, as it came; and the same by signal. */
  const raw: string[] = [];
  const told: Record<"traces" | "metrics" | "logs", string[]> = { traces: [], metrics: [], logs: [] };
  const headers: Record<string, unknown>[] = [];
  const take: Readonly<Record<string, (body: never) => void>> = {
    "/v1/traces": (body) => spans.push(...spansOf(body)),
    "/v1/metrics": (body) => points.push(...pointsOf(body)),
    "/v1/logs": (body) => logs.push(...logsOf(body)),
  };
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      headers.push(request.headers);
      if (behaviour === "hangs") return;
      if (behaviour === "refuses") return void response.writeHead(400).end("no");
      const bytes = Buffer.concat(chunks);
      const text = (request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString("utf8");
      raw.push(text);
      const decode = take[request.url ?? ""];
      if (!decode) return void response.writeHead(404).end();
      told[(request.url ?? "").slice("/v1/".length) as keyof typeof told].push(text);
      decode(JSON.parse(text) as never);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    points,
    logs,
    raw,
    told,
    headers,
    behave: (next: Behaviour) => {
      behaviour = next;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

type Resource = { resource?: { attributes?: Attribute[] } };
type SpanJson = {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status?: { code?: number };
  attributes?: Attribute[];
};

function spansOf(body: { resourceSpans: (Resource & { scopeSpans: { spans: SpanJson[] }[] })[] }): ReceivedSpan[] {
  return body.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service: serviceOf(resource?.attributes),
        name: span.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? "",
        kind: span.kind,
        start: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
        end: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
        status: span.status?.code ?? 0,
        attributes: plainOf(span.attributes),
      })),
    ),
  );
}

type PointJson = {
  attributes?: Attribute[];
  asDouble?: number;
  asInt?: string | number;
  sum?: number;
  count?: string | number;
};
type Data = { dataPoints: PointJson[]; aggregationTemporality?: number };
type MetricJson = { name: string; unit: string; gauge?: Data; sum?: Data; histogram?: Data };

function pointsOf(body: { resourceMetrics: { scopeMetrics: { metrics: MetricJson[] }[] }[] }): ReceivedPoint[] {
  return body.resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ name, unit, ...data }) => {
        const { dataPoints = [], aggregationTemporality } = data.gauge ??
          data.sum ??
          data.histogram ?? { dataPoints: [] };
        return dataPoints.map((point) => ({
          metric: name,
          unit,
          temporality: aggregationTemporality,
          attributes: plainOf(point.attributes),
          value: Number(point.sum ?? point.asDouble ?? point.asInt),
          count: point.count === undefined ? undefined : Number(point.count),
        }));
      }),
    ),
  );
}

type LogJson = { severityText?: string; traceId?: string; body?: Value; attributes?: Attribute[] };

function logsOf(body: { resourceLogs: (Resource & { scopeLogs: { logRecords: LogJson[] }[] })[] }): ReceivedLog[] {
  return body.resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) =>
      logRecords.map((record) => ({
        service: serviceOf(resource?.attributes),
        event: String(record.body?.stringValue),
        severity: record.severityText ?? "",
        traceId: record.traceId ?? "",
        attributes: plainOf(record.attributes),
      })),
    ),
  );
}

function serviceOf(attributes: Attribute[] | undefined): string {
  return String(plainOf(attributes)["service.name"]);
}

function plainOf(attributes: Attribute[] = []): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? Number(value.intValue ?? value.doubleValue),
    ]),
  );
}
