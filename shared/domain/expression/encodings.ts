/**
 * Texts as bytes and back, as .NET's encodings do it: half of a surrogate pair and bytes that aren't of the encoding
 * become U+FFFD (in ASCII a question mark), and nothing fails.
 */

const LONE_SURROGATE = /\p{Surrogate}/gu;
const REPLACEMENT = "\ufffd";

export const wellFormed = (text: string): string => text.replace(LONE_SURROGATE, REPLACEMENT);

/** UTF-16, low byte first, which .NET calls Unicode. */
export function utf16Bytes(text: string): Uint8Array {
  const whole = wellFormed(text);
  const bytes = new Uint8Array(whole.length * 2);
  for (let index = 0; index < whole.length; index++) {
    const unit = whole.charCodeAt(index);
    bytes[index * 2] = unit & 255;
    bytes[index * 2 + 1] = unit >> 8;
  }
  return bytes;
}

export function decodeUtf16(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index + 1 < bytes.length; index += 2) {
    text += String.fromCharCode((bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8));
  }
  return wellFormed(bytes.length % 2 === 0 ? text : text + REPLACEMENT);
}

export function decodeAscii(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte < 128 ? String.fromCharCode(byte) : "?")).join("");
}

/** How a lead byte goes on: how many bytes follow, and between which two the first of them lies. */
function continuationOf(lead: number): { more: number; least: number; most: number } | undefined {
  if (lead >= 0xc2 && lead <= 0xdf) return { more: 1, least: 0x80, most: 0xbf };
  if (lead >= 0xe0 && lead <= 0xef) {
    return { more: 2, least: lead === 0xe0 ? 0xa0 : 0x80, most: lead === 0xed ? 0x9f : 0xbf };
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    return { more: 3, least: lead === 0xf0 ? 0x90 : 0x80, most: lead === 0xf4 ? 0x8f : 0xbf };
  }
  return undefined;
}

/** One U+FFFD for each longest run of bytes that could have begun a character. */
export function decodeUtf8(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at++] ?? 0;
    if (lead < 0x80) {
      text += String.fromCharCode(lead);
      continue;
    }
    const follow = continuationOf(lead);
    let point = lead & (follow ? 0x3f >> follow.more : 0);
    let missing = follow?.more ?? 1;
    for (; follow && missing > 0; missing--) {
      const next = bytes[at] ?? 0;
      const isFirst = missing === follow.more;
      if (next < (isFirst ? follow.least : 0x80) || next > (isFirst ? follow.most : 0xbf)) break;
      point = (point << 6) | (next & 0x3f);
      at++;
    }
    text += missing === 0 ? String.fromCodePoint(point) : REPLACEMENT;
  }
  return text;
}
