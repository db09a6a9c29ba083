/**
 * Settles messages one kind at a time. The AMQP library below the client merges neighbouring deliveries that are
 * settled in the same turn of the event loop into one frame with the first one's outcome: a completion next to an
 * abandonment would lose a message or run it twice. So different outcomes never share a turn.
 */

type Outcome = "complete" | "abandon";

export type Settlement = (outcome: Outcome, settle: () => Promise<void>) => Promise<void>;

type Pending = { readonly outcome: Outcome; readonly begin: () => void };

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createSettlement(): Settlement {
  let pending: Pending[] = [];
  let running = false;

  const run = async (): Promise<void> => {
    // So that what is settled together is begun together.
    await Promise.resolve();
    while (pending.length > 0) {
      const outcome = pending[0]?.outcome;
      const now = pending.filter((one) => one.outcome === outcome);
      pending = pending.filter((one) => one.outcome !== outcome);
      for (const { begin } of now) begin();
      // Twice: the first turn sends what was begun, the second is clear of it.
      await nextTurn();
      await nextTurn();
    }
    running = false;
  };

  return (outcome, settle) =>
    new Promise<void>((resolve, reject) => {
      pending.push({ outcome, begin: () => settle().then(resolve, reject) });
      if (running) return;
      running = true;
      void run();
    });
}
