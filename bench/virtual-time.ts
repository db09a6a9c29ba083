/**
 * Time that only passes when everybody waits for it: hours of a sync in minutes, and the same hours each time.
 *
 * Whoever sleeps is woken in the order of time, one after the other, and only when nothing else is left to do in this
 * process. What works outside of the event loop's own queue (another thread) is no reason to wait, unless it is held.
 */
import type { Clock } from "../shared/ports/clock.ts";

export interface VirtualTime {
  readonly clock: Clock & { set(to: number): void };
  sleepUntil(at: number): Promise<void>;
  sleep(ms: number): Promise<void>;
  /** Time stands still until that is done. */
  held<T>(work: () => Promise<T>): Promise<T>;
}

export function createVirtualTime(start: number): VirtualTime {
  let now = start;
  let holds = 0;
  let isDue = false;
  const sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  const schedule = () => {
    if (isDue) return;
    isDue = true;
    // After all that is ready now, and what that makes ready.
    setImmediate(wakeFirst);
  };
  const wakeFirst = () => {
    isDue = false;
    if (holds > 0) return;
    const first = sleepers.shift();
    if (!first) return;
    now = Math.max(now, first.at);
    first.wake();
    if (sleepers.length > 0) schedule();
  };
  const sleepUntil = (at: number): Promise<void> =>
    new Promise((wake) => {
      const own = { at, wake };
      const place = sleepers.findIndex((other) => other.at > at);
      sleepers.splice(place < 0 ? sleepers.length : place, 0, own);
      schedule();
    });

  return {
    clock: {
      now: () => now,
      set: (to) => {
        now = to;
      },
    },
    sleepUntil,
    sleep: (ms) => sleepUntil(now + ms),
    async held(work) {
      holds++;
      try {
        return await work();
      } finally {
        holds--;
        schedule();
      }
    },
  };
}
