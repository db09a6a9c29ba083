/**
 * Entries as the server sent them.
 *
 * ldapts gives back an attribute that was asked for and not sent as `[]`, which can't be told from one that was sent
 * without values, and DirSync says "cleared" just so. The two arrays below keep its search away from that: one yields
 * the names for the request only, the other makes every value a buffer, so that no text is guessed. Both rest on ldapts
 * 8.2 (`SearchRequest.writeMessage`, `SearchEntry.toObject`); a test with a server on the wire holds them.
 */
import type { Entry } from "ldapts";

export interface LdapEntry {
  /** As sent: with the extended-DN control `<GUID=…>;<SID=…>;DN`. */
  readonly dn: string;
  /** By name in lower case, options (`;range=1-1`) included; an attribute without values is there and empty. */
  readonly valuesByName: ReadonlyMap<string, readonly Buffer[]>;
}

/** Asked names that are there while the request is written and gone when ldapts pads the answer. */
export class NamesForTheRequest extends Array<string> {
  #written = false;

  override *[Symbol.iterator](): ArrayIterator<string> {
    if (this.#written) return;
    this.#written = true;
    for (let index = 0; index < this.length; index++) {
      const name = this[index];
      if (name !== undefined) yield name;
    }
  }
}

/** Claims to list every attribute, in any case of letters. */
export class EveryName extends Array<string> {
  override includes(_name: string): boolean {
    return true;
  }
}

export function toLdapEntry(entry: Entry): LdapEntry {
  const valuesByName = new Map<string, readonly Buffer[]>();
  for (const [name, value] of Object.entries(entry)) {
    if (name === "dn" && typeof value === "string") continue;
    const values = (Array.isArray(value) ? value : [value]).map((one) =>
      typeof one === "string" ? Buffer.from(one, "utf8") : one,
    );
    valuesByName.set(name.toLowerCase(), values);
  }
  return { dn: entry.dn, valuesByName };
}

/** The first value as text. */
export function textOf(entry: LdapEntry, name: string): string | undefined {
  return entry.valuesByName.get(name.toLowerCase())?.[0]?.toString("utf8");
}

export function textsOf(entry: LdapEntry, name: string): string[] {
  return (entry.valuesByName.get(name.toLowerCase()) ?? []).map((value) => value.toString("utf8"));
}

export function bytesOf(entry: LdapEntry, name: string): Buffer | undefined {
  return entry.valuesByName.get(name.toLowerCase())?.[0];
}
