import { describe, expect, it } from "vitest";
import { parseFilter } from "../../shared/domain/odata-filter.ts";

const termsOf = (text: string) => {
  const parsed = parseFilter(text);
  if (!parsed.ok) throw new Error(`${parsed.kind}: ${parsed.fault} (${parsed.position})`);
  return parsed.terms.map(({ property, operator, value, isQuoted }) => [property, operator, value, isQuoted]);
};

describe("$filter", () => {
  it("reads comparisons, nested properties, texts and moments, joined by 'and', in parentheses or without", () => {
    expect(
      termsOf(
        "jobId eq 'AD2AAD.x' and (provisioningStatusInfo/status eq 'failure' and activityDateTime ge 2026-01-05T08:00:00Z)",
      ),
    ).toEqual([
      ["jobId", "eq", "AD2AAD.x", true],
      ["provisioningStatusInfo/status", "eq", "failure", true],
      ["activityDateTime", "ge", "2026-01-05T08:00:00Z", false],
    ]);
    expect(termsOf(" ((a lt 3)) ")).toEqual([["a", "lt", "3", false]]);
    expect(termsOf("contains(sourceIdentity/displayName, 'O''Neil, (x) and y')")).toEqual([
      ["sourceIdentity/displayName", "contains", "O'Neil, (x) and y", true],
    ]);
    expect(termsOf("a eq ''")).toEqual([["a", "eq", "", true]]);
  });

  it.each<[string, "unsupported" | "malformed", number, string]>([
    ["a eq 'x' or b eq 'y'", "unsupported", 9, "'or'"],
    ["not (a eq 'x')", "unsupported", 0, "'not'"],
    ["a in ('x')", "unsupported", 2, "'in'"],
    ["startswith(a, 'x')", "unsupported", 0, "startswith"],
    ["", "malformed", 0, "a property"],
    ["a eq 'x", "malformed", 5, "closing quote"],
    ["a eq", "malformed", 4, "a value"],
    ["a is 'x'", "malformed", 2, "operator"],
    ["(a eq 'x'", "malformed", 9, "')'"],
    ["a eq 'x')", "malformed", 8, "')'"],
    ["a eq 'x' and", "malformed", 12, "a property"],
    ["a eq 'x' b eq 'y'", "malformed", 9, "'b'"],
    ["'a' eq 'x'", "malformed", 0, "a property"],
    ["contains(a 'x')", "malformed", 11, "','"],
  ])("refuses %j by what is wrong and where", (text, kind, position, words) => {
    expect(parseFilter(text)).toEqual({ ok: false, kind, position, fault: expect.stringContaining(words) });
  });

  it("stays small: length, number of terms and depth are bounded", () => {
    expect(parseFilter(`a eq '${"x".repeat(2_000)}'`)).toMatchObject({ ok: false, kind: "malformed" });
    expect(parseFilter(Array(21).fill("a eq 1").join(" and "))).toMatchObject({ ok: false, kind: "malformed" });
    expect(parseFilter(`${"(".repeat(500)}a eq 1${")".repeat(500)}`)).toMatchObject({ ok: false, kind: "malformed" });
  });
});
