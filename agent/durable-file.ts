/** Files that are there whole or not at all: written beside, synced, renamed, and the folder synced. */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

export const PARTIAL_SUFFIX = ".partial";

/** Resolves when the content would survive a loss of power. Fails as `fs` does (ENOSPC, EACCES); nothing is left then. */
export async function writeDurably(path: string, content: Uint8Array | string, mode = 0o600): Promise<void> {
  const partial = `${path}.${randomBytes(6).toString("hex")}${PARTIAL_SUFFIX}`;
  try {
    const file = await open(partial, "wx", mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  // Windows can't open a folder, and needs no such sync.
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
