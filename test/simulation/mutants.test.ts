/** That the oracles bite: each engine that is broken on purpose breaks a guarantee in one of the first histories. */
import { describe, expect, it } from "vitest";
import { generate } from "./generate.ts";
import { MUTANTS } from "./mutants.ts";
import { memoryStores } from "./open-stores.ts";
import { play } from "./play.ts";

const MOST_SEEDS = 300;

describe("an engine that", () => {
  it.each(MUTANTS)(
    "$name is caught",
    async ({ make, from = 1 }) => {
      for (let seed = from; seed < from + MOST_SEEDS; seed++) {
        const { violation } = await play(generate(seed), memoryStores(), { mutation: make() });
        if (violation) return;
      }
      expect.fail(`None of ${MOST_SEEDS} histories shows it.`);
    },
    400_000,
  );
});
