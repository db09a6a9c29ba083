/** Which exporter telemetry has, by the configuration. SDK and exporters are loaded only where there is one. */
import { randomUUID, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import manifest from "../package.json" with { type: "json" };
import { createCredential } from "../shared/adapters/identity/credentials.ts";
import type { Exporters } from "../shared/adapters/telemetry/sdk.ts";
import { createTelemetry } from "../shared/adapters/telemetry/telemetry.ts";
import type { Config } from "../shared/config.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Log } from "../shared/ports/log.ts";
import { NO_TELEMETRY, type Telemetry } from "../shared/ports/telemetry.ts";

/** `log`: where it is said that something was lost. */
export function telemetryOf(config: Config, log: Log, clock: Clock): Telemetry {
  const { telemetry } = config;
  if (!telemetry) return NO_TELEMETRY;
  return createTelemetry({
    exporter: telemetry.kind,
    log,
    clock,
    load: async (onExport) => {
      const [{ startSdk }, exporters] = await Promise.all([
        import("../shared/adapters/telemetry/sdk.ts"),
        exportersOf(config, telemetry),
      ]);
      const service = { name: "directory-uplink", version: manifest.version, instance: randomUUID() };
      return startSdk({ exporters, service, onExport });
    },
  });
}

async function exportersOf(config: Config, telemetry: NonNullable<Config["telemetry"]>): Promise<Exporters> {
  if (telemetry.kind === "otlp")
    return (await import("../shared/adapters/telemetry/otlp-exporters.ts")).otlpExporters(telemetry);
  const { azureExporters } = await import("../shared/adapters/telemetry/azure-exporters.ts");
  const { connectionString } = telemetry;
  // On a machine that reaches its storage by a key, nobody offers an identity.
  if ("connectionString" in config.data) return azureExporters({ connectionString });
  const credential = createCredential({ kind: "managed-identity", clientId: config.identityClientId });
  return azureExporters({ connectionString, credential });
}

/** When a certificate ends: milliseconds since 1970. Undefined where there is none, or none that can be read. */
export function credentialEnd(credential: Config["target"]["credential"]): number | undefined {
  if (credential.kind !== "certificate") return undefined;
  const { certificate } = credential;
  try {
    const pem = "pem" in certificate ? certificate.pem : readFileSync(certificate.path, "utf8");
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return undefined;
  }
}
