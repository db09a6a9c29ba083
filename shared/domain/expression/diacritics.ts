/**
 * Latin letters without their marks: canonical decomposition with the marks removed, and a short table for letters
 * that don't decompose. German and Nordic vowels are not transliterated (ä is a, ø is oe because the documented table
 * says so). Other scripts stay as they are: a mark there may be half of the letter.
 */

const ASCII = /^[\0-\x7f]*$/;
const MARKED_LATIN = /(\p{Script=Latin})[\u0300-\u036f]+/gu;
const MARKED_OE = /([œŒ])[\u0300-\u036f]+/g;
const UNDECOMPOSED = /[æÆøØßłŁı]/g;

const TABLE: Readonly<Record<string, string>> = {
  æ: "ae",
  Æ: "AE",
  ø: "oe",
  Ø: "OE",
  œ: "oe",
  Œ: "OE",
  ß: "ss",
  ł: "l",
  Ł: "L",
  ı: "i",
};

export function normalizeDiacritics(text: string): string {
  if (ASCII.test(text)) return text;
  return text
    .normalize("NFD")
    .replace(MARKED_OE, (_, letter: string) => TABLE[letter] ?? letter)
    .replace(MARKED_LATIN, "$1")
    .replace(UNDECOMPOSED, (letter) => TABLE[letter] ?? letter)
    .normalize("NFC");
}
