import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyDifference,
  differenceOf,
  type TargetValues,
  withoutProperties,
} from "../../shared/domain/target-value.ts";

const scalar = fc.oneof(
  fc.constantFrom("a", "b", ""),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.constantFrom("x", "y"), { maxLength: 3 }),
);
const nested = fc.dictionary(fc.constantFrom("k1", "k2"), fc.constantFrom("1", "2", null));
const values: fc.Arbitrary<TargetValues> = fc.dictionary(fc.constantFrom("p", "q", "r"), fc.oneof(scalar, nested));
const exported = values.map((own) => applyDifference({}, own));

describe("differences of values (laws)", () => {
  it("written, they leave no difference", () => {
    fc.assert(
      fc.property(exported, values, (had, wanted) => {
        const now = applyDifference(had, differenceOf(had, wanted).changed);
        expect(differenceOf(now, wanted)).toEqual({ changed: {}, blanked: [] });
      }),
    );
  });

  it("what is exported holds no null and no empty list", () => {
    fc.assert(
      fc.property(exported, values, (had, wanted) => {
        const text = JSON.stringify(applyDifference(had, wanted));
        expect(text).not.toContain("null");
        expect(text).not.toContain("[]");
        expect(text).not.toContain("{}}");
      }),
    );
  });

  it("blanked names exactly what had a value and gets none", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("p", "q"), fc.constantFrom("a", "b")),
        fc.dictionary(fc.constantFrom("p", "q"), fc.constantFrom("a", null)),
        (had, wanted) => {
          const gone = Object.keys(wanted).filter((name) => wanted[name] === null && had[name] !== undefined);
          expect(differenceOf(had, wanted).blanked).toEqual(gone.sort());
        },
      ),
    );
  });
});

describe("differences of values", () => {
  it("sends changed keys of a nested property only", () => {
    const had = { ext: { a: "1", b: "2" } };
    expect(differenceOf(had, { ext: { a: "1", b: "3", c: null } })).toEqual({
      changed: { ext: { b: "3" } },
      blanked: [],
    });
    expect(differenceOf(had, { ext: { a: null } })).toEqual({ changed: { ext: { a: null } }, blanked: ["ext.a"] });
  });

  it("leaves properties out by name, nested ones by key", () => {
    expect(withoutProperties({ p: "1", ext: { a: "1", b: "2" } }, ["p", "ext.a"])).toEqual({ ext: { b: "2" } });
    expect(withoutProperties({ ext: { a: "1" } }, ["ext.a"])).toEqual({});
  });

  it("minds the order of a list", () => {
    expect(differenceOf({ p: ["x", "y"] }, { p: ["y", "x"] }).changed).toEqual({ p: ["y", "x"] });
  });
});
