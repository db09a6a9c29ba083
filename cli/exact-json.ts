/**
 * JSON whose long integers stay exact: Active Directory's times and counters have 18 digits, and a double holds 15.
 *
 * `JSON.parse` of this Node has no way to see a number's digits. So an integer of 16 digits or more is turned into
 * `{"$integer": "…"}` before it is parsed; everything else is left as it is, texts too.
 */

const LONG_INTEGER = /\d{16}/;
/** A text, or a number. Texts come first, so that digits inside of them are passed over. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?\d{16,}$/;

/** Throws `SyntaxError` on what is no JSON, with JSON.parse's words. */
export function parseExactJson(text: string): unknown {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text);
  // What isn't JSON must be told by its own text, not by the one with the replacements.
  const plain: unknown = JSON.parse(text);
  const exact = text.replace(TOKEN, (token) => (INTEGER.test(token) ? `{"$integer":"${token}"}` : token));
  return exact === text ? plain : JSON.parse(exact);
}

/** The digits of `{"$integer": "…"}`, or undefined. */
export function longInteger(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("$integer" in value)) return undefined;
  const digits = value.$integer;
  return typeof digits === "string" && /^-?\d+$/.test(digits) ? digits : undefined;
}

/** An id as it came, a long integer too. One that nobody can have meant (arrays in arrays without end) is null. */
export function idText(id: unknown): string {
  try {
    return longInteger(id) ?? JSON.stringify(id) ?? "null";
  } catch {
    return "null";
  }
}
