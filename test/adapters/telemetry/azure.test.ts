/** The real exporter of Application Insights, against an ingestion endpoint on the loopback: what it sends, and that nothing of it is sampled. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ensureCertificates } from "../../../local/certificates.ts";
import { azureExporters } from "../../../shared/adapters/telemetry/azure-exporters.ts";
import { startSdk } from "../../../shared/adapters/telemetry/sdk.ts";
import { createTelemetry } from "../../../shared/adapters/telemetry/telemetry.ts";
import { logBy } from "../../../shared/ports/log.ts";

interface Envelope {
  readonly name: string;
  readonly sampleRate?: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly data: {
    readonly baseType: string;
    readonly baseData: {
      readonly name?: string;
      readonly message?: string;
      readonly id?: string;
      readonly properties?: Readonly<Record<string, string>>;
      readonly metrics?: readonly { readonly name: string; readonly value: number }[];
    };
  };
}

let server: Server;
let envelopes: Envelope[];
let paths: Set<string>;
let folder: string;
let ca: string;

beforeEach(async () => {
  envelopes = [];
  paths = new Set();
  folder = await mkdtemp(join(tmpdir(), "uplink-insights-"));
  const { caFile, certFile, keyFile } = await ensureCertificates(folder);
  ca = await readFile(caFile, "utf8");
  const identity = { cert: await readFile(certFile), key: await readFile(keyFile) };
  server = createServer(identity, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      paths.add(request.url ?? "");
      const bytes = Buffer.concat(chunks);
      const text = (request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString("utf8");
      const items = text.startsWith("[")
        ? (JSON.parse(text) as Envelope[])
        : text.split("\n").map((line) => JSON.parse(line) as Envelope);
      envelopes.push(...items);
      const { length } = items;
      const body = JSON.stringify({ itemsReceived: length, itemsAccepted: length, errors: [] });
      response.writeHead(200, { "content-type": "application/json" }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await rm(folder, { recursive: true, force: true });
});

it("Application Insights' exporter sends every span, metric and event, unsampled", async () => {
  const endpoint = `https://localhost:${(server.address() as AddressInfo).port}`;
  const connectionString = `InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint=${endpoint}/`;
  const telemetry = createTelemetry({
    exporter: "azure",
    log: logBy(() => undefined),
    clock: { now: () => Date.now() },
    flushMs: 10_000,
    load: async (onExport) =>
      startSdk({
        exporters: azureExporters({ connectionString, tlsOptions: { ca } }),
        service: { name: "directory-uplink", version: "1", instance: "one" },
        onExport,
      }),
  });
  const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
  const SPANS = 200;
  for (let index = 0; index < SPANS; index++) {
    await telemetry.span("AcceptBatch", { kind: "server", parent, attributes: { index } }, async () =>
      telemetry.event("info", "job-trouble-over", { jobId: `job-${index}` }),
    );
  }
  telemetry.count("uplink.writes", 5, { jobId: "j", lane: "live" });
  await telemetry.flush();
  await telemetry.close();

  const of = (type: string) => envelopes.filter(({ data }) => data.baseType === type);
  expect(of("RequestData")).toHaveLength(SPANS);
  expect(of("RequestData")[0]?.tags["ai.operation.id"]).toBe("4bf92f3577b34da6a3ce929d0e0e4736");
  const events = of("MessageData");
  expect(new Set(events.map(({ data }) => data.baseData.properties?.["jobId"])).size).toBe(SPANS);
  expect(events[0]?.data.baseData).toMatchObject({
    message: "job-trouble-over",
    properties: { event: "job-trouble-over" },
  });
  expect(events[0]?.tags).toMatchObject({
    "ai.operation.id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "ai.cloud.role": "directory-uplink",
  });
  const metrics = of("MetricData").flatMap(({ data }) => data.baseData.metrics ?? []);
  expect(metrics).toContainEqual(expect.objectContaining({ name: "uplink.writes", value: 5 }));
  for (const { sampleRate } of envelopes) expect(sampleRate ?? 100).toBe(100);
  expect([...paths].every((path) => path.startsWith("/v2"))).toBe(true);
});
