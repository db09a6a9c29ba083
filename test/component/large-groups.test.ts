import { describe, expect, it } from "vitest";
import { NEW_SEGMENT } from "../../shared/application/state/link-codec.ts";
import { createLinkRows, edgesOf } from "../../shared/application/state/link-rows.ts";
import { segmentNames, segmentOf } from "../../shared/application/state/link-segments.ts";
import type { Change } from "../../shared/contracts/change.ts";
import type { Edge } from "../../shared/domain/links.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { aGroup } from "../support/changes.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { changing, membersIn, namesIn, partOf } from "../support/links.ts";

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

describe("a group of several segments, and one person in two of them", () => {
  const SID = "S-1-5-21-7-8-9-1105";
  // By GUID, and as a foreign principal.
  const principal = names("principal").find((name) => segmentIn(name) !== segmentIn("ann")) ?? "";

  async function start() {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const add = [
      { guid: guidOf("ann") },
      { guid: guidOf(principal), sid: SID },
      ...names("far").map((name) => ({ guid: guidOf(name) })),
    ];
    const links = [{ attribute: "member", mode: "replace" as const, add, remove: [], part: 0, last: true }];
    const group = { ...aGroup("all"), links };
    await agent.read("full", [group, aUser("ann", { objectSid: SID }), aUser("bob")]);
    expect(namesIn(cloud, "all")).toEqual(["ann"]);
    const rows = createLinkRows({ rows: cloud.rows, targetKey: "tenant" });
    const key = { configurationId: agent.configurationId, referrer: guidOf("all"), attribute: "member" };
    const stored = async () => {
      const [own] = await rows.load([{ key, segmentsOf: () => "all" }]);
      if (!own) throw new Error("No row.");
      return own;
    };
    expect((await stored()).header.digits).toBe(1);
    return { cloud, agent, rows, stored };
  }

  it("keeps the person while one of both is wanted, without a write, and no longer", async () => {
    const { cloud, agent, stored } = await start();
    const writes = cloud.target.writes();
    await agent.read("delta", [changing("all", { remove: ["ann"] })]);
    expect(namesIn(cloud, "all")).toEqual(["ann"]);
    expect(cloud.target.writes()).toBe(writes);
    expect(edgesOf(await stored()).get(guidOf(principal))).toMatchObject({ wanted: true, state: "added" });
    await agent.read("delta", [changing("all", { remove: [principal] })]);
    expect(namesIn(cloud, "all")).toEqual([]);
  });

  it("keeps the person whose cloud account went from one account to the other", async () => {
    const anchor = Buffer.from("the-same-person!").toString("base64");
    const person = (name: string, more: Readonly<Record<string, string>>): Change => {
      const change = aUser("ann", more);
      if (change.op !== "upsert") throw new Error("Not an upsert.");
      const attributes = { ...change.attributes, "ms-DS-ConsistencyGuid": [{ base64: anchor }] };
      return { ...change, objectGuid: guidOf(name), attributes };
    };
    const cloud = await createCloud();
    const old = await cloud.addDomain("old.example");
    const young = await cloud.addDomain("young.example");
    const add = ["ann", ...names("far")].map((name) => ({ guid: guidOf(name) }));
    const link = { attribute: "member", mode: "replace" as const, remove: [], part: 0, last: true };
    const group = { ...aGroup("all"), links: [{ ...link, add: [...add, { guid: guidOf(principal), sid: SID }] }] };
    await old.read("full", [person("ann", {}), aUser("bob"), group]);
    await old.read("delta", [person("ann", { userAccountControl: "514" })]);
    await young.read("full", [person("young ann", { objectSid: SID })]);
    expect(namesIn(cloud, "all")).toEqual(["ann"]);
    expect(cloud.target.objects().filter((own) => own.values["displayName"] === "ann")).toHaveLength(1);
  });

  it("sends the person again whom another export added while this one took her out", async () => {
    const { cloud, agent, rows, stored } = await start();
    const id = membersIn(cloud, "all")[0];
    const edit = async (change: Partial<Edge> | null) => {
      const own = await stored();
      const name = segmentIn(principal);
      const { segment } = own.segments.get(name) ?? { segment: NEW_SEGMENT };
      const { target: _, ...edge } = segment.edges.get(guidOf(principal)) ?? {
        version: "",
        wanted: true,
        state: "none",
      };
      const edges = new Map(segment.edges).set(guidOf(principal), { ...edge, state: "none", ...change });
      const [written] = await rows.write([
        { stored: own, header: own.header, segments: new Map([[name, { ...segment, edges }]]) },
      ]);
      expect(written).toBeDefined();
    };
    await edit(null);
    const { changeMembers } = cloud.target;
    cloud.target.changeMembers = async (changes, options) => {
      // The other export is done with its call, and has written so, before this one's call takes effect.
      if (id !== undefined && changes.some(({ op }) => op === "remove")) await edit({ state: "added", target: id });
      return changeMembers.call(cloud.target, changes, options);
    };
    await agent.read("delta", [changing("all", { remove: ["ann"] })]);
    expect(edgesOf(await stored()).get(guidOf(principal))).toMatchObject({ wanted: true, state: "adding" });
    cloud.clock.set(cloud.clock.now() + 3_600_000);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
    expect(namesIn(cloud, "all")).toEqual(["ann"]);
  });
});

function names(prefix: string): string[] {
  return Array.from({ length: 700 }, (_, at) => `${prefix}${at}`);
}

function segmentIn(name: string): string {
  return segmentOf(guidOf(name), 1);
}

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
        async getMany(partition, keys, options) {
          const found = await table.getMany(partition, keys, options);
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
