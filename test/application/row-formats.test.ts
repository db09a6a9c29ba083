/** What rows say of their format, and what becomes of those that this release doesn't know: the same for every kind, on both stores. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createTableRowStore } from "../../shared/adapters/tables/row-store.ts";
import { decodeObject, encodeObject, OBJECT_FORMAT } from "../../shared/application/state/object-row.ts";
import { ROW_FORMATS, readableRowsOf } from "../../shared/application/state/row-formats.ts";
import type { ObjectRecord } from "../../shared/domain/object-record.ts";
import { NEEDS } from "../../shared/needs.ts";
import type { Row, RowStore, RowTable } from "../../shared/ports/row-store.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { aUser, createCloud } from "../support/cloud.ts";

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
}, 60_000);
afterAll(() => azurite?.stop());

const KINDS = Object.entries(ROW_FORMATS);
const SOME = KINDS.filter(([kind]) => ["objects", "jobs", "log"].includes(kind));
const STORES: readonly (readonly [string, () => RowStore, typeof KINDS])[] = [
  ["every table, in memory", createMemoryRowStore, KINDS],
  ["some, in Azurite", () => createTableRowStore({ connectionString: azurite.connectionString }), SOME],
];
/** The monthly ones with a month. */
const tableOf = (kind: string) => (kind === "log" || kind === "audit" ? `${kind}202601` : kind);

const all = async (pages: AsyncIterable<readonly Row[]>): Promise<string[]> => {
  const found: string[] = [];
  for await (const page of pages) found.push(...page.map(({ row }) => row));
  return found;
};
/** Every way of asking for a row. */
const WAYS: readonly (readonly [string, (table: RowTable) => Promise<readonly string[]>])[] = [
  ["get", async (table) => [(await table.get("p", "own"))?.row ?? ""]],
  ["getMany", async (table) => [...(await table.getMany("p", ["own"])).keys()]],
  ["getMany of a column", async (table) => [...(await table.getMany("p", ["own"], { select: ["class"] })).keys()]],
  ["range", (table) => all(table.range("p"))],
  ["range of a column", (table) => all(table.range("p", { select: ["class"] }))],
  ["range of keys", (table) => all(table.range("p", { select: [] }))],
  ["across", (table) => all(table.across("p", "q"))],
  ["across of a column", (table) => all(table.across("p", "q", { select: ["class"] }))],
  ["scan", (table) => all(table.scan())],
  ["scan of a column", (table) => all(table.scan({ select: ["class"] }))],
];

describe("formats of rows", () => {
  it("are known for every table, and only objects have had more than one", () => {
    const names = [...NEEDS.tables.map(({ name }) => name), "log", "audit"].sort();
    expect(KINDS.map(([kind]) => kind).sort()).toEqual(names);
    expect(KINDS.filter(([, known]) => known !== 1)).toEqual([["objects", OBJECT_FORMAT]]);
  });

  it.each(STORES)("that take a newer release are refused however they are asked for: %s", async (_, open, kinds) => {
    const given = open();
    const rows = readableRowsOf(given);
    for (const [kind, known] of kinds) {
      const name = tableOf(kind);
      const raw = given.table(name);
      const put = (values: Record<string, number>) =>
        raw.transact("p", [{ op: "upsert", row: "own", values: { class: "user", ...values } }]);
      // A format that only adds, however new; one that takes what is known; and one that says nothing: the first.
      for (const values of [{ v: known + 1 }, { v: known + 1, least: known }, {}] as Record<string, number>[]) {
        await put(values);
        for (const [way, ask] of WAYS) expect(await ask(rows.table(name)), `${name} by ${way}`).toEqual(["own"]);
      }
      await put({ v: known + 1, least: known + 1 });
      const message = new RegExp(
        `^Row own in partition p of table ${name} was written by a newer release: it takes one that knows format ${known + 1}, and this one knows ${known}\\.`,
      );
      for (const [way, ask] of WAYS)
        await expect(ask(rows.table(name)), `${name} by ${way}`).rejects.toThrow(
          expect.objectContaining({ code: "storage-refused", message: expect.stringMatching(message) }),
        );
    }
  });

  it("are said without names of people", async () => {
    const given = createMemoryRowStore();
    const row = "userPrincipalName:ann@corp.example";
    await given.table("claims").transact("p", [{ op: "insert", row, values: { least: 2 } }]);
    const failure = await readableRowsOf(given)
      .table("claims")
      .get("p", row)
      .catch((error: Error) => error.message);
    expect(failure).toContain("of table claims was written by a newer release");
    expect(failure).not.toContain("ann");
  });

  it("cost no row a byte: nothing that this release writes says that it takes more than the first", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const found = [];
    for (const name of await cloud.rows.listTables())
      for await (const page of cloud.rows.table(name).scan())
        found.push(...page.map(({ values }) => ({ name, v: values["v"], least: values["least"] })));
    expect(found.length).toBeGreaterThan(10);
    expect(found.filter(({ least }) => least !== undefined)).toEqual([]);
    expect(new Set(found.filter(({ v }) => v !== undefined).map(({ name }) => name))).toEqual(new Set(["objects"]));
  });

  it("of an object that a backup has are refused too: it is of no use there", () => {
    const record: ObjectRecord = {
      ...{ configurationId: "c", objectGuid: "g", objectClass: "user", dn: "CN=Ann", image: {} },
      ...{ version: "1", scope: "" },
      state: "live",
    };
    const values = encodeObject(record);
    expect(decodeObject("c", "g", { ...values, v: OBJECT_FORMAT + 1 }).unreadable).toBeUndefined();
    expect(decodeObject("c", "g", { ...values, least: OBJECT_FORMAT + 1 }).unreadable).toBe(true);
  });
});

describe("a release that was gone back to", () => {
  it("stops at a row that takes the newer one, writes nothing over it, and goes on once it is gone", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const objects = cloud.rows.table("objects");
    const written: Row[] = [];
    for await (const page of objects.scan()) written.push(...page);
    expect(written.length).toBe(2);
    for (const { partition, row } of written)
      await objects.transact(partition, [{ op: "merge", row, values: { v: 9, least: 9 } }]);
    const before: unknown[] = [];
    for await (const page of objects.scan()) before.push(...page);
    const writes = cloud.target.writes();
    await agent.read("delta", [
      aUser("ann", { department: "new" }, ["department"]),
      { op: "delete", objectGuid: aUser("bob").objectGuid },
    ]);
    const after: unknown[] = [];
    for await (const page of objects.scan()) after.push(...page);
    expect(after).toEqual(before);
    expect(cloud.target.writes()).toBe(writes);
    expect(cloud.logged.filter(({ event }) => event === "step-failed")).toContainEqual(
      expect.objectContaining({
        fields: expect.objectContaining({ message: expect.stringContaining("takes one that knows format 9") }),
      }),
    );
    for (const { partition, row, values } of written)
      await objects.transact(partition, [{ op: "replace", row, values }]);
    cloud.clock.set(cloud.clock.now() + 60_000);
    await agent.read("full", [aUser("ann", { department: "new" }, ["department"])]);
    expect(cloud.target.objects()).toMatchObject([{ values: { department: "new" } }, { deleted: true }]);
  });
});
