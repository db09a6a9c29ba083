import { describe, expect, it } from "vitest";
import type { FunctionDefinition } from "../../../shared/domain/expression/definition.ts";
import { FUNCTIONS } from "../../../shared/domain/expression/functions/index.ts";
import { takesFirstOnly, typeOf, typeOfCall } from "../../../shared/domain/expression/static-type.ts";
import { text } from "./support.ts";

const all = [...FUNCTIONS.values()];
/** Refused at the check, so that nothing comes of them. */
const REFUSED = ["DefaultDomain", "AppRoleAssignments"];

describe("what is known before any object is seen", () => {
  it.each(all.filter(({ returns, name }) => (returns === "any" || returns === "list") && !REFUSED.includes(name)))(
    "the result of $name follows from its arguments",
    (definition) => {
      const args = Array.from({ length: 4 }, () => typeOf("structure"));
      expect(typeOfCall(definition, args).kinds).toBeDefined();
    },
  );

  /** Fitting constants for all arguments but the one that is asked about. */
  const FITTING: Readonly<Record<string, string>> = {
    number: "1",
    date: '"2026-01-31"',
    condition: "1",
    sid: '"S-1-5"',
  };
  const SPECIAL: Readonly<Record<string, string>> = {
    "DateAdd 0": '"d"',
    "DateDiff 0": '"d"',
    "ConvertFromBase64 0": '"SGk="',
    "FormatDateTime 1": '""',
    "FormatDateTime 2": '"yyyy-MM-dd"',
    "FormatDateTime 3": '"dd"',
    "Replace 1": '"1"',
    "Replace 4": '"z"',
  };

  function call({ name, parameters, repeating }: FunctionDefinition, index: number, argument: string): string {
    const listed = [...parameters, ...(repeating?.parameters ?? [])];
    const args = listed.map((parameter, at) => {
      if (at === index) return argument;
      const special = SPECIAL[`${name} ${at}`];
      if (special) return special;
      return parameter.optional && name !== "FormatDateTime" ? "" : (FITTING[parameter.type] ?? '"a"');
    });
    return `${name}(${args.join(", ")})`;
  }

  const ASKED = ["text", "number", "any"];
  const places = all.flatMap((definition) =>
    definition.parameters.flatMap(({ type, optional }, index) =>
      ASKED.includes(type) && !optional && !REFUSED.includes(definition.name)
        ? [[definition.name, index, definition] as const]
        : [],
    ),
  );

  it.each(places)(
    "%s takes the first of several values as its argument %i, or all of them, as is said",
    (_, index, definition) => {
      const parameter = definition.parameters[index]!;
      const values = parameter.type === "number" ? ["1", "2"] : ["1b", "2c"];
      const expression = call(definition, index, "[x]");
      const one = text(expression, { x: [values[0]] });
      const two = text(expression, { x: values });
      if (one.startsWith("failure")) throw new Error(`${expression}: ${one}`);
      const takesFirst = takesFirstOnly(definition, index, parameter.type);
      if (takesFirst) expect(two, expression).toBe(one);
    },
  );

  it.each([
    ["Trim", "1b | 2c"],
    ["StripSpaces", "1b | 2c"],
    ["NormalizeDiacritics", "1b | 2c"],
    ["ToLower", "1b | 2c"],
    ["ToUpper", "1B | 2C"],
    ["ConvertToBase64", "MQBiAA== | MgBjAA=="],
    ["ConvertToUTF8Hex", "3162 | 3263"],
  ])("%s changes every value", (name, wanted) => {
    expect(text(`${name}([x])`, { x: ["1b", "2c"] })).toBe(wanted);
    expect(takesFirstOnly(FUNCTIONS.get(name)!, 0, "text")).toBe(false);
  });
});
