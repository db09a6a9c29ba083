/** The other half of the histories of `simulation.test.ts`: two files for two cores. */
import { describe, expect, it } from "vitest";
import { countHits, ENOUGH_SEEDS, expectToHold, neverHit } from "./expect-to-hold.ts";
import { generate } from "./generate.ts";
import { memoryStores } from "./open-stores.ts";

const SEEDS = Math.floor(Number(process.env["UPLINK_SIMULATION_SEEDS"] ?? 300) / 2);
const FROM = Number(process.env["UPLINK_SIMULATION_FROM"] ?? 1) + SEEDS;
const SLICES = 10;

describe("another simulated history", () => {
  const size = Math.ceil(SEEDS / SLICES);
  const hits = new Map<string, number>();
  it.each(Array.from({ length: SLICES }, (_, slice) => [FROM + slice * size, Math.min(size, SEEDS - slice * size)]))(
    "keeps every guarantee (from seed %i, %i more)",
    async (from, count) => {
      for (let seed = from; seed < from + count; seed++)
        countHits(hits, await expectToHold(generate(seed), memoryStores));
    },
    400_000,
  );

  it.runIf(SEEDS >= ENOUGH_SEEDS)(
    "was hit by every fault that it could draw",
    async () => expect(await neverHit(hits)).toEqual([]),
    400_000,
  );
});
