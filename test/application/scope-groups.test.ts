/** Who is in named groups, against a walk over a plain model: down for everybody, up for a few. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createScopeGroups } from "../../shared/application/scope/scope-groups.ts";
import { createLinkReferrers } from "../../shared/application/state/link-referrers.ts";
import { createLinkRows } from "../../shared/application/state/link-rows.ts";
import { createObjectStore } from "../../shared/application/state/object-store.ts";
import { createReferrerIndex } from "../../shared/application/state/referrer-index.ts";
import { createScopedRows } from "../../shared/application/state/scoped-rows.ts";
import type { Edge } from "../../shared/domain/links.ts";
import type { ObjectState } from "../../shared/domain/object-record.ts";
import { SHARDS } from "../../shared/domain/shard.ts";
import { guidOf } from "../support/cloud.ts";

const CONFIGURATION = "configuration";

interface Model {
  /** By group: its members; one with `-` in front was taken out again. */
  readonly members: Readonly<Record<string, readonly string[]>>;
  /** Of groups; live where nothing is said, "none": there is no row. */
  readonly states?: Readonly<Record<string, ObjectState | "none">>;
}

async function groupsOf({ members, states = {} }: Model) {
  const deps = { rows: createMemoryRowStore(), targetKey: "tenant" };
  const links = createLinkRows(deps);
  const referrers = createReferrerIndex(deps);
  const scopedRows = createScopedRows(deps);
  const groups = createScopeGroups({ links, referrers, scopedRows, linkReferrers: createLinkReferrers(deps) });
  const named = Object.keys(members);
  const stored = await links.load(
    named.map((name) => ({
      key: { configurationId: CONFIGURATION, referrer: guidOf(name), attribute: "member" },
      segmentsOf: () => "all" as const,
    })),
  );
  await links.write(
    stored.map((own, index) => {
      const edges = (members[named[index] ?? ""] ?? []).map((name): [string, Edge] => [
        guidOf(name.replace("-", "")),
        { version: "1", wanted: !name.startsWith("-"), state: "none" },
      ]);
      return {
        stored: own,
        header: { ...own.header, edges: edges.length },
        segments: new Map([["", { edges: new Map(edges), group: "", pending: 0 }]]),
      };
    }),
  );
  await referrers.add(
    named.flatMap((name) =>
      (members[name] ?? []).map((member) => ({
        configurationId: CONFIGURATION,
        jobId: "job",
        attribute: "member",
        referrer: guidOf(name),
        referee: guidOf(member.replace("-", "")),
      })),
    ),
  );
  await createObjectStore(deps).write(
    named
      .filter((name) => states[name] !== "none")
      .map((name) => ({
        record: {
          configurationId: CONFIGURATION,
          objectGuid: guidOf(name),
          objectClass: "group",
          dn: `CN=${name}`,
          image: {},
          state: (states[name] ?? "live") as ObjectState,
          version: "1",
          scope: "",
        },
      })),
  );
  return groups;
}

/** The same, told by the model alone. */
function expected({ members, states = {} }: Model, named: readonly string[], who: string) {
  const reach = (isAllowed: (group: string) => boolean): Set<string> => {
    const found = new Set<string>();
    const open = [...(Object.hasOwn(members, who) ? [who] : groupsHolding(who))].filter(isAllowed);
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      if (found.has(one)) continue;
      found.add(one);
      open.push(...groupsHolding(one).filter(isAllowed));
    }
    return found;
  };
  const groupsHolding = (name: string) => Object.keys(members).filter((group) => members[group]?.includes(name));
  const sure = reach((group) => (states[group] ?? "live") === "live");
  const perhaps = reach((group) => states[group] !== "deleted");
  return {
    holds: named
      .filter((name) => sure.has(name))
      .map(guidOf)
      .sort(),
    doubt: named
      .filter((name) => perhaps.has(name) && !sure.has(name))
      .map(guidOf)
      .sort(),
  };
}

const GROUPS = ["g0", "g1", "g2", "g3", "g4"];
const PEOPLE = ["p0", "p1", "p2", "p3"];

describe("memberships", () => {
  it("are the same from above and from below, as the model has them (law)", async () => {
    const list = fc.uniqueArray(fc.constantFrom(...GROUPS, ...PEOPLE, "-p0", "-g1"), { maxLength: 5 });
    const model = fc.record({
      members: fc.record(Object.fromEntries(GROUPS.map((name) => [name, list]))),
      states: fc.dictionary(
        fc.constantFrom(...GROUPS),
        fc.constantFrom<ObjectState | "none">("deleted", "left", "none"),
      ),
    });
    await fc.assert(
      fc.asyncProperty(model, async (own) => {
        const tidy: Model = {
          states: own.states,
          members: Object.fromEntries(
            GROUPS.map((group) => [
              group,
              (own.members[group] ?? []).filter((name) => !(own.members[group] ?? []).includes(`-${name}`)),
            ]),
          ),
        };
        const groups = await groupsOf(tidy);
        const named = ["g0", "g1"];
        const guids = named.map(guidOf);
        const all = await groups.everybody(CONFIGURATION, guids);
        const halves = await Promise.all([all.ofShards(SHARDS.slice(0, 8)), all.ofShards(SHARDS.slice(8))]);
        const few = await groups.ofObjects(CONFIGURATION, guids, [...PEOPLE, "g0", "g3"].map(guidOf));
        for (const name of PEOPLE) {
          const wanted = expected(tidy, named, name);
          const half = halves[SHARDS.indexOf(guidOf(name)[0] ?? "") < 8 ? 0 : 1];
          expect(half?.of(guidOf(name)), `${name} from above`).toEqual(wanted);
          expect(few.of(guidOf(name)), `${name} from below`).toEqual(wanted);
        }
        // A group that isn't there is asked for nothing.
        if (own.states["g0"] === undefined) expect(few.of(guidOf("g0"))).toEqual(expected(tidy, named, "g0"));
      }),
      { numRuns: Number(process.env["UPLINK_TEST_RUNS"] ?? 100) },
    );
  });

  it("of large groups in several segments, and everybody below a group up to a bound", async () => {
    const many = Array.from({ length: 1_200 }, (_, at) => `u${at}`);
    const groups = await groupsOf({ members: { all: ["inner"], inner: many } });
    const all = await groups.everybody(CONFIGURATION, [guidOf("all")]);
    expect(all.edges).toBe(1_201);
    const finder = await all.ofShards(SHARDS);
    expect(many.filter((name) => finder.of(guidOf(name)).holds[0] === guidOf("all"))).toHaveLength(1_200);
    expect(await groups.below(CONFIGURATION, [guidOf("all")], 2_000)).toHaveLength(1_201);
    expect(await groups.below(CONFIGURATION, [guidOf("all")], 1_000)).toBeUndefined();
    const few = await groups.ofObjects(CONFIGURATION, [guidOf("all")], [guidOf("u7"), guidOf("nobody")]);
    expect(few.of(guidOf("u7")).holds).toEqual([guidOf("all")]);
    expect(few.of(guidOf("nobody"))).toEqual({ holds: [], doubt: [] });
  });
});
