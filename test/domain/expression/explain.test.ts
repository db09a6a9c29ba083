import { describe, expect, it } from "vitest";
import { type ExplainedOutcome, explainExpression } from "../../../shared/domain/expression/explain.ts";
import { textOfScalar } from "../../../shared/domain/expression/value.ts";
import { contextOf, type Source } from "./support.ts";

function shown(outcome: ExplainedOutcome): string {
  switch (outcome.kind) {
    case "value":
      return textOfScalar(outcome.value);
    case "multi":
      return outcome.values.map(textOfScalar).join(" | ");
    case "error":
      return `error ${outcome.code}: ${outcome.message}`;
    default:
      return outcome.kind;
  }
}

function lines(expression: string, source: Source = {}): string[] {
  const explained = explainExpression(expression, contextOf(source, { parameters: { Domain: "contoso.com" } }));
  if (!explained.ok) throw new Error(explained.failure.message);
  expect(shown(explained.outcome)).toBe(shown(explained.parts[0]!.outcome));
  return explained.parts.map(({ text, position, depth, outcome }) => {
    expect(expression.slice(position, position + 1)).toBe(text.slice(0, 1));
    return `${"  ".repeat(depth)}${text} -> ${shown(outcome)}`;
  });
}

describe("the explanation of an expression", () => {
  it("shows every part below the one that it belongs to, and branches not taken", () => {
    const expression = 'IIF(IsPresent([mail]),\n  ToLower([mail]), Join("@", [account], %Domain%) & "x")';
    expect(lines(expression, { account: "Ann" })).toEqual([
      'IIF(IsPresent([mail]), ToLower([mail]), Join("@", [account], %Domain%) & "x") -> Ann@contoso.comx',
      "  IsPresent([mail]) -> False",
      "    [mail] -> null",
      "  ToLower([mail]) -> not-evaluated",
      "    [mail] -> not-evaluated",
      '  Join("@", [account], %Domain%) & "x" -> Ann@contoso.comx',
      '    Join("@", [account], %Domain%) -> Ann@contoso.com',
      "      [account] -> Ann",
      "      %Domain% -> contoso.com",
    ]);
  });

  it("shows where it failed, in every part that failed by it", () => {
    expect(lines("Append(Left([a], [b]), [c])", { a: "x", b: "y", c: "z" })).toEqual([
      "Append(Left([a], [b]), [c]) -> error conversion: The count of Left must be an integer, not a text of 1 characters.",
      "  Left([a], [b]) -> error conversion: The count of Left must be an integer, not a text of 1 characters.",
      "    [a] -> x",
      "    [b] -> y",
      "  [c] -> not-evaluated",
    ]);
  });

  it("shows several values, comparisons, and an attribute left out of the flow", () => {
    expect(lines('CBool([a] = "x")', { a: "x" })).toEqual([
      'CBool([a] = "x") -> True',
      '  [a] = "x" -> True',
      "    [a] -> x",
    ]);
    expect(lines("RemoveDuplicates([a])", { a: ["1", "2", "1"] })).toEqual([
      "RemoveDuplicates([a]) -> 1 | 2",
      "  [a] -> 1 | 2 | 1",
    ]);
    expect(lines("Trim(IgnoreFlowIfNullOrEmpty([a]))")).toEqual([
      "Trim(IgnoreFlowIfNullOrEmpty([a])) -> ignore",
      "  IgnoreFlowIfNullOrEmpty([a]) -> ignore",
      "    [a] -> null",
    ]);
  });

  it("shows a constant that is the whole expression", () => {
    expect(lines('"x"')).toEqual(['"x" -> x']);
    expect(lines('""')).toEqual(['"" -> null']);
  });

  it("hides what Redact hides: inside it, around it, and where the same attribute is read", () => {
    const expression = 'Join("-", Redact(Trim([secret])), [open], IIF([Secret] = "s", "a", "b"), [none])';
    expect(lines(expression, { secret: "s", Secret: "s", open: "o" })).toEqual([
      `${expression} -> redacted`,
      "  Redact(Trim([secret])) -> redacted",
      "    Trim([secret]) -> redacted",
      "      [secret] -> redacted",
      "  [open] -> o",
      '  IIF([Secret] = "s", "a", "b") -> redacted',
      '    [Secret] = "s" -> redacted',
      "      [Secret] -> redacted",
      "  [none] -> null",
    ]);
    expect(lines("Append(Redact([secret]), [a])", {})[1]).toBe("  Redact([secret]) -> null");
    const failed = lines("Error(Redact([secret]))", { secret: "s3cret" });
    expect(failed[0]).toBe("Error(Redact([secret])) -> error custom: The message may hold what Redact hides.");
    expect(failed.join()).not.toContain("s3cret");
  });

  it("says how a text can't be compiled", () => {
    expect(explainExpression("Trimm([a])", contextOf({}))).toMatchObject({
      ok: false,
      failure: { code: "unknown-function", position: 0 },
    });
  });

  it("bounds the work of the whole expression, not of every part", () => {
    const expression = `Join("", ${Array.from({ length: 40 }, () => 'Replace([a], , "(a+)+$", , "", , )').join(", ")})`;
    const explained = explainExpression(expression, contextOf({ a: `${"a".repeat(16)}b` }));
    expect(explained).toMatchObject({ ok: true, outcome: { kind: "error", code: "limit" } });
  });
});
