/**
 * The engine's time: reading it and waiting for it. Injected, so that a test can pass days in a moment. The waits are
 * cut into pieces because Node's timers overflow after 24.8 days, and never end before their time.
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
        handle = setTimeout(onTime, Math.min(longestWaitMs, Math.max(0, atMs - Date.now())));
      };
      // Node's timers measure another clock and come a millisecond early now and then.
      const onTime = (): void => (Date.now() < atMs ? wait() : wake());
      wait();
      return () => clearTimeout(handle);
    },
  };
}
