import { describe, expect, it } from "vitest";
import { nearestName } from "../../shared/domain/nearest-name.ts";

const NAMES = ["Trim", "Left", "IsNull", "IsNullOrEmpty", "NormalizeDiacritics", "Mid", "co", "cn"];

describe("the nearest name", () => {
  it.each([
    ["Trimm", "Trim"],
    ["trim", "Trim"],
    ["Tirm", "Trim"],
    ["Let", "Left"],
    ["IsNul", "IsNull"],
    ["IsNullOrEmty", "IsNullOrEmpty"],
    ["NormaliseDiacritic", "NormalizeDiacritics"],
    ["Frobnicate", undefined],
    ["MID", "Mid"],
    ["ca", undefined],
    ["CN", "cn"],
    ["", undefined],
  ])("to %j is %s", (written, wanted) => {
    expect(nearestName(written, NAMES)).toBe(wanted);
  });
});
