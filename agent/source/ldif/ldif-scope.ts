/** The scope of a read of an LDIF file: units by where the file has them, groups by the members that it lists, nested ones included. */
import type { AgentScope } from "../../../shared/contracts/configuration.ts";
import { normalDn } from "../../../shared/domain/values.ts";
import { scopeMissing } from "../scope-errors.ts";
import { createScopeMembers, type ScopeMembers } from "../scope-members.ts";
import { scopeUnits } from "../scope-units.ts";
import { hashedChunks, type LdifIndex } from "./ldif-index.ts";
import { parseLdif } from "./ldif-parser.ts";
import { guidOfRecord, listOfRecord, textsOfRecord } from "./record-values.ts";

export interface LdifScope {
  readonly isEverything: boolean;
  /** Why an object is out; undefined for one that is in. */
  reasonOut(objectGuid: string, dn: string): string | undefined;
  isNearUnits(dn: string): boolean;
}

/** Throws `SourceError` source-scope for units and groups that the file doesn't hold. */
export async function openLdifScope(scope: AgentScope, index: LdifIndex, path: string): Promise<LdifScope> {
  const wanted = [...scope.organizationalUnits, ...scope.groups];
  const missing = wanted.filter((guid) => !index.dnsByGuid.has(guid) || index.deleted.has(guid));
  const units = scopeUnits(scope.organizationalUnits.map((guid) => index.dnsByGuid.get(guid) ?? ""));
  const members = scope.groups.length > 0 ? await readMembers(scope.groups, index, path, missing) : undefined;
  if (missing.length > 0) throw scopeMissing([...new Set(missing)], path);
  return {
    isEverything: wanted.length === 0,
    reasonOut(objectGuid, dn) {
      if (!units.includes(dn)) return "below none of the scope's organizational units";
      return members === undefined || members.has(objectGuid) ? undefined : "in none of the scope's groups";
    },
    isNearUnits: (dn) => units.isNear(dn),
  };
}

/** Adds those that are no groups to `missing`. */
async function readMembers(
  groups: readonly string[],
  index: LdifIndex,
  path: string,
  missing: string[],
): Promise<ScopeMembers> {
  const listsByGroup = new Map<string, readonly string[]>();
  for await (const record of parseLdif(hashedChunks(path), path)) {
    const guid = guidOfRecord(record, path);
    const isGroup = textsOfRecord(record, "objectClass").some((name) => name.toLowerCase() === "group");
    if (guid === undefined || !isGroup || index.deleted.has(guid)) continue;
    const values = listOfRecord(record, "member", path) ?? [];
    listsByGroup.set(
      guid,
      values.flatMap((value) => index.guidsByDn.get(normalDn(value.toString("utf8"))) ?? []),
    );
  }
  missing.push(...groups.filter((guid) => !listsByGroup.has(guid)));
  const members = createScopeMembers();
  const waiting = [...groups];
  for (let group = waiting.pop(); group !== undefined; group = waiting.pop()) {
    if (members.groups.has(group)) continue;
    members.addGroup(group);
    for (const member of listsByGroup.get(group) ?? []) {
      members.add(group, member);
      if (listsByGroup.has(member)) waiting.push(member);
    }
  }
  return members;
}
