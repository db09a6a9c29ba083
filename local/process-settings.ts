/** What the host's process and the task hub's have in common: settings, the log, the app's host.json, the bus broker. */

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { QUEUES } from "../shared/needs/stores.ts";
import type { HostLog } from "./functions-host/host.ts";
import type { LogLevel } from "./functions-host/rpc.ts";
import { type Broker, startBroker } from "./service-bus/broker.ts";

const levels: readonly LogLevel[] = ["trace", "debug", "information", "warning", "error", "critical", "none"];
const { maxDeliveryCount, lockSeconds } = QUEUES.doorbell;
const QUEUE_NAMES = Object.values(QUEUES)
  .map(({ name }) => name)
  .join(",");
const lockDurationMs = lockSeconds * 1_000;

/** Reads settings, and keeps what is wrong with them for one error. */
export function createSettingsReader(env: NodeJS.ProcessEnv) {
  const faults: string[] = [];
  const text = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  return {
    faults,
    text,
    port: (name: string, fallback: number): number => {
      const value = Number(text(name) ?? fallback);
      if (!Number.isInteger(value) || value < 0 || value > 65_535) {
        faults.push(`${name} is '${text(name)}': write a port number, 0 to 65535.`);
      }
      return value;
    },
    app: (): { readonly appPath: string; readonly hostJsonPath: string } => {
      const appPath = resolve(text("UPLINK_APP_PATH") ?? "dist/main.cjs");
      if (!existsSync(appPath)) {
        faults.push(`The app ${appPath} is missing: run npm run build, or set UPLINK_APP_PATH.`);
      }
      const candidates = [join(dirname(appPath), "host.json"), join(dirname(appPath), "..", "host.json")];
      const hostJsonPath = candidates.find((path) => existsSync(path));
      if (hostJsonPath === undefined) faults.push(`There is no host.json beside ${appPath} or above it.`);
      return { appPath, hostJsonPath: hostJsonPath ?? "" };
    },
    stateDir: (fallback: string): string => resolve(text("UPLINK_STATE_DIR") ?? fallback),
    queues: (): readonly string[] =>
      (text("UPLINK_QUEUES") ?? QUEUE_NAMES)
        .split(",")
        .map((name) => name.trim())
        .filter(Boolean),
    logLevel: (): LogLevel => {
      const logLevel = levels.find((level) => level === (text("UPLINK_LOG_LEVEL") ?? "information"));
      if (logLevel === undefined) faults.push(`UPLINK_LOG_LEVEL is none of ${levels.join(", ")}.`);
      return logLevel ?? "information";
    },
    /** Throws one error that lists everything that is wrong. */
    check: (who: string): void => {
      if (faults.length > 0) throw new Error(`${who} cannot start:\n${faults.map((one) => `  ${one}`).join("\n")}`);
    },
  };
}

/** On standard error, a line an event: `time level category message`. */
export function createLog(from: LogLevel): HostLog {
  const lowest = levels.indexOf(from);
  return (level, category, message) => {
    if (levels.indexOf(level) < lowest) return;
    process.stderr.write(`${new Date().toISOString()} ${level} ${category} ${message}\n`);
  };
}

export const isTaken = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "EADDRINUSE";

export async function openBroker(port: number, queues: readonly string[], log: HostLog): Promise<Broker> {
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

/** Runs `stop` once at SIGTERM or SIGINT, and ends the process: with 0, or with 1 where it fails. */
export function stopOnSignal(log: HostLog, category: string, stop: () => Promise<unknown>): void {
  let stopping = false;
  const onSignal = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log("information", category, `${signal}: stopping.`);
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log("error", category, `Stopping failed: ${String(error)}`);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", () => onSignal("SIGTERM"));
  process.on("SIGINT", () => onSignal("SIGINT"));
}

/** A start that fails says why, and the exit code is 1. */
export function runProcess(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
}
