/**
 * Telling whether a file rests, and waiting for it to change and then to rest. Notices of the file system are a hint only (some file systems give none,
 * and an editor that renames gives them for another inode), so size and time are polled as well.
 */
import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../../shared/ports/clock.ts";
import { SourceError } from "../../../shared/ports/source-directory.ts";
import { rest } from "../../rest.ts";
import { type FileState, fileState, sameState } from "./ldif-index.ts";
import type { LdifSettings } from "./settings.ts";

export interface WatchTimes {
  readonly pollSeconds: number;
  readonly settleMilliseconds: number;
}

/** A rest so short is waited for; for a longer one the caller comes again. */
const LONGEST_WAIT_MS = 1_000;

/**
 * Throws source-incomplete while the file is younger than the settle time: whoever writes it may have stopped between two records,
 * and those that are still to come would count as gone. A time in the future tells nothing, so such a file is watched for a moment.
 */
export async function refuseWhileWritten(
  path: string,
  state: FileState,
  deps: { readonly settings: LdifSettings; readonly clock: Clock },
): Promise<void> {
  const { settleMilliseconds } = deps.settings;
  const age = deps.clock.now() - state.mtimeMs;
  const left = age < 0 ? Math.min(settleMilliseconds, LONGEST_WAIT_MS) : settleMilliseconds - age;
  if (left <= 0) return;
  if (left <= LONGEST_WAIT_MS) {
    await sleep(left);
    if (sameState(state, await fileState(path))) return;
  }
  throw new SourceError(
    "source-incomplete",
    `${path} was written less than ${settleMilliseconds} ms ago, or is being written.`,
    "Nothing to do: it is read again when it rests. To avoid it, write a new file beside it and rename.",
  );
}

/** Resolves when the file is no longer as `known`, settled, or after the poll interval. Never rejects. */
export async function waitForFile(
  path: string,
  known: FileState | undefined,
  times: WatchTimes,
  signal: AbortSignal,
): Promise<void> {
  const noticed = new AbortController();
  const watcher = startWatcher(path, () => noticed.abort());
  try {
    const before = await stateOf(path);
    if (before === keyOf(known)) {
      await rest(times.pollSeconds * 1000, AbortSignal.any([signal, noticed.signal]));
    }
    let state = await stateOf(path);
    while (!signal.aborted && state !== keyOf(known)) {
      await rest(times.settleMilliseconds, signal);
      const now = await stateOf(path);
      if (now === state) return;
      state = now;
    }
  } finally {
    watcher?.close();
  }
}

function startWatcher(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(dirname(path), (_event, name) => {
      if (name === null || name.startsWith(basename(path))) onChange();
    });
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

function keyOf(state: FileState | undefined): string {
  return state === undefined ? "none" : `${state.size}/${state.mtimeMs}/${state.ino}`;
}

async function stateOf(path: string): Promise<string> {
  try {
    return keyOf(await stat(path));
  } catch {
    return "none";
  }
}
