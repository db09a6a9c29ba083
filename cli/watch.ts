/**
 * Telemetry of the agent, to the OTLP endpoint that the environment names. SDK and exporters are loaded only then, and only for
 * the agent's own commands.
 *
 * With `main.ts` the only place of the command line that builds adapters.
 */
import { randomUUID } from "node:crypto";
import { createLineLog } from "../agent/log.ts";
import { AGENT_VERSION } from "../agent/version.ts";
import { createTelemetry } from "../shared/adapters/telemetry/telemetry.ts";
import { createWatchedLog } from "../shared/adapters/telemetry/watched-log.ts";
import { headersOf } from "../shared/domain/header-list.ts";
import type { Terminal } from "./terminal.ts";

/** Undefined where nobody asked for it. */
export function watchOf(args: readonly string[], terminal: Pick<Terminal, "environment" | "err">): Terminal["watch"] {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: headers = "" } = terminal.environment;
  if (args[0] !== "agent" || endpoint === undefined || endpoint === "") return undefined;
  const clock = { now: () => Date.now() };
  const log = createLineLog({ out: terminal.err, clock, json: args.includes("--json"), verbose: false });
  const telemetry = createTelemetry({
    exporter: "otlp",
    log,
    clock,
    load: async (onExport) => {
      const [{ startSdk }, { otlpExporters }] = await Promise.all([
        import("../shared/adapters/telemetry/sdk.ts"),
        import("../shared/adapters/telemetry/otlp-exporters.ts"),
      ]);
      const service = { name: "directory-uplink-agent", version: AGENT_VERSION, instance: randomUUID() };
      return startSdk({ exporters: otlpExporters({ endpoint, headers: headersOf(headers) }), service, onExport });
    },
  });
  return { telemetry, log: (own) => createWatchedLog(own, telemetry) };
}
