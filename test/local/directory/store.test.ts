import fc from "fast-check";
import { expect, it } from "vitest";
import type { Fact } from "../../../local/directory/journal.ts";
import { createStore, type Store } from "../../../local/directory/store.ts";
import type { Entry } from "../../../local/directory/types.ts";

type Step =
  | { op: "insert"; upn: string; anchor: string | undefined; address: string | undefined }
  | { op: "rename"; at: number; upn: string }
  | { op: "delete" | "restore" | "drop"; at: number }
  | { op: "link" | "unlink"; at: number; other: number }
  | { op: "role"; at: number; held: boolean }
  | { op: "clear" };

const name = fc.constantFrom("a", "B", "b", "c");
const at = fc.nat({ max: 7 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("insert" as const),
      upn: name,
      anchor: fc.option(name, { nil: undefined }),
      address: fc.option(name, { nil: undefined }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("rename" as const), at, upn: name }) },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constantFrom("delete" as const, "restore" as const, "drop" as const), at }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom("link" as const, "unlink" as const), at, other: at }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("role" as const), at, held: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ op: "clear" as const }) },
);

/** Does a step as the server would: never onto a value that another holds. */
function apply(store: Store, given: Step, counter: { next: number }): unknown {
  const all = [...store.scan("user", 0)];
  const pick = (index: number): Entry | undefined => all[index % Math.max(1, all.length)];
  const entry = "at" in given ? pick(given.at) : undefined;
  switch (given.op) {
    case "insert": {
      const { upn, anchor, address } = given;
      if (store.holder("userPrincipalName", upn) || (anchor && store.holder("onPremisesImmutableId", anchor)))
        return undefined;
      if (address && store.holder("address", address)) return undefined;
      const properties = {
        userPrincipalName: upn,
        ...(anchor && { onPremisesImmutableId: anchor }),
        ...(address && { mail: address }),
      };
      store.insert({ id: `id${counter.next++}`, kind: "user", properties, visibleAt: 0 });
      return undefined;
    }
    case "clear":
      return store.clear();
    case "rename":
      if (!entry || entry.deletedAt !== undefined || store.holder("userPrincipalName", given.upn)) return undefined;
      return store.change(entry, (changed) => {
        changed.properties["userPrincipalName"] = given.upn;
      });
    case "delete":
      if (!entry || entry.deletedAt !== undefined) return undefined;
      return store.change(entry, (changed) => {
        changed.deletedAt = 1;
      });
    case "restore": {
      const upn = String(entry?.properties["userPrincipalName"]);
      const mail = entry?.properties["mail"];
      if (!entry || entry.deletedAt === undefined || store.holder("userPrincipalName", upn)) return undefined;
      if (typeof mail === "string" && store.holder("address", mail)) return undefined;
      return store.change(entry, (changed) => {
        delete changed.deletedAt;
      });
    }
    case "drop":
      return entry && store.drop(entry);
    case "link":
    case "unlink": {
      const other = pick(given.other);
      return (
        entry && other && (given.op === "link" ? store.link(entry.id, other.id) : store.unlink(entry.id, other.id))
      );
    }
    case "role":
      return entry && store.setRole(entry.id, "role", given.held);
  }
}

const content = (store: Store) => {
  const entries = [...store.scan("user", 0)];
  return entries.map((entry) => ({
    ...structuredClone(entry),
    ...{
      members: [...store.membersOf(entry.id)].sort(),
      groups: [...store.groupsOf(entry.id)].sort(),
      roles: [...store.rolesOf(entry.id)],
    },
  }));
};

function build(steps: readonly Step[]) {
  const facts: Fact[] = [];
  const journal = { append: (fact: Fact) => facts.push(structuredClone(fact)), flush() {}, rewrite() {}, close() {} };
  const store = createStore({ journal: () => ({ ...journal, append: (fact) => void journal.append(fact) }) });
  const counter = { next: 1 };
  for (const one of steps) apply(store, one, counter);
  return { store, facts };
}
const silent = { append() {}, flush() {}, rewrite() {}, close() {} };
function replay(facts: Iterable<Fact>): Store {
  const store = createStore({ journal: () => silent });
  for (const fact of facts) store.apply(structuredClone(fact));
  return store;
}

it("is the same after its journal is replayed, and after the journal is compacted", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { store, facts } = build(steps);
      expect(content(replay(facts))).toEqual(content(store));
      expect(content(replay(store.facts()))).toEqual(content(store));
    }),
  );
});

it("knows exactly who holds each value: live objects their names, deleted ones their immutable id", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { store } = build(steps);
      const all = [...store.scan("user", 0)];
      const held = (property: string, value: string, same: (a: string, b: string) => boolean, live: boolean) =>
        all.filter(
          (entry) => same(String(entry.properties[property]), value) && (!live || entry.deletedAt === undefined),
        );
      const anyCase = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
      for (const value of ["a", "B", "b", "c"]) {
        expect([store.holder("userPrincipalName", value)].filter(Boolean)).toEqual(
          held("userPrincipalName", value, anyCase, true),
        );
        expect([store.holder("address", value)].filter(Boolean)).toEqual(held("mail", value, anyCase, true));
        const exact = held("onPremisesImmutableId", value, (a, b) => a === b, false);
        expect([store.holder("onPremisesImmutableId", value)].filter(Boolean)).toEqual(exact);
      }
      expect(new Set([...store.deleted()])).toEqual(new Set(all.filter((entry) => entry.deletedAt !== undefined)));
    }),
  );
});
