/** Waiting that somebody may end: an agent that is told to stop must not finish its sleep first. */
import { setTimeout as sleep } from "node:timers/promises";

/** Resolves after so many milliseconds, or as soon as `signal` aborts. Never rejects for that. */
export async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
