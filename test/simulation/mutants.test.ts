/** That the oracles bite: each engine that is broken on purpose is caught by the guarantee that it breaks, by name. */
import { describe, expect, it } from "vitest";
import { generate } from "./generate.ts";
import { MUTANTS } from "./mutants.ts";
import { memoryStores } from "./open-stores.ts";
import { play } from "./play.ts";

const MOST_SEEDS = 60;

describe("an engine that", () => {
  it.each(MUTANTS)(
    "$name is caught, and breaks $breaks",
    async ({ make, breaks, from = 1 }) => {
      for (let seed = from; seed < from + MOST_SEEDS; seed++) {
        const { violation } = await play(generate(seed), memoryStores(), { mutation: make() });
        if (violation?.guarantee === breaks) return;
      }
      expect.fail(`None of ${MOST_SEEDS} histories shows that ${breaks} is broken.`);
    },
    400_000,
  );
});
