/**
 * Seeded histories of forests, agents, faults and admins over the real engine: N1 to N9 hold after every step, and at the end the
 * target is the projection. `UPLINK_SIMULATION_SEEDS` and `UPLINK_SIMULATION_FROM` set how many are played and from where;
 * `npm run simulate` plays any number, says what went wrong how often, and cuts a failure small.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generate } from "./generate.ts";
import { memoryStores, type OpenStores, openStores } from "./open-stores.ts";
import { play } from "./play.ts";
import { shrink } from "./shrink.ts";
import type { History } from "./steps.ts";
import type { Stores } from "./world.ts";

const SEEDS = Number(process.env["UPLINK_SIMULATION_SEEDS"] ?? 60);
const FROM = Number(process.env["UPLINK_SIMULATION_FROM"] ?? 1);
const ON_AZURITE = 3;
const SLICES = 10;

async function expectToHold(history: History, fresh: () => Stores): Promise<string> {
  const played = await play(history, fresh());
  if (!played.violation) return played.digest;
  const small = await shrink(history, played.violation.guarantee, fresh);
  expect.fail(`Seed ${history.seed}: ${played.violation.message}\nCut small: ${JSON.stringify(small)}`);
}

describe("a simulated history", () => {
  const size = Math.ceil(SEEDS / SLICES);
  it.each(Array.from({ length: SLICES }, (_, slice) => [FROM + slice * size, Math.min(size, SEEDS - slice * size)]))(
    "keeps every guarantee (from seed %i, %i drawn)",
    async (from, count) => {
      for (let seed = from; seed < from + count; seed++) await expectToHold(generate(seed), memoryStores);
    },
    400_000,
  );

  const kept = readdirSync(join(import.meta.dirname, "regressions")).filter((name) => name.endsWith(".json"));
  it.each(kept)("found once and kept: %s", async (name) => {
    const history: History = JSON.parse(readFileSync(join(import.meta.dirname, "regressions", name), "utf8"));
    await expectToHold(history, memoryStores);
  });
});

describe("a simulated history on Azurite", () => {
  let azurite: OpenStores;
  beforeAll(async () => {
    azurite = await openStores("azurite");
  });
  afterAll(() => azurite.close());

  it.each(Array.from({ length: ON_AZURITE }, (_, index) => FROM + index))(
    "keeps every guarantee, and is in every line the one in memory (seed %i)",
    async (seed) => {
      const inMemory = await play(generate(seed), memoryStores(), { checksOften: false });
      const onAzurite = await play(generate(seed), azurite.fresh(), { checksOften: false });
      expect(onAzurite.violation).toBeUndefined();
      expect(onAzurite.trace.filter((line) => !inMemory.trace.includes(line)).slice(0, 3)).toEqual([]);
      expect(onAzurite.digest).toBe(inMemory.digest);
    },
    120_000,
  );
});
