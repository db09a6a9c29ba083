import { beforeEach, describe, expect, it } from "vitest";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createLinkStore, type LinkStore } from "../../shared/application/members/link-store.ts";
import {
  NEW_HEADER,
  NEW_SEGMENT,
  packSegment,
  type Segment,
  unpackSegment,
} from "../../shared/application/state/link-codec.ts";
import { createLinkRows, edgesOf, type LinkRows, type StoredLinks } from "../../shared/application/state/link-rows.ts";
import { segmentOf, spread } from "../../shared/application/state/link-segments.ts";
import { changeVersion } from "../../shared/domain/change-version.ts";
import type { Edge } from "../../shared/domain/links.ts";
import { guidOf } from "../support/cloud.ts";

const C = "c";
const wanted = (n = 1): Edge => ({ version: changeVersion(1, 1, n), wanted: true, state: "none" });
const key = (referrer: string) => ({ configurationId: C, referrer, attribute: "member" });

let rows: LinkRows;
let store: LinkStore;

beforeEach(() => {
  const own = createMemoryRowStore();
  rows = createLinkRows({ rows: own, targetKey: "t" });
  store = createLinkStore({ rows: own, targetKey: "t" });
});

const load = async (referrer: string) => {
  const [stored] = await rows.load([{ key: key(referrer), segmentsOf: () => "all" }]);
  return stored as StoredLinks;
};

/** Puts edges to those that are there. */
async function put(referrer: string, edges: ReadonlyMap<string, Edge>): Promise<StoredLinks | undefined> {
  const stored = await load(referrer);
  const all = new Map([...edgesOf(stored), ...edges]);
  const segments = new Map(
    [...spread(all, stored.header.digits)].map(([name, own]) => [
      name,
      { ...(stored.segments.get(name)?.segment ?? NEW_SEGMENT), edges: own },
    ]),
  );
  const [written] = await rows.write([{ stored, header: { ...stored.header, edges: all.size }, segments }]);
  return written;
}

const members = (from: number, to: number) =>
  new Map(
    Array.from({ length: to - from }, (_, at): [string, Edge] => [guidOf(`member ${from + at}`), wanted(from + at)]),
  );

describe("edges in rows", () => {
  it("keep all that is known of them", () => {
    const [one, two, three] = [guidOf("1"), guidOf("2"), guidOf("3")];
    const segment: Segment = {
      group: "G",
      pending: 2,
      edges: new Map<string, Edge>([
        [one, { version: changeVersion(1, 1, 1), wanted: true, state: "added", target: guidOf("target") }],
        [two, { version: changeVersion(2, 1, 1), wanted: false, state: "removing", target: "no GUID", missing: 7 }],
        [
          three,
          { version: changeVersion(1, 1, 1), wanted: true, state: "adding", target: guidOf("t"), sid: "S-1-5-11" },
        ],
        [guidOf("4"), { version: "", wanted: false, state: "none" }],
      ]),
      last: { by: "x", added: 1, removed: 0, addedGuids: [one], removedGuids: [] },
    };
    expect(unpackSegment(packSegment(segment))).toEqual(segment);
    expect(unpackSegment(packSegment(NEW_SEGMENT))).toEqual(NEW_SEGMENT);
  });

  it.each([3, 500, 501, 8_001])(
    "%i edges come back as they were written, in as many segments as they need",
    async (count) => {
      const group = guidOf("group");
      await put(group, members(0, count));
      const stored = await load(group);
      expect(edgesOf(stored)).toEqual(members(0, count));
      expect(stored.header.edges).toBe(count);
      expect(stored.segments.size).toBe(count <= 500 ? 1 : count <= 8_000 ? 16 : 256);
    },
  );

  it("grows piece by piece, reads one segment where one is asked for, and keeps no old row", async () => {
    const group = guidOf("group");
    for (const [from, to] of [
      [0, 400],
      [400, 700],
      [700, 8_100],
      [8_100, 8_101],
    ] as const)
      expect(await put(group, members(from, to))).toBeDefined();
    const one = guidOf("member 8100");
    const [stored] = await rows.load([{ key: key(group), segmentsOf: ({ digits }) => [segmentOf(one, digits)] }]);
    expect(stored?.segments.size).toBe(1);
    expect(edgesOf(stored as StoredLinks).get(one)).toEqual(wanted(8_100));
    expect(edgesOf(stored as StoredLinks).size).toBeLessThan(80);
    expect(edgesOf(await load(group))).toEqual(members(0, 8_101));
  });

  it.each([40, 700, 8_300])("of %i, tells the segments that stand for a target object", async (count) => {
    const edges = new Map(members(0, count));
    const last = guidOf(`member ${count - 1}`);
    const target = (name: string): Edge => ({ ...wanted(1), state: "added", target: name });
    for (const [guid] of edges) edges.set(guid, target(guidOf(`target of ${guid}`)));
    edges
      .set(guidOf("member 3"), target("no GUID"))
      .set(last, target(guidOf("looked for")))
      .set(guidOf("member 5"), wanted());
    await put("many", edges);
    const { digits } = (await load("many")).header;
    const found = (...targets: string[]) => rows.segmentsStandingFor(key("many"), new Set(targets));
    expect(await found(guidOf("looked for"))).toEqual([segmentOf(last, digits)]);
    expect(await found("no GUID")).toEqual([segmentOf(guidOf("member 3"), digits)]);
    expect(await found(guidOf("nobody"), guidOf("member 5"))).toEqual([]);
    expect(await rows.segmentsStandingFor(key("none"), new Set(["no GUID"]))).toEqual([]);
  });

  it("refuses what was read before somebody else wrote, alone of many", async () => {
    const [one = "", two = ""] = [guidOf("one"), guidOf("two")].sort();
    const before = [await load(one), await load(two)];
    await put(one, members(0, 1));
    const written = await rows.write(
      before.map((stored) => ({ stored, header: NEW_HEADER, segments: new Map([["", NEW_SEGMENT]]) })),
    );
    expect(written.map((own) => own !== undefined)).toEqual([false, true]);
    expect(edgesOf(await load(one)).size).toBe(1);
  });

  it("of two who lay a list out anew at once, one is refused, and nothing is mixed", async () => {
    const group = guidOf("group");
    await put(group, members(0, 500));
    const stored = await load(group);
    const write = (own: ReadonlyMap<string, Edge>) => {
      const edges = new Map([...edgesOf(stored), ...own]);
      const segments = new Map([["", { ...NEW_SEGMENT, edges }]]);
      return rows.write([{ stored, header: { ...stored.header, edges: edges.size }, segments }]);
    };
    const written = await Promise.all([write(members(500, 600)), write(members(600, 700))]);
    const done = written.flat().filter((own) => own !== undefined);
    expect(done).toHaveLength(1);
    expect(edgesOf(await load(group))).toEqual(edgesOf(done[0] as StoredLinks));
    expect(edgesOf(await load(group)).size).toBe(600);
  });
});

describe("members that go with a group's create", () => {
  it("are the first wanted ones, marked before the call and noted after it", async () => {
    const [group, empty] = [guidOf("group"), guidOf("empty")];
    await put(group, members(0, 30));
    const open = await store.firstMembers(C, [group, empty], 20);
    expect([...open.keys()]).toEqual([group]);
    const chosen = open.get(group);
    expect(chosen?.members).toHaveLength(20);
    const bound = (chosen?.members ?? []).map(({ guid }) => ({ guid, targetId: `id ${guid}` }));
    const marked = await store.markAdding([{ group: chosen as never, members: bound }]);
    const inDoubt = [...edgesOf(await load(group)).values()].filter((edge) => edge.state === "adding");
    expect(inDoubt).toHaveLength(20);
    await store.markAdded(marked.map((own) => ({ ...own, groupTargetId: "G" })));
    const after = await load(group);
    expect(after.segments.get("")?.segment.group).toBe("G");
    expect([...edgesOf(after)].filter(([, edge]) => edge.state === "added")).toHaveLength(20);
    expect(edgesOf(after).get(bound[0]?.guid ?? "")).toEqual({
      ...wanted(Number(0)),
      version: expect.any(String),
      state: "added",
      target: bound[0]?.targetId,
    });
  });

  it("are not bound when somebody changed the group meanwhile", async () => {
    const group = guidOf("group");
    await put(group, members(0, 1));
    const open = await store.firstMembers(C, [group], 20);
    await put(group, members(1, 2));
    const binding = { group: open.get(group) as never, members: [{ guid: guidOf("member 0"), targetId: "x" }] };
    expect(await store.markAdding([binding])).toEqual([]);
  });

  it("count anew for a group whose target object was another one", async () => {
    const group = guidOf("group");
    await put(group, members(0, 1));
    const bind = async (groupTargetId: string) => {
      const open = await store.firstMembers(C, [group], 20);
      const binding = { group: open.get(group) as never, members: [{ guid: guidOf("member 0"), targetId: "x" }] };
      const marked = await store.markAdding([binding]);
      await store.markAdded(marked.map((own) => ({ ...own, groupTargetId })));
    };
    await bind("first");
    await bind("second");
    expect((await load(group)).segments.get("")?.segment.group).toBe("second");
  });
});
