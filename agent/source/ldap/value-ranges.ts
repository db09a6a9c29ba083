/**
 * All values of one attribute of one object, however many, a range at a time: what a server gives at once is bounded (1,500 values on
 * Windows), and what we hold, too.
 *
 * Ranges are counted, so a value that goes while we read lets another slip through between two of them. The object's uSNChanged tells:
 * each range comes with it.
 */

import type { LdapConnection } from "./connection.ts";
import { extendedDnControl, showDeletedControl } from "./controls.ts";
import { textOf } from "./entries.ts";
import { RESULT, resultCodeOf } from "./errors.ts";

const VALUES_PER_RANGE = 5_000;

export interface ValueRange {
  readonly values: readonly Buffer[];
  /** Of the object when this range was read; undefined when the account may not see it. */
  readonly usnChanged: string | undefined;
}

/** At least one range, if only an empty one; none at all of an object that the account can't read. Fails as `LdapConnection.search`. */
export async function* valueRanges(
  connection: LdapConnection,
  objectGuid: string,
  attribute: string,
): AsyncGenerator<ValueRange> {
  const name = attribute.toLowerCase();
  for (let from = 0; ; ) {
    const entry = await readBase(connection, objectGuid, [
      `${attribute};range=${from}-${from + VALUES_PER_RANGE - 1}`,
      "uSNChanged",
    ]);
    if (entry === undefined) return;
    const [key, values] = [...entry.valuesByName].find(([own]) => own.startsWith(`${name};range=`)) ?? [
      name,
      entry.valuesByName.get(name) ?? [],
    ];
    yield { values, usnChanged: textOf(entry, "uSNChanged") };
    // The final range is `n-*`; a server that knows no ranges gives all under the plain name.
    if (values.length === 0 || !/;range=\d+-\d+$/.test(key)) return;
    from += values.length;
  }
}

async function readBase(connection: LdapConnection, objectGuid: string, attributes: readonly string[]) {
  try {
    const [entry] = await connection.search({
      base: `<GUID=${objectGuid}>`,
      scope: "base",
      filter: "(objectClass=*)",
      attributes,
      controls: [showDeletedControl(), extendedDnControl()],
    });
    return entry;
  } catch (error) {
    if (resultCodeOf(error) === RESULT.noSuchObject) return undefined;
    throw error;
  }
}
