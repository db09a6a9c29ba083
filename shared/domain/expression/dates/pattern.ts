/**
 * .NET's custom date format strings, cut into tokens: runs of a specifier letter, quoted and escaped text, and every
 * other character as it stands. A single letter is a standard format, replaced by the custom one of the invariant
 * culture; `%d` is how a lone specifier is written. An unquoted Z is a field as well: it is written as it stands, but
 * read it says that the text is in UTC.
 */

import { ExpressionError } from "../failure.ts";

export type DateToken =
  | { readonly kind: "field"; readonly letter: string; readonly count: number }
  | { readonly kind: "text"; readonly text: string };

export const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
export const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const STANDARD: Readonly<Record<string, string>> = {
  d: "MM/dd/yyyy",
  D: "dddd, dd MMMM yyyy",
  f: "dddd, dd MMMM yyyy HH:mm",
  F: "dddd, dd MMMM yyyy HH:mm:ss",
  g: "MM/dd/yyyy HH:mm",
  G: "MM/dd/yyyy HH:mm:ss",
  m: "MMMM dd",
  M: "MMMM dd",
  o: "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
  O: "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK",
  r: "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
  R: "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
  s: "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
  t: "HH:mm",
  T: "HH:mm:ss",
  u: "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
  U: "dddd, dd MMMM yyyy HH:mm:ss",
  y: "yyyy MMMM",
  Y: "yyyy MMMM",
};

const FIELD_LETTERS = "dfFghHKmMstyz";
const known = new Map<string, readonly DateToken[]>();
/** Patterns are constants of a schema; the bound only guards against patterns made from data. */
const MAXIMUM_KNOWN = 500;

export function datePattern(format: string): readonly DateToken[] {
  const found = known.get(format);
  if (found) return found;
  const tokens = cut(expand(format));
  if (known.size >= MAXIMUM_KNOWN) known.clear();
  known.set(format, tokens);
  return tokens;
}

function expand(format: string): string {
  if (format.length !== 1) return format;
  const custom = STANDARD[format];
  if (custom === undefined) throw new ExpressionError("date", `'${format}' is not a date format.`);
  return custom;
}

function cut(format: string): DateToken[] {
  const tokens: DateToken[] = [];
  const addText = (text: string) => {
    const last = tokens.at(-1);
    if (last?.kind === "text") tokens[tokens.length - 1] = { kind: "text", text: last.text + text };
    else tokens.push({ kind: "text", text });
  };
  for (let at = 0; at < format.length; at++) {
    const letter = format[at] ?? "";
    if (letter === "'" || letter === '"') {
      const quoted = readQuoted(format, at);
      addText(quoted.text);
      at = quoted.end;
    } else if (letter === "\\") {
      at++;
      if (at >= format.length) throw new ExpressionError("date", "A date format can't end in a backslash.");
      addText(format[at] ?? "");
    } else if (letter === "%") {
      if (!FIELD_LETTERS.includes(format[at + 1] ?? "%")) {
        throw new ExpressionError("date", "In a date format, % must stand before one specifier.");
      }
    } else if (letter === "Z") {
      tokens.push({ kind: "field", letter, count: 1 });
    } else if (FIELD_LETTERS.includes(letter)) {
      let count = 1;
      while (letter !== "K" && format[at + 1] === letter) {
        count++;
        at++;
      }
      if ((letter === "f" || letter === "F") && count > 7) {
        throw new ExpressionError("date", "A date format has at most seven digits of a second.");
      }
      tokens.push({ kind: "field", letter, count });
    } else {
      addText(letter);
    }
  }
  return tokens;
}

function readQuoted(format: string, start: number): { text: string; end: number } {
  const quote = format[start];
  let text = "";
  for (let at = start + 1; at < format.length; at++) {
    if (format[at] === quote) return { text, end: at };
    if (format[at] === "\\") at++;
    text += format[at] ?? "";
  }
  throw new ExpressionError("date", "A quoted text in a date format has no end.");
}
