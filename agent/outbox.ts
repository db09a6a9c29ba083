/**
 * The bounded outbox: a batch is on disk, synced, before it is sent, and gone only when the service has it.
 *
 * So an agent that is killed between reading and sending loses nothing, and sends first what it finds. Four batches are
 * enough to keep reading while one is under way; the source waits beyond that. A file holds one line of JSON (what it is, and
 * its digest) and the body as it is to be sent. Files that don't fit their digest are dropped: their read is not trusted.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AgentError } from "./agent-error.ts";
import { PARTIAL_SUFFIX, writeDurably } from "./durable-file.ts";

export const OUTBOX_CAPACITY = 4;

const EntryHeader = z.object({
  jobId: z.string().min(1),
  batchId: z.string().min(1),
  readNo: z.number().int().positive(),
  sequence: z.number().int().positive(),
  changes: z.number().int().min(0),
  isLast: z.boolean(),
  sha256: z.string(),
});

export interface OutboxBatch {
  readonly jobId: string;
  readonly batchId: string;
  readonly readNo: number;
  readonly sequence: number;
  readonly changes: number;
  readonly isLast: boolean;
  readonly body: Buffer;
}

export interface Outbox {
  readonly size: number;
  /** The oldest, or undefined. */
  first(): OutboxBatch | undefined;
  /** Resolves when it would survive a loss of power. Throws `AgentError` outbox-full (disk full) or outbox-unusable. */
  put(batch: OutboxBatch): Promise<void>;
  remove(batchId: string): Promise<void>;
  /** Everything of a read, or of all of them. */
  drop(readNo?: number): Promise<void>;
}

const NEWLINE = 0x0a;
const ENTRY_SUFFIX = ".batch";

/** Opens the folder and finds what an earlier process left. Throws `AgentError` outbox-unusable. */
export async function openOutbox(folder: string): Promise<Outbox> {
  const entries: { readonly path: string; readonly batch: OutboxBatch }[] = [];
  let counter = 0;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const names = (await readdir(folder)).sort();
    for (const name of names.filter((one) => one.endsWith(PARTIAL_SUFFIX)))
      await rm(join(folder, name), { force: true });
    for (const name of names.filter((one) => one.endsWith(ENTRY_SUFFIX))) {
      const path = join(folder, name);
      counter = Math.max(counter, Number.parseInt(name, 10) || 0);
      const batch = parseEntry(await readFile(path));
      if (batch) entries.push({ path, batch });
      else await rm(path, { force: true });
    }
  } catch (error) {
    throw unusable(folder, error);
  }

  async function removeWhere(matches: (batch: OutboxBatch) => boolean): Promise<void> {
    for (const entry of entries.filter(({ batch }) => matches(batch))) {
      try {
        await rm(entry.path, { force: true });
      } catch (error) {
        throw unusable(folder, error);
      }
      entries.splice(entries.indexOf(entry), 1);
    }
  }

  return {
    get size() {
      return entries.length;
    },
    first: () => entries[0]?.batch,
    put: async (batch) => {
      counter++;
      const path = join(folder, `${String(counter).padStart(10, "0")}${ENTRY_SUFFIX}`);
      try {
        await writeDurably(path, formatEntry(batch));
      } catch (error) {
        throw isDiskFull(error) ? full(folder, error) : unusable(folder, error);
      }
      entries.push({ path, batch });
    },
    remove: (batchId) => removeWhere((batch) => batch.batchId === batchId),
    drop: (readNo) => removeWhere((batch) => readNo === undefined || batch.readNo === readNo),
  };
}

/** How many batches lie there: for looking on while an agent runs, so it changes nothing. */
export async function countOutbox(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith(ENTRY_SUFFIX)).length;
}

function formatEntry(batch: OutboxBatch): Buffer {
  const { body, ...head } = batch;
  const { jobId, batchId, readNo, sequence, changes, isLast } = head;
  const header = { jobId, batchId, readNo, sequence, changes, isLast, sha256: digestOf(body) };
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`, "utf8"), body]);
}

function parseEntry(bytes: Buffer): OutboxBatch | undefined {
  const end = bytes.indexOf(NEWLINE);
  if (end < 0) return undefined;
  try {
    const { sha256, ...head } = EntryHeader.parse(JSON.parse(bytes.subarray(0, end).toString("utf8")));
    const body = bytes.subarray(end + 1);
    return digestOf(body) === sha256 ? { ...head, body } : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

function full(folder: string, cause: unknown): AgentError {
  return new AgentError(
    "outbox-full",
    `The disk under the outbox ${folder} is full: the batch was not sent.`,
    "Make room there (a few MB are enough). Nothing is lost: the service's watermark has not moved, and the read is repeated.",
    { cause },
  );
}

function unusable(folder: string, cause: unknown): AgentError {
  return new AgentError(
    "outbox-unusable",
    `Cannot use the outbox ${folder}: ${String(cause)}.`,
    "Let this account read and write the state folder, and run one agent on it only.",
    { cause },
  );
}
