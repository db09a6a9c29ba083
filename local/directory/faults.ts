/** Faults that a test orders: the directory down, throttled calls, failed writes, requests that wait, answers that are lost. */
import { type Refusal, refuse } from "./rules.ts";

/** Picks calls: `contains` is looked for in "METHOD path?query body". */
type Match = { method?: string; contains?: string };

export type FaultOrder = {
  /** 503 for everything but /control, until set to false. */
  down?: boolean;
  /** 429 for the next calls, batched ones each; without `retryAfterSeconds` the answer has no Retry-After. */
  throttle?: { count: number; retryAfterSeconds?: number; match?: Match };
  /** The next writes answer `status` (default 500) and change nothing. */
  failWrites?: { count: number; status?: number; code?: string; match?: Match };
  /** Requests wait, and nothing of them takes effect, until this is cleared or another order; whoever goes meanwhile is forgotten. */
  hold?: { match?: Match };
  /** The next requests that wrote are cut off after the write took effect. */
  loseAnswers?: { count: number; match?: Match };
};

export type Faults = {
  order(order: FaultOrder): void;
  clear(): void;
  pending(): FaultOrder;
  isDown(): boolean;
  /** Refuses one call if it was ordered. `text` is what `contains` is looked for in. */
  refuse(call: { method: string; write: boolean; text: () => string }): Refusal | undefined;
  /** Whether a request has to wait. */
  holds(method: string, text: () => string): boolean;
  /** Whether the answer to a request that wrote is to be lost. */
  losesAnswer(text: () => string): boolean;
};

export function createFaults(): Faults {
  let pending: FaultOrder = {};
  const applies = (match: Match | undefined, method: string | undefined, text: () => string) =>
    (match?.method === undefined || match.method === method) &&
    (match?.contains === undefined || text().includes(match.contains));

  return {
    order(order) {
      pending = { ...pending, ...order };
    },
    clear() {
      pending = {};
    },
    pending: () => pending,
    isDown: () => pending.down === true,
    refuse({ method, write, text }) {
      const { throttle, failWrites } = pending;
      if (throttle && throttle.count > 0 && applies(throttle.match, method, text)) {
        throttle.count--;
        const seconds = throttle.retryAfterSeconds;
        const headers: Record<string, string> = seconds === undefined ? {} : { "retry-after": String(seconds) };
        return refuse("fault-throttle", "Too many requests.", { headers });
      }
      if (write && failWrites && failWrites.count > 0 && applies(failWrites.match, method, text)) {
        failWrites.count--;
        const { status, code } = failWrites;
        return refuse("fault-write", "The write failed on purpose.", {
          ...(status === undefined ? {} : { status }),
          ...(code === undefined ? {} : { code }),
        });
      }
      return undefined;
    },
    holds: (method, text) => pending.hold !== undefined && applies(pending.hold.match, method, text),
    losesAnswer(text) {
      const order = pending.loseAnswers;
      if (!order || order.count <= 0 || !applies(order.match, undefined, text)) return false;
      order.count--;
      return true;
    },
  };
}
