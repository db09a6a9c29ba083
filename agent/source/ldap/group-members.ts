/**
 * The member list of a group, read now and sent whole, part by part; and the groups that an object is in.
 *
 * A list that changed under the read begins anew with its part 0: the service compares a list only when all its parts came, in order.
 */
import { SourceError } from "../../../shared/ports/source-directory.ts";
import {
  continuationOf,
  type LinkChange,
  type LinkValue,
  listWriter,
  replacement,
  type UpsertChange,
} from "../member-lists.ts";
import { toLinkValues } from "./changes.ts";
import type { LdapConnection } from "./connection.ts";
import { valueRanges } from "./value-ranges.ts";

/** A group whose members change with every range that is read. */
const MOST_ATTEMPTS = 5;

/**
 * `seen`: what DirSync said of the list, for a group whose members the account may not read itself. Throws `SourceError`
 * source-incomplete for a list that doesn't rest.
 */
export async function* readMemberList(
  connection: LdapConnection,
  group: UpsertChange,
  attribute: string,
  seen: () => Iterable<LinkValue>,
): AsyncGenerator<UpsertChange> {
  let object = group;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const writer = listWriter(object, attribute);
    let usn: string | undefined;
    let count = 0;
    let hasChanged = false;
    for await (const range of valueRanges(connection, group.objectGuid, attribute)) {
      hasChanged = count > 0 && range.usnChanged !== usn;
      if (hasChanged) break;
      usn = range.usnChanged;
      count += range.values.length;
      for (const change of writer.add(toLinkValues(range.values))) {
        object = continuationOf(group, []);
        yield change;
      }
    }
    if (!hasChanged) {
      if (count === 0) yield* writer.add(seen());
      yield writer.end();
      return;
    }
  }
  throw new SourceError(
    "source-incomplete",
    `The members of group ${group.objectGuid} changed ${MOST_ATTEMPTS} times while they were read.`,
    "Nothing to do: the group is read again.",
  );
}

/** The groups that an object is in, as the directory says now; undefined when the account can't read the object. */
export async function readMemberOf(connection: LdapConnection, objectGuid: string): Promise<LinkChange | undefined> {
  let groups: LinkValue[] | undefined;
  for await (const { values } of valueRanges(connection, objectGuid, "memberOf"))
    groups = [...(groups ?? []), ...toLinkValues(values)];
  return groups === undefined ? undefined : replacement("memberOf", groups);
}
