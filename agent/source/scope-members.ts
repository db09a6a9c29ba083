/**
 * Who is in the groups of a scope, nested ones included: each group of the closure with its direct members, so that what comes and goes
 * can be taken over value by value, and twice without harm. GUIDs only; each list is held once.
 */
export interface ScopeMembers {
  /** Those that the scope names, and those nested in them. */
  readonly groups: ReadonlySet<string>;
  addGroup(group: string): void;
  add(group: string, member: string): void;
  remove(group: string, member: string): void;
  /** The groups that an object is in now; others than the closure's don't count. */
  setGroupsOf(member: string, groups: readonly string[]): void;
  /** A member, or one of the groups themselves. */
  has(guid: string): boolean;
  all(): Iterable<string>;
}

export function createScopeMembers(): ScopeMembers {
  const groups = new Set<string>();
  const groupsByMember = new Map<string, readonly string[]>();
  const set = (member: string, own: readonly string[]) => {
    if (own.length === 0) groupsByMember.delete(member);
    else groupsByMember.set(member, own);
  };
  return {
    groups,
    addGroup: (group) => groups.add(group),
    add(group, member) {
      const own = groupsByMember.get(member) ?? [];
      if (!own.includes(group)) set(member, [...own, group]);
    },
    remove(group, member) {
      set(
        member,
        (groupsByMember.get(member) ?? []).filter((one) => one !== group),
      );
    },
    setGroupsOf: (member, now) =>
      set(
        member,
        now.filter((group) => groups.has(group)),
      ),
    has: (guid) => groups.has(guid) || groupsByMember.has(guid),
    *all() {
      yield* groups;
      for (const member of groupsByMember.keys()) if (!groups.has(member)) yield member;
    },
  };
}

/** Whoever is in one of the two and not in the other. */
export function* difference(left: ScopeMembers, right: ScopeMembers): Generator<string> {
  for (const guid of left.all()) if (!right.has(guid)) yield guid;
  for (const guid of right.all()) if (!left.has(guid)) yield guid;
}
