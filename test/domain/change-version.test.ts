import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeVersion, endOfRead, NO_VERSION, readNoOf } from "../../shared/domain/change-version.ts";

const triple = fc.tuple(fc.nat(3_000_000_000), fc.nat(999_998), fc.nat(9_999));

describe("the version of a change", () => {
  it("sorts like read, sequence, position (law)", () => {
    fc.assert(
      fc.property(triple, triple, (left, right) => {
        const order = left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
        const [one, two] = [changeVersion(...left), changeVersion(...right)];
        expect(Math.sign(order)).toBe(one < two ? -1 : one > two ? 1 : 0);
        expect(readNoOf(one)).toBe(left[0]);
        expect(one < endOfRead(left[0]) && one >= NO_VERSION).toBe(true);
      }),
    );
  });

  it("ends a read before the next one begins", () => {
    expect(endOfRead(7) < changeVersion(8, 0, 0)).toBe(true);
    expect(readNoOf(endOfRead(7))).toBe(7);
  });

  it.each([
    [-1, 0, 0],
    [0.5, 0, 0],
    [1, 1_000_000, 0],
    [1, 1, 10_000],
  ])("refuses %d, %d, %d", (readNo, sequence, position) => {
    expect(() => changeVersion(readNo, sequence, position)).toThrow(RangeError);
  });
});
