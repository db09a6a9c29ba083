import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Drift, driftOf, valuesWith } from "../../shared/domain/drift.ts";
import { stepOf } from "../../shared/domain/link-difference.ts";
import { type Edge, isUnsettled } from "../../shared/domain/links.ts";
import type { Link } from "../../shared/domain/object-record.ts";
import { planObject } from "../../shared/domain/plan.ts";
import { applyDifference, type TargetValues } from "../../shared/domain/target-value.ts";
import { stillWaived } from "../../shared/domain/waived.ts";

const aLink = (exported: TargetValues, more: Partial<Link> = {}): Link => ({
  targetId: "t",
  owner: "c",
  origin: "created",
  exported,
  ...more,
});
const NAMES = ["city", "mail", "userPrincipalName", "otherMails", "extensions.a", "extensions.b", "accountEnabled"];

const values: fc.Arbitrary<TargetValues> = fc
  .record({
    city: fc.option(fc.constantFrom("Bern", "Basel")),
    mail: fc.option(fc.constantFrom("a@x.example", "A@x.example", "b@x.example")),
    accountEnabled: fc.boolean(),
    otherMails: fc.subarray(["1", "2", "3"]),
    extensions: fc.record({ a: fc.option(fc.constant("1")), b: fc.constantFrom("1", "2") }),
  })
  .map((own) => applyDifference({}, own));

describe("the difference between what was exported and what the target shows", () => {
  it("is told by property and key, with both values", () => {
    const exported = { city: "Bern", extensions: { a: "1", b: "2" }, accountEnabled: true };
    const actual = { extensions: { a: "1", b: "3" }, accountEnabled: false, jobTitle: "x" };
    expect(driftOf(aLink(exported), actual, [...NAMES, "jobTitle"])).toEqual([
      { property: "accountEnabled", expected: true, actual: false },
      { property: "city", expected: "Bern", actual: null },
      { property: "extensions.b", expected: "2", actual: "3" },
    ]);
  });

  it("is none in case of names, order of lists, what is in doubt, and what was never exported", () => {
    const exported = { userPrincipalName: "Ann@x.example", otherMails: ["1", "2"], city: "Bern" };
    const link = aLink(exported, { doubt: { at: 1, properties: ["city"] } });
    const actual = { userPrincipalName: "ann@X.example", otherMails: ["2", "1"], city: "Basel", mail: "a@x.example" };
    expect(driftOf(link, actual, NAMES)).toEqual([]);
  });

  it("is gone once what the target shows counts as exported (law)", () => {
    fc.assert(
      fc.property(values, values, (exported, actual) => {
        const drifts = driftOf(aLink(exported), actual, NAMES);
        const after = aLink(applyDifference(exported, valuesWith(drifts)));
        expect(driftOf(after, actual, NAMES)).toEqual([]);
        // Only what differed has changed.
        const named = new Set(drifts.map(({ property }: Drift) => property));
        const untouched = NAMES.filter((name) => !named.has(name));
        expect(driftOf(aLink(after.exported), exported, untouched)).toEqual([]);
      }),
    );
  });
});

describe("what an admin let the target keep", () => {
  it("is not sent, and ends with any other word of the source", () => {
    const link = aLink({ city: "Thun" }, { waived: { city: "Bern", manager: "guid" } });
    const same = { values: { city: "Bern" }, references: { manager: "guid" } };
    expect(stillWaived(link, same)).toBe(link);
    expect(stillWaived(link, { values: { city: "Bern" }, references: {} }).waived).toEqual({ city: "Bern" });
    expect(stillWaived(link, { values: { city: null }, references: {} }).waived).toBeUndefined();
    const record = {
      configurationId: "c",
      objectGuid: "g",
      objectClass: "user",
      dn: "",
      image: {},
      state: "live" as const,
      version: "",
      scope: "",
    };
    const desired = { kind: "present" as const, values: { city: "Bern", title: "x" } };
    expect(planObject({ ...record, link }, desired, { allow: [], now: 0 }).action).toMatchObject({
      kind: "update",
      values: { title: "x" },
    });
  });

  it("of members is settled while it is wanted, and forgotten after that", () => {
    const edge: Edge = { version: "1", wanted: true, state: "waived" };
    const referee = { targetId: "t", isDeleted: false };
    expect(isUnsettled(edge)).toBe(false);
    expect(stepOf(edge, referee, 0)).toEqual({ kind: "settled" });
    const gone: Edge = { ...edge, wanted: false };
    expect(isUnsettled(gone)).toBe(true);
    expect(stepOf(gone, referee, 0)).toEqual({ kind: "forget" });
  });
});
