/** Base64 without Node or a browser: the engine is pure, and images are full of binary values. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUE_BY_CODE = new Int8Array(128).fill(-1);
for (let index = 0; index < ALPHABET.length; index++) VALUE_BY_CODE[ALPHABET.charCodeAt(index)] = index;

export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index += 3) {
    const triple = ((bytes[index] ?? 0) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    text += ALPHABET[triple >> 18];
    text += ALPHABET[(triple >> 12) & 63];
    text += index + 1 < bytes.length ? ALPHABET[(triple >> 6) & 63] : "=";
    text += index + 2 < bytes.length ? ALPHABET[triple & 63] : "=";
  }
  return text;
}

/** Standard alphabet, padding optional, white space ignored. Throws `RangeError` on anything else. */
export function decodeBase64(text: string): Uint8Array {
  const packed = text.replace(/[\s]+/g, "").replace(/={1,2}$/, "");
  if (packed.length % 4 === 1) throw new RangeError("The text is not base64: its length is impossible.");
  const bytes = new Uint8Array(Math.floor((packed.length * 3) / 4));
  let bits = 0;
  let count = 0;
  let at = 0;
  for (let index = 0; index < packed.length; index++) {
    const code = packed.charCodeAt(index);
    const value = code < 128 ? (VALUE_BY_CODE[code] ?? -1) : -1;
    if (value < 0) throw new RangeError(`The text is not base64: position ${index} holds '${packed[index]}'.`);
    bits = ((bits << 6) | value) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes[at++] = (bits >> count) & 255;
    }
  }
  return bytes;
}
