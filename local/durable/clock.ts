/**
 * The engine's time: reading it and waiting for it. Injected, so that a test can pass days in a moment. The waits are
 * cut into pieces because Node's timers overflow after 24.8 days.
 */

const longestWaitMs = 2 ** 31 - 1;

export type Clock = {
  nowMs(): number;
  /** Calls `wake` once, at or after the epoch millisecond. The result cancels it. */
  wakeAt(atMs: number, wake: () => void): () => void;
};

export function createSystemClock(): Clock {
  return {
    nowMs: Date.now,
    wakeAt: (atMs, wake) => {
      let handle: NodeJS.Timeout;
      const wait = (): void => {
        const left = atMs - Date.now();
        handle = left > longestWaitMs ? setTimeout(wait, longestWaitMs) : setTimeout(wake, Math.max(0, left));
      };
      wait();
      return () => clearTimeout(handle);
    },
  };
}
