/**
 * Who is in the groups that scopes name, nested ones included, from the rows of edges.
 *
 * For everybody: down from the named groups, each group once; a member that has edges of its own is a group, too. For a
 * few objects: up by the reverse index, each edge looked at, for the index names more than there is. Both end in the same
 * small graph of groups. A nested group that was deleted holds nobody; one that agents may not tell of any more (`left`,
 * `absent`, or without a row) leads to doubt, for what is known of it is old. So does one whose edges can't be read: it may
 * hold anybody.
 */
import { shardOf } from "../../domain/shard.ts";
import { isUnreadable } from "../members/unreadable-links.ts";
import type { LinkReferrers } from "../state/link-referrers.ts";
import { edgesOf, type LinkRows, type StoredLinks } from "../state/link-rows.ts";
import { segmentNames, segmentOf } from "../state/link-segments.ts";
import { groupBy } from "../state/object-store.ts";
import type { ReferrerIndex } from "../state/referrer-index.ts";
import type { ScopedRows } from "../state/scoped-rows.ts";

export interface Memberships {
  /** Named groups that an object is in, or is; sorted. */
  readonly holds: readonly string[];
  /** Those that it may be in: through a group of which too little is known. */
  readonly doubt: readonly string[];
}

export interface MembershipFinder {
  of(objectGuid: string): Memberships;
}

/** Everybody in the named groups. */
export interface ScopeEverybody {
  /** Edges of the named groups and of those nested in them. */
  readonly edges: number;
  /** As far as they are in some shards. */
  ofShards(shards: readonly string[]): Promise<MembershipFinder>;
}

export interface ScopeGroups {
  everybody(configurationId: string, named: readonly string[]): Promise<ScopeEverybody>;
  ofObjects(configurationId: string, named: readonly string[], guids: readonly string[]): Promise<MembershipFinder>;
  /** Everybody who is below some groups, without these; undefined: more than `limit`, or nobody knows. */
  below(configurationId: string, groups: readonly string[], limit: number): Promise<readonly string[] | undefined>;
}

const MEMBER = "member";
/** Groups, and segments of a large one, that are read at once. */
const GROUPS_AT_ONCE = 50;
const SEGMENTS_AT_ONCE = 64;
const NOBODY: Memberships = { holds: [], doubt: [] };

/** The groups with unreadable edges that somebody may be in. */
type PerhapsIn = (guid: string) => readonly string[];

export function createScopeGroups(deps: {
  readonly links: LinkRows;
  readonly linkReferrers: LinkReferrers;
  readonly referrers: ReferrerIndex;
  readonly scopedRows: ScopedRows;
}): ScopeGroups {
  /** The members that some groups have now; those of a large one in several parts; undefined: they can't be read. */
  async function* membersOf(configurationId: string, groups: readonly string[]) {
    for (let at = 0; at < groups.length; at += GROUPS_AT_ONCE) {
      const requestOf = (referrer: string, names: readonly string[]) => ({
        key: { configurationId, referrer, attribute: MEMBER },
        segmentsOf: () => names,
      });
      const part = groups.slice(at, at + GROUPS_AT_ONCE);
      for (const one of await deps.links.load(part.map((referrer) => requestOf(referrer, [])))) {
        const group = one.key.referrer;
        if (isUnreadable(one)) yield { group, members: undefined };
        else if (one.header.digits === 0) yield { group, members: wantedOf(one) };
        const names = one.header.digits === 0 ? [] : segmentNames(one.header.digits);
        for (let from = 0; from < names.length; from += SEGMENTS_AT_ONCE)
          for (const segments of await deps.links.load([requestOf(group, names.slice(from, from + SEGMENTS_AT_ONCE))]))
            yield { group, members: isUnreadable(segments) ? undefined : wantedOf(segments) };
      }
    }
  }

  /** Down: every group below the named ones, with the groups that it is in directly. */
  async function walkDown(configurationId: string, named: readonly string[]) {
    const isGroup = await deps.linkReferrers(configurationId, MEMBER);
    const parents = new Map<string, string[]>(named.map((group) => [group, []]));
    const unreadable = new Set<string>();
    let edges = 0;
    let open: readonly string[] = named;
    while (open.length > 0) {
      const next = new Set<string>();
      for await (const { group, members } of membersOf(configurationId, open)) {
        if (!members) unreadable.add(group);
        if (!members) continue;
        edges += members.length;
        for (const guid of members) {
          if (!isGroup.has(guid) && !parents.has(guid)) continue;
          if (!parents.has(guid)) next.add(guid);
          append(parents, guid, group);
        }
      }
      open = [...next];
    }
    return { parents, edges, unreadable: [...unreadable] };
  }

  /** What each group of the graph leads to, by the states of the groups on the way, and by the groups that each may be in. */
  async function judge(
    configurationId: string,
    named: readonly string[],
    parents: ReadonlyMap<string, string[]>,
    perhapsIn: PerhapsIn,
  ) {
    const rows = await deps.scopedRows.getMany(configurationId, [...parents.keys()]);
    const wanted = new Set(named);
    const memo = new Map<string, Memberships>();
    return (group: string): Memberships => {
      const before = memo.get(group);
      if (before) return before;
      // By the better way where there are several: doubt gives way to knowledge.
      const seen = new Map<string, boolean>();
      const open: [string, boolean][] = [[group, false]];
      for (let one = open.pop(); one; one = open.pop()) {
        const [guid, doubted] = one;
        const row = rows.get(guid);
        if (row?.state === "deleted") continue;
        const isDoubtful = doubted || row?.state !== "live";
        if (seen.has(guid) && (isDoubtful || seen.get(guid) === false)) continue;
        seen.set(guid, isDoubtful);
        for (const parent of parents.get(guid) ?? []) open.push([parent, isDoubtful]);
        for (const parent of perhapsIn(guid)) open.push([parent, true]);
      }
      const found = [...seen].filter(([guid]) => wanted.has(guid));
      const memberships = {
        holds: found.filter(([, isDoubtful]) => !isDoubtful).map(([guid]) => guid),
        doubt: found.filter(([, isDoubtful]) => isDoubtful).map(([guid]) => guid),
      };
      memo.set(group, memberships);
      return memberships;
    };
  }

  function finder(
    groupsOf: (guid: string) => readonly string[],
    leadsTo: (group: string) => Memberships,
    isGroup: (guid: string) => boolean,
    perhapsIn: PerhapsIn,
  ): MembershipFinder {
    return {
      of(objectGuid) {
        const own = [...groupsOf(objectGuid), ...(isGroup(objectGuid) ? [objectGuid] : [])];
        const perhaps = perhapsIn(objectGuid);
        if (own.length + perhaps.length === 0) return NOBODY;
        const all = [...own.map(leadsTo), ...perhaps.map((group) => doubted(leadsTo(group)))];
        const holds = new Set(all.flatMap((one) => one.holds));
        const doubt = new Set(all.flatMap((one) => one.doubt).filter((guid) => !holds.has(guid)));
        return { holds: [...holds].sort(), doubt: [...doubt].sort() };
      },
    };
  }

  return {
    async everybody(configurationId, named) {
      const { parents, edges, unreadable } = await walkDown(configurationId, named);
      const perhapsIn = () => unreadable;
      const leadsTo = await judge(configurationId, named, parents, perhapsIn);
      return {
        edges,
        async ofShards(shards) {
          const own = new Set(shards);
          const groupsOf = new Map<string, string[]>();
          for await (const { group, members } of membersOf(configurationId, [...parents.keys()]))
            for (const guid of members ?? [])
              if (own.has(shardOf(guid)) && !parents.has(guid)) append(groupsOf, guid, group);
          return finder(
            (guid) => groupsOf.get(guid) ?? parents.get(guid) ?? [],
            leadsTo,
            (guid) => parents.has(guid),
            perhapsIn,
          );
        },
      };
    },

    async ofObjects(configurationId, named, guids) {
      const parents = new Map<string, string[]>();
      const perhaps = new Map<string, string[]>();
      let open: readonly string[] = [...new Set(guids)];
      for (const guid of open) parents.set(guid, []);
      while (open.length > 0) {
        const next = new Set<string>();
        const pairs = [...(await deps.referrers.find(open))].flatMap(([guid, referrers]) =>
          referrers.flatMap((own) =>
            own.configurationId === configurationId && own.attribute === MEMBER ? [{ guid, group: own.referrer }] : [],
          ),
        );
        const byGroup = groupBy(pairs, (pair) => pair.group);
        const stored = await deps.links.load(
          byGroup.map(([referrer, own]) => ({
            key: { configurationId, referrer, attribute: MEMBER },
            segmentsOf: (header) => own.map(({ guid }) => segmentOf(guid, header.digits)),
          })),
        );
        byGroup.forEach(([group, own], index) => {
          const one = stored[index];
          const edges = one && edgesOf(one);
          const isLost = one !== undefined && isUnreadable(one);
          for (const { guid } of own) {
            if (!isLost && edges?.get(guid)?.wanted !== true) continue;
            append(isLost ? perhaps : parents, guid, group);
            if (!parents.has(group)) next.add(group);
          }
        });
        for (const group of next) parents.set(group, []);
        open = [...next];
      }
      const perhapsIn = (guid: string) => perhaps.get(guid) ?? [];
      const above = [...parents.values(), ...perhaps.values()].flat();
      const inner = new Set([...above, ...guids.filter((guid) => named.includes(guid))]);
      const groups = new Map([...inner].map((guid) => [guid, parents.get(guid) ?? []]));
      const leadsTo = await judge(configurationId, named, groups, perhapsIn);
      return finder(
        (guid) => parents.get(guid) ?? [],
        leadsTo,
        (guid) => groups.has(guid),
        perhapsIn,
      );
    },

    async below(configurationId, groups, limit) {
      const isGroup = await deps.linkReferrers(configurationId, MEMBER);
      const found = new Set<string>();
      const seen = new Set(groups);
      let open: readonly string[] = groups;
      while (open.length > 0) {
        const next: string[] = [];
        for await (const { members } of membersOf(configurationId, open)) {
          if (!members) return undefined;
          for (const guid of members) {
            found.add(guid);
            if (!isGroup.has(guid) || seen.has(guid)) continue;
            seen.add(guid);
            next.push(guid);
          }
          if (found.size > limit) return undefined;
        }
        open = next;
      }
      return [...found];
    },
  };
}

function doubted({ holds, doubt }: Memberships): Memberships {
  return { holds: [], doubt: [...holds, ...doubt] };
}

function wantedOf(stored: StoredLinks): string[] {
  return [...edgesOf(stored)].flatMap(([guid, edge]) => (edge.wanted ? [guid] : []));
}

function append(lists: Map<string, string[]>, key: string, value: string): void {
  const own = lists.get(key);
  if (own) own.push(value);
  else lists.set(key, [value]);
}
