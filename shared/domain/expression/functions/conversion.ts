/** Between texts, numbers, bytes and names: CStr, BitAnd, the base64 and hexadecimal functions, SIDs, DN components. */

import { decodeBase64, encodeBase64 } from "../../base64.ts";
import { sidFromBytes, splitDn, utf8Bytes } from "../../values.ts";
import { any, type FunctionDefinition, number, overTexts, text, textArgument } from "../definition.ts";
import { ExpressionError } from "../failure.ts";
import { firstOf, requireInteger, requireNumber, textOfScalar } from "../value.ts";

const cStr: FunctionDefinition = {
  name: "CStr",
  parameters: [any("value")],
  returns: "text",
  compile: (call) => textArgument(call, 0),
};

const bitAnd: FunctionDefinition = {
  name: "BitAnd",
  parameters: [number("value1"), number("value2")],
  returns: "number",
  compile: (call) => {
    const left = call.required(0);
    const right = call.required(1);
    return (context) => {
      const a = requireInteger(left(context), "The first argument of BitAnd");
      const b = requireInteger(right(context), "The second argument of BitAnd");
      return a === null || b === null ? null : a & b;
    };
  },
};

const convertToBase64: FunctionDefinition = {
  name: "ConvertToBase64",
  parameters: [text("source")],
  returns: "text",
  compile: overTexts((value) => encodeBase64(utf16Bytes(value))),
};

const convertToUtf8Hex: FunctionDefinition = {
  name: "ConvertToUTF8Hex",
  parameters: [text("source")],
  returns: "text",
  compile: overTexts((value) => Array.from(utf8Bytes(value), hexOf).join("")),
};

const hexOf = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, "0");

function utf16Bytes(value: string): Uint8Array {
  const bytes = new Uint8Array(value.length * 2);
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    bytes[index * 2] = unit & 255;
    bytes[index * 2 + 1] = unit >> 8;
  }
  return bytes;
}

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => string>> = {
  unicode: (bytes) => {
    let result = "";
    for (let index = 0; index + 1 < bytes.length; index += 2) {
      result += String.fromCharCode((bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8));
    }
    return bytes.length % 2 === 0 ? result : `${result}\ufffd`;
  },
  ascii: (bytes) => Array.from(bytes, (byte) => (byte < 128 ? String.fromCharCode(byte) : "?")).join(""),
  utf8: decodeUtf8,
};

/** UTF-8 with U+FFFD for what is none. */
function decodeUtf8(bytes: Uint8Array): string {
  let result = "";
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const length =
      lead < 0x80
        ? 1
        : lead >= 0xc2 && lead < 0xe0
          ? 2
          : lead >= 0xe0 && lead < 0xf0
            ? 3
            : lead >= 0xf0 && lead < 0xf5
              ? 4
              : 0;
    let point = length === 1 ? lead : lead & (0xff >> (length + 1));
    let isWhole = length > 0;
    for (let index = 1; index < length; index++) {
      const next = bytes[at + index] ?? 0;
      if ((next & 0xc0) !== 0x80) isWhole = false;
      point = (point << 6) | (next & 0x3f);
    }
    const isOverlong = (length === 3 && point < 0x800) || (length === 4 && (point < 0x10000 || point > 0x10ffff));
    const isSurrogate = point >= 0xd800 && point <= 0xdfff;
    const isGood = isWhole && !isOverlong && !isSurrogate;
    result += isGood ? String.fromCodePoint(point) : "\ufffd";
    at += isGood ? length : 1;
  }
  return result;
}

const convertFromBase64: FunctionDefinition = {
  name: "ConvertFromBase64",
  parameters: [text("source"), { name: "encoding", type: "word", optional: true }],
  returns: "text",
  compile: (call) => {
    const source = textArgument(call, 0);
    const encoding = textArgument(call, 1);
    return (context) => {
      const value = source(context);
      if (value === null) return null;
      const name = (encoding(context) || "Unicode").toLowerCase().replace("utf-8", "utf8");
      const decode = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
      if (!decode) throw new ExpressionError("range", "The encoding of ConvertFromBase64 is Unicode, ASCII or UTF8.");
      try {
        return decode(decodeBase64(value));
      } catch {
        throw new ExpressionError("conversion", "The source of ConvertFromBase64 is not base64.");
      }
    };
  },
};

const stringFromSid: FunctionDefinition = {
  name: "StringFromSid",
  parameters: [{ name: "sid", type: "sid" }],
  returns: "text",
  compile: (call) => {
    const source = call.required(0);
    return (context) => {
      const sid = firstOf(source(context));
      if (sid === null) return null;
      if (typeof sid === "string" && /^S-1-/i.test(sid)) return sid;
      try {
        if (typeof sid === "object" && sid.kind === "binary") return sidFromBytes(decodeBase64(sid.base64));
      } catch {
        // The message below says what is wanted.
      }
      const isPossible = typeof sid === "string" || (typeof sid === "object" && sid.kind === "binary");
      const message = "The argument of StringFromSid is not a binary security identifier.";
      throw new ExpressionError(isPossible ? "conversion" : "type", message);
    };
  },
};

/** A reference stays what it is here, a name; the function exists because DNComponent is documented with it. */
const cRef: FunctionDefinition = {
  name: "CRef",
  parameters: [text("value")],
  returns: "text",
  compile: (call) => textArgument(call, 0),
};

/** The value of the n-th part from the left, unescaped; null when the name has fewer parts. */
const dnComponent: FunctionDefinition = {
  name: "DNComponent",
  parameters: [text("dn"), number("number")],
  returns: "text",
  compile: (call) => {
    const dn = call.required(0);
    const which = call.required(1);
    return (context) => {
      const first = firstOf(dn(context));
      const wanted = requireNumber(which(context), "The number of DNComponent");
      if (first === null || wanted === null) return null;
      if (wanted < 1) throw new ExpressionError("range", `DNComponent counts from 1, not ${wanted}.`);
      const part = splitDn(textOfScalar(first))[wanted - 1];
      return part === undefined ? null : unescapeDnValue(part.slice(part.indexOf("=") + 1).trim());
    };
  },
};

function unescapeDnValue(value: string): string {
  return value.replace(/(?:\\[0-9A-Fa-f]{2})+|\\(.)/gs, (match, character: string | undefined) => {
    if (character !== undefined && !/^(\\[0-9A-Fa-f]{2})+$/.test(match)) return character;
    return decodeUtf8(Uint8Array.from(match.slice(1).split("\\"), (hex) => Number.parseInt(hex, 16)));
  });
}

export const CONVERSION_FUNCTIONS: readonly FunctionDefinition[] = [
  cStr,
  bitAnd,
  convertToBase64,
  convertToUtf8Hex,
  convertFromBase64,
  stringFromSid,
  cRef,
  dnComponent,
];
