/** What every row store must do: run on the memory adapter and on Table Storage's protocol alike. */

import { beforeAll, describe, expect, it } from "vitest";
import type { Row, RowOperation, RowStore, RowTable, RowValue } from "../../../shared/ports/row-store.ts";
import { StorageError } from "../../../shared/ports/row-store.ts";

let tables = 0;

export function describeRowStore(name: string, open: () => RowStore): void {
  describe(`row store: ${name}`, () => {
    let store: RowStore;
    let table: RowTable;
    let partitions = 0;
    const freshPartition = () => `p-${++partitions}`;
    const insert = (row: string, n = 0): RowOperation => ({ op: "insert", row, values: { n } });

    beforeAll(() => {
      store = open();
      table = store.table(`contract${++tables}`);
    });

    describe("values", () => {
      it("brings back every kind of value as it was", async () => {
        const values = {
          text: "Jörg 𝔘 '\"\\ 中",
          empty: "",
          date: "2026-11-22T10:00:00Z",
          integer: 42,
          negative: -7,
          big: 1_795_000_000_123,
          fraction: 0.1,
          tiny: 1e-300,
          yes: true,
          no: false,
          bytes: Uint8Array.of(0, 1, 127, 128, 255),
          none: new Uint8Array(0),
        };
        const partition = freshPartition();
        await table.transact(partition, [{ op: "insert", row: "a", values }]);
        const row = await table.get(partition, "a");
        expect(row).toMatchObject({ partition, row: "a" });
        expect(row?.values).toEqual(values);
      });

      it.each([65_535, 65_536, 65_537, 131_072, 200_000])("brings back %i bytes", async (length) => {
        const bytes = Uint8Array.from({ length }, (_, index) => (index * 31) & 255);
        const partition = freshPartition();
        await table.transact(partition, [{ op: "insert", row: "a", values: { bytes, n: 1 } }]);
        const values = (await table.get(partition, "a"))?.values;
        expect(Object.keys(values ?? {}).sort()).toEqual(["bytes", "n"]);
        expect(sameBytes(values?.["bytes"], bytes)).toBe(true);
        const [page] = await pages(table.range(partition, { select: ["bytes"] }));
        expect(Object.keys(page?.[0]?.values ?? {})).toEqual(["bytes"]);
        expect(sameBytes(page?.[0]?.values["bytes"], bytes)).toBe(true);
      });

      it("shows nothing of a longer value after a shorter one was merged over it", async () => {
        const partition = freshPartition();
        await table.transact(partition, [{ op: "insert", row: "a", values: { bytes: new Uint8Array(150_000), n: 1 } }]);
        await table.transact(partition, [{ op: "merge", row: "a", values: { bytes: Uint8Array.of(9) } }]);
        expect((await table.get(partition, "a"))?.values).toEqual({ bytes: Uint8Array.of(9), n: 1 });
      });

      it("keeps its own copy", async () => {
        const bytes = Uint8Array.of(1, 2);
        const partition = freshPartition();
        await table.transact(partition, [{ op: "insert", row: "a", values: { bytes } }]);
        bytes[0] = 9;
        const read = await table.get(partition, "a");
        expect(read?.values["bytes"]).toEqual(Uint8Array.of(1, 2));
        (read?.values["bytes"] as Uint8Array)[0] = 8;
        expect((await table.get(partition, "a"))?.values["bytes"]).toEqual(Uint8Array.of(1, 2));
      });

      it("takes keys with every character that is allowed", async () => {
        const partition = "p·ä'\"%&+ =(),;@|{}";
        const row = "batch·live·0001 'x' 50% + & (a,b)=c;@|";
        await table.transact(partition, [insert(row, 3)]);
        expect((await table.get(partition, row))?.values).toEqual({ n: 3 });
        expect([...(await table.getMany(partition, [row])).keys()]).toEqual([row]);
        const [page] = await pages(table.range(partition, { from: row, to: `${row}x` }));
        expect(page?.map((found) => found.row)).toEqual([row]);
      });
    });

    describe("transactions", () => {
      it("gives an etag for each operation, the one that a read shows", async () => {
        const partition = freshPartition();
        await table.transact(partition, [insert("gone")]);
        const result = await table.transact(partition, [
          insert("b"),
          { op: "delete", row: "gone" },
          { op: "upsert", row: "a", values: { n: 1 } },
        ]);
        const etags = result.ok ? result.etags : [];
        expect(etags).toEqual([(await table.get(partition, "b"))?.etag, "", (await table.get(partition, "a"))?.etag]);
        expect(etags[0]).toBeTruthy();
        expect(await table.get(partition, "gone")).toBeUndefined();
      });

      it("gives another etag with every write", async () => {
        const partition = freshPartition();
        const seen = new Set<string>();
        for (let n = 0; n < 20; n++) {
          const result = await table.transact(partition, [{ op: "upsert", row: "a", values: { n } }]);
          if (result.ok) seen.add(result.etags[0]!);
        }
        expect(seen.size).toBe(20);
      });

      it("replaces the row whole, merges by property", async () => {
        const partition = freshPartition();
        await table.transact(partition, [
          { op: "insert", row: "a", values: { x: 1, y: 2 } },
          { op: "insert", row: "b", values: { x: 1, y: 2 } },
          { op: "insert", row: "c", values: { x: 1, y: 2 } },
        ]);
        await table.transact(partition, [
          { op: "replace", row: "a", values: { x: 5 } },
          { op: "merge", row: "b", values: { x: 5 } },
          { op: "upsert", row: "c", values: { x: 5 } },
        ]);
        const rows = await table.getMany(partition, ["a", "b", "c"]);
        expect([...rows.values()].map((row) => row.values)).toEqual([{ x: 5 }, { x: 5, y: 2 }, { x: 5 }]);
      });

      it.each([
        ["an insert of a row that exists", { op: "insert", row: "a", values: {} }, "exists"],
        ["a replace of a row that doesn't", { op: "replace", row: "z", values: {} }, "missing"],
        ["a merge of a row that doesn't", { op: "merge", row: "z", values: {} }, "missing"],
        ["a delete of a row that doesn't", { op: "delete", row: "z" }, "missing"],
        ["a replace with an old etag", { op: "replace", row: "a", values: {}, etag: "old" }, "changed"],
        ["a merge with an old etag", { op: "merge", row: "a", values: {}, etag: "old" }, "changed"],
        ["a delete with an old etag", { op: "delete", row: "a", etag: "old" }, "changed"],
        [
          "a replace with an etag of a row that doesn't exist",
          { op: "replace", row: "z", values: {}, etag: "old" },
          "missing",
        ],
      ] as const)("refuses whole and says where: %s", async (_, bad, reason) => {
        const partition = freshPartition();
        const first = await table.transact(partition, [insert("a")]);
        const etag = first.ok ? first.etags[0]! : "";
        await table.transact(partition, [{ op: "merge", row: "a", values: { n: 1 } }]);
        const operation: RowOperation = "etag" in bad ? { ...bad, etag } : bad;
        const before = [insert("b"), insert("c")];
        const after = insert("d");
        expect(await table.transact(partition, [...before, operation, after])).toEqual({ ok: false, reason, index: 2 });
        expect(await table.transact(partition, [operation])).toEqual({ ok: false, reason, index: 0 });
        const rows = await table.getMany(partition, ["a", "b", "c", "d"]);
        expect([...rows.keys()]).toEqual(["a"]);
        expect(rows.get("a")?.values).toEqual({ n: 1 });
      });

      it("writes with the etag that is current", async () => {
        const partition = freshPartition();
        const first = await table.transact(partition, [insert("a"), insert("b"), insert("c")]);
        const [a, b, c] = first.ok ? first.etags : [];
        const second = await table.transact(partition, [
          { op: "replace", row: "a", values: { n: 1 }, etag: a! },
          { op: "merge", row: "b", values: { n: 2 }, etag: b! },
          { op: "delete", row: "c", etag: c! },
        ]);
        expect(second.ok).toBe(true);
        const rows = await table.getMany(partition, ["a", "b", "c"]);
        expect([...rows.values()].map((row) => row.values["n"])).toEqual([1, 2]);
      });

      it("lets one of many that insert the same row win", async () => {
        const partition = freshPartition();
        const results = await Promise.all(
          Array.from({ length: 8 }, (_, n) => table.transact(partition, [insert("claim", n), insert(`mine-${n}`)])),
        );
        expect(results.filter((result) => result.ok)).toHaveLength(1);
        expect(results.filter((result) => !result.ok && result.reason === "exists" && result.index === 0)).toHaveLength(
          7,
        );
      });

      it("takes 100 operations with 3.4 MiB", async () => {
        const partition = freshPartition();
        const bytes = new Uint8Array(25_000).fill(3);
        const operations = Array.from(
          { length: 100 },
          (_, index): RowOperation => ({
            op: "insert",
            row: `r${index}`,
            values: { bytes },
          }),
        );
        expect(await table.transact(partition, operations)).toMatchObject({ ok: true });
      });

      it.each([
        ["no operation", [], "storage-refused"],
        ["101 operations", Array.from({ length: 101 }, (_, n) => ({ op: "delete", row: `r${n}` })), "storage-refused"],
        [
          "one row twice",
          [
            { op: "upsert", row: "a", values: {} },
            { op: "delete", row: "a" },
          ],
          "storage-refused",
        ],
        ["a slash in a key", [{ op: "insert", row: "a/b", values: {} }], "storage-refused"],
        ["a property with a dash", [{ op: "insert", row: "a", values: { "a-b": 1 } }], "storage-refused"],
        ["a property that looks like a piece", [{ op: "insert", row: "a", values: { bytes_1: 1 } }], "storage-refused"],
        ["no finite number", [{ op: "insert", row: "a", values: { n: Number.NaN } }], "storage-refused"],
        ["text over 32,768", [{ op: "insert", row: "a", values: { t: "x".repeat(32_769) } }], "storage-too-large"],
        [
          "a row over 1 MiB",
          [{ op: "insert", row: "a", values: { b: new Uint8Array(1_048_577) } }],
          "storage-too-large",
        ],
        [
          "more than 4 MiB",
          Array.from({ length: 10 }, (_, n) => ({
            op: "insert",
            row: `r${n}`,
            values: { b: new Uint8Array(500_000) },
          })),
          "storage-too-large",
        ],
      ] as const)("refuses %s", async (_, operations, code) => {
        const refusal = table.transact(freshPartition(), operations as readonly RowOperation[]);
        await expect(refusal).rejects.toBeInstanceOf(StorageError);
        await expect(refusal).rejects.toMatchObject({ code, retriable: false });
      });
    });

    describe("reading", () => {
      it("finds the rows that exist among many, few, near and far keys", async () => {
        const partition = freshPartition();
        const key = (n: number) => `k${String(n).padStart(5, "0")}`;
        for (let start = 0; start < 2_500; start += 100) {
          await table.transact(
            partition,
            Array.from({ length: 100 }, (_, n) => insert(key(start + n), start + n)),
          );
        }
        const asked = [
          [key(5), key(2_499), key(9_999)],
          Array.from({ length: 300 }, (_, n) => key(700 + n)),
          Array.from({ length: 150 }, (_, n) => key(n * 17)),
          Array.from({ length: 120 }, (_, n) => key(n + 2_440)).reverse(),
        ];
        for (const keys of asked) {
          const wanted = keys.filter((one) => one <= key(2_499)).sort();
          const found = await table.getMany(partition, keys);
          expect([...found.keys()]).toEqual(wanted);
          expect([...found.values()].map((row) => row.values["n"])).toEqual(wanted.map((one) => Number(one.slice(1))));
        }
      });

      it("takes a key twice as one, and no keys as none", async () => {
        const partition = freshPartition();
        await table.transact(partition, [insert("a")]);
        expect([...(await table.getMany(partition, ["a", "a"])).keys()]).toEqual(["a"]);
        expect((await table.getMany(partition, [])).size).toBe(0);
      });

      it("ranges by code unit, from inclusive, to exclusive", async () => {
        const partition = freshPartition();
        const keys = ["B", "a", "Z", "_", "ä", "a·1", "10", "9", "-", "zz", "ﬀ"];
        await table.transact(
          partition,
          keys.map((key) => insert(key)),
        );
        const sorted = [...keys].sort();
        expect(await keysOf(table.range(partition))).toEqual(sorted);
        expect(await keysOf(table.range(partition, { from: "9", to: "a" }))).toEqual(["9", "B", "Z", "_"]);
        expect(await keysOf(table.range(partition, { from: "a" }))).toEqual(sorted.filter((key) => key >= "a"));
        expect(await keysOf(table.range(partition, { to: "B" }))).toEqual(["-", "10", "9"]);
        expect(await keysOf(table.range(partition, { from: "a", limit: 2 }))).toEqual(["a", "a·1"]);
        expect(await keysOf(table.range(partition, { limit: 0 }))).toEqual([]);
      });

      it("goes through pages to the end, and no further than the limit", async () => {
        const partition = freshPartition();
        const keys = Array.from({ length: 2_300 }, (_, n) => `r${String(n).padStart(4, "0")}`);
        for (let at = 0; at < keys.length; at += 100) {
          await table.transact(
            partition,
            keys.slice(at, at + 100).map((key) => insert(key)),
          );
        }
        const all = await pages(table.range(partition));
        expect(all.flat().map((row) => row.row)).toEqual(keys);
        expect(all.length).toBeGreaterThan(1);
        expect(await keysOf(table.range(partition, { limit: 1_500 }))).toEqual(keys.slice(0, 1_500));
      });

      it("reads across partitions in the order of their keys, from inclusive, to exclusive, to the limit", async () => {
        const own = store.table(`contract${++tables}`);
        for (const partition of ["t-2", "t-10", "t-1", "t-3", "s-9", "t-3x"])
          await own.transact(partition, [insert("b"), insert("a"), insert("Z")]);
        const placesOf = async (source: AsyncIterable<readonly Row[]>) =>
          (await pages(source)).flat().map((row) => `${row.partition}/${row.row}`);
        const all = ["t-1", "t-10", "t-2"].flatMap((partition) => ["Z", "a", "b"].map((row) => `${partition}/${row}`));
        expect(await placesOf(own.across("t-1", "t-3"))).toEqual(all);
        expect(await placesOf(own.across("t-1", "t-3", { limit: 4 }))).toEqual(all.slice(0, 4));
        expect(await placesOf(own.across("t-4", "t-5"))).toEqual([]);
        const [page] = await pages(own.across("s-9", "t-1", { select: [] }));
        expect(page?.map((row) => row.values)).toEqual([{}, {}, {}]);
        expect(await placesOf(store.table(`contract${++tables}`).across("a", "z"))).toEqual([]);
      });

      it("selects properties, and leaves out what a row doesn't have", async () => {
        const partition = freshPartition();
        await table.transact(partition, [
          { op: "insert", row: "a", values: { x: 1, y: "why", z: true } },
          { op: "insert", row: "b", values: { y: "not" } },
        ]);
        const [page] = await pages(table.range(partition, { select: ["x", "z"] }));
        expect(page?.map((row) => row.values)).toEqual([{ x: 1, z: true }, {}]);
        expect(page?.map((row) => row.row)).toEqual(["a", "b"]);
        expect(page?.[0]?.etag).toBe((await table.get(partition, "a"))?.etag);
      });

      it("yields no page of an empty range, and finds nothing in an empty table", async () => {
        const empty = store.table(`contract${++tables}`);
        expect(await pages(empty.range("p"))).toEqual([]);
        expect(await pages(empty.scan())).toEqual([]);
        expect(await empty.get("p", "a")).toBeUndefined();
        expect((await empty.getMany("p", ["a", "b"])).size).toBe(0);
      });

      it("scans all partitions", async () => {
        const all = store.table(`contract${++tables}`);
        for (const partition of ["p2", "p1", "p3"]) await all.transact(partition, [insert("a"), insert("b")]);
        const rows = (await pages(all.scan({ select: ["n"] }))).flat();
        expect(rows.map((row) => `${row.partition}/${row.row}`).sort()).toEqual([
          "p1/a",
          "p1/b",
          "p2/a",
          "p2/b",
          "p3/a",
          "p3/b",
        ]);
      });
    });

    describe("tables", () => {
      it("lists and deletes them; a deleted one starts empty", async () => {
        const name = `contract${++tables}`;
        const doomed = store.table(name);
        await doomed.transact("p", [insert("a")]);
        expect(await store.listTables()).toContain(name);
        await store.deleteTable(name);
        await store.deleteTable(name);
        expect(await store.listTables()).not.toContain(name);
        expect(await doomed.get("p", "a")).toBeUndefined();
        await doomed.transact("p", [insert("b")]);
        expect(await keysOf(doomed.range("p"))).toEqual(["b"]);
      });

      it("refuses a name that Azure would refuse", () => {
        expect(() => store.table("a-b")).toThrow(StorageError);
        expect(() => store.table("ab")).toThrow(StorageError);
      });
    });
  });
}

/** `toEqual` takes half a second for a large array. */
function sameBytes(left: RowValue | undefined, right: Uint8Array): boolean {
  return left instanceof Uint8Array && Buffer.compare(left, right) === 0;
}

async function pages(source: AsyncIterable<readonly Row[]>): Promise<(readonly Row[])[]> {
  const all: (readonly Row[])[] = [];
  for await (const page of source) all.push(page);
  return all;
}

async function keysOf(source: AsyncIterable<readonly Row[]>): Promise<string[]> {
  return (await pages(source)).flat().map((row) => row.row);
}
