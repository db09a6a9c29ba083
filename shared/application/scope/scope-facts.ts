/**
 * Finding out facts for scopes: where objects are and which of the named groups they are in, for a few of them or for
 * everybody, and which of them have to be mapped again because of it.
 *
 * A yes follows from what is there. A no needs more: the place known up to the domain's root; the lists of members read
 * whole, and no read half-way through that takes members out. For a named object that isn't there the last answer stands.
 */
import type { ScopeFacts } from "../../domain/object-record.ts";
import { factsText, GROUPS_IN_DOUBT, PLACES_IN_DOUBT } from "../../domain/scope/places.ts";
import { SHARDS } from "../../domain/shard.ts";
import type { ChunkItem } from "../lanes/chunk-files.ts";
import type { ScopeNeeds } from "../mapping/job-mapping.ts";
import type { ScopedRow, ScopedRows } from "../state/scoped-rows.ts";
import type { MembershipFinder, ScopeGroups } from "./scope-groups.ts";
import { createPlaceFinder, type Place } from "./scope-places.ts";

export type FactItem = Pick<ChunkItem, "objectGuid" | "facts">;

export interface FactsOf {
  readonly configurationId: string;
  /** The domain's root, by objectGUID. */
  readonly root: string | undefined;
  readonly scope: ScopeNeeds;
  readonly missing: ReadonlySet<string>;
  /** Whether who is in no list is in no group. */
  readonly isCertain: boolean;
}

export interface ScopeFactsFinder {
  /** Named and not there: a unit or group without a live row of its kind. */
  missing(of: Pick<FactsOf, "configurationId" | "root" | "scope">): Promise<string[]>;
  some(of: FactsOf, objectGuids: readonly string[]): Promise<FactItem[]>;
  everybody(of: FactsOf): Promise<FactItem[]>;
  /** Some objects, and everybody below those of them that are groups; undefined: too many to be looked at one by one. */
  concerned(of: FactsOf, objectGuids: readonly string[]): Promise<readonly string[] | undefined>;
}

/** More than these are not looked at one by one. */
const SOME = 5_000;
/** Edges that are in memory at once. */
const EDGES_AT_ONCE = 250_000;

export function createScopeFacts(deps: {
  readonly scopedRows: ScopedRows;
  readonly groups: ScopeGroups;
}): ScopeFactsFinder {
  const { scopedRows } = deps;

  async function itemsOf(
    of: FactsOf,
    rows: readonly ScopedRow[],
    places: ReturnType<typeof createPlaceFinder>,
    members: MembershipFinder | undefined,
  ): Promise<FactItem[]> {
    const asked = rows.filter((row) => of.scope.objectClasses.has(row.objectClass));
    const found = of.scope.organizationalUnits.length > 0 ? await places.find(asked) : undefined;
    return asked.flatMap((row): FactItem[] => {
      const after = factsOf(of, row, found?.get(row.objectGuid), members);
      const before = factsText(row.facts);
      if (before !== factsText(after)) {
        // Nobody asks for it before it is back, and then it is looked at.
        return row.state === "live" || row.facts ? [{ objectGuid: row.objectGuid, facts: { before, after } }] : [];
      }
      // What stood in the way may be gone, though its own facts are the same.
      return row.undecided ? [{ objectGuid: row.objectGuid }] : [];
    });
  }

  const placesOf = ({ configurationId, root }: FactsOf) => createPlaceFinder({ scopedRows, configurationId, root });

  return {
    async missing({ configurationId, root, scope }) {
      const { organizationalUnits, groups } = scope;
      const rows = await scopedRows.getMany(configurationId, [...organizationalUnits, ...groups]);
      const isThere = (guid: string, isOfKind: (objectClass: string) => boolean) => {
        const row = rows.get(guid);
        return row !== undefined && row.state === "live" && isOfKind(row.objectClass);
      };
      return [
        ...organizationalUnits.filter((guid) => guid !== root && !isThere(guid, (name) => name !== "group")),
        ...groups.filter((guid) => !isThere(guid, (name) => name === "group")),
      ].sort();
    },

    async some(of, objectGuids) {
      const rows = [...(await scopedRows.getMany(of.configurationId, objectGuids)).values()];
      const { groups } = of.scope;
      const members =
        groups.length === 0
          ? undefined
          : await deps.groups.ofObjects(
              of.configurationId,
              groups,
              rows.map((row) => row.objectGuid),
            );
      return itemsOf(of, rows, placesOf(of), members);
    },

    async everybody(of) {
      const { configurationId } = of;
      const { groups } = of.scope;
      const all = groups.length === 0 ? undefined : await deps.groups.everybody(configurationId, groups);
      // Large groups are gone through more than once rather than kept whole.
      const passes = Math.min(SHARDS.length, Math.max(1, Math.ceil((all?.edges ?? 0) / EDGES_AT_ONCE)));
      const size = Math.ceil(SHARDS.length / passes);
      const places = placesOf(of);
      const items: FactItem[] = [];
      for (let at = 0; at < SHARDS.length; at += size) {
        const shards = SHARDS.slice(at, at + size);
        const members = await all?.ofShards(shards);
        for (const shard of shards)
          for await (const rows of scopedRows.pages(configurationId, shard))
            items.push(...(await itemsOf(of, rows, places, members)));
      }
      return items;
    },

    async concerned({ configurationId, scope }, objectGuids) {
      if (objectGuids.length > SOME) return undefined;
      if (scope.groups.length === 0) return objectGuids;
      const rows = await scopedRows.getMany(configurationId, objectGuids);
      const groups = objectGuids.filter((guid) => rows.get(guid)?.objectClass === "group");
      const below = groups.length === 0 ? [] : await deps.groups.below(configurationId, groups, SOME);
      return below && [...new Set([...objectGuids, ...below])];
    },
  };
}

function factsOf(
  { scope, missing, isCertain }: FactsOf,
  row: ScopedRow,
  place: Place | undefined,
  members: MembershipFinder | undefined,
): ScopeFacts {
  const before = row.facts;
  const own = members?.of(row.objectGuid);
  const units = scope.organizationalUnits.filter((guid) => place?.above.has(guid) === true);
  const present = [...units, ...(own?.holds ?? [])].filter((guid) => !missing.has(guid));
  const kept = [...missing].filter((guid) => before?.holds.includes(guid) === true);
  const doubt = [
    ...(place?.isKnown === false ? [PLACES_IN_DOUBT] : []),
    ...(members && !isCertain ? [GROUPS_IN_DOUBT] : []),
    ...(own?.doubt ?? []).filter((guid) => !missing.has(guid)),
    ...[...missing].filter((guid) => !kept.includes(guid) && (before?.of !== scope.of || before.doubt?.includes(guid))),
  ];
  return {
    of: scope.of,
    ...(row.parentGuid === undefined ? {} : { parent: row.parentGuid }),
    holds: [...new Set([...present, ...kept])].sort(),
    ...(doubt.length > 0 ? { doubt: [...new Set(doubt)].sort() } : {}),
  };
}
