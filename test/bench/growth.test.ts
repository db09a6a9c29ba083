/** The bench of growth at a tiny size: every number is there. How large they are is for the bench to say. */
import { describe, expect, it } from "vitest";
import { measureAzurite, measureSize } from "../../bench/growth.ts";
import type { GrowthMeasured } from "../../bench/growth-measured.ts";
import { growthReport, missedByGrowth } from "../../bench/growth-report.ts";

const small: GrowthMeasured = {
  ...{ run: "first load", population: 1_000, objects: 1_000, cpuSeconds: 1 },
  operations: {
    ...{ readCalls: 100, rowsRead: 1_000, transactions: 500, rowsWritten: 8_000, rowBytes: 5_000_000 },
    ...{ blobCalls: 100, blobBytes: 1_000_000, graphCalls: 60, graphBytes: 2_000_000 },
  },
};
const times = (factor: number): GrowthMeasured["operations"] =>
  Object.fromEntries(
    Object.entries(small.operations).map(([name, value]) => [name, value * factor]),
  ) as unknown as GrowthMeasured["operations"];
const large: GrowthMeasured = { ...small, population: 10_000, objects: 10_000, cpuSeconds: 10, operations: times(10) };
const kept = [{ population: 1_000, megabytes: 2 }];

describe("the bench of growth", () => {
  it("runs, and has a number for each operation of each run", async () => {
    const measured = await measureSize(120, 0);
    expect(measured.runs.map(({ run, objects }) => [run, objects])).toEqual([
      ["first load", 120],
      ["delta", 53],
      ["same full read again", 120],
    ]);
    const [load, delta, again] = measured.runs.map(({ operations }) => operations);
    for (const count of Object.values(load!)) expect(count).toBeGreaterThan(0);
    expect(delta!.graphCalls).toBeGreaterThan(0);
    expect(again!.graphBytes).toBeLessThan(load!.graphBytes / 2);
    for (const { cpuSeconds } of measured.runs) expect(cpuSeconds).toBeGreaterThan(0);
    const text = growthReport({}, { runs: measured.runs, kept: [measured.kept], azurite: [] });
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("counts no more for an object of a directory three times as large", async () => {
    const [small, large] = [await measureSize(1_000, 0), await measureSize(3_000, 0)];
    const runs = [...small.runs, ...large.runs].map((run) => ({ ...run, cpuSeconds: run.objects }));
    expect(missedByGrowth({ runs, kept: [] })).toEqual([]);
  }, 180_000);

  it("shares the CPU between itself and Azurite", async () => {
    const { ownSeconds, azuriteSeconds } = await measureAzurite(100);
    expect(ownSeconds).toBeGreaterThan(0);
    expect(azuriteSeconds).toBeGreaterThan(0);
  }, 120_000);

  it("names what grew between the ends, and nothing that did not", () => {
    const missed = (...runs: GrowthMeasured[]) => missedByGrowth({ runs, kept });
    expect(missed(small, large)).toEqual([]);
    expect(missed(large, small, { ...large, population: 5_000, operations: times(20) })).toEqual([]);
    expect(missed(small, { ...large, operations: { ...large.operations, rowsRead: 10_600 } })).toEqual([
      "first load: rows read grew 1.060 times, wanted 1.05",
    ]);
    expect(missed(small, { ...large, cpuSeconds: 12.1 })).toHaveLength(1);
    expect(missedByGrowth({ runs: [], kept: [{ population: 1_000, megabytes: 65 }] })).toHaveLength(1);
    expect(growthReport({}, { runs: [small, large], kept, azurite: [] })).toMatch(/first load +growth +1\.000/);
  });
});
