import { describe, expect, it } from "vitest";
import { createLinkRows } from "../../shared/application/state/link-rows.ts";
import { segmentNames } from "../../shared/application/state/link-segments.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { changing, membersIn, partOf } from "../support/links.ts";

const SIZE = 9_000;
const PART = 3_000;

describe("a group of thousands", () => {
  it("takes a change of one with one write, one segment read and a few small rows", async () => {
    const seen = { rows: 0, bytes: 0, writes: 0, isOn: false };
    const cloud = await createCloud({ wrapRows: (rows) => weighed(rows, seen) });
    const agent = await cloud.addDomain("corp.example");
    // Most of them are out of scope: who is in the target costs a user each.
    const names = Array.from({ length: SIZE }, (_, at) => `m${at}`);
    const parts = Array.from({ length: SIZE / PART }, (_, part) =>
      partOf("all", names.slice(part * PART, (part + 1) * PART), part, (part + 1) * PART === SIZE),
    );
    const present = ["m0", "m1", "new"].map((name) => aUser(name));
    await agent.read("full", [...parts, ...present], 2);
    expect(membersIn(cloud, "all")).toHaveLength(2);
    const links = createLinkRows({ rows: cloud.rows, targetKey: "tenant" });
    const key = { configurationId: agent.configurationId, referrer: guidOf("all"), attribute: "member" };
    const [stored] = await links.load([{ key, segmentsOf: ({ digits }) => segmentNames(digits) }]);
    expect(stored?.header).toMatchObject({ edges: SIZE, digits: 2 });

    const before = cloud.target.writes();
    seen.isOn = true;
    await agent.read("delta", [changing("all", { add: ["new"] })]);
    seen.isOn = false;
    expect(cloud.target.writes()).toBe(before + 1);
    expect(membersIn(cloud, "all")).toHaveLength(3);
    // Header, segment, mark and result; not the list: it weighs half a megabyte.
    expect(seen.bytes).toBeLessThan(100_000);
    expect(seen.writes).toBeLessThan(30);
  });
});

/** Rows of links that were read, with their bytes, and written. */
function weighed(rows: RowStore, seen: { rows: number; bytes: number; writes: number; isOn: boolean }): RowStore {
  return {
    ...rows,
    table(name) {
      const table = rows.table(name);
      if (!["links", "referrers", "dirtylinks", "sids"].includes(name)) return table;
      const weigh = (values: Readonly<Record<string, unknown>>) => {
        if (!seen.isOn) return;
        seen.rows++;
        for (const value of Object.values(values)) if (value instanceof Uint8Array) seen.bytes += value.length;
      };
      return {
        ...table,
        async get(partition, key) {
          const row = await table.get(partition, key);
          if (row) weigh(row.values);
          return row;
        },
        async getMany(partition, keys) {
          const found = await table.getMany(partition, keys);
          for (const row of found.values()) weigh(row.values);
          return found;
        },
        async *range(partition, options) {
          for await (const page of table.range(partition, options)) {
            for (const row of page) weigh(row.values);
            yield page;
          }
        },
        transact(partition, operations) {
          if (seen.isOn) seen.writes += operations.length;
          return table.transact(partition, operations);
        },
      };
    },
  };
}
