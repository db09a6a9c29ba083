/**
 * A fresh runtime with a meter in its host, and one configuration, for as long as a measurement takes. Host, Azurite and
 * the directory stand-in are processes of their own, as in `npm start`; Azurite keeps everything in memory and the
 * stand-in has no quota, so that neither disk nor quota is what is measured.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ANY_PORTS, settlePorts } from "../local/start/ports.ts";
import { type Runtime, startRuntime } from "../local/start/runtime.ts";
import { createSecureFetch, type SecureFetch } from "../local/start/secure-fetch.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import { BENCH_DOMAIN } from "./forest.ts";
import { type Meter, openMeter } from "./measured.ts";

export const meterModule = pathToFileURL(fileURLToPath(new URL("meter.mjs", import.meta.url))).href;

export interface MeteredRuntime {
  /** For files of the measurement's own. */
  readonly folder: string;
  readonly runtime: Runtime;
  readonly meter: Meter;
  readonly fetch: SecureFetch;
  readonly configuration: ConfigurationReply;
}

/** Rejects when a process fails or `use` does; state and logs are kept then. */
export async function withMeteredRuntime(
  log: (line: string) => void,
  use: (metered: MeteredRuntime) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "uplink-bench-"));
  try {
    await runIn(folder, use);
  } catch (error) {
    log(`State and logs are kept in ${folder}.`);
    throw error;
  }
  await rm(folder, { recursive: true, force: true });
}

async function runIn(folder: string, use: (metered: MeteredRuntime) => Promise<void>): Promise<void> {
  const ports = await settlePorts(ANY_PORTS);
  const portFile = join(folder, "meter-port");
  const runtime = await startRuntime({
    home: join(folder, "home"),
    ports,
    quota: "off",
    inMemory: true,
    verifiedDomains: [BENCH_DOMAIN.fqdn],
    settings: {
      NODE_OPTIONS: `--import ${meterModule}`,
      METER_PORT_FILE: portFile,
      METER_TABLE_PORT: String(ports.azuriteTable),
      METER_BLOB_PORT: String(ports.azuriteBlob),
    },
  });
  try {
    const configuration = await runtime.admin.createConfiguration({
      displayName: "Bench",
      domainFqdn: BENCH_DOMAIN.fqdn,
      domainNetBios: BENCH_DOMAIN.netBios,
      settings: { signIn: "ownProcess", firstExport: "automatic" },
    });
    const fetch = createSecureFetch(await readFile(runtime.caFile, "utf8"));
    await use({ folder, runtime, meter: await openMeter(portFile), fetch, configuration });
  } finally {
    await runtime.stop();
  }
}
