/**
 * The whole cloud side in virtual time: real use cases and orchestrators over memory stores, the real Graph adapter on
 * the directory stand-in with its quota. An activity and a call of Graph take their time; storage takes none.
 */
import { createCloud, START } from "../test/support/cloud.ts";
import { createGraphInProcess } from "./graph-in-process.ts";
import { createVirtualTime } from "./virtual-time.ts";

export const WINDOW = { writes: 3_000, ms: 150_000 } as const;
/** Getting an activity to run, and its storage. */
export const ACTIVITY_MS = 250;
/** A `$batch` there and back. */
export const CALL_MS = 500;

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
/** A bench makes and changes many at once; what the guard does about that isn't what is measured. */
const UNGUARDED = { floor: 1_000, count: 1_000_000, percent: 100 };

export type VirtualCloud = Awaited<ReturnType<typeof createVirtualCloud>>;

export async function createVirtualCloud(options: {
  readonly domains: readonly string[];
  readonly onExchange?: () => void;
}) {
  const time = createVirtualTime(START);
  const graph = createGraphInProcess({
    clock: time.clock,
    sleep: time.sleep,
    callMs: CALL_MS,
    quota: { writesPerWindow: WINDOW.writes, windowSeconds: WINDOW.ms / 1000 },
    verifiedDomains: options.domains,
    log: silent,
    ...(options.onExchange ? { onExchange: options.onExchange } : {}),
  });
  const cloud = await createCloud({
    time,
    targetDirectory: graph.target,
    log: silent,
    quota: WINDOW.writes,
    settings: { guard: UNGUARDED },
    aroundActivity: async (_name, _input, run) => {
      await time.sleep(ACTIVITY_MS);
      return run();
    },
  });
  return { time, graph, cloud };
}

export { START };
