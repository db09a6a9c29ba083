/** What a stopped service leaves behind, as a recording keeps it: rows, blobs, target, runs of orchestrators, requests. */
import { readFile } from "node:fs/promises";
import { createBlobStore } from "../../shared/adapters/blobs/blob-store.ts";
import { createTableRowStore } from "../../shared/adapters/tables/row-store.ts";
import type { RowValues } from "../../shared/ports/row-store.ts";
import type { HistoryEvent } from "../durable/history.ts";
import type { Runtime } from "../start/runtime.ts";
import { type RecordedBytes, recordedBytes } from "./recorded-bytes.ts";
import type {
  RecordedExecution,
  RecordedRequest,
  RecordedRow,
  RecordedTargetObject,
  RecordedValue,
} from "./release-files.ts";

export async function collectRows(connectionString: string): Promise<Record<string, RecordedRow[]>> {
  const store = createTableRowStore({ connectionString });
  const found: Record<string, RecordedRow[]> = {};
  for (const name of await store.listTables()) {
    const rows: RecordedRow[] = [];
    for await (const page of store.table(name).scan()) {
      for (const { partition, row, values } of page) rows.push([partition, row, recordedValues(values)]);
    }
    found[name] = rows.sort(([left, leftRow], [right, rightRow]) =>
      `${left} ${leftRow}` < `${right} ${rightRow}` ? -1 : 1,
    );
  }
  return found;
}

function recordedValues(values: RowValues): Record<string, RecordedValue> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value instanceof Uint8Array ? recordedBytes(value) : value]),
  );
}

/** Those of closed batches and reads stay out: nothing reads them again, and they are most of all bytes. */
export async function collectBlobs(
  connectionString: string,
  rows: Readonly<Record<string, readonly RecordedRow[]>>,
): Promise<Record<string, RecordedBytes>> {
  const store = createBlobStore({ connectionString, container: "uplink" });
  const found: Record<string, RecordedBytes> = {};
  const open = (rows["jobs"] ?? []).flatMap(([jobId, row]) => {
    const readNo = /^(?:batch:\w+|read):0*(\d+)/.exec(row)?.[1];
    return readNo === undefined ? [] : [`${jobId}/${readNo}/`, `${jobId}-${readNo}-`];
  });
  for await (const path of store.list("")) {
    if (/^(batches|plans)\//.test(path) && !open.some((part) => path.includes(part))) continue;
    const content = await store.get(path);
    if (content) found[path] = recordedBytes(content);
  }
  return found;
}

export async function collectTarget(runtime: Runtime): Promise<RecordedTargetObject[]> {
  const { value } = (await (await runtime.control("objects")).json()) as { value: RecordedTargetObject[] };
  return value;
}

interface RunLine {
  readonly orchestrator: string;
  readonly trigger: {
    readonly history: readonly HistoryEvent[];
    readonly input: unknown;
    readonly instanceId: string;
    readonly parentInstanceId: string | null;
  };
  readonly state?: unknown;
  readonly failure?: string;
}

/**
 * The last run of every execution: it saw the whole history, and answered with every action since the start. `folders`
 * are taken out of what stack traces say.
 */
export async function collectExecutions(
  file: string,
  folders: Readonly<Record<string, string>> = {},
): Promise<RecordedExecution[]> {
  const last = new Map<string, RecordedExecution>();
  let text = await readFile(file, "utf8");
  for (const [folder, name] of Object.entries(folders)) text = text.replaceAll(folder, name);
  for (const line of linesOf(text) as RunLine[]) {
    const { orchestrator, trigger, state, failure } = line;
    if (failure !== undefined) throw new Error(`${orchestrator} failed while it was recorded: ${failure}`);
    const { instanceId, parentInstanceId, input, history } = trigger;
    // An instance that continues as new has one history after the other, which begin at different moments.
    const execution = `${instanceId} ${JSON.stringify(input)} ${history[0]?.Timestamp}`;
    last.set(execution, { instanceId, orchestrator, parentInstanceId, input, history, state: plain(state) });
  }
  return [...last.values()];
}

export async function collectRequests(agent: string, file: string): Promise<RecordedRequest[]> {
  const lines = linesOf(await readFile(file, "utf8")) as Omit<RecordedRequest, "agent">[];
  return lines.map((line) => {
    const body = "token" in line.body ? { ...line.body, token: "a-token-that-was-used-once" } : line.body;
    return { agent, ...line, body };
  });
}

const plain = (state: unknown): unknown => (typeof state === "string" ? JSON.parse(state) : state);

function linesOf(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}
