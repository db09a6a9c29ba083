/**
 * The host's process: `node --import tsx local/host-process.ts`. Starts the Service Bus broker, then the Functions host
 * with the built app, prints one JSON line on standard output when both answer, and stops both on SIGTERM or SIGINT.
 * The log goes to standard error, a line an event: `time level category message`.
 *
 * Settings (environment): UPLINK_HOST_PORT (7071), UPLINK_WEB_PORT (no origin for browsers without it; its sign-in is that of
 * UPLINK_TARGET_AUTHORITY_URL), UPLINK_BROKER_PORT (5672), UPLINK_STATE_DIR (.uplink/host),
 * UPLINK_TLS_CERT_FILE and UPLINK_TLS_KEY_FILE (plain HTTP without them), UPLINK_APP_PATH (dist/main.cjs, host.json
 * beside it or above), UPLINK_QUEUES (those of the table of needs), UPLINK_LOG_LEVEL (information).
 */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { QUEUES } from "../shared/needs/stores.ts";
import { type FunctionsHost, type HostLog, PortTaken, startFunctionsHost } from "./functions-host/host.ts";
import type { LogLevel } from "./functions-host/rpc.ts";
import { type Broker, startBroker } from "./service-bus/broker.ts";

const levels: readonly LogLevel[] = ["trace", "debug", "information", "warning", "error", "critical", "none"];
const connectionSetting = "ServiceBusConnection";
const { maxDeliveryCount, lockSeconds } = QUEUES.doorbell;
const QUEUE_NAMES = Object.values(QUEUES)
  .map(({ name }) => name)
  .join(",");
const lockDurationMs = lockSeconds * 1_000;

type Settings = {
  readonly hostPort: number;
  readonly webPort: number | undefined;
  readonly signInUrl: string;
  readonly brokerPort: number;
  readonly stateDir: string;
  readonly appPath: string;
  readonly hostJsonPath: string;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly queues: readonly string[];
  readonly logLevel: LogLevel;
};

/** Reads the settings. Throws one error that lists everything that is wrong with them. */
function readSettings(env: NodeJS.ProcessEnv): Settings {
  const faults: string[] = [];
  const text = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  const port = (name: string, fallback: number): number => {
    const value = Number(text(name) ?? fallback);
    if (!Number.isInteger(value) || value < 0 || value > 65_535) {
      faults.push(`${name} is '${text(name)}': write a port number, 0 to 65535.`);
    }
    return value;
  };
  const appPath = resolve(text("UPLINK_APP_PATH") ?? "dist/main.cjs");
  if (!existsSync(appPath)) faults.push(`The app ${appPath} is missing: run npm run build, or set UPLINK_APP_PATH.`);
  const candidates = [join(dirname(appPath), "host.json"), join(dirname(appPath), "..", "host.json")];
  const hostJsonPath = candidates.find((path) => existsSync(path));
  if (hostJsonPath === undefined) faults.push(`There is no host.json beside ${appPath} or above it.`);
  const certFile = text("UPLINK_TLS_CERT_FILE");
  const keyFile = text("UPLINK_TLS_KEY_FILE");
  if ((certFile === undefined) !== (keyFile === undefined)) {
    faults.push("Set both of UPLINK_TLS_CERT_FILE and UPLINK_TLS_KEY_FILE, or neither.");
  }
  const logLevel = levels.find((level) => level === (text("UPLINK_LOG_LEVEL") ?? "information"));
  if (logLevel === undefined) faults.push(`UPLINK_LOG_LEVEL is none of ${levels.join(", ")}.`);
  const settings: Settings = {
    hostPort: port("UPLINK_HOST_PORT", 7071),
    webPort: text("UPLINK_WEB_PORT") === undefined ? undefined : port("UPLINK_WEB_PORT", 0),
    signInUrl: text("UPLINK_TARGET_AUTHORITY_URL") ?? "",
    brokerPort: port("UPLINK_BROKER_PORT", 5672),
    stateDir: resolve(text("UPLINK_STATE_DIR") ?? ".uplink/host"),
    appPath,
    hostJsonPath: hostJsonPath ?? "",
    certFile,
    keyFile,
    queues: (text("UPLINK_QUEUES") ?? QUEUE_NAMES)
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean),
    logLevel: logLevel ?? "information",
  };
  if (faults.length > 0) throw new Error(`The local host cannot start:\n${faults.map((one) => `  ${one}`).join("\n")}`);
  return settings;
}

function createLog(from: LogLevel): HostLog {
  const lowest = levels.indexOf(from);
  return (level, category, message) => {
    if (levels.indexOf(level) < lowest) return;
    process.stderr.write(`${new Date().toISOString()} ${level} ${category} ${message}\n`);
  };
}

const isTaken = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "EADDRINUSE";

async function openBroker(settings: Settings, log: HostLog): Promise<Broker> {
  const { brokerPort: port, queues } = settings;
  try {
    return await startBroker({
      port,
      queues: queues.map((name) => ({ name, maxDeliveryCount, lockDurationMs })),
      log: (line) => log("debug", "ServiceBus", line),
    });
  } catch (error) {
    if (!isTaken(error)) throw error;
    throw new Error(`Port ${port} of the Service Bus broker is taken: stop who has it, or set UPLINK_BROKER_PORT.`);
  }
}

async function openHost(settings: Settings, log: HostLog): Promise<FunctionsHost> {
  const { appPath, stateDir, certFile, keyFile, hostPort: port, webPort, signInUrl } = settings;
  const web = webPort === undefined ? {} : { web: { port: webPort, signInUrl } };
  const tls =
    certFile === undefined || keyFile === undefined
      ? {}
      : { tls: { cert: await readFile(certFile), key: await readFile(keyFile) } };
  const hostJson: unknown = JSON.parse(await readFile(settings.hostJsonPath, "utf8"));
  try {
    return await startFunctionsHost({ appPath, hostJson, port, stateDir, env: process.env, log, ...tls, ...web });
  } catch (error) {
    if (!(error instanceof PortTaken)) throw error;
    const setting = error.port === webPort ? "UPLINK_WEB_PORT" : "UPLINK_HOST_PORT";
    throw new Error(`Port ${error.port} of the Functions host is taken: stop who has it, or set ${setting}.`);
  }
}

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const log = createLog(settings.logLevel);
  const broker = await openBroker(settings, log);
  // Before the app loads: its configuration is read then.
  process.env[connectionSetting] = broker.connectionString;
  let host: FunctionsHost;
  try {
    host = await openHost(settings, log);
  } catch (error) {
    await broker.stop();
    throw error;
  }
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log("information", "Host", `${signal}: stopping.`);
    host
      .stop()
      .then(() => broker.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log("error", "Host", `Stopping failed: ${String(error)}`);
          process.exit(1);
        },
      );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  const web = host.webUrl === undefined ? {} : { webUrl: host.webUrl };
  const ready = { ready: true, url: host.url, ...web, brokerPort: broker.port, functions: host.functions };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
