/** Between texts, numbers, bytes and names: CStr, BitAnd, the base64 and hexadecimal functions, SIDs, DN components. */

import { decodeBase64, encodeBase64 } from "../../base64.ts";
import { sidFromBytes, splitDn, utf8Bytes } from "../../values.ts";
import { any, type FunctionDefinition, number, overTexts, text, textArgument } from "../definition.ts";
import { decodeAscii, decodeUtf8, decodeUtf16, utf16Bytes, wellFormed } from "../encodings.ts";
import { ExpressionError } from "../failure.ts";
import { firstOf, requireInteger, requireNumber, textOf, textOfScalar, type Value } from "../value.ts";
import { checkConstant } from "./constants.ts";

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
  compile: overTexts((value) => Array.from(utf8Bytes(wellFormed(value)), hexOf).join("")),
};

const hexOf = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, "0");

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => string>> = {
  unicode: decodeUtf16,
  ascii: decodeAscii,
  utf8: decodeUtf8,
};

function decoderNamed(name: string | null): (bytes: Uint8Array) => string {
  const key = (name || "Unicode").toLowerCase().replace("utf-8", "utf8");
  const decode = Object.hasOwn(DECODERS, key) ? DECODERS[key] : undefined;
  if (decode) return decode;
  throw new ExpressionError("range", "The encoding of ConvertFromBase64 is Unicode, ASCII or UTF8.");
}

const convertFromBase64: FunctionDefinition = {
  name: "ConvertFromBase64",
  parameters: [text("source"), { name: "encoding", type: "word", optional: true }],
  returns: "text",
  compile: (call) => {
    checkConstant(call, 1, "Write one of them, or leave it out for Unicode.", (value) => decoderNamed(textOf(value)));
    const source = textArgument(call, 0);
    const encoding = textArgument(call, 1);
    return (context) => {
      const value = source(context);
      if (value === null) return null;
      const decode = decoderNamed(encoding(context));
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

function componentNumber(value: Value): number | null {
  const wanted = requireNumber(value, "The number of DNComponent");
  if (wanted === null || wanted >= 1) return wanted;
  throw new ExpressionError("range", `DNComponent counts from 1, not ${wanted}.`);
}

/** The value of the n-th part from the left, unescaped; null when the name has fewer parts. */
const dnComponent: FunctionDefinition = {
  name: "DNComponent",
  parameters: [text("dn"), number("number")],
  returns: "text",
  compile: (call) => {
    checkConstant(call, 1, "Count from 1.", (value) => componentNumber(value));
    const dn = call.required(0);
    const which = call.required(1);
    return (context) => {
      const first = firstOf(dn(context));
      const wanted = componentNumber(which(context));
      if (first === null || wanted === null) return null;
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
