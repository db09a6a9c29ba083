/**
 * One member more, or one less, in a large group: one write, and as many rows read and written whether the group has some
 * hundreds of members or thousands in as many segments. The whole cloud side runs, in memory; `npm run bench -- --member-change` measures the same on
 * the real parts.
 */
import { describe, expect, it } from "vitest";
import { memberDelta, memberOf, membersForest, NEWCOMER } from "../../bench/member-source.ts";
import type { Row, RowStore, RowTable } from "../../shared/ports/row-store.ts";
import { createCloud } from "../support/cloud.ts";

interface Use {
  read: number;
  written: number;
  /** Of the edges that were read. */
  edgeBytes: number;
}

/** Counts rows, however they are asked for. */
function counting(rows: RowStore, use: Use): RowStore {
  const wrap = (table: RowTable): RowTable => {
    const note = (row: Row | undefined) => {
      const edges = row?.values["edges"];
      if (edges instanceof Uint8Array) use.edgeBytes += edges.length;
    };
    const taken = async function* (pages: ReturnType<RowTable["range"]>) {
      for await (const page of pages) {
        use.read += page.length;
        page.forEach(note);
        yield page;
      }
    };
    return {
      ...table,
      async get(partition, row) {
        const found = await table.get(partition, row);
        use.read++;
        note(found);
        return found;
      },
      async getMany(partition, keys, options) {
        const found = await table.getMany(partition, keys, options);
        use.read += keys.length;
        for (const row of found.values()) note(row);
        return found;
      },
      range: (partition, options) => taken(table.range(partition, options)),
      across: (from, to, options) => taken(table.across(from, to, options)),
      scan: (options) => taken(table.scan(options)),
      async transact(partition, operations) {
        use.written += operations.length;
        return table.transact(partition, operations);
      },
    };
  };
  return { ...rows, table: (name) => wrap(rows.table(name)) };
}

async function changesIn(members: number) {
  const use: Use = { read: 0, written: 0, edgeBytes: 0 };
  const cloud = await createCloud({
    target: { verifiedDomains: ["bench.example"] },
    wrapRows: (rows) => counting(rows, use),
    chunkObjects: 1000,
  });
  const agent = await cloud.addDomain("bench.example");
  await agent.read("full", membersForest(members));
  const group = cloud.target.objects().find((own) => own.type === "group");
  const size = () => cloud.target.membersOf(group?.id ?? "").length;
  expect(size()).toBe(members);

  const measure = async (...delta: Parameters<typeof memberDelta>) => {
    Object.assign(use, { read: 0, written: 0, edgeBytes: 0 });
    const writes = cloud.target.writes();
    await agent.read("delta", [memberDelta(...delta)]);
    return { ...use, writes: cloud.target.writes() - writes, size: size() };
  };
  return { more: await measure([NEWCOMER], []), less: await measure([], [memberOf(0)]) };
}

/** From 500 edges on they lie in 16 segments, up to 8,000 of them. */
const SMALL = 600;
const LARGE = 3_000;
/** An edge with its target id. */
const EDGE_BYTES = 35;

describe("a member's change in a large group", () => {
  it("is one write, and touches no more rows in a group that has five times as many", async () => {
    const small = await changesIn(SMALL);
    const large = await changesIn(LARGE);
    for (const [of, members] of [
      [small, SMALL],
      [large, LARGE],
    ] as const) {
      expect(of.more).toMatchObject({ writes: 1, size: members + 1 });
      expect(of.less).toMatchObject({ writes: 1, size: members });
    }
    const rowsOf = ({ read, written }: Use) => ({ read, written });
    expect(rowsOf(large.more)).toEqual(rowsOf(small.more));
    expect(rowsOf(large.less)).toEqual(rowsOf(small.less));
    // One segment, a few times.
    expect(large.more.read).toBeLessThan(100);
    expect(large.more.edgeBytes).toBeLessThan((LARGE / 2) * EDGE_BYTES);
    // Who goes may stand in another segment under another GUID: all are looked at before and after, and not more often.
    expect(large.less.read).toBeLessThan(200);
    expect(large.less.edgeBytes).toBeLessThan(3 * LARGE * EDGE_BYTES);
  });
});
