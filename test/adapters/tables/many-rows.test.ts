import { describe, expect, it } from "vitest";
import { readMany } from "../../../shared/adapters/tables/many-rows.ts";
import type { Row } from "../../../shared/ports/row-store.ts";

const keyOf = (at: number) => String(at).padStart(6, "0");
const rowOf = (key: string): Row => ({ partition: "p", row: key, etag: "1", values: {} });

/** A partition of so many rows, with what is read of it. */
function partitionOf(rows: number) {
  const keys = Array.from({ length: rows }, (_, at) => keyOf(at));
  const use = { points: 0, pages: 0, rows: 0 };
  return {
    use,
    async point(key: string) {
      use.points++;
      return keys.includes(key) ? rowOf(key) : undefined;
    },
    async page(first: string, last: string, limit: number) {
      const found = keys.filter((key) => key >= first && key <= last).slice(0, limit);
      use.pages++;
      use.rows += found.length;
      return found.map(rowOf);
    },
  };
}

const spreadOver = (rows: number, count: number) =>
  Array.from({ length: count }, (_, at) => keyOf(Math.floor((at * rows) / count)));

describe("many rows by key", () => {
  it("costs the same in a partition of any size", async () => {
    const costs = await Promise.all(
      [10_000, 100_000].map(async (rows) => {
        const partition = partitionOf(rows);
        const keys = spreadOver(rows, 60);
        expect([...(await readMany(keys, partition)).keys()]).toEqual(keys);
        return partition.use;
      }),
    );
    for (const { rows, pages, points } of costs) {
      expect([rows, pages]).toEqual([240, 1]);
      expect(points).toBeLessThanOrEqual(60);
    }
  });

  it("takes pages where the keys lie close, and leaves them where that ends", async () => {
    const partition = partitionOf(20_000);
    const near = Array.from({ length: 900 }, (_, at) => keyOf(at * 3));
    const far = Array.from({ length: 40 }, (_, at) => keyOf(5_000 + at * 300));
    const keys = [...near, ...far];
    expect([...(await readMany([...keys, "absent"], partition)).keys()]).toEqual(keys);
    expect(partition.use.pages).toBeLessThan(6);
    expect(partition.use.points).toBeLessThan(50);
    expect(partition.use.rows).toBeLessThan(5_000);
  });

  it("asks for few one by one", async () => {
    const partition = partitionOf(1_000);
    await readMany(spreadOver(1_000, 11), partition);
    expect(partition.use).toEqual({ points: 11, pages: 0, rows: 0 });
  });
});
