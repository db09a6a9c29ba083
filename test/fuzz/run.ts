/**
 * Wrong requests against every route of the service in this process. What must hold of each: it is answered, never with 5xx; a refused one has
 * Graph's error shape and wrote no row and no blob; what can be nothing but wrong is refused. And of all together: the heap doesn't grow.
 *
 * Not seen here: the host in front (its own tests send raw HTTP), and Azure's limits of a header.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ErrorReply } from "../../shared/contracts/agent-api.ts";
import { samplesOf } from "../support/samples.ts";
import { createService } from "../support/service.ts";
import { createWatch, isForbidden } from "../support/watched-stores.ts";
import { createChance, FAULT_NAMES, wrongRequest } from "./generate.ts";
import { mustRefuse } from "./must-refuse.ts";

export interface FuzzReport {
  readonly requests: number;
  readonly operations: number;
  /** Functions that no request was for, and faults that no request had. */
  readonly unmet: readonly string[];
  /** How many were answered with what. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests of which nothing but a refusal would do (`must-refuse.ts`). */
  readonly mustBeRefused: number;
  /** What must not be, at most 20. */
  readonly faults: readonly string[];
  /** From the fifth part of the way to its end, after collection. */
  readonly heapGrowthBytes: number;
}

const MAX_FAULTS = 20;

/** `onFault` is told of each at once; `onProgress` every 10,000 requests, with the heap after collection. */
export async function runFuzz(options: {
  readonly requests: number;
  readonly seed: number;
  readonly onFault?: (fault: string) => void;
  readonly onProgress?: (done: number, heapBytes: number) => void;
}): Promise<FuzzReport> {
  const watch = createWatch();
  const silent = () => undefined;
  const service = await createService({
    ...{ wrapRows: watch.wrapRows, wrapBlobs: watch.wrapBlobs },
    log: { debug: silent, info: silent, warn: silent, error: silent },
  });
  const samples = await samplesOf(service);
  const chance = createChance(options.seed);
  const statuses: Record<string, number> = {};
  const faults: string[] = [];
  const met = new Set<string>();
  let [told, mustBe] = [0, 0];
  const collect = collector();
  let heapBefore = 0;
  for (let number = 0; number < options.requests && faults.length < MAX_FAULTS; number++) {
    if (number === Math.floor(options.requests / 5)) heapBefore = collect();
    const wrong = wrongRequest(chance, service.operations, samples, service.tokens.admin);
    for (const own of [wrong.operation.id, ...wrong.how]) met.add(own);
    const request = `#${number} ${wrong.operation.id} as ${wrong.as}: ${wrong.how.join(", ")}`;
    const before = watch.writes();
    watch.takeKeys();
    try {
      const reply = await service.ask(wrong.operation, wrong);
      statuses[reply.status] = (statuses[reply.status] ?? 0) + 1;
      const why = mustRefuse(wrong);
      if (why !== undefined) mustBe++;
      if (why !== undefined && reply.status < 400) faults.push(`${request}: ${reply.status}, and yet ${why}`);
      if (reply.status >= 500) faults.push(`${request}: ${reply.status} ${JSON.stringify(reply.body)}`);
      if (reply.status >= 400 && !ErrorReply.safeParse(reply.body).success)
        faults.push(`${request}: no error of Graph's shape`);
      // 408: it was taken, and nobody did it in time.
      if (reply.status >= 400 && reply.status !== 408 && watch.writes() !== before)
        faults.push(`${request}: ${reply.code} and yet it wrote something`);
      const bad = watch.takeKeys().filter(isForbidden);
      if (bad.length > 0) faults.push(`${request}: the key ${JSON.stringify(bad[0]?.slice(0, 80))} was asked for`);
    } catch (error) {
      faults.push(`${request}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    for (; told < faults.length; told++) options.onFault?.(faults[told] ?? "");
    if (number % 10_000 === 9_999) options.onProgress?.(number + 1, collect());
  }
  const heapGrowthBytes = collect() - heapBefore;
  await service.close();
  const unmet = [...service.operations.map(({ id }) => id), ...FAULT_NAMES].filter((own) => !met.has(own));
  return {
    requests: options.requests,
    operations: service.operations.length,
    unmet,
    statuses,
    mustBeRefused: mustBe,
    faults,
    heapGrowthBytes,
  };
}

/** Gives the heap's size after collection, or as it is where nobody may collect. */
function collector(): () => number {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  return () => {
    if (typeof gc === "function") gc();
    return process.memoryUsage().heapUsed;
  };
}
