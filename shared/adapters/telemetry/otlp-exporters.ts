/** To any OTLP endpoint, by HTTP with JSON: `{endpoint}/v1/traces`, `/v1/metrics`, `/v1/logs`. */
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { AggregationTemporalityPreference, OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { EXPORT_TIMEOUT_MS, type Exporters } from "./sdk.ts";

export interface OtlpOptions {
  /** Without the signal's path. */
  readonly endpoint: string;
  /** May hold a key. */
  readonly headers: Readonly<Record<string, string>>;
}

export function otlpExporters({ endpoint, headers }: OtlpOptions): Exporters {
  const of = (signal: string) => ({
    url: `${endpoint.replace(/\/+$/, "")}/v1/${signal}`,
    headers: { ...headers },
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  return {
    spans: new OTLPTraceExporter(of("traces")),
    metrics: new OTLPMetricExporter({
      ...of("metrics"),
      temporalityPreference: AggregationTemporalityPreference.DELTA,
    }),
    logs: new OTLPLogExporter(of("logs")),
  };
}
