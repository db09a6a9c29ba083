/** What the bench measures of one run, and how the readings are taken: from the meter, the stand-in and the host. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Runtime } from "../local/start/runtime.ts";
import type { SecureFetch } from "../local/start/secure-fetch.ts";

const TableUse = z.object({
  /** Written. */
  transactions: z.number(),
  /** Written. */
  rows: z.number(),
  /** Reads of one row by its key. */
  rowReads: z.number(),
  /** Pages of ranges. */
  rangeReads: z.number(),
});

const Storage = TableUse.extend({
  byTable: z.record(z.string(), TableUse),
  blobReads: z.number(),
  blobWrites: z.number(),
});
export type Storage = z.infer<typeof Storage>;

export const MeterReading = z.object({
  storage: Storage,
  peakBytes: z.number(),
  cpuSeconds: z.number(),
  /** Milliseconds since 1970 of the process's first `fetch`; null: there was none. */
  firstRequestAt: z.number().nullable(),
});
export type MeterReading = z.infer<typeof MeterReading>;

/** One run: a read from the agent's first request to the moment in which its cycle was closed. */
export interface Measured {
  readonly users: number;
  readonly run: string;
  readonly seconds: number;
  /** In the directory, beside the users. */
  readonly groups: number;
  readonly memberships: number;
  /** Changes in the read: users, groups and organisational units. */
  readonly received: number;
  readonly objectsPerSecond: number;
  readonly created: number;
  readonly updated: number;
  readonly graphWrites: number;
  /** As the directory alone would have it; 0 where nothing changed. */
  readonly fewestWrites: number;
  /** Writes divided by the fewest possible; 1 where there were none to make and none was made. */
  readonly writesToFewest: number;
  readonly graphRequests: number;
  readonly storage: Storage;
  readonly rowsPerObject: number;
  readonly transactionsPerObject: number;
  readonly durable: { readonly episodes: number; readonly activities: number; readonly orchestrations: number };
  /** Of each process alone. */
  readonly peakMegabytes: { readonly host: number; readonly agent: number };
  readonly cpuSeconds: {
    readonly host: number;
    readonly agent: number;
    readonly azurite: number;
    readonly directory: number;
  };
}

/** One delta that changed one member of a large group. */
export interface MemberChangeMeasured {
  readonly members: number;
  readonly run: "one member more" | "one member less";
  /** From the agent's first request to the closed cycle. */
  readonly milliseconds: number;
  readonly graphWrites: number;
  readonly graphRequests: number;
  readonly storage: Storage;
  readonly durable: Measured["durable"];
  /** Resident before the delta, after a garbage collection; and the peak while it ran. */
  readonly hostMegabytes: { readonly before: number; readonly peak: number };
  readonly cpuSeconds: { readonly host: number; readonly azurite: number; readonly directory: number };
}

const Counters = z.record(
  z.string(),
  z.object({ started: z.number(), continuedAsNew: z.number(), episodes: z.number(), activities: z.number() }),
);
const Stats = z.object({ requests: z.number(), writesInEffect: z.number() });

export interface Meter {
  read(): Promise<MeterReading>;
  reset(): Promise<void>;
  /** Profiles the host's CPU until the function that it gives is called with the file to write. */
  profile(): Promise<(file: string) => Promise<void>>;
}

export async function openMeter(portFile: string): Promise<Meter> {
  const origin = `http://127.0.0.1:${(await readFile(portFile, "utf8")).trim()}`;
  const ask = async (method: "GET" | "POST", path: string): Promise<unknown> => {
    const answer = await fetch(`${origin}${path}`, { method });
    if (!answer.ok) throw new Error(`The meter in the host failed: ${await answer.text()}`);
    return answer.json();
  };
  return {
    read: async () => MeterReading.parse(await ask("GET", "/")),
    reset: async () => void (await ask("POST", "/reset")),
    profile: async () => {
      await ask("POST", "/profile/start");
      return async (file) => void (await ask("POST", `/profile/stop?file=${encodeURIComponent(file)}`));
    },
  };
}

export interface Readings {
  readonly host: MeterReading;
  readonly durable: Measured["durable"];
  readonly directory: z.infer<typeof Stats>;
  readonly cpu: { readonly azurite: number; readonly directory: number };
}

/** All counters at this moment. The order doesn't matter: nothing runs before and after a run. */
export async function takeReadings(runtime: Runtime, fetch: SecureFetch, meter: Meter): Promise<Readings> {
  const host = await meter.read();
  const counters = Counters.parse(await (await fetch(`${runtime.urls.service}/admin/durable/counters`)).json());
  const directory = Stats.parse(await (await runtime.control("stats")).json());
  const sum = (pick: (one: z.infer<typeof Counters>[string]) => number) =>
    Object.values(counters).reduce((total, one) => total + pick(one), 0);
  return {
    host,
    directory,
    durable: {
      episodes: sum((one) => one.episodes),
      activities: sum((one) => one.activities),
      orchestrations: sum((one) => one.started + one.continuedAsNew),
    },
    cpu: {
      azurite: cpuSecondsOf(runtime.process("azurite").pid),
      directory: cpuSecondsOf(runtime.process("directory").pid),
    },
  };
}

/** Ticks a second in /proc: the same on every Linux that Node runs on. */
const TICKS = 100;

/** CPU time of another process: from /proc, else in whole seconds from `ps`; NaN where there is neither. */
export function cpuSecondsOf(pid: number): number {
  try {
    // After the name in brackets, which may hold blanks: the 12th and 13th fields are user and system time.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return psSecondsOf(pid);
  }
}

function psSecondsOf(pid: number): number {
  try {
    const text = execFileSync("ps", ["-o", "time=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return text.split(":").reduce((total, part) => total * 60 + Number(part), 0);
  } catch {
    return Number.NaN;
  }
}

export function difference(before: Readings, after: Readings) {
  return {
    durable: {
      episodes: after.durable.episodes - before.durable.episodes,
      activities: after.durable.activities - before.durable.activities,
      orchestrations: after.durable.orchestrations - before.durable.orchestrations,
    },
    graphWrites: after.directory.writesInEffect - before.directory.writesInEffect,
    graphRequests: after.directory.requests - before.directory.requests,
    hostCpu: after.host.cpuSeconds - before.host.cpuSeconds,
    azuriteCpu: after.cpu.azurite - before.cpu.azurite,
    directoryCpu: after.cpu.directory - before.cpu.directory,
  };
}
