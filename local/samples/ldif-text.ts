/**
 * Directory entries as LDIF text that a person can edit: names as they are (UTF-8), GUIDs and SIDs in their text form,
 * which the agent reads as well as the base64 that most tools write.
 */

export interface Entry {
  readonly dn: string;
  /** In the order of the file; a list makes several lines. */
  readonly attributes: Readonly<Record<string, string | readonly string[]>>;
}

/** One record, with the empty line that ends it. */
export function ldifOf(entry: Entry): string {
  const lines = [lineOf("dn", entry.dn)];
  for (const [name, value] of Object.entries(entry.attributes)) {
    for (const one of typeof value === "string" ? [value] : value) lines.push(lineOf(name, one));
  }
  return `${lines.join("\n")}\n\n`;
}

function lineOf(name: string, value: string): string {
  // What a plain line can't carry: leading blank, colon or less-than, line breaks, a trailing blank.
  const isPlain = !/^[ :<]|[\r\n\0]| $/.test(value);
  return isPlain ? `${name}: ${value}` : `${name}:: ${Buffer.from(value, "utf8").toString("base64")}`;
}

/** A value as part of a DN (RFC 4514). */
export function escapeRdn(value: string): string {
  return value
    .replace(/[,+"\\<>;=]/g, (character) => `\\${character}`)
    .replace(/^[ #]/, (character) => `\\${character}`)
    .replace(/ $/, "\\ ")
    .replaceAll("\n", "\\0A");
}
