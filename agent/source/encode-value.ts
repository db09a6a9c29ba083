/** How one value of the directory travels: text as it is, bytes (and text that isn't UTF-8) as base64. */
export type AttributeValue = string | { base64: string };

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeValue(value: Buffer, isBinary: boolean): AttributeValue {
  if (isBinary) return { base64: value.toString("base64") };
  try {
    return utf8.decode(value);
  } catch {
    return { base64: value.toString("base64") };
  }
}
