/**
 * What a read of a directory may send: the scope with the places and members that it has now.
 *
 * Members of the scope's groups are walked once and kept; deltas carry what comes and goes. What was kept is good for one watermark
 * only: who goes on from another one (another agent read in between, or a page was refused) walks anew. A delta decides by what
 * DirSync reports, never by a comparison with what was kept.
 */
import type { AgentScope } from "../../../shared/contracts/configuration.ts";
import { nestingChanged, scopeMoved } from "../scope-errors.ts";
import { difference, type ScopeMembers } from "../scope-members.ts";
import { type ScopeUnits, scopeUnits } from "../scope-units.ts";
import { addedValues, guidOf, removedValues } from "./changes.ts";
import type { LdapConnection } from "./connection.ts";
import type { LdapEntry } from "./entries.ts";
import { readPlaces } from "./scope-places.ts";
import { walkGroups } from "./scope-walk.ts";

export interface LdapScope {
  readonly hasUnits: boolean;
  readonly hasGroups: boolean;
  /** Why an object is out; undefined for one that is in. */
  reasonOut(objectGuid: string, dn: string): string | undefined;
  hasMember(objectGuid: string): boolean;
  isNearUnits(dn: string): boolean;
  isInsideUnit(dn: string): boolean;
  /** Takes over what an entry of a delta says of the members of a group of the scope, and names those whom it touches. */
  noteMembers(entry: LdapEntry): string[];
  /** The groups of an object that came back. True when that touches one of the scope. */
  noteGroupsOf(objectGuid: string, groups: readonly string[]): boolean;
  /** Throws `FullReadNeeded` when the deletion of this group may have taken others out of the scope. */
  noteDeletedGroup(objectGuid: string): void;
  /** Walks the groups anew, and names everyone for whom that makes a difference. */
  walkAgain(): Promise<string[]>;
  /** Throws source-scope or source-incomplete when it isn't any more what was decided by. */
  check(): Promise<void>;
}

/** Kept between the reads of one source. */
export interface KeptMembers {
  readonly key: string;
  readonly watermarkId: string;
  readonly members: ScopeMembers;
}

export interface OpenedScope extends LdapScope {
  keep(watermarkId: string): KeptMembers | undefined;
}

/** Throws `SourceError` source-scope while an object that the scope names can't be read. */
export async function openScope(
  deps: { readonly connection: LdapConnection; readonly root: string },
  scope: AgentScope,
  from: { readonly watermarkId: string | undefined; readonly kept: KeptMembers | undefined },
): Promise<OpenedScope> {
  const { connection, root } = deps;
  const hasUnits = scope.organizationalUnits.length > 0;
  const hasGroups = scope.groups.length > 0;
  const isEverything = !hasUnits && !hasGroups;
  const key = JSON.stringify([root, [...scope.groups].sort()]);
  const unitDns = isEverything ? NOWHERE : await readPlaces(connection, root, scope);
  const units: ScopeUnits = scopeUnits(unitDns);
  const isKept = from.kept !== undefined && from.kept.key === key && from.kept.watermarkId === from.watermarkId;
  let members: ScopeMembers | undefined;
  if (hasGroups) members = isKept && from.kept ? from.kept.members : await walkGroups(connection, root, scope.groups);

  return {
    hasUnits,
    hasGroups,
    reasonOut(objectGuid, dn) {
      if (!units.includes(dn)) return "below none of the scope's organizational units";
      return members === undefined || members.has(objectGuid) ? undefined : "in none of the scope's groups";
    },
    hasMember: (objectGuid) => members?.has(objectGuid) ?? true,
    isNearUnits: (dn) => units.isNear(dn),
    isInsideUnit: (dn) => units.isInside(dn),
    noteMembers(entry) {
      const group = guidOf(entry);
      if (members === undefined || group === undefined || !members.groups.has(group)) return [];
      const touched: string[] = [];
      for (const { guid } of addedValues(entry, "member")) {
        members.add(group, guid);
        touched.push(guid);
      }
      for (const { guid } of removedValues(entry, "member")) {
        if (members.groups.has(guid)) throw nestingChanged(guid);
        members.remove(group, guid);
        touched.push(guid);
      }
      return touched;
    },
    noteGroupsOf(objectGuid, groups) {
      if (members === undefined) return false;
      members.setGroupsOf(objectGuid, groups);
      return members.has(objectGuid);
    },
    noteDeletedGroup(objectGuid) {
      // Walked just now, after the deletion perhaps: nobody knows whether it was one of them.
      if (members !== undefined && (!isKept || members.groups.has(objectGuid))) throw nestingChanged(objectGuid);
    },
    async walkAgain() {
      if (members === undefined) return [];
      const now = await walkGroups(connection, root, scope.groups);
      const touched = [...difference(members, now)];
      members = now;
      return touched;
    },
    async check() {
      if (isEverything) return;
      const now = await readPlaces(connection, root, scope);
      if (now.join("\n") !== unitDns.join("\n")) throw scopeMoved(connection.url);
    },
    keep: (watermarkId) => (members === undefined ? undefined : { key, watermarkId, members }),
  };
}

const NOWHERE: readonly string[] = [];
