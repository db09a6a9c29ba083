/** The other half of the histories of `simulation.test.ts`: two files for two cores. */
import { describe, it } from "vitest";
import { expectToHold } from "./expect-to-hold.ts";
import { generate } from "./generate.ts";
import { memoryStores } from "./open-stores.ts";

const SEEDS = Math.floor(Number(process.env["UPLINK_SIMULATION_SEEDS"] ?? 300) / 2);
const FROM = Number(process.env["UPLINK_SIMULATION_FROM"] ?? 1) + SEEDS;
const SLICES = 10;

describe("another simulated history", () => {
  const size = Math.ceil(SEEDS / SLICES);
  it.each(Array.from({ length: SLICES }, (_, slice) => [FROM + slice * size, Math.min(size, SEEDS - slice * size)]))(
    "keeps every guarantee (from seed %i, %i more)",
    async (from, count) => {
      for (let seed = from; seed < from + count; seed++) await expectToHold(generate(seed), memoryStores);
    },
    400_000,
  );
});
