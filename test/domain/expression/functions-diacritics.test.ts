/** NormalizeDiacritics: every character of the documented table, composed and decomposed, and what isn't in it. */

import { describe, expect, it } from "vitest";
import { text } from "./support.ts";

const normalized = (source: string) => text("NormalizeDiacritics([x])", { x: source });

/** The base letter, and everything that becomes it. */
const TABLE: readonly (readonly [string, string])[] = [
  ["a", "ä à â ã å á ą ă ā ā́ ā̀ ā̂ ā̃ ǟ ā̈ ǡ a̱ å̄"],
  ["ae", "æ ǣ"],
  ["c", "ç č ć c̄ c̱"],
  ["d", "ď d̄ ḏ"],
  ["e", "ë è é ê ę ě ė ē ḗ ḕ ē̂ ē̃ ê̄ e̱ ë̄ e̊̄"],
  ["g", "ğ ḡ g̱"],
  ["i", "ï î ì í ı ī ī́ ī̀ ī̂ ī̃ i̱"],
  ["l", "ľ ł l̄ ḹ ḻ"],
  ["n", "ñ ń ň n̄ ṉ"],
  ["o", "ö ò ő õ ô ó ō ṓ ṑ ō̂ ō̃ ȫ ō̈ ǭ ȭ ȱ o̱"],
  ["oe", "ø ø̄ œ̄"],
  ["r", "ř r̄ ṟ ṝ"],
  ["ss", "ß"],
  ["s", "š ś ș ş s̄ s̱"],
  ["t", "ť ț t̄ ṯ"],
  ["u", "ü ù û ú ů ű ū ū́ ū̀ ū̂ ū̃ u̇̄ ǖ ṻ ṳ̄ u̱"],
  ["y", "ÿ ý ȳ ȳ́ ȳ̀ ȳ̃ y̱"],
  ["z", "ź ž ż z̄ ẕ"],
];
/** The right half of the table: the same in capitals, and İ. */
const CAPITALS: readonly (readonly [string, string])[] = [
  ...TABLE.filter(([base]) => base !== "ss").map(
    ([base, marked]) => [base.toUpperCase(), marked.replace(/ı /, "").toUpperCase()] as const,
  ),
  ["I", "İ"],
];

describe("a letter with its marks becomes the letter", () => {
  it.each([...TABLE, ...CAPITALS])("%s: %s", (base, marked) => {
    const letters = marked.split(" ");
    expect(letters.length).toBeGreaterThan(0);
    for (const form of ["NFC", "NFD"] as const) {
      expect(letters.map((letter) => normalized(letter.normalize(form)))).toEqual(letters.map(() => base));
    }
  });
});

describe("names", () => {
  it.each([
    ["Zoë", "Zoe"],
    ["Jürgen Groß", "Jurgen Gross"],
    ["GROẞ", "GROẞ"],
    ["Søren Ægir", "Soeren AEgir"],
    ["Ærø", "AEroe"],
    ["Świętosław", "Swietoslaw"],
    ["İbrahim Yıldız", "Ibrahim Yildiz"],
    ["Nguyễn Thị Hồng", "Nguyen Thi Hong"],
    ["Đặng", "Đang"],
    ["Þór Ħal ðŋ", "Þór Ħal ðŋ".replace("ó", "o")],
    ["œuvre", "œuvre"],
    ["Иванов Йорк", "Иванов Йорк"],
    ["Γιώργος", "Γιώργος"],
    ["José\u0301", "Jose"],
    ["a b-c_d'e.1", "a b-c_d'e.1"],
    ["", ""],
  ])("%s", (name, expected) => expect(normalized(name)).toBe(expected));

  it("one by one, where there are several", () => {
    expect(text("NormalizeDiacritics([x])", { x: ["é", "ö"] })).toBe("e | o");
    expect(text("NormalizeDiacritics([x])", {})).toBe("null");
    expect(text("NormalizeDiacritics([x], [y])", {})).toBe("failure: arity");
    expect(text("NormalizeDiacritics()", {})).toBe("failure: arity");
  });
});
