/**
 * Where the units and groups of a scope are now. A scope names them by objectGUID, so a rename or a move changes nothing; DNs are looked
 * up anew before every read, and once more before anything that was decided by them is given out.
 */
import type { AgentScope } from "../../../shared/contracts/configuration.ts";
import { scopeMissing } from "../scope-errors.ts";
import { dnOf, guidOf } from "./changes.ts";
import type { LdapConnection } from "./connection.ts";
import { extendedDnControl } from "./controls.ts";
import { type LdapEntry, textsOf } from "./entries.ts";
import { RESULT, resultCodeOf } from "./errors.ts";
import { guidFilter, slicesOf } from "./second-read.ts";

/** Up to so many, each is read by itself: the quickest that a directory can do. */
const FEW = 4;

/**
 * The DNs of the units, in the order of the scope. Throws `SourceError` source-scope with all units and groups that can't be read; a
 * deleted one can't, nor can a group that is none.
 */
export async function readPlaces(connection: LdapConnection, root: string, scope: AgentScope): Promise<string[]> {
  const wanted = [...new Set([...scope.organizationalUnits, ...scope.groups])];
  const found = new Map<string, LdapEntry>();
  for (const entry of await entriesOf(connection, root, wanted)) {
    const guid = guidOf(entry);
    // An object without a class is one of which the account may read no more than that it is there.
    if (guid !== undefined && textsOf(entry, "objectClass").length > 0) found.set(guid, entry);
  }
  const isGroup = (guid: string) => textsOf(found.get(guid) ?? NOTHING, "objectClass").some(isGroupClass);
  const missing = wanted.filter((guid) => !found.has(guid) || (scope.groups.includes(guid) && !isGroup(guid)));
  if (missing.length > 0) throw scopeMissing(missing, connection.url);
  return scope.organizationalUnits.map((guid) => dnOf(found.get(guid) ?? NOTHING));
}

export function isGroupClass(objectClass: string): boolean {
  return objectClass.toLowerCase() === "group";
}

const NOTHING: LdapEntry = { dn: "", valuesByName: new Map() };

async function entriesOf(connection: LdapConnection, root: string, guids: readonly string[]): Promise<LdapEntry[]> {
  const entries: LdapEntry[] = [];
  const attributes = ["objectClass", "objectGUID"];
  if (guids.length <= FEW) {
    for (const guid of guids) entries.push(...(await readOne(connection, guid, attributes)));
    return entries;
  }
  for (const slice of slicesOf(guids)) {
    const filter = guidFilter(slice);
    const controls = [extendedDnControl()];
    entries.push(...(await connection.search({ base: root, scope: "sub", filter, attributes, controls })));
  }
  return entries;
}

async function readOne(connection: LdapConnection, guid: string, attributes: readonly string[]): Promise<LdapEntry[]> {
  try {
    return await connection.search({
      base: `<GUID=${guid}>`,
      scope: "base",
      filter: "(objectClass=*)",
      attributes,
      controls: [extendedDnControl()],
    });
  } catch (error) {
    if (resultCodeOf(error) === RESULT.noSuchObject) return [];
    throw error;
  }
}
