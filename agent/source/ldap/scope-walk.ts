/**
 * The members of a scope's groups, read by walking: a group's members by GUID, then the groups among them, each group once, so that a
 * cycle ends. Only forward lists are read, in ranges; a server-side search over the whole chain would hold a large directory up.
 */
import { AndFilter, EqualityFilter } from "ldapts";
import { createScopeMembers, type ScopeMembers } from "../scope-members.ts";
import { guidOf, toLinkValues } from "./changes.ts";
import type { LdapConnection } from "./connection.ts";
import { valueRanges } from "./value-ranges.ts";

/** `groups`: those that the scope names. Fails as `LdapConnection.search`. */
export async function walkGroups(
  connection: LdapConnection,
  root: string,
  groups: readonly string[],
): Promise<ScopeMembers> {
  const members = createScopeMembers();
  const waiting = [...groups];
  for (let group = waiting.pop(); group !== undefined; group = waiting.pop()) {
    if (members.groups.has(group)) continue;
    members.addGroup(group);
    // A list that begins anew adds to what was read of it: who went meanwhile is told by the next delta.
    for await (const { values } of valueRanges(connection, group, "member"))
      for (const { guid } of toLinkValues(values)) members.add(group, guid);
    const nested = await connection.search({
      base: root,
      scope: "sub",
      filter: new AndFilter({
        filters: [
          new EqualityFilter({ attribute: "objectClass", value: "group" }),
          // By GUID: a group that is renamed meanwhile must not seem to hold nobody.
          new EqualityFilter({ attribute: "memberOf", value: `<GUID=${group}>` }),
        ],
      }),
      attributes: ["objectGUID"],
      pageSize: 500,
    });
    for (const entry of nested) {
      const guid = guidOf(entry);
      if (guid !== undefined) waiting.push(guid);
    }
  }
  return members;
}
