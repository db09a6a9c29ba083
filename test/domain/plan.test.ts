import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Link, ObjectRecord } from "../../shared/domain/object-record.ts";
import { type ObjectPlan, planObject, REMOVAL_CLASSES, RESTORE_WINDOW_MS } from "../../shared/domain/plan.ts";
import { applyDifference, type TargetValues } from "../../shared/domain/target-value.ts";

const NOW = 1_000_000_000_000;
const options = { allow: REMOVAL_CLASSES, now: NOW };

function record(link?: Partial<Link>, more: Partial<ObjectRecord> = {}): ObjectRecord {
  return {
    configurationId: "c",
    objectGuid: "0b5f0f0e-1111-4222-8333-444455556666",
    objectClass: "user",
    dn: "CN=a",
    image: {},
    state: "live",
    version: "",
    scope: "",
    ...(link ? { link: { targetId: "t", owner: "c", origin: "created", exported: {}, ...link } } : {}),
    ...more,
  };
}

const present = (values: TargetValues) => ({ kind: "present" as const, values });
const absent = { kind: "absent" as const, reason: "gone" };

describe("planning one object", () => {
  it("creates what has no link, without nulls", () => {
    const { action } = planObject(
      record(),
      present({ displayName: "Ann", department: null, businessPhones: [] }),
      options,
    );
    expect(action).toEqual({ kind: "create", values: { displayName: "Ann" } });
  });

  it("sends what changed, and nothing else", () => {
    const link = { exported: { displayName: "Ann", department: "Sales" } };
    const { action } = planObject(record(link), present({ displayName: "Ann", department: "Finance" }), options);
    expect(action).toEqual({ kind: "update", targetId: "t", values: { department: "Finance" } });
  });

  it("leaves a property alone that another object holds", () => {
    const link = { exported: { mail: "a@x", department: "Sales" } };
    const wanted = present({ mail: "b@x", department: "Finance" });
    const { action } = planObject(record(link), wanted, { ...options, held: ["mail"] });
    expect(action).toMatchObject({ values: { department: "Finance" } });
    expect(action).not.toHaveProperty("values.mail");
  });

  it.each<[string, ObjectRecord, Parameters<typeof planObject>[1], string]>([
    ["a delete", record({}), absent, "deletes"],
    ["a disable", record({ exported: { accountEnabled: true } }), present({ accountEnabled: false }), "disables"],
    ["a blanked value", record({ exported: { department: "Sales" } }), present({ department: null }), "blanks"],
    [
      "a blanked key of a nested property",
      record({ exported: { onPremisesExtensionAttributes: { extensionAttribute1: "x" } } }),
      present({ onPremisesExtensionAttributes: { extensionAttribute1: null } }),
      "blanks",
    ],
  ])("leaves %s to the end of the read, and carries it out when its class is allowed", (_, own, desired, removal) => {
    expect(planObject(own, desired, { allow: [], now: NOW })).toMatchObject({
      action: { kind: "none" },
      waiting: [removal],
    });
    const done = planObject(own, desired, { allow: [removal as "deletes"], now: NOW });
    expect(done.waiting).toEqual([]);
    expect(done.action.kind).not.toBe("none");
  });

  it("sends the rest while a removal waits", () => {
    const own = record({ exported: { accountEnabled: true, department: "Sales", title: "Boss" } });
    const plan = planObject(own, present({ accountEnabled: false, department: null, title: "Aide" }), {
      allow: [],
      now: NOW,
    });
    expect(plan).toMatchObject({ action: { values: { title: "Aide" } }, waiting: ["disables", "blanks"] });
  });

  it("sends what is in doubt whatever was exported, its removals by their classes", () => {
    const doubt = {
      at: 1,
      properties: ["accountEnabled", "department", "onPremisesExtensionAttributes.extensionAttribute1"],
    };
    const own = record({ exported: { accountEnabled: false, displayName: "Ann" }, doubt });
    const wanted = present({
      accountEnabled: false,
      department: null,
      displayName: "Ann",
      onPremisesExtensionAttributes: { extensionAttribute1: "x", extensionAttribute2: null },
    });
    const values = {
      accountEnabled: false,
      department: null,
      onPremisesExtensionAttributes: { extensionAttribute1: "x" },
    };
    expect(planObject(own, wanted, options)).toMatchObject({ action: { kind: "update", values }, waiting: [] });
    expect(planObject(own, wanted, { allow: [], now: NOW })).toEqual({
      action: {
        kind: "update",
        targetId: "t",
        values: { onPremisesExtensionAttributes: { extensionAttribute1: "x" } },
      },
      waiting: ["disables", "blanks"],
      settled: "no-op",
    });
  });

  it("never deletes what another configuration owns, or what is deleted already", () => {
    expect(planObject(record({ owner: "other" }), absent, options).action.kind).toBe("none");
    expect(planObject(record({ deletedAt: NOW - 1 }), absent, options).action.kind).toBe("none");
    expect(planObject(record(), absent, options).action.kind).toBe("none");
  });

  it("restores within the window, and creates anew after it", () => {
    const own = (age: number) => record({ deletedAt: NOW - age, exported: { displayName: "Ann" } });
    const wanted = present({ displayName: "Ann", department: "Sales" });
    expect(planObject(own(RESTORE_WINDOW_MS), wanted, options).action).toEqual({
      kind: "restore",
      targetId: "t",
      values: { department: "Sales" },
    });
    expect(planObject(own(RESTORE_WINDOW_MS + 1), wanted, options).action.kind).toBe("create");
  });
});

const scalar = fc.oneof(
  fc.constantFrom("a", "b", "c"),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.constantFrom("x", "y"), { maxLength: 2 }),
);
const nested = fc.dictionary(fc.constantFrom("k1", "k2"), fc.constantFrom("1", "2", null));
const values: fc.Arbitrary<TargetValues> = fc.record(
  {
    displayName: fc.constantFrom("A", "B"),
    accountEnabled: fc.boolean(),
    department: scalar,
    phones: scalar,
    ext: nested,
  },
  { requiredKeys: [] },
);
const exported = values.map((own) => applyDifference({}, own));

/** What the target and the link hold after the plan was carried out. */
function after(own: ObjectRecord, plan: ObjectPlan): ObjectRecord {
  const before = own.link?.exported ?? {};
  switch (plan.action.kind) {
    case "none":
      return own;
    case "delete":
      return record({ exported: before, deletedAt: NOW });
    case "create":
      return record({ exported: applyDifference({}, plan.action.values) });
    default:
      return record({ exported: applyDifference(before, plan.action.values) });
  }
}

describe("what is switched off for a class", () => {
  const without = (...off: string[]) => ({
    adds: !off.includes("Add"),
    updates: !off.includes("Update"),
    deletes: !off.includes("Delete"),
  });
  const changed = present({ department: "Finance", accountEnabled: false, title: null });
  const linked = { exported: { department: "Sales", accountEnabled: true, title: "x" } };

  it.each<[string, ObjectRecord, Parameters<typeof planObject>[1]]>([
    ["Add", record(), changed],
    ["Add", record({ deletedAt: NOW - 1 }), changed],
    ["Add", record({ deletedAt: NOW - RESTORE_WINDOW_MS - 1 }), changed],
    ["Update", record(linked), changed],
    ["Delete", record(linked, { state: "deleted" }), absent],
    ["Delete", record(linked, { state: "left" }), absent],
  ])("%s: nothing is done, nothing waits, and it is named", (what, own, desired) => {
    for (const allow of [[], REMOVAL_CLASSES]) {
      const plan = planObject(own, desired, { allow, now: NOW, flows: without(what) });
      expect(plan).toEqual({ action: { kind: "none" }, waiting: [], settled: "filtered", switchedOff: what });
    }
  });

  it("is not named where there would be nothing to do", () => {
    const same = planObject(record(linked), present(linked.exported), { ...options, flows: without("Update") });
    expect(same).toEqual({ action: { kind: "none" }, waiting: [], settled: "no-op" });
    expect(planObject(record(), absent, { ...options, flows: without("Delete") })).not.toHaveProperty("switchedOff");
  });

  it("switches nothing else off", () => {
    const flows = without("Add", "Delete");
    expect(planObject(record(linked), changed, { ...options, flows }).action.kind).toBe("update");
    expect(planObject(record(), changed, { ...options, flows: without("Update", "Delete") }).action.kind).toBe(
      "create",
    );
    expect(planObject(record(linked), absent, { ...options, flows: without("Add", "Update") }).action.kind).toBe(
      "delete",
    );
  });
});

describe("values that always flow", () => {
  const rules = { neverClears: [], grows: [], fillsOnly: [], always: ["city"], defaults: {} };
  const link = { exported: { city: "Rome", department: "Sales" } };

  it("go with an update, and make none", () => {
    const moved = { kind: "present" as const, values: { city: "Rome", department: "Finance" }, rules };
    expect(planObject(record(link), moved, options).action).toMatchObject({
      values: { city: "Rome", department: "Finance" },
    });
    const same = { kind: "present" as const, values: link.exported, rules };
    expect(planObject(record(link), same, options).action).toEqual({ kind: "none" });
  });
});

describe("the planner's laws", () => {
  it("the plan after apply is empty", () => {
    fc.assert(
      fc.property(fc.option(exported, { nil: undefined }), values, fc.boolean(), (had, wanted, isThere) => {
        const own = record(had && { exported: had });
        const desired = isThere ? present(wanted) : absent;
        const again = planObject(after(own, planObject(own, desired, options)), desired, options);
        expect(again).toMatchObject({ action: { kind: "none" }, waiting: [] });
      }),
    );
  });

  it("the order of keys decides nothing", () => {
    fc.assert(
      fc.property(exported, values, (had, wanted) => {
        const turned = Object.fromEntries(Object.entries(wanted).reverse());
        const plan = (own: TargetValues) =>
          JSON.stringify(planObject(record({ exported: had }), present(own), options));
        expect(plan(turned)).toBe(plan(wanted));
      }),
    );
  });

  it("a removal never leaves without its class", () => {
    fc.assert(
      fc.property(exported, values, fc.subarray([...REMOVAL_CLASSES]), (had, wanted, allow) => {
        const { action } = planObject(record({ exported: had }), present(wanted), { allow, now: NOW });
        const result = action.kind === "update" ? applyDifference(had, action.values) : had;
        if (!allow.includes("disables") && had["accountEnabled"] === true) expect(result["accountEnabled"]).toBe(true);
        if (!allow.includes("blanks")) for (const name of Object.keys(had)) expect(result).toHaveProperty(name);
        expect(
          planObject(record({ exported: had }), absent, { allow: allow.filter((own) => own !== "deletes"), now: NOW })
            .action.kind,
        ).toBe("none");
      }),
    );
  });

  it("a null never clears what was not exported", () => {
    fc.assert(
      fc.property(exported, values, (had, wanted) => {
        const { action } = planObject(record({ exported: had }), present(wanted), options);
        if (action.kind !== "update") return;
        for (const [name, value] of Object.entries(action.values)) if (value === null) expect(had).toHaveProperty(name);
      }),
    );
  });
});
