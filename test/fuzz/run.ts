/**
 * Wrong requests against every route of the service in this process. What must hold of each: it is answered, never with 5xx; a refused one has
 * Graph's error shape and wrote no row and no blob. And of all together: the heap doesn't grow.
 *
 * Not seen here: the host in front (its own tests send raw HTTP), and Azure's limits of a header.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ErrorReply } from "../../shared/contracts/agent-api.ts";
import { samplesOf } from "../support/samples.ts";
import { createService } from "../support/service.ts";
import { createWatch, isForbidden } from "../support/watched-stores.ts";
import { createChance, wrongRequest } from "./generate.ts";

export interface FuzzReport {
  readonly requests: number;
  readonly operations: number;
  /** How many were answered with what. */
  readonly statuses: Readonly<Record<string, number>>;
  /** What must not be, at most 20. */
  readonly faults: readonly string[];
  /** From the fifth part of the way to its end, after collection. */
  readonly heapGrowthBytes: number;
}

const MAX_FAULTS = 20;

/** `onProgress` is told every thousand requests. */
export async function runFuzz(options: {
  readonly requests: number;
  readonly seed: number;
  readonly onProgress?: (done: number) => void;
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
  const collect = collector();
  let heapBefore = 0;
  for (let number = 0; number < options.requests && faults.length < MAX_FAULTS; number++) {
    if (number === Math.floor(options.requests / 5)) heapBefore = collect();
    const wrong = wrongRequest(chance, service.operations, samples);
    const told = `#${number} ${wrong.operation.id} as ${wrong.as}: ${wrong.how.join(", ")}`;
    const before = watch.writes();
    watch.takeKeys();
    try {
      const reply = await service.ask(wrong.operation, wrong);
      statuses[reply.status] = (statuses[reply.status] ?? 0) + 1;
      if (reply.status >= 500) faults.push(`${told}: ${reply.status} ${JSON.stringify(reply.body)}`);
      if (reply.status >= 400 && !ErrorReply.safeParse(reply.body).success)
        faults.push(`${told}: no error of Graph's shape`);
      // 408: it was taken, and nobody did it in time.
      if (reply.status >= 400 && reply.status !== 408 && watch.writes() !== before)
        faults.push(`${told}: ${reply.code} and yet it wrote something`);
      const bad = watch.takeKeys().filter(isForbidden);
      if (bad.length > 0) faults.push(`${told}: the key ${JSON.stringify(bad[0]?.slice(0, 80))} was asked for`);
    } catch (error) {
      faults.push(`${told}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    if (number % 1_000 === 999) options.onProgress?.(number + 1);
  }
  const heapGrowthBytes = collect() - heapBefore;
  await service.close();
  return { requests: options.requests, operations: service.operations.length, statuses, faults, heapGrowthBytes };
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
