/**
 * The member list of a group, read now and sent whole, part by part; and the groups that an object is in.
 *
 * A list that changed under the read begins anew with its part 0: the service compares a list only when all its parts came, in order.
 */
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

/**
 * `seen`: what DirSync said of the list, for a group whose members the account may not read itself. Fails as `valueRanges`.
 */
export async function* readMemberList(
  connection: LdapConnection,
  group: UpsertChange,
  attribute: string,
  seen: () => Iterable<LinkValue>,
): AsyncGenerator<UpsertChange> {
  let writer = listWriter(group, attribute);
  let hasObject = false;
  let isEmpty = true;
  for await (const range of valueRanges(connection, group.objectGuid, attribute)) {
    if (range.beginsAnew) {
      writer = listWriter(hasObject ? continuationOf(group, []) : group, attribute);
      isEmpty = true;
    }
    if (range.values.length > 0) isEmpty = false;
    for (const change of writer.add(toLinkValues(range.values))) {
      hasObject = true;
      yield change;
    }
  }
  if (isEmpty) yield* writer.add(seen());
  yield writer.end();
}

/** The groups that an object is in, as the directory says now; undefined when the account can't read the object. */
export async function readMemberOf(connection: LdapConnection, objectGuid: string): Promise<LinkChange | undefined> {
  let groups: LinkValue[] | undefined;
  for await (const { values, beginsAnew } of valueRanges(connection, objectGuid, "memberOf"))
    groups = [...(beginsAnew ? [] : (groups ?? [])), ...toLinkValues(values)];
  return groups === undefined ? undefined : replacement("memberOf", groups);
}
