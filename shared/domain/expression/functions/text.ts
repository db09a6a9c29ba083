/**
 * Text functions. A null source gives null unless the documentation says otherwise (Left, Word: an empty text). What
 * changes a text as a whole changes each of several values, as documented for Trim; what takes parts takes the first.
 * Positions count UTF-16 units from 1, as in .NET.
 */

import { cultureOf, toLower, toProperCase, toUpper } from "../casing.ts";
import {
  any,
  type EvaluationContext,
  type FunctionDefinition,
  number,
  optionalText,
  overTexts,
  text,
  textArgument,
} from "../definition.ts";
import { normalizeDiacritics } from "../diacritics.ts";
import { ExpressionError } from "../failure.ts";
import { allOf, isList, listValue, requireNumber, textOf, textOfScalar, type Value } from "../value.ts";
import { chargeSearch, chargeText } from "../work.ts";
import { checkConstant } from "./constants.ts";

const append: FunctionDefinition = {
  name: "Append",
  parameters: [text("source"), text("suffix")],
  returns: "text",
  compile: (call) => {
    const source = textArgument(call, 0);
    const suffix = textArgument(call, 1);
    return (context) => {
      const value = source(context);
      return value === null ? null : value + (suffix(context) ?? "");
    };
  },
};

/** Graph's list of functions has it with a signature only: Append from the other side. */
const prepend: FunctionDefinition = {
  name: "Prepend",
  parameters: [text("prefix"), text("source")],
  returns: "text",
  compile: (call) => {
    const prefix = textArgument(call, 0);
    const source = textArgument(call, 1);
    return (context) => {
      const value = source(context);
      return value === null ? null : (prefix(context) ?? "") + value;
    };
  },
};

/** White space as .NET's Trim knows it: no byte order mark, but the next-line character. */
const OUTER_SPACE = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** A character at a time: a pattern for the end of a text would try anew at every blank in it. */
export function trimmed(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isOuterSpace(value, start)) start++;
  while (start < end && isOuterSpace(value, end - 1)) end--;
  return value.slice(start, end);
}

function isOuterSpace(value: string, at: number): boolean {
  const code = value.charCodeAt(at);
  return (code <= 0x20 || code >= 0x85) && OUTER_SPACE.test(value.charAt(at));
}

const trim: FunctionDefinition = {
  name: "Trim",
  parameters: [text("value")],
  returns: "any",
  compile: overTexts(trimmed),
};

const stripSpaces: FunctionDefinition = {
  name: "StripSpaces",
  parameters: [text("source")],
  returns: "text",
  compile: overTexts((value) => value.replaceAll(" ", "")),
};

const normalize: FunctionDefinition = {
  name: "NormalizeDiacritics",
  parameters: [text("source")],
  returns: "text",
  compile: overTexts(normalizeDiacritics),
};

function caseFunction(name: string, change: typeof toLower): FunctionDefinition {
  return {
    name,
    parameters: [text("source"), optionalText("culture")],
    returns: "text",
    compile: (call) => {
      checkConstant(call, 1, "Write a name such as en-US, or leave it out.", (value) => cultureOf(textOf(value)));
      const source = call.required(0);
      const culture = textArgument(call, 1);
      return (context) => {
        const value = source(context);
        if (value === null) return null;
        const rules = cultureOf(culture(context));
        if (isList(value)) return listValue(allOf(value).map((item) => change(textOfScalar(item), rules)));
        return change(textOfScalar(value), rules);
      };
    },
  };
}

const pCase: FunctionDefinition = {
  name: "PCase",
  parameters: [text("source"), optionalText("wordSeparators")],
  returns: "text",
  compile: (call) => {
    const source = call.required(0);
    const separators = textArgument(call, 1);
    return (context) => {
      const value = source(context);
      if (value === null) return null;
      const boundaries = separators(context);
      if (isList(value)) return listValue(allOf(value).map((item) => toProperCase(textOfScalar(item), boundaries)));
      return toProperCase(textOfScalar(value), boundaries);
    };
  },
};

const left: FunctionDefinition = {
  name: "Left",
  parameters: [text("string"), number("numChars")],
  returns: "text",
  compile: (call) => {
    const source = textArgument(call, 0);
    const count = call.required(1);
    return (context) => {
      const value = source(context);
      if (value === null) return "";
      const wanted = requireNumber(count(context), "The count of Left");
      return wanted === null || wanted < 0 ? value : value.slice(0, wanted);
    };
  },
};

const FROM_ONE = "Count from 1.";

/** A position counted from 1; null when there is none. */
function positionOf(value: Value, what: string): number | null {
  const position = requireNumber(value, what);
  if (position === null || position >= 1) return position;
  throw new ExpressionError("range", `${what} must be 1 or more, not ${position}.`);
}

const mid: FunctionDefinition = {
  name: "Mid",
  parameters: [text("source"), number("start"), number("length")],
  returns: "text",
  compile: (call) => {
    checkConstant(call, 1, FROM_ONE, (value) => positionOf(value, "The start of Mid"));
    const source = textArgument(call, 0);
    const start = call.required(1);
    const length = call.required(2);
    return (context) => {
      const value = source(context);
      if (value === null) return null;
      const from = positionOf(start(context), "The start of Mid") ?? 1;
      const count = requireNumber(length(context), "The length of Mid") ?? 0;
      return count <= 0 ? "" : value.slice(from - 1, from - 1 + count);
    };
  },
};

/** Case-sensitive unless vbTextCompare asks for the other; 0 when there is nothing to find. */
const inStr: FunctionDefinition = {
  name: "InStr",
  parameters: [
    text("value1"),
    text("value2"),
    { name: "start", type: "number", optional: true },
    { name: "compareType", type: "word", optional: true },
  ],
  returns: "number",
  compile: (call) => {
    checkConstant(call, 2, FROM_ONE, (value) => positionOf(value, "The start of InStr"));
    checkConstant(call, 3, "Write one of them.", (value) => isTextCompare(textOf(value)));
    const haystack = textArgument(call, 0);
    const needle = textArgument(call, 1);
    const start = call.arg(2);
    const compareType = textArgument(call, 3);
    return (context) => {
      const where = haystack(context) ?? "";
      const what = needle(context) ?? "";
      const from = (start ? positionOf(start(context), "The start of InStr") : null) ?? 1;
      if (from > where.length) return 0n;
      const isText = isTextCompare(compareType(context));
      chargeSearch(context.work, where, what);
      const index = isText ? toUpper(where).indexOf(toUpper(what), from - 1) : where.indexOf(what, from - 1);
      return BigInt(index + 1);
    };
  },
};

function isTextCompare(compareType: string | null): boolean {
  if (compareType === null || compareType === "" || compareType === "vbBinaryCompare") return false;
  if (compareType === "vbTextCompare") return true;
  throw new ExpressionError("range", "The compare type of InStr is vbTextCompare or vbBinaryCompare.");
}

/** Neighbouring delimiters hold no word between them. */
const word: FunctionDefinition = {
  name: "Word",
  parameters: [text("string"), number("wordNumber"), text("delimiters")],
  returns: "text",
  compile: (call) => {
    const source = textArgument(call, 0);
    const wordNumber = call.required(1);
    const delimiters = textArgument(call, 2);
    return (context) => {
      const value = source(context);
      const wanted = requireNumber(wordNumber(context), "The word number of Word");
      if (value === null || wanted === null || wanted < 1) return "";
      const separators = new Set(delimiters(context) ?? "");
      let found = "";
      let count = 0;
      for (const character of value) {
        if (!separators.has(character)) found += character;
        else if (found !== "") {
          count++;
          if (count === wanted) return found;
          found = "";
        }
      }
      return found !== "" && count + 1 === wanted ? found : "";
    };
  },
};

/** Every value of every source, without the empty ones: they add no separator. */
const join: FunctionDefinition = {
  name: "Join",
  parameters: [text("separator"), { ...any("source"), optional: true }],
  repeating: { parameters: [{ ...any("source"), optional: true }], times: 0 },
  returns: "text",
  compile: (call) => {
    if (call.count < 2) throw call.fail("arity", "Join lacks its source.", "Write Join(separator, source, …).");
    const separator = call.required(0);
    const sources = Array.from({ length: call.count - 1 }, (_, index) => call.required(index + 1));
    return (context: EvaluationContext) => {
      const parts: string[] = [];
      for (const source of sources) {
        for (const item of allOf(source(context))) {
          const part = textOfScalar(item);
          if (part !== "") parts.push(part);
        }
      }
      const between = textOf(separator(context)) ?? "";
      // Before it is made: many long sources may be more than the memory.
      chargeText(
        context.work,
        parts.reduce((sum, part) => sum + part.length + between.length, 0),
      );
      return parts.join(between);
    };
  },
};

export const TEXT_FUNCTIONS: readonly FunctionDefinition[] = [
  append,
  prepend,
  trim,
  stripSpaces,
  normalize,
  caseFunction("ToLower", toLower),
  caseFunction("ToUpper", toUpper),
  pCase,
  left,
  mid,
  inStr,
  word,
  join,
];
