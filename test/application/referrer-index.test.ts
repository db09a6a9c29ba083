import { describe, expect, it } from "vitest";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createReferrerIndex, type ReferrerEntry } from "../../shared/application/state/referrer-index.ts";
import { createSids } from "../../shared/application/state/sid-rows.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { guidOf } from "../support/cloud.ts";

const entry = (referee: string, referrer: string, attribute = "member"): ReferrerEntry => ({
  referee: guidOf(referee),
  referrer: guidOf(referrer),
  attribute,
  configurationId: "c",
  jobId: "j",
});

/** The store, with the operations that were written and the rows that were read. */
function counting(rows: RowStore) {
  const counts = { operations: 0, reads: 0 };
  const counted: RowStore = {
    ...rows,
    table(name) {
      const table = rows.table(name);
      return {
        ...table,
        transact(partition, operations) {
          counts.operations += operations.length;
          return table.transact(partition, operations);
        },
        async getMany(partition, keys) {
          counts.reads += keys.length;
          return table.getMany(partition, keys);
        },
      };
    },
  };
  return { counts, counted };
}

const namesOf = (found: ReadonlyMap<string, readonly { readonly referrer: string }[]>, referee: string) =>
  (found.get(guidOf(referee)) ?? []).map((own) => own.referrer).sort();

describe("who names whom", () => {
  it("is found again, among many and one by one, however the rows were forked", async () => {
    const index = createReferrerIndex({ rows: createMemoryRowStore(), targetKey: "t" });
    const entries = Array.from({ length: 12_000 }, (_, at) => entry(`user ${at % 4_000}`, `group ${at % 97}`));
    for (let at = 0; at < entries.length; at += 3_000) await index.add(entries.slice(at, at + 3_000));
    const expected = (name: string) =>
      [...new Set(entries.filter((own) => own.referee === guidOf(name)).map((own) => own.referrer))].sort();
    const all = await index.find(Array.from({ length: 4_000 }, (_, at) => guidOf(`user ${at}`)));
    expect(all.size).toBe(4_000);
    for (const name of ["user 0", "user 1", "user 3999"]) {
      expect(namesOf(all, name)).toEqual(expected(name));
      expect(namesOf(await index.find([guidOf(name)]), name)).toEqual(expected(name));
    }
    expect(await index.find([guidOf("nobody")])).toEqual(new Map());
  });

  it("takes one whom thousands name in small rows, too", async () => {
    const rows = createMemoryRowStore();
    const index = createReferrerIndex({ rows, targetKey: "t" });
    const entries = Array.from({ length: 5_000 }, (_, at) => entry("boss", `user ${at}`, "manager"));
    for (let at = 0; at < entries.length; at += 1_000) await index.add(entries.slice(at, at + 1_000));
    expect(namesOf(await index.find([guidOf("boss")]), "boss")).toHaveLength(5_000);
    for await (const page of rows.table("referrers").scan())
      for (const row of page) expect((row.values["data"] as Uint8Array | undefined)?.length ?? 0).toBeLessThan(60_000);
  });

  it("writes nothing that is there, and for one more reads and writes little", async () => {
    const { counts, counted } = counting(createMemoryRowStore());
    const index = createReferrerIndex({ rows: counted, targetKey: "t" });
    const entries = Array.from({ length: 10_000 }, (_, at) => entry(`user ${at}`, `group ${at % 50}`));
    for (let at = 0; at < entries.length; at += 1_000) await index.add(entries.slice(at, at + 1_000));
    await index.find(entries.map((own) => own.referee));
    // A first load writes few rows: 256 leaves, and for each thousand 16 beside the tree that go again.
    expect(counts.operations).toBeLessThan(1_000);
    const before = { ...counts };
    await index.add(entries.slice(0, 10));
    expect(counts.operations).toBe(before.operations);
    await index.add([entry("user 1", "another group")]);
    expect(counts.operations).toBe(before.operations + 1);
    expect(counts.reads - before.reads).toBeLessThan(40);
  });

  it("takes a batch for the same rows in an index of any size, and reads none", async () => {
    const { counts, counted } = counting(createMemoryRowStore());
    const index = createReferrerIndex({ rows: counted, targetKey: "t" });
    const batch = (from: number) =>
      Array.from({ length: 1_000 }, (_, at) => entry(`user ${from + at}`, `boss ${(from + at) % 900}`, "manager"));
    const costs: (typeof counts)[] = [];
    for (let from = 0; from < 30_000; from += 1_000) {
      Object.assign(counts, { operations: 0, reads: 0 });
      await index.add(batch(from));
      costs.push({ ...counts });
      if (from % 5_000 === 0) await index.find(batch(from).map((own) => own.referee));
    }
    expect(new Set(costs.map((cost) => JSON.stringify(cost)))).toEqual(
      new Set([JSON.stringify({ operations: 16, reads: 0 })]),
    );
  });

  it("takes in again what an attempt left beside the tree, and nothing is there twice", async () => {
    const rows = createMemoryRowStore();
    const asideRows = async () => {
      let count = 0;
      for await (const page of rows.table("referrers").scan())
        count += page.filter((row) => row.row.startsWith("new:")).length;
      return count;
    };
    let isDying = true;
    const dying: RowStore = {
      ...rows,
      table: (name) => ({
        ...rows.table(name),
        async transact(partition, operations) {
          if (isDying && operations.some(({ op }) => op === "delete")) throw new Error("died");
          return rows.table(name).transact(partition, operations);
        },
      }),
    };
    const index = createReferrerIndex({ rows: dying, targetKey: "t" });
    const entries = Array.from({ length: 2_000 }, (_, at) => entry(`user ${at % 500}`, `group ${at}`));
    await index.add(entries);
    await index.add(entries);
    const before = await asideRows();
    expect(before).toBe(16);
    const referees = Array.from({ length: 500 }, (_, at) => guidOf(`user ${at}`));
    await expect(index.find(referees)).rejects.toThrow("died");
    expect(await asideRows()).toBe(before);
    isDying = false;
    const found = await Promise.all([index.find(referees), index.find(referees)]);
    for (const own of found) expect([...own.values()].map((referrers) => referrers.length)).toEqual(Array(500).fill(4));
    expect(await asideRows()).toBe(0);
  });

  it("of two who add at once, both are found", async () => {
    const index = createReferrerIndex({ rows: createMemoryRowStore(), targetKey: "t" });
    const part = (of: string) => Array.from({ length: 3_000 }, (_, at) => entry(`user ${at}`, of));
    await Promise.all([index.add(part("one")), index.add(part("two")), index.add(part("three"))]);
    const found = await index.find(Array.from({ length: 3_000 }, (_, at) => guidOf(`user ${at}`)));
    expect([...found.values()].every((own) => own.length === 3)).toBe(true);
  });
});

describe("who has which SID", () => {
  it("is found by it, neighbours share a row, and two writers at once lose nothing", async () => {
    const { counts, counted } = counting(createMemoryRowStore());
    const sids = createSids({ rows: counted, targetKey: "t" });
    const sid = (rid: number) => `S-1-5-21-1-2-3-${rid}`;
    const entries = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, at) => ({
        sid: sid(from + at),
        configurationId: "c",
        objectGuid: guidOf(`${from + at}`),
      }));
    await sids.put(entries(1_000, 1_600));
    expect(counts.operations).toBeLessThan(6);
    await Promise.all([sids.put(entries(1_600, 1_700)), sids.put(entries(1_700, 1_800))]);
    const found = await sids.find([sid(1_000), sid(1_650), sid(1_750), sid(2_000)]);
    expect([...found].map(([own, { objectGuid }]) => [own, objectGuid])).toEqual(
      [1_000, 1_650, 1_750].map((rid) => [sid(rid), guidOf(`${rid}`)]),
    );
    const written = counts.operations;
    await sids.put(entries(1_000, 1_600));
    expect(counts.operations).toBe(written);
  });
});
