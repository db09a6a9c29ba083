/** What the bench feeds in and what it makes of the readings; the runs themselves are `npm run bench`. */
import { describe, expect, it } from "vitest";
import { parseLdif } from "../../agent/source/ldif/ldif-parser.ts";
import { benchLdif, fewestWrites, managerOf } from "../../bench/forest.ts";
import type { Measured, MemberChangeMeasured } from "../../bench/measured.ts";
import { missed, report } from "../../bench/report.ts";

async function recordsOf(text: string): Promise<Map<string, string>> {
  async function* chunks() {
    yield Buffer.from(text, "utf8");
  }
  const records = new Map<string, string>();
  for await (const record of parseLdif(chunks(), "bench.ldif")) {
    records.set(record.dn, String(record.attributesByName.get("title")?.values[0]?.toString() ?? ""));
  }
  return records;
}

const good: Measured = {
  users: 10_000,
  run: "initial sync",
  groups: 500,
  memberships: 25_000,
  seconds: 30,
  received: 10_021,
  objectsPerSecond: 334,
  created: 10_000,
  updated: 0,
  graphWrites: 10_000,
  fewestWrites: 10_000,
  writesToFewest: 1,
  graphRequests: 510,
  storage: {
    transactions: 2_700,
    rows: 82_000,
    byTable: {},
    rowReads: 1,
    rangeReads: 1,
    blobReads: 1,
    blobWrites: 1,
  },
  rowsPerObject: 8.2,
  transactionsPerObject: 0.27,
  durable: { episodes: 150, activities: 170, orchestrations: 26 },
  peakMegabytes: { host: 500, agent: 180 },
  cpuSeconds: { host: 20, agent: 3, azurite: 20, directory: 2 },
};
const unchanged: Measured = { ...good, run: "no change", created: 0, graphWrites: 0, fewestWrites: 0 };
const oneMore: MemberChangeMeasured = {
  members: 50_000,
  run: "one member more",
  milliseconds: 900,
  graphWrites: 1,
  graphRequests: 1,
  storage: good.storage,
  durable: good.durable,
  hostMegabytes: { before: 200, peak: 210 },
  cpuSeconds: { host: 0.5, azurite: 0.4, directory: 0.1 },
};

describe("bench", () => {
  it("makes a directory that the agent's parser reads, with as many people as asked", async () => {
    const records = await recordsOf(benchLdif(300));
    expect([...records.keys()].filter((dn) => dn.startsWith("CN=Ada"))).toHaveLength(300);
    expect([...records.keys()].filter((dn) => dn.startsWith("CN=Group"))).toHaveLength(15);
  });

  it("has managers in a tree, each but one with somebody above, and counts those who come too late to be bound", () => {
    for (const users of [100, 2_000, 10_000]) {
      const top = Array.from({ length: users }, (_, index) => index).filter(
        (index) => managerOf(index, users) === undefined,
      );
      expect(top).toHaveLength(1);
      for (let index = 0; index < users; index++) {
        let steps = 0;
        for (let at: number | undefined = index; at !== undefined; at = managerOf(at, users)) steps++;
        expect(steps).toBeLessThan(8);
      }
    }
    // All of them in one batch: nobody is late.
    expect(fewestWrites(100)).toBe(100 + 5 * 3);
    expect(fewestWrites(10_000)).toBeGreaterThan(10_000 + 500 * 3);
  });

  it("changes one title in a hundred, and nothing else", async () => {
    const before = await recordsOf(benchLdif(300));
    const after = await recordsOf(benchLdif(300, 1));
    expect([...after.keys()]).toEqual([...before.keys()]);
    expect([...after].filter(([dn, title]) => before.get(dn) !== title)).toHaveLength(3);
  });

  it("names each number that was not reached, and none that was", () => {
    const missedBy = (...results: readonly Measured[]) => missed({ results, memberChanges: [] });
    expect(missedBy(good, unchanged)).toEqual([]);
    expect(missedBy({ ...good, objectsPerSecond: 299 })).toHaveLength(1);
    expect(missedBy({ ...good, graphWrites: 10_201, writesToFewest: 1.0201 })).toHaveLength(1);
    expect(missedBy({ ...unchanged, graphWrites: 1, writesToFewest: 2 })).toHaveLength(1);
    expect(missedBy({ ...good, peakMegabytes: { host: 701, agent: 251 } })).toHaveLength(2);
  });

  it("names a member's change that cost more than one write, or memory by the size of the group", () => {
    const missedBy = (one: MemberChangeMeasured) => missed({ results: [], memberChanges: [one] });
    expect(missedBy(oneMore)).toEqual([]);
    expect(missedBy({ ...oneMore, graphWrites: 2 })).toHaveLength(1);
    expect(missedBy({ ...oneMore, graphWrites: 0 })).toHaveLength(1);
    expect(missedBy({ ...oneMore, hostMegabytes: { before: 200, peak: 270 } })).toHaveLength(1);
  });

  it("prints the conditions beside the numbers", () => {
    const text = report({ conditions: { storage: "Azurite in memory" }, results: [good], memberChanges: [oneMore] });
    expect(text).toContain("storage: Azurite in memory");
    expect(text).toMatch(/10000 +500 +initial sync +30\.0 +334 +10000 +1\.000 +8\.20 +0\.270 +150 +170 +500 +180/);
    expect(text).toMatch(/50000 +one member more +900 +1 +82000 +2700 +1 +1 +170 +10 +0\.50 \/ 0\.40 \/ 0\.10/);
    expect(text).toContain("All numbers were reached.");
  });
});
