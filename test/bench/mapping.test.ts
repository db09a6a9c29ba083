/** The bench of the mapping at a small size: every number is there. How large they are is for the bench to say. */
import { describe, expect, it } from "vitest";
import { adContact, adGroup, adUser } from "../../bench/ad-objects.ts";
import { benchMapping } from "../../bench/mapping.ts";
import type { Lane, MappingMeasured } from "../../bench/mapping-measured.ts";
import { mappingReport, missedByMapping } from "../../bench/mapping-report.ts";
import { UpsertChange } from "../../shared/contracts/change.ts";

const lane: Lane = {
  name: "user",
  evaluated: 42,
  mappings: 136,
  attributes: 75,
  bytes: 4_100,
  rounds: [
    { yardstick: 20, mapping: 50 },
    { yardstick: 40, mapping: 90 },
    { yardstick: 18, mapping: 45 },
  ],
};
const good: MappingMeasured = {
  objects: 3,
  throughput: { lanes: [lane], parts: [{ name: "scope", microseconds: 5 }] },
  compilation: { first: 30, later: 3 },
  heap: [
    { objects: 1, bytes: 10_000_000 },
    { objects: 10, bytes: 10_100_000 },
  ],
};

describe("the bench of the mapping", () => {
  it("runs, and has a number for each thing that it is about", async () => {
    const measured = await benchMapping({ objects: 40, rounds: 2, memoryObjects: 60, log: () => {} });
    const { throughput, compilation, heap } = measured;
    expect(throughput.lanes.map(({ mappings }) => mappings)).toEqual([136, 136, 136, 13]);
    expect(throughput.lanes[2]!.evaluated).toBe(136);
    for (const { rounds, evaluated, attributes, bytes } of throughput.lanes) {
      expect(rounds).toHaveLength(2);
      for (const number of [
        ...rounds.flatMap((round) => [round.yardstick, round.mapping]),
        evaluated,
        attributes,
        bytes,
      ])
        expect(number).toBeGreaterThan(0);
    }
    expect(throughput.parts.map(({ name }) => name)).toEqual(["scope", "flow", "difference", "hash"]);
    for (const number of [...throughput.parts.map((part) => part.microseconds), compilation.first, compilation.later])
      expect(number).toBeGreaterThan(0);
    expect(heap.map(({ objects }) => objects)).toEqual([6, 30, 60]);
    for (const { bytes } of heap) expect(bytes).toBeGreaterThan(1_000_000);
    const text = mappingReport({ node: process.version }, measured);
    expect(text).toContain(`node: ${process.version}`);
    expect(text).toContain("136 of 136");
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("compares mapping and yardstick of the same round, and names what was not reached", () => {
    expect(mappingReport({}, good)).toMatch(/user +75 +4100 +42 of 136 +20000 +50\.0 +20\.0 +2\.50 +45\.0/);
    expect(missedByMapping(good)).toEqual([]);
    const lanes = (...rounds: Lane["rounds"]) => ({ ...good.throughput, lanes: [{ ...lane, rounds }] });
    expect(missedByMapping({ ...good, throughput: lanes({ yardstick: 10, mapping: 31 }) })).toHaveLength(1);
    expect(missedByMapping({ ...good, throughput: lanes({ yardstick: 30, mapping: 51 }) })).toHaveLength(1);
    expect(missedByMapping({ ...good, compilation: { first: 51, later: 3 } })).toHaveLength(1);
    expect(missedByMapping({ ...good, heap: [good.heap[0]!, { objects: 10, bytes: 20_000_000 }] })).toHaveLength(1);
  });
});

describe("generated objects", () => {
  it("are what an agent may send, and the same each time", () => {
    for (let index = 0; index < 200; index++) {
      for (const make of [adUser, adGroup, adContact]) {
        const object = make(index);
        expect(UpsertChange.parse(object)).toEqual(object);
        expect(make(index)).toEqual(object);
      }
    }
    expect(adUser(1, 2)).not.toEqual(adUser(1, 1));
  });

  it("are people with as many attributes as a directory fills", () => {
    const counts = Array.from({ length: 400 }, (_, index) => Object.keys(adUser(index).attributes).length);
    const usual = counts.filter((count) => count >= 60 && count <= 90);
    expect(usual.length).toBeGreaterThan(counts.length * 0.8);
    const users = Array.from({ length: 400 }, (_, index) => adUser(index));
    expect(new Set(users.map(({ objectGuid }) => objectGuid)).size).toBe(400);
    expect(new Set(users.map(({ attributes }) => attributes["sAMAccountName"]?.[0])).size).toBe(400);
    const aliases = users.map(({ attributes }) => attributes["proxyAddresses"]?.length ?? 0);
    expect([Math.min(...aliases), Math.max(...aliases)]).toEqual([0, 8]);
  });
});
