import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  flowingTo,
  flowingToTakenOver,
  NO_RULES,
  sentAgain,
} from "../../../shared/domain/attribute-flow/flow-types.ts";
import type { Link } from "../../../shared/domain/object-record.ts";
import { differenceOf, type TargetValues } from "../../../shared/domain/target-value.ts";

const linkOf = (exported: TargetValues, origin: Link["origin"] = "created"): Link => ({
  targetId: "t",
  owner: "c",
  origin,
  exported,
});
const nested = "onPremisesExtensionAttributes.extensionAttribute1";
const inNested = (value: string | null): TargetValues => ({
  onPremisesExtensionAttributes: { extensionAttribute1: value },
});

describe("ValueAddOnly", () => {
  const rules = { ...NO_RULES, neverClears: ["city", nested], grows: ["emails"] };

  it("replaces a value, and never clears one", () => {
    expect(flowingTo(linkOf({ city: "a" }), { city: "b" }, rules)).toEqual({ city: "b" });
    expect(flowingTo(linkOf({ city: "a" }), { city: null }, rules)).toEqual({});
    expect(flowingTo(linkOf(inNested("a")), inNested(null), rules)).toEqual({});
    expect(flowingTo(linkOf(inNested("a")), inNested("b"), rules)).toEqual(inNested("b"));
  });

  it("adds values to a list, and takes none away", () => {
    const link = linkOf({ emails: ["a", "b"] });
    expect(flowingTo(link, { emails: ["c", "b"] }, rules)).toEqual({ emails: ["a", "b", "c"] });
    expect(flowingTo(link, { emails: [] }, rules)).toEqual({});
    expect(differenceOf(link.exported, flowingTo(link, { emails: ["a"] }, rules)).changed).toEqual({});
  });

  it("leaves the list of an object that was taken over as it is: nobody knows what is in it", () => {
    expect(flowingTo(linkOf({}, "matched"), { emails: ["c"], city: "b" }, rules)).toEqual({ city: "b" });
    expect(flowingToTakenOver({ emails: ["c"], city: "b" }, rules)).toEqual({ city: "b" });
  });
});

describe("AttributeAddOnly", () => {
  const rules = { ...NO_RULES, fillsOnly: ["city", nested] };

  it("gives a value where there is none of ours, once", () => {
    expect(flowingTo(linkOf({}), { city: "b", ...inNested("x") }, rules)).toEqual({ city: "b", ...inNested("x") });
    expect(flowingTo(linkOf({ city: "a", ...inNested("y") }), { city: "b", ...inNested("x") }, rules)).toEqual({});
    expect(flowingTo(linkOf({ city: "a" }), { city: null }, rules)).toEqual({});
  });

  it.each(["matched", "adopted"] as const)("leaves an object alone that was %s", (origin) => {
    expect(flowingTo(linkOf({}, origin), { city: "b" }, rules)).toEqual({});
    expect(flowingToTakenOver({ city: "b", title: "x" }, rules)).toEqual({ title: "x" });
  });
});

describe("a default value", () => {
  const rules = { ...NO_RULES, defaults: { city: "London" } };

  it("stays while the source has nothing, and gives way to what it has", () => {
    expect(flowingTo(linkOf({ city: "London" }), { city: null }, rules)).toEqual({});
    expect(flowingTo(linkOf({ city: "London" }), { city: "Paris" }, rules)).toEqual({ city: "Paris" });
    expect(flowingTo(linkOf({ city: "Paris" }), { city: null }, rules)).toEqual({ city: null });
  });
});

describe("FlowAlways", () => {
  const rules = { ...NO_RULES, always: ["city", "accountEnabled", nested] };

  it("goes with an update, as it is", () => {
    const desired = { city: "b", title: "x", accountEnabled: true, ...inNested("y") };
    expect(sentAgain(desired, { title: "x" }, rules)).toEqual({ city: "b", accountEnabled: true, ...inNested("y") });
  });

  it("sends nothing that waits, clears or disables", () => {
    expect(sentAgain({ city: null, accountEnabled: false }, { title: "x" }, rules)).toEqual({});
    expect(sentAgain({ city: "b" }, { city: "b" }, rules)).toEqual({});
  });
});

describe("laws of the flow types", () => {
  const names = ["a", "b", "list"] as const;
  const values = fc.record({
    a: fc.constantFrom(null, "1", "2"),
    b: fc.constantFrom(null, "1", "2"),
    list: fc.subarray(["1", "2", "3"]),
  });
  const some = fc.subarray([...names]);
  const origin = fc.constantFrom("created" as const, "matched" as const);

  it("whatever never clears, grows or fills blanks nothing", () => {
    fc.assert(
      fc.property(values, values, some, some, origin, (had, wanted, neverClears, fillsOnly, from) => {
        const link = linkOf(had, from);
        const rules = { ...NO_RULES, neverClears, grows: ["list"], fillsOnly };
        const { blanked } = differenceOf(link.exported, flowingTo(link, wanted, rules));
        expect(
          blanked.filter((name) => name === "list" || [...neverClears, ...fillsOnly].includes(name as "a")),
        ).toEqual([]);
      }),
    );
  });

  it("once written, nothing is left to write", () => {
    fc.assert(
      fc.property(values, values, some, (had, wanted, fillsOnly) => {
        const rules = { ...NO_RULES, grows: ["list"], fillsOnly: fillsOnly.filter((name) => name !== "list") };
        const before = linkOf(had);
        const { changed } = differenceOf(before.exported, flowingTo(before, wanted, rules));
        const after = linkOf({ ...had, ...changed });
        expect(differenceOf(after.exported, flowingTo(after, wanted, rules)).changed).toEqual({});
      }),
    );
  });
});
