/**
 * The append-only file in which the directory keeps what it did, so that it is there again after a restart.
 *
 * A line is one fact. Lines of one request are written together before the request is answered, so a killed process
 * loses no answered write (a machine that loses power may: nothing is flushed to the disk). At start the facts are
 * replayed and the file is written anew without what later lines undid; a last line that a kill tore is dropped.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Entry } from "./types.ts";

export type Fact =
  | { op: "put"; entry: Entry }
  | { op: "drop"; id: string }
  | { op: "link"; group: string; member: string }
  | { op: "unlink"; group: string; member: string }
  | { op: "role"; principal: string; role: string; held: boolean }
  | { op: "clear" };

export type Journal = {
  append(fact: Fact): void;
  /** Writes what was appended since the last flush. */
  flush(): void;
  /** Replaces the file by these facts. */
  rewrite(facts: Iterable<Fact>): void;
  close(): void;
};

const FILE = "directory.ndjson";
const HEADER = JSON.stringify({ format: "directory-journal", version: 1 });
const REWRITE_CHUNK = 1000;

/** A journal that keeps nothing, for a directory that lives in memory only. */
export const memoryJournal: Journal = { append() {}, flush() {}, rewrite() {}, close() {} };

/**
 * Opens the journal in `stateDir` and hands each fact of it to `replay`, in order.
 * @throws when the file is of another version or damaged before its last line; the message names file and line.
 */
export function openJournal(stateDir: string, replay: (fact: Fact) => void): Journal {
  mkdirSync(stateDir, { recursive: true });
  const file = join(stateDir, FILE);
  if (existsSync(file)) readFacts(file, replay);
  let descriptor: number | undefined;
  let lines: string[] = [];
  let size = 0;

  const journal: Journal = {
    append(fact) {
      lines.push(JSON.stringify(fact));
    },
    flush() {
      if (lines.length === 0 || descriptor === undefined) return;
      size = appendWhole(descriptor, Buffer.from(`${lines.join("\n")}\n`), size);
      lines = [];
    },
    rewrite(facts) {
      const temporary = `${file}.tmp`;
      writeFileSync(temporary, `${HEADER}\n`, { mode: 0o600 });
      const target = openSync(temporary, "a");
      let chunk: string[] = [];
      const write = () => {
        if (chunk.length > 0) writeSync(target, `${chunk.join("\n")}\n`);
        chunk = [];
      };
      for (const fact of facts) {
        chunk.push(JSON.stringify(fact));
        if (chunk.length >= REWRITE_CHUNK) write();
      }
      write();
      closeSync(target);
      renameSync(temporary, file);
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = openSync(file, "a");
      size = fstatSync(descriptor).size;
      lines = [];
    },
    close() {
      journal.flush();
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
  return journal;
}

/** Appends all of `bytes` or, when the disk is full, nothing: half a line in the middle would damage the file. */
function appendWhole(descriptor: number, bytes: Buffer, size: number): number {
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(descriptor, bytes, written);
  } catch (error) {
    ftruncateSync(descriptor, size);
    throw error;
  }
  return size + bytes.length;
}

function readFacts(file: string, replay: (fact: Fact) => void): void {
  const lines = readFileSync(file, "utf8").split("\n");
  if (lines[0] !== HEADER) {
    throw new Error(`Cannot read '${file}': it is no directory journal of version 1. Move it away or reset the state.`);
  }
  const last = lines.length - 1;
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line === "") continue;
    let fact: Fact;
    try {
      fact = JSON.parse(line) as Fact;
    } catch (cause) {
      // Without its newline the last line is what a kill left of a write that was never answered.
      if (index === last) return;
      throw new Error(`Cannot read '${file}': line ${index + 1} is damaged. Move the file away or reset the state.`, {
        cause,
      });
    }
    replay(fact);
  }
}
