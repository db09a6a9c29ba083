/**
 * The sample forests on a running runtime: their configurations and agents, their first sync, and word of every later
 * one. Everything is asked of the admin API; nothing looks into the service's storage.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { CycleReply } from "../../shared/contracts/admin/cycles.ts";
import type { JobStatusReply } from "../../shared/contracts/admin/jobs.ts";
import { ensureSamples, SAMPLE_FORESTS } from "../samples/generate.ts";
import type { AgentPlan } from "./agents.ts";
import { StartError } from "./home.ts";
import { cycleLines, type ForestReport, type Names, namesFromLdif } from "./report.ts";
import type { Runtime } from "./runtime.ts";
import type { Screen } from "./screen.ts";

export interface Forest {
  readonly name: string;
  readonly fqdn: string;
  readonly file: string;
  readonly configurationId: string;
  readonly jobId: string;
  readonly agent: AgentPlan;
}

const FIRST_POLL_MS = 250;
const WATCH_POLL_MS = 1_000;
/** A sync in which nothing moved for so long is given up by `--once`. */
const STUCK_MS = 180_000;
const LOG_TOP = 1_000;

/** Makes what is missing: files, configurations, agents with their keys. */
export async function prepareForests(runtime: Runtime): Promise<Forest[]> {
  const files = await ensureSamples(runtime.paths.samples);
  const forests: Forest[] = [];
  for (const { name, plan } of SAMPLE_FORESTS) {
    const file = files.get(name) ?? "";
    const { id, jobId } = await runtime.admin.createConfiguration({
      displayName: name,
      domainFqdn: plan.fqdn,
      domainNetBios: plan.netBios,
      settings: {
        signIn: "ownProcess",
        firstExport: "automatic",
        // Without it what is missing from a file would be staged, not deleted: the file can't show what it may not see.
        trustVisibility: { by: "npm start", at: new Date().toISOString() },
      },
    });
    const source = ["--source", "ldif", "--file", file, "--poll-seconds", "2"];
    const agent = { name, configurationId: id, source };
    await runtime.agents.enrol(agent);
    forests.push({ name, fqdn: plan.fqdn, file, configurationId: id, jobId, agent });
  }
  return forests;
}

/** Has each agent read once, all at the same time, and waits until what they sent has its effect. */
export async function syncForests(
  runtime: Runtime,
  forests: readonly Forest[],
  screen: Screen,
  stop: AbortSignal,
): Promise<ForestReport[]> {
  const states = new Map<string, SyncState>();
  const reports = await Promise.all(
    forests.map((forest) =>
      syncOne(runtime, forest, stop, (state) => {
        states.set(forest.name, state);
        screen.progress(progressOf(forests, states));
      }).catch((error: unknown): ForestReport => {
        if (!(error instanceof StartError)) throw error;
        const { name, fqdn } = forest;
        return { name, fqdn, cycle: undefined, escrows: [], entries: [], seconds: 0, failure: error.message };
      }),
    ),
  );
  screen.clear();
  return reports;
}

async function syncOne(
  runtime: Runtime,
  forest: Forest,
  stop: AbortSignal,
  onState: (state: SyncState) => void,
): Promise<ForestReport> {
  const began = Date.now();
  const before = (await runtime.admin.status(forest.jobId)).lastCycle?.readNo ?? 0;
  let hasRead: boolean | undefined;
  let failure: string | undefined;
  void runtime.agents.once(forest.agent).then(
    (end) => {
      hasRead = end.result?.read ?? false;
      if (end.exitCode !== 0) failure = `The agent of ${forest.name} could not read. ${end.words}`;
    },
    (error: unknown) => {
      failure = String(error);
    },
  );
  let seen = "";
  let movedAt = Date.now();
  for (;;) {
    const status = await runtime.admin.status(forest.jobId);
    if (failure !== undefined) throw new StartError(failure);
    const isRead = hasRead === false || (status.lastCycle?.readNo ?? 0) > before;
    const isDone = hasRead !== undefined && isRead && isAtRest(status);
    onState({ phase: isDone ? "done" : hasRead === undefined ? "reading" : "syncing", status });
    if (isDone) return reportOf(runtime, forest, status, before, began);
    const now = JSON.stringify(status);
    if (now !== seen) movedAt = Date.now();
    seen = now;
    if (Date.now() - movedAt > STUCK_MS)
      throw new StartError(
        `The sync of ${forest.name} has not moved for ${STUCK_MS / 1000} s (${JSON.stringify(status.waiting)}).\nSee ${runtime.process("host").logFile}.`,
      );
    await sleep(FIRST_POLL_MS, undefined, { signal: stop });
  }
}

async function reportOf(
  runtime: Runtime,
  forest: Forest,
  status: JobStatusReply,
  before: number,
  began: number,
): Promise<ForestReport> {
  const { name, fqdn, jobId } = forest;
  const cycle = status.lastCycle !== null && status.lastCycle.readNo > before ? status.lastCycle : undefined;
  return {
    name,
    fqdn,
    cycle,
    escrows: await runtime.admin.escrows(jobId),
    entries: cycle ? await entriesOf(runtime, jobId, cycle) : [],
    seconds: (Date.now() - began) / 1000,
  };
}

/** Says on the screen what every further read brought, until the signal. */
export async function watchForests(
  runtime: Runtime,
  forests: readonly Forest[],
  screen: Screen,
  stop: AbortSignal,
): Promise<void> {
  const lastByJob = new Map<string, number>();
  for (const { jobId } of forests) lastByJob.set(jobId, (await runtime.admin.status(jobId)).lastCycle?.readNo ?? 0);
  let wasDown = false;
  while (!stop.aborted) {
    await sleep(WATCH_POLL_MS, undefined, { signal: stop }).catch(() => undefined);
    for (const { name, jobId } of stop.aborted ? [] : forests) {
      try {
        const last = lastByJob.get(jobId) ?? 0;
        const status = await runtime.admin.status(jobId);
        if ((status.lastCycle?.readNo ?? 0) <= last) continue;
        const cycles = (await runtime.admin.cycles(jobId, 20)).filter((cycle) => cycle.readNo > last);
        for (const cycle of cycles.sort((left, right) => left.readNo - right.readNo)) {
          const lines = cycleLines(name, cycle, await entriesOf(runtime, jobId, cycle));
          for (const line of lines) screen.line(line);
          lastByJob.set(jobId, cycle.readNo);
        }
        wasDown = false;
      } catch (error) {
        if (stop.aborted) return;
        // A service that is down says so once; it may be restarted under us.
        if (!wasDown) screen.line(`${name}: ${error instanceof Error ? error.message : String(error)}`);
        wasDown = true;
      }
    }
  }
}

/** Names for ids that messages carry, from the files as they are now. */
export async function namesOf(forests: readonly Forest[]): Promise<Names> {
  const names = new Map<string, string>();
  for (const forest of forests) {
    names.set(forest.configurationId, forest.name);
    for (const [guid, dn] of namesFromLdif(await readFile(forest.file, "utf8").catch(() => ""))) names.set(guid, dn);
  }
  return names;
}

async function entriesOf(runtime: Runtime, jobId: string, cycle: CycleReply) {
  const entries = await runtime.admin.log({ jobId, top: LOG_TOP });
  return entries.filter((entry) => entry.cycleId === cycle.cycleId);
}

/** Nothing is being read, nothing waits. */
function isAtRest({ openRead, waiting }: JobStatusReply): boolean {
  return openRead === null && waiting.batches + waiting.readsEnding + waiting.work === 0;
}

interface SyncState {
  readonly phase: "reading" | "syncing" | "done";
  readonly status: JobStatusReply;
}

function progressOf(forests: readonly Forest[], states: ReadonlyMap<string, SyncState>) {
  let done = 0;
  let total = 0;
  const steps: string[] = [];
  for (const { name } of forests) {
    const state = states.get(name);
    steps.push(`${name} ${state?.phase ?? "reading"}`);
    if (!state) continue;
    const { openRead, waiting, lastCycle } = state.status;
    const isClosed = isAtRest(state.status) && lastCycle !== null;
    total += isClosed ? lastCycle.received : Math.max(waiting.changes, openRead?.objects ?? 0);
    done += isClosed ? lastCycle.received : waiting.processed;
  }
  return { step: steps.join(", "), done, total };
}
