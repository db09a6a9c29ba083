/** Text and tree of an expression: what Graph exports, what agrees, and what is told where the two part. */
import { describe, expect, it } from "vitest";
import { expressionOf, readSource, sourceOf } from "../../shared/domain/attribute-flow/source-expression.ts";
import { defaultSchemaFor } from "../../shared/domain/default-schema.ts";
import { compileExpression } from "../../shared/domain/expression/compile.ts";
import { parse } from "../../shared/domain/expression/parser.ts";
import { printExpression } from "../../shared/domain/expression/print.ts";
import type { AttributeMappingSource } from "../../shared/domain/synchronization-schema.ts";
import { TARGET_NAMES } from "../../shared/domain/targets.ts";
import vectors from "../fixtures/vectors/expressions.json" with { type: "json" };

type Edit = (source: AttributeMappingSource) => AttributeMappingSource;

/** Changes every node of a tree, from the leaves up. */
function everywhere(source: AttributeMappingSource, edit: Edit): AttributeMappingSource {
  const parameters = (source.parameters ?? []).map(({ key, value }) => ({
    key,
    value: value && everywhere(value, edit),
  }));
  return edit({ ...source, parameters });
}

const expressions = [
  ...TARGET_NAMES.flatMap((name) => defaultSchemaFor(name).synchronizationRules)
    .flatMap((rule) => rule.objectMappings)
    .flatMap((mapping) => mapping.attributeMappings)
    .map((one) => one.source?.expression ?? ""),
  ...vectors
    // A tree has one spelling, with a blank after each comma: at the limit of length that is too long.
    .filter((one) => one.expression.length < 9_000 && compileExpression(one.expression).ok)
    .map((one) => one.expression),
  'IIF([a]="1", , "x")',
  "IIF(IsPresent([a]), [b], )",
  'Replace([a], , "(?<g>\\\\d+)", "g", , [b], )',
  'Switch([a], , "x", "1", "y", "2")',
  '[a] & " " & Trim([b]) & %DomainFQDN%',
  "CBool([a] >= 2)",
  'InStr([a], "b", 1, vbTextCompare)',
  "Guid()",
  'DateAdd("d", -7, Now())',
];

/** What a tree says by itself. */
const bare = (source: AttributeMappingSource) => everywhere(source, (own) => ({ ...own, expression: null }));

describe("the tree of a text", () => {
  it("says what the text says, read alone", () => {
    expect(expressions.length).toBeGreaterThan(300);
    for (const text of expressions) {
      const alone = bare(sourceOf(text));
      const written = expressionOf(alone) ?? "";
      expect(printExpression(parse(written)), text).toBe(written);
      expect(bare(sourceOf(written)), text).toEqual(alone);
      expect(compileExpression(written).ok, written).toBe(true);
    }
  });

  it("agrees with the text, in all of its parts", () => {
    for (const text of expressions) {
      const source = sourceOf(text);
      expect(readSource({ ...source, expression: text }), text).toMatchObject({ kind: "expression" });
      expect(readSource(source), text).toMatchObject({ kind: "expression" });
    }
  });

  it("is in Graph's shape, with its keys in its order", () => {
    const text = 'IIF(BitAnd([userAccountControl], 2)="0", "True", "False")';
    const constant = (value: string) => ({ expression: `"${value}"`, name: value, type: "Constant", parameters: [] });
    const uac = { expression: "[userAccountControl]", name: "userAccountControl", type: "Attribute", parameters: [] };
    expect(JSON.stringify(sourceOf(text).parameters)).toBe(
      JSON.stringify([
        {
          key: "one",
          value: {
            expression: "BitAnd([userAccountControl], 2)",
            name: "BitAnd",
            type: "Function",
            parameters: [
              { key: "left", value: uac },
              { key: "right", value: constant("2") },
            ],
          },
        },
        { key: "two", value: constant("=") },
        { key: "three", value: constant("0") },
        { key: "four", value: constant("True") },
        { key: "five", value: constant("False") },
      ]),
    );
    const join = sourceOf('Join("@", [sAMAccountName], %DomainFQDN%)');
    expect(join.expression).toBe('Join("@", [sAMAccountName], )');
    expect(join.parameters?.map(({ key }) => key)).toEqual(["separator", "source", "source"]);
    expect(join.parameters?.[2]?.value).toEqual({
      expression: null,
      name: "%DomainFQDN%",
      type: "Constant",
      parameters: [],
    });
    const date = sourceOf('FormatDateTime(DateFromNum([pwdLastSet]), , "yyyyMMddHHmmss.0Z")');
    expect(date.parameters?.map(({ key }) => key)).toEqual(["source", "outputFormat"]);
    expect(sourceOf("%DomainFQDN%")).toEqual({
      expression: null,
      name: "%DomainFQDN%",
      type: "Constant",
      parameters: [],
    });
  });
});

describe("text and tree", () => {
  const join = sourceOf('Join("@", [sAMAccountName], %DomainFQDN%)');

  it("are one expression where job parameters stand in the tree only", () => {
    expect(readSource(join)).toEqual({
      kind: "expression",
      expression: 'Join("@", [sAMAccountName], %DomainFQDN%)',
      isOfTree: true,
    });
    expect(expressionOf(join)).toBe('Join("@", [sAMAccountName], %DomainFQDN%)');
    const nested = sourceOf("IIF(IsPresent([a]), [a], Append(Trim([b]), %DomainFQDN%))");
    expect(nested.expression).not.toContain("%");
    expect(expressionOf(nested)).toBe("IIF(IsPresent([a]), [a], Append(Trim([b]), %DomainFQDN%))");
  });

  it("agree whatever the white space, the quotes of numbers and the arguments that are left out", () => {
    const agrees = (text: string, of: string) => readSource({ ...sourceOf(of), expression: text }).kind;
    expect(agrees(" Left ( [a] ,\n 3 ) ", 'Left([a], "3")')).toBe("expression");
    expect(agrees("BitAnd([a], &H0F)", "BitAnd([a], 15)")).toBe("expression");
    expect(agrees('Replace([a], , "x", , "y", , )', 'Replace([a], , "x", , "y")')).toBe("expression");
    expect(agrees('FormatDateTime([a], , "x", "y")', 'FormatDateTime([a], "x", "y")')).toBe("expression");
  });

  it.each([
    ["another attribute", "Trim([a])", "Trim([b])"],
    ["another function", "Trim([a])", "ToLower([a], )"],
    ["another constant", 'Append([a], "x")', 'Append([a], "y")'],
    ["another operator", 'IIF([a]="1", "x", "y")', 'IIF([a]<>"1", "x", "y")'],
    ["another branch", 'IIF(IsPresent([a]), "x", "y")', 'IIF(IsPresent([a]), "x", )'],
    ["one argument more", 'Join("", [a], [b])', 'Join("", [a])'],
    ["one argument less", 'Join("", [a])', 'Join("", [a], [b])'],
    ["a condition that is none", "IIF(IsPresent([a]), [a], [b])", 'IIF([a]="1", [a], [b])'],
    ["a constant for an attribute", "[mail]", '"mail"'],
  ])("part over %s, and both are named", (_what, text, tree) => {
    const reading = readSource({ ...sourceOf(tree), expression: text });
    expect(reading).toMatchObject({ kind: "disagreement", text });
    expect(reading.kind === "disagreement" && bare(sourceOf(reading.tree))).toEqual(bare(sourceOf(tree)));
  });

  it("part where a text inside the tree says something else, there and not above", () => {
    const source = sourceOf("Trim(Left([a], 3))");
    const edited = everywhere(source, (own) => (own.name === "Left" ? { ...own, expression: "Left([a], 4)" } : own));
    expect(readSource(edited)).toEqual({ kind: "disagreement", text: "Left([a], 4)", tree: 'Left([a], "3")' });
  });

  it("may stand alone: a text, a tree, a function without parameters, or nothing", () => {
    expect(readSource({ expression: "Trim([a])" })).toMatchObject({ expression: "Trim([a])", isOfTree: false });
    expect(readSource({ name: "a b", type: "Constant" })).toMatchObject({ expression: '"a b"', isOfTree: true });
    expect(readSource({ expression: "Trim([a])", name: "Trim", type: "Function", parameters: [] })).toMatchObject({
      expression: "Trim([a])",
    });
    expect(readSource({ expression: "a b", name: "a b", type: "Constant" })).toMatchObject({ expression: '"a b"' });
    for (const source of [null, undefined, {}, { expression: null, name: null }, { expression: "  " }])
      expect(readSource(source)).toEqual({ kind: "nothing" });
  });
});
