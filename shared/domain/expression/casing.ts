/**
 * Upper, lower and title case as .NET does them: one UTF-16 character becomes one character (`ß` stays, no final
 * sigma), and the invariant culture leaves the Turkish i's alone. JavaScript's own functions do neither, so they are
 * applied to one code point at a time, and a result of another length is refused.
 */

import { ExpressionError } from "./failure.ts";

const ASCII = /^[\0-\x7f]*$/;
/** İ, ı and ſ: the invariant culture maps none of them. */
const INVARIANT_EXCEPTIONS = new Set(["\u0130", "\u0131", "\u017f"]);
const CULTURE = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;

type Culture = "invariant" | "turkic" | "other";

/** Which of the three ways a culture's name asks for; null and "" are the invariant culture. */
export function cultureOf(name: string | null): Culture {
  if (name === null || name === "") return "invariant";
  if (!CULTURE.test(name)) {
    throw new ExpressionError("culture", `'${name}' is not the name of a culture such as en-US.`);
  }
  const language = name.split("-")[0]?.toLowerCase();
  return language === "tr" || language === "az" ? "turkic" : "other";
}

export function toLower(text: string, culture: Culture = "invariant"): string {
  if (culture !== "turkic" && ASCII.test(text)) return text.toLowerCase();
  return mapCharacters(text, (character) => {
    if (character === "\u0130") return culture === "invariant" ? character : "i";
    if (character === "I" && culture === "turkic") return "\u0131";
    return character.toLowerCase();
  });
}

export function toUpper(text: string, culture: Culture = "invariant"): string {
  if (culture !== "turkic" && ASCII.test(text)) return text.toUpperCase();
  return mapCharacters(text, (character) => {
    if (culture === "invariant" && INVARIANT_EXCEPTIONS.has(character)) return character;
    if (character === "i" && culture === "turkic") return "\u0130";
    const changed = character.toUpperCase();
    return changed.length === character.length ? changed : withIotaBelow(character);
  });
}

/**
 * The Greek letters whose capital JavaScript writes as two: with the iota beside it. One character has a capital of
 * one, and .NET takes that.
 */
function withIotaBelow(character: string): string {
  const code = character.charCodeAt(0);
  const isOfRows = code >= 0x1f80 && code <= 0x1faf && (code & 8) === 0 && character.length === 1;
  if (isOfRows) return String.fromCharCode(code + 8);
  return code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3 ? String.fromCharCode(code + 9) : character;
}

function mapCharacters(text: string, change: (character: string) => string): string {
  let result = "";
  for (const character of text) {
    const changed = change(character);
    result += changed.length === character.length ? changed : character;
  }
  return result;
}

/** The digraphs that have a form of their own at the head of a word. */
const TITLE_FORMS: Readonly<Record<string, string>> = { ǆ: "ǅ", ǉ: "ǈ", ǌ: "ǋ", ǳ: "ǲ" };
const LETTER = /^\p{L}$/u;
const WORD_SEPARATOR = /^[\p{Z}\p{Cc}\p{Cf}\p{P}\p{S}]$/u;

function titled(character: string): string {
  return TITLE_FORMS[character] ?? toUpper(character);
}

/**
 * Proper case. Without `separators` by the word rules of .NET's ToTitleCase, an apostrophe being part of its word;
 * with them, those characters alone end a word.
 */
export function toProperCase(text: string, separators: string | null): string {
  const boundary = separators === null ? null : new Set(separators);
  let result = "";
  let inWord = false;
  for (const character of toLower(text)) {
    if (boundary) {
      result += inWord ? character : titled(character);
      inWord = !boundary.has(character);
    } else if (inWord) {
      result += character;
      inWord = character === "'" || !WORD_SEPARATOR.test(character);
    } else {
      inWord = LETTER.test(character);
      result += inWord ? titled(character) : character;
    }
  }
  return result;
}
