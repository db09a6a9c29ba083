/**
 * The engine's memory on disk: one append-only file of JSON lines for each instance, written in groups. Everything
 * that was appended since the last flush goes out in one write and one fsync a file; `append` resolves after it.
 *
 * A line that a crash tore is cut off when the file is read again. What is inside the lines is not known here.
 */

import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { damagedJournal, parseJournal } from "./journal-lines.ts";

export type Journal = {
  /**
   * Adds a line to a file. Resolves when it is durable; rejects when the disk refused (full, gone). A line that isn't
   * `urgent` is safe from a killed process then, and from a lost machine with the next urgent one of its file.
   */
  append(key: string, line: unknown, urgent?: boolean): Promise<void>;
  /** Makes the file consist of these lines, atomically; appends that came before are dropped with the old content. */
  replace(key: string, lines: readonly unknown[]): Promise<void>;
  remove(key: string): Promise<void>;
  /** All lines; none when there is no such file. Rejects when it is damaged. */
  read(key: string): Promise<readonly unknown[]>;
  /** Names (not keys) of all files, to be read with `readFileNamed`. */
  fileNames(): Promise<readonly string[]>;
  fileNameOf(key: string): string;
  /** Reads a file before anything is written to it, and cuts a torn last line off. Rejects when it is damaged. */
  readFileNamed(fileName: string): Promise<readonly unknown[]>;
  /** Reads a file like `readFileNamed` and makes something of its lines; what `build` throws becomes damage of the file. */
  rebuild<T>(fileName: string, build: (lines: readonly unknown[]) => T): Promise<T>;
  /** Resolves when everything appended so far is durable. */
  flush(): Promise<void>;
};

type Batch = {
  text: string;
  replace: boolean;
  remove: boolean;
  urgent: boolean;
  done: (() => void)[];
  failed: ((error: unknown) => void)[];
};

export type JournalDeps = {
  readonly dir: string;
  /** False leaves the moment of writing to the operating system: safe against a killed process, not a lost machine. */
  readonly fsync: boolean;
};

const emptyBatch = { text: "", replace: false, remove: false, urgent: false } as const;

const extension = ".jsonl";
const filesAtOnce = 16;

/** Instance ids may hold anything and differ by case alone: readable start, then a digest that decides. */
function toFileName(key: string): string {
  const readable = encodeURIComponent(key)
    .replace(/[^A-Za-z0-9_.-]/g, "_")
    .slice(0, 100);
  return `${readable}-${createHash("sha256").update(key).digest("hex").slice(0, 16)}${extension}`;
}

export async function openJournal({ dir, fsync }: JournalDeps): Promise<Journal> {
  await mkdir(dir, { recursive: true });
  // What a replacement that was cut off left behind.
  for (const name of await readdir(dir)) if (name.endsWith(`${extension}.new`)) await rm(join(dir, name));
  let dirty = new Map<string, Batch>();
  let flushing: Promise<void> | undefined;

  const write = async (key: string, batch: Batch): Promise<void> => {
    const path = join(dir, toFileName(key));
    if (batch.remove && batch.text === "") return rm(path, { force: true });
    if (batch.replace || batch.remove) {
      const temporary = `${path}.new`;
      await writeFile(temporary, batch.text, { flush: fsync });
      return rename(temporary, path);
    }
    const file = await open(path, "a");
    try {
      await file.appendFile(batch.text);
      if (fsync && batch.urgent) await file.datasync();
    } finally {
      await file.close();
    }
  };

  const settle = async (key: string, batch: Batch): Promise<void> => {
    try {
      await write(key, batch);
    } catch (cause) {
      const error = new Error(
        `Cannot write the history of '${key}' in ${dir}: ${cause instanceof Error ? cause.message : String(cause)}. Free the disk or choose another state folder.`,
        { cause },
      );
      for (const fail of batch.failed) fail(error);
      return;
    }
    for (const done of batch.done) done();
  };

  const run = async (): Promise<void> => {
    while (dirty.size > 0) {
      const work = [...dirty];
      dirty = new Map();
      for (let at = 0; at < work.length; at += filesAtOnce) {
        await Promise.all(work.slice(at, at + filesAtOnce).map(([key, batch]) => settle(key, batch)));
      }
    }
    flushing = undefined;
  };

  const change = (key: string, edit: (batch: Batch) => void): Promise<void> =>
    new Promise<void>((done, failed) => {
      const batch = dirty.get(key) ?? { ...emptyBatch, done: [], failed: [] };
      edit(batch);
      batch.done.push(done);
      batch.failed.push(failed);
      dirty.set(key, batch);
      // The next turn, so that everything this turn appends shares one write.
      flushing ??= new Promise((next) => setImmediate(next)).then(run);
    });

  const load = async (fileName: string) => {
    const path = join(dir, fileName);
    const bytes = await readFile(path);
    return { path, size: bytes.length, ...parseJournal(bytes.toString("utf8"), path) };
  };
  const flush = async (): Promise<void> => {
    while (flushing !== undefined) await flushing;
  };

  const readFileNamed = async (fileName: string): Promise<readonly unknown[]> => {
    const { path, size, lines, goodBytes } = await load(fileName);
    if (goodBytes < size) await truncate(path, goodBytes);
    return lines;
  };

  return {
    append: (key, line, urgent = true) =>
      change(key, (batch) => {
        batch.urgent ||= urgent;
        batch.text += `${JSON.stringify(line)}\n`;
      }),
    replace: (key, lines) =>
      change(key, (batch) => {
        batch.text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
        batch.replace = true;
        batch.remove = false;
      }),
    remove: (key) =>
      change(key, (batch) => {
        batch.text = "";
        batch.replace = false;
        batch.remove = true;
      }),
    read: async (key) => {
      await flush();
      try {
        return (await load(toFileName(key))).lines;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
        throw error;
      }
    },
    fileNames: async () => (await readdir(dir)).filter((name) => name.endsWith(extension)),
    fileNameOf: toFileName,
    readFileNamed,
    rebuild: async (fileName, build) => {
      const lines = await readFileNamed(fileName);
      try {
        return build(lines);
      } catch (cause) {
        throw damagedJournal(join(dir, fileName), cause instanceof Error ? cause.message : String(cause), cause);
      }
    },
    flush,
  };
}
