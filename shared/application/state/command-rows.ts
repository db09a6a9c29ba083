/**
 * Commands that wait for an agent or for their effect: all of a job in one row of its partition, so that whoever waits reads one
 * row, and a command's answer and the work that follows from it are one transaction.
 *
 * Nothing here lasts: an entry is good until it expires; soon after that the tick drops it, or the next command, its files too.
 */
import type { ObjectName } from "../../contracts/agent-commands.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import type { Failure } from "../failure.ts";
import { jobTable, pack, readRow } from "./job-rows.ts";

export const COMMANDS_ROW = "commands";

export interface CommandEntry {
  readonly id: string;
  readonly subject: ObjectName;
  readonly members: readonly ObjectName[];
  /** What the subject and its members are said to be; null: whatever they are. */
  readonly types: readonly (string | null)[];
  readonly isDryRun: boolean;
  /** The admin who asked. */
  readonly by: string;
  /** Milliseconds since 1970; after `expiresAt` nobody may answer it. */
  readonly givenAt: number;
  readonly expiresAt: number;
  /** Versions of what comes of it begin here: above all that was accepted when it was given. */
  readonly version: CommandVersion;
  readonly schemaVersion: number;
  readonly scopeVersion: number;
  /**
   * `asked`: waits for the agent. `answered`: read, in a file. `working`: handed to the lane. `done`: its effect is told in a file.
   * `failed`: it isn't to be had, for `failure`.
   */
  readonly state: "asked" | "answered" | "working" | "done" | "failed";
  readonly agentId?: string;
  readonly workId?: string;
  /** Whom the agent found by that name, once it is work. */
  readonly objectGuid?: string;
  readonly failure?: Failure;
}

/** Read, sequence and the position of the first change; the positions after it are its own too. */
export interface CommandVersion {
  readonly readNo: number;
  readonly sequence: number;
  readonly position: number;
}

export interface CommandsRow {
  readonly entries: readonly CommandEntry[];
  /** When commands were given lately: milliseconds since 1970. */
  readonly given: readonly number[];
  /** The newest version that was given out. */
  readonly last?: CommandVersion;
}

const NO_COMMANDS: CommandsRow = { entries: [], given: [] };
/** From the request to its answer. */
export const COMMAND_MS = 30_000;
/** After it expired: whoever waits for it looks once more. */
const KEPT_MS = 30_000;

export const COMMAND_FILES = {
  answer: (jobId: string, id: string) => `commands/${jobId}/${id}/answer.json.gz`,
  result: (jobId: string, id: string) => `commands/${jobId}/${id}/result.json.gz`,
  folder: (jobId: string, id: string) => `commands/${jobId}/${id}/`,
  ofJob: (jobId: string) => `commands/${jobId}/`,
} as const;

/** Ids begin with the moment at which they were given: they follow each other, and a file tells how old it is. */
export function commandIdOf(givenAt: number, unique: string): string {
  return `${String(givenAt).padStart(14, "0")}-${unique}`;
}

export interface Commands {
  read(jobId: string): Promise<CommandsRow>;
  /**
   * One compare-and-swap. `change` may be called more than once; undefined: nothing is written. What else it gives is written in
   * the same transaction. Comes back with what was written.
   */
  change(
    jobId: string,
    change: (
      row: CommandsRow,
    ) => Promise<{ readonly row: CommandsRow; readonly operations?: readonly RowOperation[] } | undefined>,
  ): Promise<CommandsRow | undefined>;
  /** Of one command. Undefined when there is none, or `change` gives none. */
  update(
    jobId: string,
    id: string,
    change: (entry: CommandEntry) => CommandEntry | undefined,
  ): Promise<CommandEntry | undefined>;
  /** With its files. */
  drop(jobId: string, ids: readonly string[]): Promise<void>;
  /**
   * Commands that nobody can wait for any more, and files that somebody left who was too late. One row is read where none was given
   * lately.
   */
  dropExpired(jobId: string, now: number): Promise<void>;
}

export function createCommands(deps: { readonly rows: RowStore; readonly blobs: BlobStore }): Commands {
  const jobs = jobTable(deps.rows);

  const commands: Commands = {
    read: async (jobId) => (await readRow<CommandsRow>(jobs, jobId, COMMANDS_ROW))?.value ?? NO_COMMANDS,

    async change(jobId, change) {
      for (;;) {
        const stored = await readRow<CommandsRow>(jobs, jobId, COMMANDS_ROW);
        const next = await change(stored?.value ?? NO_COMMANDS);
        if (!next) return undefined;
        const values = pack(next.row);
        const own: RowOperation = stored
          ? { op: "replace", row: COMMANDS_ROW, values, etag: stored.etag }
          : { op: "insert", row: COMMANDS_ROW, values };
        if ((await jobs.transact(jobId, [own, ...(next.operations ?? [])])).ok) return next.row;
      }
    },

    async update(jobId, id, change) {
      const written = await commands.change(jobId, async (row) => {
        const entry = row.entries.find((own) => own.id === id);
        const next = entry && change(entry);
        return next && { row: { ...row, entries: row.entries.map((own) => (own.id === id ? next : own)) } };
      });
      return written?.entries.find((own) => own.id === id);
    },

    async drop(jobId, ids) {
      if (ids.length === 0) return;
      for (const id of ids)
        for await (const path of deps.blobs.list(COMMAND_FILES.folder(jobId, id))) await deps.blobs.delete(path);
      await commands.change(jobId, async (row) => {
        const entries = row.entries.filter((own) => !ids.includes(own.id));
        return entries.length === row.entries.length ? undefined : { row: { ...row, entries } };
      });
    },

    async dropExpired(jobId, now) {
      const row = await commands.read(jobId);
      if (row.entries.length + row.given.length === 0) return;
      const isOver = (own: CommandEntry) => own.expiresAt + KEPT_MS < now;
      await commands.drop(
        jobId,
        row.entries.filter(isOver).map((own) => own.id),
      );
      // `given` stands for files that may be there: it goes when none can be.
      const folder = COMMAND_FILES.ofJob(jobId);
      const oldest = folder + commandIdOf(now - COMMAND_MS - KEPT_MS, "");
      for await (const path of deps.blobs.list(folder)) if (path < oldest) await deps.blobs.delete(path);
      await commands.change(jobId, async (row) => {
        const isQuiet = row.entries.length === 0 && row.given.every((at) => at + COMMAND_MS + KEPT_MS < now);
        return isQuiet && row.given.length > 0 ? { row: { ...row, given: [] } } : undefined;
      });
    },
  };
  return commands;
}
