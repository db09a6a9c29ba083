/**
 * DirSync's cookie: who gave it, how far it got, and what else its holder knows.
 *
 * `objectUsn` is how far the pages got; `attributeUsn` where the whole round began: an object that changes between two pages comes once
 * more with all that the round owes. Only the page that ends a round brings the domain controller's up-to-dateness vector, so another
 * domain controller takes a cookie from the middle for one of the round's beginning.
 */
export interface Cookie {
  readonly invocationId: string;
  readonly objectUsn: number;
  readonly attributeUsn: number;
  readonly vector: ReadonlyMap<string, number>;
}

const MARK = "MSDS";

export const emptyCookie: Cookie = { invocationId: "", objectUsn: 0, attributeUsn: 0, vector: new Map() };

export function writeCookie(cookie: Cookie): Buffer {
  return Buffer.from(MARK + JSON.stringify({ ...cookie, vector: [...cookie.vector] }));
}

/** undefined when the bytes are no cookie. */
export function readCookie(bytes: Buffer): Cookie | undefined {
  if (bytes.length === 0) return emptyCookie;
  const text = bytes.toString("utf8");
  if (!text.startsWith(MARK)) return undefined;
  try {
    const cookie = JSON.parse(text.slice(MARK.length));
    return { ...cookie, vector: new Map(cookie.vector) };
  } catch {
    return undefined;
  }
}
