/** Waiting for the close of a cycle, by the host's log: asking its API would add to the requests that are counted. */
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { logTail } from "../local/start/child-process.ts";
import type { Runtime } from "../local/start/runtime.ts";

const CLOSED = '"event":"cycle-closed"';
const CLOSED_WITHIN_MS = 15 * 60_000;
const LOOK_EVERY_MS = 50;

/** Watches from now on; the function that it gives resolves when a cycle is closed. */
export async function watchForClose(runtime: Runtime): Promise<() => Promise<void>> {
  const { logFile } = runtime.process("host");
  const log = await open(logFile, "r");
  let at = (await log.stat()).size;
  let text = "";
  return async () => {
    try {
      const until = Date.now() + CLOSED_WITHIN_MS;
      while (!text.includes(CLOSED)) {
        if (Date.now() > until) throw new Error(`No cycle was closed in time. ${await logTail(logFile)}`);
        await Promise.race([sleep(LOOK_EVERY_MS), runtime.broken]);
        const { size } = await log.stat();
        const piece = Buffer.alloc(size - at);
        await log.read(piece, 0, piece.length, at);
        at = size;
        text = text.slice(-CLOSED.length) + piece.toString("utf8");
      }
    } finally {
      await log.close();
    }
  };
}
