/** Waits for what comes about by itself, looking again and again. */
import { setTimeout as sleep } from "node:timers/promises";

/** Resolves with the first value of `look` that is neither undefined nor false. Throws when `look` does, or in the end. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 60_000,
  everyMs = 50,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${withinMs / 1000} s in vain for ${what}.`);
    await sleep(everyMs);
  }
}
