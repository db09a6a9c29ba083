/**
 * To Application Insights, by identity: spans as requests and dependencies, events as traces with their fields as dimensions, metrics
 * as custom metrics. Nothing is kept on disk, and the exporter doesn't report on itself.
 */
import type { TokenCredential } from "@azure/identity";
import {
  AzureMonitorLogExporter,
  AzureMonitorMetricExporter,
  AzureMonitorTraceExporter,
} from "@azure/monitor-opentelemetry-exporter";
import type { Exporters } from "./sdk.ts";

export interface AzureOptions {
  /** Says where; with local authentication switched off there it is no key. */
  readonly connectionString: string;
  /** Absent: the connection string's instrumentation key is all there is. */
  readonly credential?: TokenCredential;
  /** For an endpoint whose authority this machine doesn't know: its certificate, PEM. */
  readonly tlsOptions?: { readonly ca: string };
}

export function azureExporters(options: AzureOptions): Exporters {
  process.env["APPLICATION_INSIGHTS_NO_STATSBEAT"] ??= "true";
  const own = { ...options, disableOfflineStorage: true };
  return {
    spans: new AzureMonitorTraceExporter(own),
    metrics: new AzureMonitorMetricExporter(own),
    logs: new AzureMonitorLogExporter(own),
  };
}
