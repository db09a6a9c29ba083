import { describe, expect, it } from "vitest";
import { expiryOf } from "../../shared/domain/account-expiry.ts";
import { fateOf, removalOf } from "../../shared/domain/lifecycle.ts";
import { ALL_FLOWS } from "../../shared/domain/object-flows.ts";

describe("accountExpires", () => {
  it.each([
    ["133485408000000000", Date.UTC(2024, 0, 1)],
    ["133485408000000001", Date.UTC(2024, 0, 1) + 1],
    ["1", -11_644_473_599_999],
    ["0", undefined],
    ["9223372036854775807", undefined],
    ["", undefined],
    ["-1", undefined],
    ["soon", undefined],
  ])("of %s is %s", (text, at) => {
    expect(expiryOf({ accountExpires: [text] })).toBe(at);
  });

  it("that is missing is never", () => expect(expiryOf({})).toBeUndefined());
});

describe("the fate of who ends", () => {
  it("is deletion for a tombstone, whatever the setting, and without a setting", () => {
    for (const setting of [undefined, "delete", "disable", "keep"] as const)
      expect(fateOf(setting, "deleted", "user")).toBe("delete");
    for (const state of ["live", "left", "absent"] as const) expect(fateOf(undefined, state, "group")).toBe("delete");
  });

  it("never disables a group", () => {
    expect(fateOf("disable", "left", "user")).toBe("disable");
    expect(fateOf("disable", "left", "group")).toBe("keep");
    expect(fateOf("delete", "left", "group")).toBe("delete");
  });

  it("takes no removal that is done, or switched off", () => {
    expect(removalOf("disable", ALL_FLOWS, true)).toBeUndefined();
    expect(removalOf("disable", { ...ALL_FLOWS, updates: false }, false)).toBeUndefined();
    expect(removalOf("delete", { ...ALL_FLOWS, deletes: false }, false)).toBeUndefined();
    expect(removalOf("delete", ALL_FLOWS, true)).toBe("deletes");
    expect(removalOf("keep", ALL_FLOWS, false)).toBeUndefined();
  });
});
