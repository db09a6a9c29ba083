import { readFile } from "node:fs/promises";

/**
 * For how long a process was ready to go on while the machine had its cores for others, since it was started: not its own time, however
 * busy the machine is. Of its main thread, where Node does all but little; 0 where the system doesn't tell (other than Linux).
 */
export async function waitedMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/schedstat`, "utf8").catch(() => "");
  return Number(text.split(" ")[1] ?? 0) / 1e6;
}
