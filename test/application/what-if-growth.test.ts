import { expect, it } from "vitest";
import type { WhatIfRow } from "../../shared/application/state/what-if-rows.ts";
import { grownSince } from "../../shared/application/what-if/what-if-growth.ts";

/** One shard has all of them, beside who is gone and isn't in the target. */
const having = (count: number) => ({
  async *summaries(_of: string, shard: string) {
    if (shard !== "3") return;
    const one = { objectClass: "user", state: "live", linked: false } as const;
    const gone = { ...one, state: "deleted" } as const;
    yield [...Array(count).fill(one), ...Array(500).fill(gone)];
  },
});
const tried = (create: number, objects: number) =>
  ({ summary: { objects, counts: { create } } }) as unknown as WhatIfRow;
const grown = (now: number, create: number, objects: number) =>
  grownSince(having(now), { configurationId: "c" }, tried(create, objects));

it.each([
  ["twenty", 120, 10, 100],
  ["a tenth of those that it would create", 440, 400, 400],
  ["nobody, where some left", 90, 100, 100],
])("lets %s come after a what-if, and no more", async (_what, most, create, objects) => {
  expect(await grown(most, create, objects)).toBeUndefined();
  const bound = Math.max(most, objects + 20);
  expect(await grown(bound + 1, create, objects)).toContain(`there are ${bound + 1 - objects} objects more`);
});
