/**
 * Seeded histories of forests, agents, faults and admins over the real engine: N1 to N9 hold after every step, and at the end the
 * target is the projection. `UPLINK_SIMULATION_SEEDS` and `UPLINK_SIMULATION_FROM` set how many are played and from where;
 * `npm run simulate` plays any number, says what went wrong how often, and cuts a failure small.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { countHits, ENOUGH_SEEDS, expectToHold, neverHit } from "./expect-to-hold.ts";
import { FAULT_KINDS, generate, SOURCE_FAULTS } from "./generate.ts";
import { memoryStores } from "./open-stores.ts";
import type { History } from "./steps.ts";

/** The other half is in `simulation-more.test.ts`: two files for two cores. */
const ALL = Number(process.env["UPLINK_SIMULATION_SEEDS"] ?? 300);
const SEEDS = Math.ceil(ALL / 2);
const FROM = Number(process.env["UPLINK_SIMULATION_FROM"] ?? 1);
const SLICES = 10;
const ALL_DRAWN = 300;

describe("a simulated history", () => {
  const size = Math.ceil(SEEDS / SLICES);
  const hits = new Map<string, number>();
  it.each(Array.from({ length: SLICES }, (_, slice) => [FROM + slice * size, Math.min(size, SEEDS - slice * size)]))(
    "keeps every guarantee (from seed %i, %i drawn)",
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

  const kept = readdirSync(join(import.meta.dirname, "regressions")).filter((name) => name.endsWith(".json"));
  it.each(kept)("found once and kept: %s", async (name) => {
    const history: History = JSON.parse(readFileSync(join(import.meta.dirname, "regressions", name), "utf8"));
    await expectToHold(history, memoryStores);
  });

  it("is worth playing: every kind of step, fault and admin is drawn", () => {
    const steps = Array.from({ length: ALL_DRAWN }, (_, index) => generate(index + 1)).flatMap((own) => own.steps);
    const drawn = new Set(
      steps.map((step) => {
        if (step.do === "fault") return `${step.on} ${step.kind}`;
        if (step.do === "source" || step.do === "graph") return `${step.do} ${step.kind}`;
        return step.do === "admin" ? `admin ${step.what}` : step.do;
      }),
    );
    for (const step of steps) if (step.do === "read") for (const way of Object.keys(step.way)) drawn.add(`way ${way}`);
    for (const step of steps) if (step.do === "edit") drawn.add(`edit ${step.edit.kind}`);
    const rest = [
      "edit",
      "read",
      "run",
      "hours",
      "crash",
      "blob-gone",
      "scope",
      "schema",
      "graph quota",
      "graph lag",
      ...SOURCE_FAULTS.map((kind) => `source ${kind}`),
      ...["repeat", "reorder", "truncate", "lost", "torn"].map((way) => `way ${way}`),
      ...["recreate", "rename-unit", "delete", "undelete", "manager", "join", "quit"].map((kind) => `edit ${kind}`),
      ...["approve", "drop", "retry", "restart", "pause", "hold", "reconcile"].map((what) => `admin ${what}`),
    ];
    expect([...FAULT_KINDS, ...rest].filter((kind) => !drawn.has(kind))).toEqual([]);
  });
});
