/**
 * The values that identities are made of, and the only ways to compare them.
 *
 * Attribute values travel as arrays of strings; a value whose AD syntax is binary travels as `{ base64 }`. GUIDs are
 * kept in their text form, lower case (`8-4-4-4-12`); DNs, UPNs and mail addresses keep the case of the directory and
 * are compared through the functions below, never with `===`. This file knows no schema and decides nothing.
 */

import { decodeBase64, encodeBase64 } from "./base64.ts";

export type AttributeValue = string | { readonly base64: string };
export type AttributeBag = Readonly<Record<string, readonly AttributeValue[]>>;

const GUID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The two digits of each byte. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Where each of Active Directory's bytes stands in the text: the first three groups are little-endian. */
const GUID_PLACES = [6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34];

/** Of `0` to `9` and `a` to `f`. */
const hexDigit = (code: number): number => (code < 58 ? code - 48 : code - 87);

/** True for the one text form in which this project keeps GUIDs: lower case, dashed, no braces. */
export function isGuid(text: string): boolean {
  return GUID_TEXT.test(text);
}

/** A GUID's text form from Active Directory's 16 bytes (the first three groups are little-endian). */
export function guidFromBytes(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw new RangeError(`A GUID has 16 bytes, not ${bytes.length}.`);
  const part = (...order: readonly number[]) => order.map((index) => HEX[bytes[index] ?? 0]).join("");
  return `${part(3, 2, 1, 0)}-${part(5, 4)}-${part(7, 6)}-${part(8, 9)}-${part(10, 11, 12, 13, 14, 15)}`;
}

/** The 16 bytes of a GUID in Active Directory's order. Throws `RangeError` on anything that `isGuid` refuses. */
export function guidToBytes(guid: string): Uint8Array {
  if (!isGuid(guid)) throw new RangeError(`'${guid}' is not a GUID in lower-case text form.`);
  const bytes = new Uint8Array(16);
  for (let index = 0; index < 16; index++) {
    const at = GUID_PLACES[index] ?? 0;
    bytes[index] = (hexDigit(guid.charCodeAt(at)) << 4) | hexDigit(guid.charCodeAt(at + 1));
  }
  return bytes;
}

/** The immutableId of a GUID: base64 of its 16 bytes, as Entra shows a source anchor. */
export function immutableIdOfGuid(guid: string): string {
  return encodeBase64(guidToBytes(guid));
}

/** `S-1-…` from a binary SID. Throws `RangeError` when the bytes are no SID. */
export function sidFromBytes(bytes: Uint8Array): string {
  const count = bytes[1] ?? 0;
  if (bytes.length < 8 || bytes.length !== 8 + count * 4) {
    throw new RangeError(`${bytes.length} bytes are not a SID with ${count} sub-authorities.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const authority = view.getUint16(2) * 2 ** 32 + view.getUint32(4);
  const parts = Array.from({ length: count }, (_, index) => view.getUint32(8 + index * 4, true));
  return ["S", bytes[0], authority, ...parts].join("-");
}

/** The bytes of a value: base64 decoded, a string as UTF-8. */
export function valueBytes(value: AttributeValue): Uint8Array {
  if (typeof value === "string") return utf8Bytes(value);
  return decodeBase64(value.base64);
}

/** UTF-8 bytes of a text; lone surrogates become U+FFFD, as everywhere in the platform. */
export function utf8Bytes(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const read = character.codePointAt(0) ?? 0;
    const point = read >= 0xd800 && read <= 0xdfff ? 0xfffd : read;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    else {
      const tail = [(point >> 12) & 63, (point >> 6) & 63, point & 63];
      bytes.push(0xf0 | (point >> 18), ...tail.map((bits) => 0x80 | bits));
    }
  }
  return Uint8Array.from(bytes);
}

/** The values of an attribute; an attribute that the bag doesn't have has none. */
export function valuesOf(bag: AttributeBag, name: string): readonly AttributeValue[] {
  return Object.hasOwn(bag, name) ? (bag[name] ?? []) : [];
}

/** The first value as text, or undefined. A binary value has no text. */
export function firstText(bag: AttributeBag, name: string): string | undefined {
  const value = valuesOf(bag, name)[0];
  return typeof value === "string" ? value : undefined;
}

/** UPNs, mail and proxy addresses are compared without regard to case, by invariant rules. */
export function normalUpn(upn: string): string {
  return upn.toLowerCase();
}

export function sameUpn(left: string, right: string): boolean {
  return normalUpn(left) === normalUpn(right);
}

/**
 * A DN in one form for comparison: attribute types lower case, no blanks around separators, values lower case,
 * escapes unified to the character itself (or `\XX` hex for separators). It is a key, not a DN to send anywhere.
 */
export function normalDn(dn: string): string {
  return splitDn(dn)
    .map((rdn) => {
      const at = rdn.indexOf("=");
      return at < 0
        ? rdn.trim().toLowerCase()
        : `${rdn.slice(0, at).trim()}=${unescapeRdn(rdn.slice(at + 1))}`.toLowerCase();
    })
    .join(",");
}

export function sameDn(left: string, right: string): boolean {
  return normalDn(left) === normalDn(right);
}

/** The relative names of a DN, from the object up, still escaped. */
export function splitDn(dn: string): string[] {
  if (dn.trim() === "") return [];
  const parts: string[] = [];
  let start = 0;
  for (let index = 0; index < dn.length; index++) {
    if (dn[index] === "\\") index++;
    else if (dn[index] === ",") {
      parts.push(dn.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(dn.slice(start));
  return parts;
}

/** True when `dn` is `ancestor` itself or lies below it. */
export function isAtOrBelow(dn: string, ancestor: string): boolean {
  const own = normalDn(dn);
  const other = normalDn(ancestor);
  return own === other || own.endsWith(`,${other}`);
}

function unescapeRdn(value: string): string {
  let bytes: number[] = [];
  let text = "";
  const flush = () => {
    if (bytes.length > 0) text += decodeUtf8(bytes);
    bytes = [];
  };
  const trimmed = value.replace(/^\s+/, "").replace(/(?<!\\)\s+$/, "");
  for (let index = 0; index < trimmed.length; index++) {
    const hex = /^\\([0-9a-fA-F]{2})/.exec(trimmed.slice(index, index + 3));
    if (hex?.[1] !== undefined) {
      bytes.push(Number.parseInt(hex[1], 16));
      index += 2;
      continue;
    }
    flush();
    if (trimmed[index] === "\\") index++;
    text += trimmed[index] ?? "";
  }
  flush();
  return text.replace(/[,=+<>#;"\\\0]/g, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function decodeUtf8(bytes: readonly number[]): string {
  try {
    return decodeURIComponent(bytes.map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""));
  } catch {
    // Not UTF-8: a key must still come out, the same one each time.
    return String.fromCharCode(...bytes);
  }
}
