/**
 * A recorded release on disk: one folder a version below `test/fixtures/releases/`, gzipped JSON beside the two built
 * programs. Written once by the recorder, read by the tests that hold later changes against it.
 *
 *   manifest.json        version, commit, moment, sizes, counts, and what the bundle registered
 *   main.cjs.gz          the functions app       uplink.cjs.gz   the agent
 *   histories.json.gz    executions of orchestrators, as the host showed them and as the app answered
 *   rows.json.gz         every row of every table
 *   blobs.json.gz        every blob
 *   requests.json.gz     what agents asked and what they were answered
 *   sources.json.gz      the directories as they were last, LDIF by agent
 *   target.json.gz       all objects of the target
 *
 * Of code that is no release yet only the orchestrations are kept, below `test/fixtures/histories/<since when>/`: what they
 * decide is what a running instance goes by. The next release's recording has them all, and takes that folder's place.
 *
 *   manifest.json        commit, moment, counts, size      histories.json.gz    as above
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { RowValue } from "../../shared/ports/row-store.ts";
import type { HistoryEvent } from "../durable/history.ts";
import type { AppFunction } from "./app-functions.ts";
import type { RecordedBytes } from "./recorded-bytes.ts";

/** One execution of an orchestrator: what the host handed to its last run, and the state that came back. */
export interface RecordedExecution {
  readonly instanceId: string;
  readonly orchestrator: string;
  readonly parentInstanceId: string | null;
  readonly input: unknown;
  readonly history: readonly HistoryEvent[];
  /** What durable-functions returned: all actions since the start, `isDone`, `output`. */
  readonly state: unknown;
}

export type RecordedValue = Exclude<RowValue, Uint8Array> | RecordedBytes;
/** Partition, row, values. */
export type RecordedRow = readonly [partition: string, row: string, values: Readonly<Record<string, RecordedValue>>];

export interface RecordedRequest {
  readonly agent: string;
  readonly method: string;
  readonly path: string;
  readonly isGzip: boolean;
  readonly body: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly reply: unknown;
}

/** As the directory stand-in lists it. */
export interface RecordedTargetObject {
  readonly kind: "user" | "group";
  readonly id: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly manager?: string;
  readonly members?: readonly string[];
  readonly deleted: boolean;
}

export interface ReleaseManifest {
  readonly format: 1;
  readonly version: string;
  readonly commit: string;
  /** When the last thing had happened: ISO 8601 UTC. */
  readonly recordedAt: string;
  /** The tenant set, which partitions of objects begin with. */
  readonly targetKey: string;
  readonly initialDomain: string;
  readonly verifiedDomains: readonly string[];
  readonly jobs: readonly {
    readonly agent: string;
    readonly jobId: string;
    readonly configurationId: string;
    readonly fqdn: string;
  }[];
  readonly functions: readonly AppFunction[];
  readonly counts: {
    readonly executions: Readonly<Record<string, number>>;
    readonly rows: Readonly<Record<string, number>>;
    readonly blobs: number;
    readonly requests: number;
    readonly targetObjects: number;
  };
  /** Bytes, by file. */
  readonly sizes: Readonly<Record<string, number>>;
}

export interface ReleaseContent {
  readonly executions: readonly RecordedExecution[];
  readonly rows: Readonly<Record<string, readonly RecordedRow[]>>;
  readonly blobs: Readonly<Record<string, RecordedBytes>>;
  readonly requests: readonly RecordedRequest[];
  readonly sources: Readonly<Record<string, string>>;
  readonly target: readonly RecordedTargetObject[];
}

export interface HistoriesManifest {
  readonly commit: string;
  /** As a release's. */
  readonly recordedAt: string;
  /** Executions, by orchestrator. */
  readonly counts: Readonly<Record<string, number>>;
  readonly sizes: Readonly<Record<string, number>>;
}

export interface Release extends ReleaseContent {
  readonly folder: string;
  readonly manifest: ReleaseManifest;
}

const JSON_FILES: Readonly<Record<keyof ReleaseContent, string>> = {
  executions: "histories.json.gz",
  rows: "rows.json.gz",
  blobs: "blobs.json.gz",
  requests: "requests.json.gz",
  sources: "sources.json.gz",
  target: "target.json.gz",
};
export type Program = "main.cjs" | "uplink.cjs";

/** Writes the folder whole. Sizes in the manifest are those of the files written here. */
export async function writeRelease(
  folder: string,
  manifest: Omit<ReleaseManifest, "sizes">,
  content: ReleaseContent,
  programs: Readonly<Record<Program, Uint8Array>>,
): Promise<ReleaseManifest> {
  const files = new Map<string, Buffer>();
  for (const [name, bytes] of Object.entries(programs)) files.set(`${name}.gz`, gzipSync(bytes, { level: 9 }));
  for (const [part, name] of Object.entries(JSON_FILES)) {
    files.set(name, gzipSync(JSON.stringify(content[part as keyof ReleaseContent]), { level: 9 }));
  }
  const sizes = Object.fromEntries([...files].map(([name, bytes]) => [name, bytes.length]));
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
  const whole = { ...manifest, sizes };
  await writeFile(join(folder, "manifest.json"), `${JSON.stringify(whole, null, 2)}\n`);
  return whole;
}

export async function writeHistories(
  folder: string,
  manifest: Omit<HistoriesManifest, "sizes">,
  executions: ReleaseContent["executions"],
): Promise<HistoriesManifest> {
  const bytes = gzipSync(JSON.stringify(executions), { level: 9 });
  const whole = { ...manifest, sizes: { [JSON_FILES.executions]: bytes.length } };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, JSON_FILES.executions), bytes);
  await writeFile(join(folder, "manifest.json"), `${JSON.stringify(whole, null, 2)}\n`);
  return whole;
}

export async function readHistories(folder: string): Promise<ReleaseContent["executions"]> {
  return readPart(folder, "executions");
}

/** The names of recorded releases below a folder, in order; none when it isn't there. */
export async function releaseNames(folder: string): Promise<string[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return found
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** Our own files: what they hold is claimed, not checked. */
export async function readRelease(folder: string): Promise<Release> {
  const part = <Name extends keyof ReleaseContent>(name: Name) => readPart(folder, name);
  const [executions, rows, blobs, requests, sources, target] = await Promise.all([
    part("executions"),
    part("rows"),
    part("blobs"),
    part("requests"),
    part("sources"),
    part("target"),
  ]);
  const manifest = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")) as ReleaseManifest;
  return { folder, manifest, executions, rows, blobs, requests, sources, target };
}

async function readPart<Name extends keyof ReleaseContent>(folder: string, name: Name): Promise<ReleaseContent[Name]> {
  return JSON.parse(
    gunzipSync(await readFile(join(folder, JSON_FILES[name]))).toString("utf8"),
  ) as ReleaseContent[Name];
}

export async function readProgram(folder: string, program: Program): Promise<Uint8Array> {
  return gunzipSync(await readFile(join(folder, `${program}.gz`)));
}
