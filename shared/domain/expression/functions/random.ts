/** Guid and RandomString. All randomness comes from the context. */

import { type EvaluationContext, type FunctionDefinition, number, optionalText, textArgument } from "../definition.ts";
import { ExpressionError } from "../failure.ts";
import { requireNumber } from "../value.ts";
import { checkConstant } from "./constants.ts";

/** The documented limit. */
const MAXIMUM_LENGTH = 256;
const CLASSES = [
  "0123456789",
  "!@#$%^&*()-_=+[]{}<>?.,:;~",
  "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  "abcdefghijklmnopqrstuvwxyz",
];
const CLASS_NAMES = ["numbers", "special characters", "capitals", "lower-case letters"];

/** A uniformly distributed integer below `limit`; draws that would favour small numbers are thrown away. */
function below(limit: number, random: EvaluationContext["random"]): number {
  const fair = 2 ** 32 - (2 ** 32 % limit);
  for (;;) {
    const drawn = random();
    if (drawn < fair) return drawn % limit;
  }
}

const guid: FunctionDefinition = {
  name: "Guid",
  parameters: [],
  returns: "text",
  compile: () => (context) => {
    const words = Array.from({ length: 4 }, () => context.random().toString(16).padStart(8, "0")).join("");
    const variant = "89ab"[below(4, context.random)];
    // Version 4: the version digit and the variant bits are fixed, the rest is random.
    const hex = `${words.slice(0, 12)}4${words.slice(13, 16)}${variant}${words.slice(17)}`;
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  },
};

const randomString: FunctionDefinition = {
  name: "RandomString",
  parameters: [
    number("Length"),
    number("MinimumNumbers"),
    number("MinimumSpecialCharacters"),
    number("MinimumCapital"),
    number("MinimumLowerCase"),
    optionalText("CharactersToAvoid"),
  ],
  returns: "text",
  compile: (call) => {
    checkConstant(call, 0, `Write a length from 1 to ${MAXIMUM_LENGTH}.`, (value) => {
      checkRequest(requireNumber(value, "The length of RandomString") ?? 0, [], CLASSES);
    });
    const counts = [0, 1, 2, 3, 4].map((index) => call.required(index));
    const avoid = textArgument(call, 5);
    return (context) => {
      const [length = 0, ...minimums] = counts.map(
        (count) => requireNumber(count(context), "An argument of RandomString") ?? 0,
      );
      const avoided = new Set(avoid(context) ?? "");
      const alphabets = CLASSES.map((alphabet) => [...alphabet].filter((character) => !avoided.has(character)));
      checkRequest(length, minimums, alphabets);
      const drawn: string[] = [];
      const draw = (alphabet: readonly string[], times: number) => {
        for (let index = 0; index < times; index++) drawn.push(alphabet[below(alphabet.length, context.random)] ?? "");
      };
      alphabets.forEach((alphabet, index) => {
        draw(alphabet, minimums[index] ?? 0);
      });
      draw(alphabets.flat(), length - drawn.length);
      return shuffled(drawn, context.random).join("");
    };
  },
};

function checkRequest(length: number, minimums: readonly number[], alphabets: readonly ArrayLike<string>[]): void {
  const negative = minimums.find((minimum) => minimum < 0);
  if (negative !== undefined) {
    throw new ExpressionError("range", `RandomString can't have ${negative} characters of a kind.`);
  }
  const least = minimums.reduce((sum, minimum) => sum + minimum, 0);
  if (length < 1 || length > MAXIMUM_LENGTH || least > length) {
    const message = `RandomString can't make ${length} characters with ${least} of given kinds; ${MAXIMUM_LENGTH} is the most.`;
    throw new ExpressionError("range", message);
  }
  const empty = alphabets.findIndex((alphabet, index) => alphabet.length === 0 && (minimums[index] ?? 0) > 0);
  if (empty >= 0 || alphabets.every((alphabet) => alphabet.length === 0)) {
    const kind = CLASS_NAMES[empty] ?? "characters";
    throw new ExpressionError("range", `RandomString must avoid all ${kind}, and is asked for some.`);
  }
}

function shuffled(characters: string[], random: EvaluationContext["random"]): string[] {
  for (let index = characters.length - 1; index > 0; index--) {
    const other = below(index + 1, random);
    const held = characters[index] ?? "";
    characters[index] = characters[other] ?? "";
    characters[other] = held;
  }
  return characters;
}

export const RANDOM_FUNCTIONS: readonly FunctionDefinition[] = [guid, randomString];
