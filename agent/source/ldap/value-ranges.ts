/**
 * All values of one attribute of one object, however many, a range at a time: what a server gives at once is bounded (1,500 values on
 * Windows), and what we hold, too.
 *
 * Ranges are counted, so a value that goes while we read lets another slip through between two of them. A member that is removed moves
 * the group's uSNChanged; one that is *deleted* doesn't, nor does a group that takes in or lets go move that of the object whose
 * memberOf we read. So each range begins with the last value of the one before: is another in its place, then the number of values
 * before it changed, and the reading begins anew.
 */

import { SourceError } from "../../../shared/ports/source-directory.ts";
import type { LdapConnection } from "./connection.ts";
import { extendedDnControl, noRangeErrorControl, showDeletedControl } from "./controls.ts";
import { type LdapEntry, textOf } from "./entries.ts";
import { RESULT, resultCodeOf } from "./errors.ts";

const VALUES_PER_RANGE = 5_000;
/** For a list that changes with every range that is read. */
const MOST_ATTEMPTS = 5;

export interface ValueRange {
  readonly values: readonly Buffer[];
  /** The first of a reading: what came before doesn't count. */
  readonly beginsAnew: boolean;
}

/**
 * At least one range, if only an empty one; none at all of an object that the account can't read. Fails as `LdapConnection.search`, and
 * with `SourceError` source-incomplete for a list that doesn't rest.
 */
export async function* valueRanges(
  connection: LdapConnection,
  objectGuid: string,
  attribute: string,
): AsyncGenerator<ValueRange> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    let usn: string | undefined;
    let last: Buffer | undefined;
    let hasChanged = false;
    for (let count = 0, isFinal = false; !isFinal; ) {
      const from = Math.max(count - 1, 0);
      const entry = await readRange(connection, objectGuid, attribute, from);
      if (entry === undefined) return;
      const range = rangeOf(entry, attribute);
      const usnNow = textOf(entry, "uSNChanged");
      const values = last === undefined ? range.values : range.values.slice(1);
      const isShifted = last !== undefined && (usnNow !== usn || range.values[0]?.equals(last) !== true);
      // No list ends with nothing new and more to come.
      hasChanged = isShifted || (values.length === 0 && !range.isFinal);
      if (hasChanged) break;
      yield { values, beginsAnew: last === undefined };
      usn = usnNow;
      count += values.length;
      last = values.at(-1) ?? last;
      isFinal = range.isFinal;
    }
    if (!hasChanged) return;
  }
  throw new SourceError(
    "source-incomplete",
    `The values of ${attribute} of ${objectGuid} changed ${MOST_ATTEMPTS} times while they were read.`,
    "Nothing to do: they are read again.",
  );
}

/** The final range is `n-*`; a server that knows no ranges gives all under the plain name. */
function rangeOf(entry: LdapEntry, attribute: string): { readonly values: readonly Buffer[]; isFinal: boolean } {
  const name = attribute.toLowerCase();
  const ranged = [...entry.valuesByName].find(([own]) => own.startsWith(`${name};range=`));
  if (ranged === undefined) return { values: entry.valuesByName.get(name) ?? [], isFinal: true };
  return { values: ranged[1], isFinal: !/;range=\d+-\d+$/.test(ranged[0]) };
}

async function readRange(
  connection: LdapConnection,
  objectGuid: string,
  attribute: string,
  from: number,
): Promise<LdapEntry | undefined> {
  try {
    const [entry] = await connection.search({
      base: `<GUID=${objectGuid}>`,
      scope: "base",
      filter: "(objectClass=*)",
      attributes: [`${attribute};range=${from}-${from + VALUES_PER_RANGE - 1}`, "uSNChanged"],
      controls: [showDeletedControl(), extendedDnControl(), noRangeErrorControl()],
    });
    return entry;
  } catch (error) {
    if (resultCodeOf(error) === RESULT.noSuchObject) return undefined;
    throw error;
  }
}
