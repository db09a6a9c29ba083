/**
 * Objects by name, as the directory has them now: each read whole like an object of a delta, with the same attributes, and judged
 * by the same scope. Names go into filters as values, never as text of a filter, or are the base of a search if they lie in the domain.
 *
 * It has a connection of its own, so that a read under way isn't disturbed; that may lead to another domain controller, which is
 * said, with how current it is.
 */
import { AndFilter, EqualityFilter } from "ldapts";
import type { FoundObject, ObjectName, ReadAnswer } from "../../../shared/contracts/agent-commands.ts";
import { isAtOrBelow } from "../../../shared/domain/values.ts";
import type { LookUpOrder } from "../../agent-source.ts";
import { deltaChange, dnOf, guidOf, isTombstone } from "./changes.ts";
import { extendedDnControl, showDeletedControl } from "./controls.ts";
import type { DomainFacts } from "./domain-facts.ts";
import type { LdapEntry } from "./entries.ts";
import { RESULT, resultCodeOf } from "./errors.ts";
import { openScope } from "./ldap-scope.ts";
import type { ReadDeps } from "./read-deps.ts";
import { addFromDirSync, guidFilter, readWhole } from "./second-read.ts";
import { replicationCursor } from "./watermark-use.ts";

/** No such object; no name at all; another domain's. */
const NO_SUCH_NAME: readonly number[] = [RESULT.noSuchObject, RESULT.invalidDnSyntax, RESULT.referral];

export async function lookUp(
  deps: Omit<ReadDeps, "scope">,
  facts: DomainFacts,
  order: LookUpOrder,
): Promise<ReadAnswer> {
  const { connection, root, isSamba } = deps;
  const { invocationId } = facts.server;
  const { replCursorOf } = order;
  const isOther = replCursorOf !== undefined && replCursorOf !== invocationId;
  const cursor = isOther ? await replicationCursor(connection, root, replCursorOf) : undefined;
  const scope = await openScope({ connection, root }, order.scope, { watermarkId: undefined, kept: undefined });
  const readDeps: ReadDeps = { ...deps, scope };
  const subject = await find(readDeps, order.subject);
  const members: FoundObject[] = [];
  for (const name of order.members) {
    const member = await find(readDeps, name);
    const isMember =
      subject.entry !== undefined && member.entry !== undefined && (await lists(readDeps, subject.entry, member.entry));
    members.push(member.found.kind === "found" ? { ...member.found, isMember } : member.found);
  }
  await scope.check();
  return {
    kind: "read",
    domain: facts.domain,
    dsa: {
      ...facts.server,
      ...(replCursorOf !== undefined && cursor !== undefined
        ? { replCursor: { invocationId: replCursorOf, usn: cursor.toString() } }
        : {}),
    },
    visibility: isSamba ? "partial" : "complete",
    object: subject.found,
    members,
  };
}

interface Found {
  readonly found: FoundObject;
  readonly entry?: LdapEntry;
}

const missing = (why: Extract<FoundObject, { kind: "missing" }>["why"]): Found => ({ found: { kind: "missing", why } });

async function find(deps: ReadDeps, name: ObjectName): Promise<Found> {
  const { isSamba, shape, scope } = deps;
  const named = await entriesNamed(deps, name);
  const guids = [...new Set(named.flatMap((entry) => guidOf(entry) ?? []))];
  const [guid] = guids;
  if (guid === undefined) return missing("nobody");
  if (guids.length > 1) return missing("several");
  const wholeByGuid = await readWhole(deps, [guid]);
  if (!isSamba) await addFromDirSync(deps, [guid], wholeByGuid);
  const entry = wholeByGuid.get(guid);
  if (entry === undefined) return missing("nobody");
  if (isTombstone(entry)) return missing("deleted");
  const change = deltaChange(entry, { changed: [] }, shape);
  if (change?.op === "container") return { found: { kind: "found", change }, entry };
  if (change?.op !== "upsert") return missing("class");
  const reason = scope.reasonOut(guid, change.dn);
  if (reason === undefined) return { found: { kind: "found", change }, entry };
  return { found: { kind: "found", change: { op: "leave", objectGuid: guid, reason } }, entry };
}

async function entriesNamed({ connection, root }: ReadDeps, { by, value }: ObjectName): Promise<LdapEntry[]> {
  const asked = { attributes: ["objectGUID", "isDeleted"], controls: [extendedDnControl()] };
  if (by === "upn") {
    const filter = new EqualityFilter({ attribute: "userPrincipalName", value });
    return connection.search({ ...asked, base: root, scope: "sub", filter });
  }
  if (by === "guid") {
    // Under another name a tombstone would hide who has that name now.
    const controls = [showDeletedControl(), extendedDnControl()];
    return connection.search({ ...asked, base: root, scope: "sub", filter: guidFilter([value]), controls });
  }
  // Nothing but a name below the domain's root: servers take other forms for a base, too.
  if (!isAtOrBelow(value, root)) return [];
  try {
    return await connection.search({ ...asked, base: value, scope: "base", filter: "(objectClass=*)" });
  } catch (error) {
    const code = resultCodeOf(error);
    if (code !== undefined && NO_SUCH_NAME.includes(code)) return [];
    throw error;
  }
}

/** Whether the group itself lists the member. */
async function lists({ connection, root }: ReadDeps, group: LdapEntry, member: LdapEntry): Promise<boolean> {
  const found = await connection.search({
    base: root,
    scope: "sub",
    filter: new AndFilter({
      filters: [guidFilter([guidOf(member) ?? ""]), new EqualityFilter({ attribute: "memberOf", value: dnOf(group) })],
    }),
    attributes: ["objectGUID"],
  });
  return found.length > 0;
}
