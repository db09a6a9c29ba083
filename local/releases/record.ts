/**
 * Records a release: runs the built programs over the sample forests in a home of their own, has everything happen that
 * leaves another kind of row or history behind, and writes down what is there at the end.
 *
 * What happens: both forests are synced for the first time (one person lives in both and is escrowed; the target throttles;
 * one activity fails once), people change, go and come back, two swap their sign-in names, a member leaves a group, so many
 * are removed that the guard stages them, a part of the links is mapped again, the duties run beside (`duties.ts`), and at the
 * end a batch is under way that waits for a target that is down.
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rebuildLinks } from "../../shared/contracts/admin/links.ts";
import { parseOrchestratorState } from "../durable/actions.ts";
import { ensureSamples, SAMPLE_FORESTS } from "../samples/generate.ts";
import { projectRoot, StartError } from "../start/home.ts";
import { type Runtime, startRuntime } from "../start/runtime.ts";
import { type Forest, syncForests } from "../start/sample-forests.ts";
import type { Screen } from "../start/screen.ts";
import { TENANT_ID } from "../start/services.ts";
import { registeredBy } from "./app-functions.ts";
import { collectBlobs, collectExecutions, collectRequests, collectRows, collectTarget } from "./collect.ts";
import { dnOf, type ForestText, forestText, withValue } from "./directory-edits.ts";
import { DUTIES_FAILED_ONCE, runDuties } from "./duties.ts";
import {
  type HistoriesManifest,
  type ReleaseContent,
  type ReleaseManifest,
  writeHistories,
  writeRelease,
} from "./release-files.ts";
import { findSecrets } from "./secrets.ts";
import { until } from "./until.ts";

export interface HistoriesOptions {
  readonly commit: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Where the release is written; must not be there. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

export interface RecordingOptions extends HistoriesOptions {
  readonly version: string;
}

/** What a recording is taken from: a host that is stopped, and whose work stands as it stood then. */
interface Stopped {
  readonly home: string;
  readonly runtime: Runtime;
  readonly stage: readonly Actor[];
  readonly initialDomain: string;
  readonly recordedAt: string;
  readonly executions: ReleaseContent["executions"];
}

/** So few that the removal of three people is held back. */
const STRICT_GUARD = { floor: 1, count: 2, percent: 1 };
const VERIFIED_DOMAINS = SAMPLE_FORESTS.map(({ plan }) => plan.fqdn);
const QUIET: Screen = { line: () => undefined, progress: () => undefined, clear: () => undefined };
/** Each fails once, so that recordings hold repeated activities. */
const FAILED_ONCE = ["ExportChunk", ...DUTIES_FAILED_ONCE].join();

/** Throws `StartError` when something isn't as a recording needs it; nothing is written then. */
export async function recordRelease(options: RecordingOptions): Promise<ReleaseManifest> {
  return recording(options, async ({ home, runtime, stage, initialDomain, recordedAt, executions }) => {
    const rows = await collectRows(runtime.storageConnection);
    const content: ReleaseContent = {
      executions,
      rows,
      blobs: await collectBlobs(runtime.storageConnection, rows),
      requests: (await Promise.all(stage.map(({ forest, requests }) => collectRequests(forest.name, requests)))).flat(),
      sources: Object.fromEntries(stage.map(({ forest, ldif }) => [forest.name, ldif.text()])),
      target: await collectTarget(runtime),
    };
    const programs = {
      "main.cjs": await readFile(join(home, "app", "release.cjs")),
      "uplink.cjs": await readFile(join(projectRoot, "dist", "uplink.cjs")),
    };
    await refuseSecrets(home, content, programs);
    const { version, commit, folder } = options;
    const manifest = {
      format: 1,
      ...{ version, commit, recordedAt, targetKey: TENANT_ID, verifiedDomains: VERIFIED_DOMAINS },
      initialDomain,
      jobs: stage.map(({ forest: { name, jobId, configurationId, fqdn } }) => ({
        ...{ agent: name, jobId, configurationId, fqdn },
      })),
      functions: await registeredBy(join(home, "app", "release.cjs")),
      counts: countsOf(content),
    } as const;
    return writeRelease(folder, manifest, content, programs);
  });
}

/** Only the orchestrations, of code that is no release yet. As `recordRelease`. */
export async function recordHistories(options: HistoriesOptions): Promise<HistoriesManifest> {
  return recording(options, async ({ home, recordedAt, executions }) => {
    await refuseSecrets(home, { executions }, {});
    const { commit, folder } = options;
    return writeHistories(folder, { commit, recordedAt, counts: executionsByName(executions) }, executions);
  });
}

async function refuseSecrets(...looked: Parameters<typeof findSecrets>): Promise<void> {
  const findings = await findSecrets(...looked);
  if (findings.length > 0) throw new StartError(`The recording is not written:\n  ${findings.join("\n  ")}`);
}

async function recording<T>(options: HistoriesOptions, collect: (from: Stopped) => Promise<T>): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), "uplink-release-"));
  const executionsFile = join(home, "executions.jsonl");
  try {
    const app = await recordingApp(join(home, "app"));
    const runtime = await startRuntime({
      home: join(home, "runtime"),
      verifiedDomains: VERIFIED_DOMAINS,
      inMemory: true,
      appPath: app,
      settings: { UPLINK_RECORDING_FILE: executionsFile, UPLINK_RECORDING_FAIL_ONCE: FAILED_ONCE },
      log: options.log,
    });
    try {
      const work = async (): Promise<T> => {
        const stage = await prepare(runtime, home);
        const initialDomain = await initialDomainOf(runtime);
        await live(runtime, stage, { executionsFile, log: options.log });
        // Nothing moves any more while it is read; a host that ends would be taken for a broken runtime.
        runtime.process("host").kill("SIGSTOP");
        const recordedAt = new Date(options.now()).toISOString();
        const executions = await collectExecutions(executionsFile, { [home]: "home", [projectRoot]: "project/" });
        return collect({ home, runtime, stage, initialDomain, recordedAt, executions });
      };
      return await Promise.race([work(), runtime.broken]);
    } finally {
      runtime.process("host").kill("SIGCONT");
      await runtime.stop();
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** The built app behind the one that records it, with the host.json of the project. */
async function recordingApp(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const entry = join(folder, "main.cjs");
  await copyFile(join(projectRoot, "local", "releases", "recording-app.cjs"), entry);
  await copyFile(join(projectRoot, "dist", "main.cjs"), join(folder, "release.cjs"));
  await copyFile(join(projectRoot, "host.json"), join(folder, "host.json"));
  await writeFile(join(folder, "package.json"), '{ "type": "commonjs" }\n');
  return entry;
}

interface Actor {
  readonly forest: Forest;
  readonly ldif: ForestText;
  /** What the agent asked, a line each. */
  readonly requests: string;
}

async function prepare(runtime: Runtime, home: string): Promise<Actor[]> {
  const files = await ensureSamples(runtime.paths.samples);
  const recorder = pathToFileURL(join(projectRoot, "local", "releases", "record-requests.mjs")).href;
  const actors: Actor[] = [];
  for (const { name, plan } of SAMPLE_FORESTS) {
    const file = files.get(name) ?? "";
    const { id, jobId } = await runtime.admin.createConfiguration({
      displayName: name,
      domainFqdn: plan.fqdn,
      domainNetBios: plan.netBios,
      settings: {
        signIn: "ownProcess",
        firstExport: "automatic",
        trustVisibility: { by: "the recorder", at: "2026-01-01T00:00:00.000Z" },
        ...(actors.length === 0 ? {} : { guard: STRICT_GUARD }),
      },
    });
    const requests = join(home, `requests-${name}.jsonl`);
    const agent = {
      name,
      configurationId: id,
      source: ["--source", "ldif", "--file", file, "--poll-seconds", "2"],
      environment: { NODE_OPTIONS: `--import ${recorder}`, UPLINK_RECORDING_FILE: requests },
    };
    await runtime.agents.enrol(agent);
    const forest = { name, fqdn: plan.fqdn, file, configurationId: id, jobId, agent };
    actors.push({ forest, ldif: forestText(await readFile(file, "utf8")), requests });
  }
  return actors;
}

async function live(
  runtime: Runtime,
  actors: readonly Actor[],
  { executionsFile, log }: { readonly executionsFile: string; readonly log: (line: string) => void },
): Promise<void> {
  const [first, second] = actors;
  if (!first || !second) throw new StartError("Two sample forests are needed.");
  const sync = async (what: string, ...own: readonly Actor[]): Promise<void> => {
    log(what);
    for (const { forest, ldif } of own) await writeFile(forest.file, ldif.text());
    const forests = own.map(({ forest }) => forest);
    const reports = await syncForests(runtime, forests, QUIET, new AbortController().signal);
    for (const { name, failure } of reports) if (failure) throw new StartError(`${name}: ${failure}`);
  };
  // Names that the file writes plainly: others are base64 there.
  const people = first.ldif.people.filter((record) => /^dn: CN=[A-Za-z ]+,/.test(record)).slice(20);
  const [changed, gone, left, right, member] = people;
  if (!changed || !gone || !left || !right || !member) throw new StartError("The first sample forest is too small.");

  await runtime.control("faults", fault({ throttle: { count: 4, retryAfterSeconds: 1 } }));
  await sync("first sync of both", first, second);

  first.ldif.replace(changed, withValue(changed, "title", "Chief Recorder"));
  first.ldif.remove(gone);
  first.ldif.swap("userPrincipalName", left, right);
  first.ldif.removeMember(dnOf(member));
  await sync("a change, a removal, two who swap names, a member that goes", first);

  first.ldif.append(gone);
  await sync("the one who was removed comes back", first);

  for (const record of second.ldif.people.slice(30, 33)) second.ldif.remove(record);
  await sync("more removals than the guard lets pass", second);

  log("links mapped again");
  await runtime.admin.call(rebuildLinks, { params: { jobId: first.forest.jobId }, body: { shard: "0" } });
  await until("the end of that work", async () => {
    const { openRead, waiting } = await runtime.admin.status(first.forest.jobId);
    return openRead === null && waiting.batches + waiting.readsEnding + waiting.work === 0;
  });

  await runDuties(runtime, first.forest.jobId, log);

  log("a batch that is under way at the end");
  await runtime.control("faults", fault({ down: true }));
  const [lead] = second.ldif.people;
  if (lead) second.ldif.replace(lead, withValue(lead, "title", "Waiting for a newer version"));
  await writeFile(second.forest.file, second.ldif.text());
  const sent = await runtime.agents.once(second.forest.agent);
  if (sent.result?.batches !== 1) throw new StartError(`${second.forest.name} sent no batch. ${sent.words}`);
  await until("a run that waits for the target", async () => {
    const runs = await collectExecutions(executionsFile);
    return runs.some(({ state, orchestrator }) => orchestrator === "ProcessBatch" && waits(state));
  });
}

/** Nobody is there to answer: the last thing that was asked for is a timer. */
function waits(state: unknown): boolean {
  const { isDone, actions } = parseOrchestratorState(state);
  return !isDone && actions.at(-1)?.kind === "timer";
}

const fault = (order: unknown) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(order),
});

async function initialDomainOf(runtime: Runtime): Promise<string> {
  const { value } = (await (await runtime.graphFetch("domains")).json()) as {
    value: { id: string; isInitial: boolean }[];
  };
  const initial = value.find((domain) => domain.isInitial);
  if (!initial) throw new StartError("The target has no initial domain.");
  return initial.id;
}

function countsOf(content: ReleaseContent): ReleaseManifest["counts"] {
  return {
    executions: executionsByName(content.executions),
    rows: Object.fromEntries(Object.entries(content.rows).map(([table, rows]) => [table, rows.length])),
    blobs: Object.keys(content.blobs).length,
    requests: content.requests.length,
    targetObjects: content.target.length,
  };
}

function executionsByName(executions: ReleaseContent["executions"]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { orchestrator } of executions) counts[orchestrator] = (counts[orchestrator] ?? 0) + 1;
  return counts;
}
