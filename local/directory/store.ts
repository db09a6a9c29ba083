/**
 * What the directory holds: users and groups, links, roles, and the indexes that keep unique values unique.
 *
 * The store knows no rule of Graph but one: which values an object holds for itself. A live object holds its
 * userPrincipalName, its addresses, its immutable id and its uniqueName; a soft-deleted one keeps the last two.
 * Links of a deleted object stay (a restore brings them back) and are hidden by whoever reads.
 */
import type { Fact, Journal } from "./journal.ts";
import { type Entry, type Kind, textOf, textsOf } from "./types.ts";

type UniqueKind = "userPrincipalName" | "address" | "onPremisesImmutableId" | "uniqueName";

export type Store = {
  get(id: string): Entry | undefined;
  holder(kind: UniqueKind, value: string): Entry | undefined;
  /** Adds a new object, or an object of the journal. */
  insert(entry: Omit<Entry, "seq">): Entry;
  /** Changes an object in place and keeps indexes and journal true. */
  change(entry: Entry, mutate: (entry: Entry) => void): void;
  drop(entry: Entry): void;
  link(group: string, member: string): void;
  unlink(group: string, member: string): void;
  hasLink(group: string, member: string): boolean;
  membersOf(group: string): ReadonlySet<string>;
  /** Members in the order of their creation, after the given `seq`. A group of 50,000 is sorted once, not page by page. */
  membersAfter(group: string, afterSeq: number): Iterable<Entry>;
  groupsOf(member: string): ReadonlySet<string>;
  setRole(principal: string, role: string, held: boolean): void;
  rolesOf(principal: string): ReadonlySet<string>;
  principalsWith(role: string): string[];
  /** Users whose manager this is, live and deleted. */
  reportsOf(manager: string): Entry[];
  /** Objects of a kind, live and deleted, in the order of their creation, after the given `seq`. */
  scan(kind: Kind, afterSeq: number): Iterable<Entry>;
  /** Soft-deleted objects, the longest deleted first. */
  deleted(): Iterable<Entry>;
  count(kind: Kind): number;
  clear(): void;
  apply(fact: Fact): void;
  facts(): Iterable<Fact>;
};

const nothing: ReadonlySet<string> = new Set();

/** Makes an empty store. `journal` may be set later with the facts already applied. */
export function createStore(deps: { journal: () => Journal }): Store {
  const byId = new Map<string, Entry>();
  const unique: Record<UniqueKind, Map<string, Entry>> = {
    userPrincipalName: new Map(),
    address: new Map(),
    onPremisesImmutableId: new Map(),
    uniqueName: new Map(),
  };
  const ordered: Record<Kind, Entry[]> = { user: [], group: [] };
  const deletedById = new Map<string, Entry>();
  const members = new Map<string, Set<string>>();
  const groups = new Map<string, Set<string>>();
  const roles = new Map<string, Set<string>>();
  const reports = new Map<string, Set<string>>();
  const sorted = new Map<string, Entry[]>();
  let nextSeq = 1;

  function index(entry: Entry): void {
    for (const [kind, key] of heldValues(entry)) {
      // First come, first served: seeded objects may clash, and the first keeps the value.
      if (!unique[kind].has(key)) unique[kind].set(key, entry);
    }
    if (entry.deletedAt !== undefined) deletedById.set(entry.id, entry);
    if (entry.managerId !== undefined) setIn(reports, entry.managerId).add(entry.id);
  }
  function unindex(entry: Entry): void {
    for (const [kind, key] of heldValues(entry)) if (unique[kind].get(key) === entry) unique[kind].delete(key);
    deletedById.delete(entry.id);
    if (entry.managerId !== undefined) reports.get(entry.managerId)?.delete(entry.id);
  }
  function put(entry: Entry): Entry {
    nextSeq = Math.max(nextSeq, entry.seq + 1);
    byId.set(entry.id, entry);
    ordered[entry.kind].push(entry);
    index(entry);
    return entry;
  }
  function remove(entry: Entry): void {
    unindex(entry);
    byId.delete(entry.id);
    const list = ordered[entry.kind];
    const at = firstAfter(list, entry.seq - 1);
    if (list[at] === entry) list.splice(at, 1);
    for (const group of groups.get(entry.id) ?? nothing) {
      members.get(group)?.delete(entry.id);
      sorted.delete(group);
    }
    for (const member of members.get(entry.id) ?? nothing) groups.get(member)?.delete(entry.id);
    groups.delete(entry.id);
    members.delete(entry.id);
    sorted.delete(entry.id);
    roles.delete(entry.id);
  }
  function setLink(group: string, member: string, present: boolean): void {
    sorted.delete(group);
    if (present) {
      setIn(members, group).add(member);
      setIn(groups, member).add(group);
    } else {
      members.get(group)?.delete(member);
      groups.get(member)?.delete(group);
    }
  }
  function holdRole(principal: string, role: string, held: boolean): void {
    if (held) setIn(roles, principal).add(role);
    else roles.get(principal)?.delete(role);
  }
  function empty(): void {
    const others = [members, groups, roles, reports, sorted];
    for (const map of [byId, deletedById, ...others, ...Object.values(unique)]) map.clear();
    ordered.user = [];
    ordered.group = [];
  }

  function sortedMembers(group: string): Entry[] {
    const known = sorted.get(group);
    if (known) return known;
    const entries = [...(members.get(group) ?? nothing)].flatMap((id) => byId.get(id) ?? []);
    entries.sort((a, b) => a.seq - b.seq);
    sorted.set(group, entries);
    return entries;
  }

  return {
    get: (id) => byId.get(id),
    holder: (kind, value) => unique[kind].get(keyOf(kind, value)),
    insert(entry) {
      const added = put({ ...entry, seq: nextSeq });
      deps.journal().append({ op: "put", entry: added });
      return added;
    },
    change(entry, mutate) {
      unindex(entry);
      mutate(entry);
      index(entry);
      deps.journal().append({ op: "put", entry });
    },
    drop(entry) {
      remove(entry);
      deps.journal().append({ op: "drop", id: entry.id });
    },
    link(group, member) {
      setLink(group, member, true);
      deps.journal().append({ op: "link", group, member });
    },
    unlink(group, member) {
      setLink(group, member, false);
      deps.journal().append({ op: "unlink", group, member });
    },
    hasLink: (group, member) => members.get(group)?.has(member) ?? false,
    membersOf: (group) => members.get(group) ?? nothing,
    *membersAfter(group, afterSeq) {
      const list = sortedMembers(group);
      for (let at = firstAfter(list, afterSeq); at < list.length; at++) {
        const entry = list[at];
        if (entry) yield entry;
      }
    },
    groupsOf: (member) => groups.get(member) ?? nothing,
    setRole(principal, role, held) {
      holdRole(principal, role, held);
      deps.journal().append({ op: "role", principal, role, held });
    },
    rolesOf: (principal) => roles.get(principal) ?? nothing,
    principalsWith: (role) => [...roles].filter(([, held]) => held.has(role)).map(([principal]) => principal),
    reportsOf: (manager) => [...(reports.get(manager) ?? nothing)].flatMap((id) => byId.get(id) ?? []),
    *scan(kind, afterSeq) {
      const list = ordered[kind];
      for (let at = firstAfter(list, afterSeq); at < list.length; at++) {
        const entry = list[at];
        if (entry) yield entry;
      }
    },
    deleted: () => deletedById.values(),
    count: (kind) => ordered[kind].length,
    clear() {
      empty();
      deps.journal().append({ op: "clear" });
    },
    apply(fact) {
      switch (fact.op) {
        case "put": {
          const present = byId.get(fact.entry.id);
          if (!present) put(fact.entry);
          else {
            unindex(present);
            replaceContent(present, fact.entry);
            index(present);
          }
          return;
        }
        case "drop": {
          const present = byId.get(fact.id);
          if (present) remove(present);
          return;
        }
        case "link":
        case "unlink":
          return setLink(fact.group, fact.member, fact.op === "link");
        case "role":
          return holdRole(fact.principal, fact.role, fact.held);
        case "clear":
          return empty();
      }
    },
    *facts() {
      for (const kind of ["user", "group"] as const) for (const entry of ordered[kind]) yield { op: "put", entry };
      for (const [group, links] of members) for (const member of links) yield { op: "link", group, member };
      for (const [principal, held] of roles) for (const role of held) yield { op: "role", principal, role, held: true };
    },
  };
}

function heldValues(entry: Entry): [UniqueKind, string][] {
  const held: [UniqueKind, string][] = [];
  const hold = (kind: UniqueKind, value: string | undefined) => {
    if (value !== undefined) held.push([kind, keyOf(kind, value)]);
  };
  hold("onPremisesImmutableId", textOf(entry, "onPremisesImmutableId"));
  hold("uniqueName", textOf(entry, "uniqueName"));
  if (entry.deletedAt !== undefined) return held;
  hold("userPrincipalName", textOf(entry, "userPrincipalName"));
  hold("address", textOf(entry, "mail"));
  for (const address of textsOf(entry, "proxyAddresses")) {
    if (/^smtp:/i.test(address)) hold("address", address.slice("smtp:".length));
  }
  return held;
}

// The immutable id is base64, where case is part of the value; all the others are names.
function keyOf(kind: UniqueKind, value: string): string {
  return kind === "onPremisesImmutableId" ? value : value.toLowerCase();
}

function replaceContent(entry: Entry, by: Entry): void {
  for (const key of ["managerId", "deletedAt", "cloudManaged"] as const) delete entry[key];
  Object.assign(entry, by, { seq: entry.seq });
}

function setIn(map: Map<string, Set<string>>, key: string): Set<string> {
  const present = map.get(key);
  if (present) return present;
  const made = new Set<string>();
  map.set(key, made);
  return made;
}

function firstAfter(list: readonly Entry[], seq: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.seq ?? 0) <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
