/**
 * The proof that deletions will be seen. Without *List contents* and *Read property* on CN=Deleted Objects some servers hide tombstones
 * with result 0 while the cookie moves on, so each of them would be lost.
 *
 * *Read property* shows on the container itself. *List contents* shows in two ways: the container's access list grants it to one of the
 * account's SIDs (for which the account needs *Read permissions* there), or a tombstone can be seen. A directory answers the account
 * that may not list and the one with nothing to list alike; so with neither proof the agent doesn't run.
 */

import { sidFromBytes } from "../../../shared/domain/values.ts";
import type { SourceError } from "../../../shared/ports/source-directory.ts";
import { isGranted, RIGHT } from "./access-check.ts";
import type { LdapConnection } from "./connection.ts";
import { accessListControl, showDeletedControl } from "./controls.ts";
import { bytesOf, type LdapEntry, textsOf } from "./entries.ts";
import { deletedObjectsHidden, deletedObjectsUnproved, resultCodeOf } from "./errors.ts";

/** Well-known GUID of the Deleted Objects container: its RDN may be translated. */
const DELETED_OBJECTS = "18E2EA80684F11D2B9AA00C04F79F805";
/** Everyone, and whoever signed in: a server need not list them. */
const EVERYONES_SIDS = ["S-1-1-0", "S-1-5-11"];

/**
 * Throws source-rights unless both rights are proved. `isNew`: a tombstone is looked for on a new connection only, because a proof by
 * one may be gone with it (tombstones end) though nobody took a right away.
 */
export async function proveSightOfDeletedObjects(
  connection: LdapConnection,
  root: string,
  isNew: boolean,
): Promise<void> {
  const container = await readContainer(connection, root);
  if (container === undefined || textsOf(container, "objectClass").length === 0) throw hidden(connection, root);
  const isListed = await accessListGrants(connection, bytesOf(container, "nTSecurityDescriptor"));
  if (isListed === false) throw hidden(connection, root);
  if (isListed === undefined && isNew && !(await seesTombstones(connection, root)))
    throw deletedObjectsUnproved(connection.bindDn, root);
}

async function readContainer(connection: LdapConnection, root: string): Promise<LdapEntry | undefined> {
  try {
    const found = await connection.search({
      base: `<WKGUID=${DELETED_OBJECTS},${root}>`,
      scope: "base",
      filter: "(objectClass=*)",
      attributes: ["objectClass", "isDeleted", "name", "nTSecurityDescriptor"],
      controls: [showDeletedControl(), accessListControl()],
    });
    return found[0];
  } catch (error) {
    if (resultCodeOf(error) === undefined) throw error;
    throw hidden(connection, root, error);
  }
}

/** undefined when the list or the account's groups can't be read, so that nothing is known. */
async function accessListGrants(
  connection: LdapConnection,
  descriptor: Buffer | undefined,
): Promise<boolean | undefined> {
  if (descriptor === undefined) return undefined;
  const sids = await sidsOf(connection);
  if (sids === undefined) return undefined;
  try {
    return isGranted(descriptor, sids, RIGHT.listContents | RIGHT.readProperty);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The account's own SID and those of all groups it is in, as the server holds them for this connection. */
async function sidsOf(connection: LdapConnection): Promise<ReadonlySet<string> | undefined> {
  const found = await connection.search({
    base: "",
    scope: "base",
    filter: "(objectClass=*)",
    attributes: ["tokenGroups"],
  });
  const own = found[0]?.valuesByName.get("tokengroups") ?? [];
  if (own.length === 0) return undefined;
  return new Set([...EVERYONES_SIDS, ...own.map(sidFromBytes)]);
}

async function seesTombstones(connection: LdapConnection, root: string): Promise<boolean> {
  const found = await connection.search({
    base: `<WKGUID=${DELETED_OBJECTS},${root}>`,
    scope: "one",
    filter: "(isDeleted=TRUE)",
    attributes: ["objectClass"],
    controls: [showDeletedControl()],
    sizeLimit: 1,
  });
  return found.length > 0;
}

function hidden(connection: LdapConnection, root: string, cause?: unknown): SourceError {
  return deletedObjectsHidden(connection.bindDn, root, cause);
}
