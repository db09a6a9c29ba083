/** Starts the local host with the sample app in a state folder of its own, for the tests of host and engine. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Engine } from "../../local/durable/engine-contract.ts";
import { type FunctionsHost, type FunctionsHostOptions, startFunctionsHost } from "../../local/functions-host/host.ts";

export const sampleAppPath = fileURLToPath(new URL("../fixtures/functions-app/main.cjs", import.meta.url));

export type SampleHost = FunctionsHost & {
  readonly durable: Engine;
  readonly stateDir: string;
  readonly logs: string[];
  /** Calls a method of the app's durable client; rejects with the message that the client threw. */
  client(method: string, ...args: unknown[]): Promise<unknown>;
  /** Starts an orchestration through the app and returns its id. */
  begin(name: string, input?: unknown, options?: { id?: string; version?: string }): Promise<string>;
  /** Waits until an orchestration has ended and returns its status. */
  ended(id: string): Promise<SampleStatus>;
  /** Stops the host and removes its state. */
  close(): Promise<void>;
};

export type SampleStatus = {
  readonly runtimeStatus: string;
  readonly output: unknown;
  readonly input: unknown;
  readonly customStatus: unknown;
  readonly historyEvents?: readonly Record<string, unknown>[];
};

export type SampleOptions = Partial<Omit<FunctionsHostOptions, "env">> & {
  readonly env?: Record<string, string>;
  readonly durableTask?: Record<string, unknown>;
};

/** The sample app's Service Bus function is off unless the test gives a broker. */
export const sampleEnv = {
  SAMPLE_SCHEDULE: "0 0 2 * * *",
  SAMPLE_QUEUE: "doorbell",
  "AzureWebJobs.bell.Disabled": "true",
  "AzureWebJobs.atStart.Disabled": "true",
  "AzureWebJobs.switchedOff.Disabled": "1",
};

export const notes = (): unknown[] => {
  const holder = globalThis as { sampleNotes?: unknown[] };
  holder.sampleNotes ??= [];
  return holder.sampleNotes;
};

export function clearNotes(): void {
  notes().length = 0;
}

/** Polls until a condition gives something; fails with `what` after the time limit. */
export async function until<T>(what: string, get: () => T | Promise<T>, limitMs = 10_000): Promise<NonNullable<T>> {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await get();
    if (value !== undefined && value !== null && value !== false) return value;
    if (Date.now() > end) throw new Error(`Waited ${limitMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function startSampleHost(options: SampleOptions = {}): Promise<SampleHost> {
  const { env = {}, durableTask = {}, ...rest } = options;
  const stateDir = rest.stateDir ?? (await mkdtemp(join(tmpdir(), "uplink-host-")));
  const logs: string[] = [];
  const host = await startFunctionsHost({
    appPath: sampleAppPath,
    hostJson: { version: "2.0", extensions: { durableTask: { hubName: "SampleHub", ...durableTask } } },
    port: 0,
    log: (level, category, message) => logs.push(`${level} ${category} ${message}`),
    ...rest,
    stateDir,
    env: { ...sampleEnv, ...env },
  });
  const client = async (method: string, ...args: unknown[]): Promise<unknown> => {
    const response = await fetch(`${host.url}/api/client/${method}`, { method: "POST", body: JSON.stringify(args) });
    const { result, error } = (await response.json()) as { result?: unknown; error?: string };
    if (error !== undefined) throw new Error(error);
    return result;
  };
  if (host.durable === undefined) throw new Error("The sample host has an engine of its own.");
  return {
    ...host,
    durable: host.durable,
    stateDir,
    logs,
    client,
    begin: async (name, input, { id, version } = {}) => {
      const query = version === undefined ? "" : `?version=${version}`;
      const response = await fetch(`${host.url}/api/start/${name}${id === undefined ? "" : `/${id}`}${query}`, {
        method: "POST",
        ...(input === undefined ? {} : { body: JSON.stringify(input) }),
      });
      if (response.status !== 202) throw new Error(`Start of ${name} answered ${response.status}`);
      return ((await response.json()) as { id: string }).id;
    },
    ended: (id) =>
      until(`the end of ${id}`, async () => {
        const status = (await client("getStatus", id)) as SampleStatus;
        return ["Completed", "Failed", "Terminated"].includes(status.runtimeStatus) ? status : undefined;
      }),
    close: async () => {
      await host.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
