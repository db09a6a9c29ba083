/**
 * Keeps two hosts off one state folder: a file with the owner's process id. One left behind by a killed process is
 * taken over.
 */

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";

const heldHere = new Set<string>();

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
};

/** Locks the folder (made when missing). Returns the release. Rejects with an error that names the owner. */
export async function lockStateDir(dir: string): Promise<() => Promise<void>> {
  await mkdir(dir, { recursive: true });
  const path = resolve(dir, "host.pid");
  for (;;) {
    try {
      await writeFile(path, String(process.pid), { flag: "wx" });
      heldHere.add(path);
      return async () => {
        heldHere.delete(path);
        await rm(path, { force: true });
      };
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    const owner = Number(await readFile(path, "utf8").catch(() => "0"));
    // After a reboot or in a new container the old number may be this very process's.
    if (owner > 0 && owner !== process.pid && isAlive(owner)) {
      throw new Error(
        `The state folder ${dir} is in use by process ${owner}. Stop it, or set another UPLINK_STATE_DIR; delete ${path} if that process is no host.`,
      );
    }
    if (owner === process.pid && heldHere.has(path)) {
      throw new Error(`The state folder ${dir} is in use by another host of this process.`);
    }
    await rm(path, { force: true });
  }
}
