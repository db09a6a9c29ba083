/**
 * Waiting for a file to change and then to rest. Notices of the file system are a hint only (some file systems give none,
 * and an editor that renames gives them for another inode), so size and time are polled as well.
 */
import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FileState } from "./ldif-index.ts";

export interface WatchTimes {
  readonly pollSeconds: number;
  readonly settleMilliseconds: number;
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
      await pause(times.pollSeconds * 1000, AbortSignal.any([signal, noticed.signal]));
    }
    let state = await stateOf(path);
    while (!signal.aborted && state !== keyOf(known)) {
      await pause(times.settleMilliseconds, signal);
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

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
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
