/** The same histories on Azurite: nothing but the store is another, so every line of the trace is the same. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generate } from "./generate.ts";
import { memoryStores, type OpenStores, openStores } from "./open-stores.ts";
import { play } from "./play.ts";

const FROM = Number(process.env["UPLINK_SIMULATION_FROM"] ?? 1);
const ON_AZURITE = 10;
/** Azurite takes some milliseconds a call. */
const STEPS = 6;

describe("a simulated history on Azurite", () => {
  let azurite: OpenStores;
  beforeAll(async () => {
    azurite = await openStores("azurite");
  });
  afterAll(() => azurite.close());

  it.each(Array.from({ length: ON_AZURITE }, (_, index) => FROM + index))(
    "keeps every guarantee, and is in every line the one in memory (seed %i)",
    async (seed) => {
      const inMemory = await play(generate(seed, STEPS), memoryStores(), { checksOften: false });
      const onAzurite = await play(generate(seed, STEPS), azurite.fresh(), { checksOften: false });
      expect(onAzurite.violation).toBeUndefined();
      expect(onAzurite.trace.filter((line) => !inMemory.trace.includes(line)).slice(0, 3)).toEqual([]);
      expect(onAzurite.digest).toBe(inMemory.digest);
    },
    120_000,
  );
});
