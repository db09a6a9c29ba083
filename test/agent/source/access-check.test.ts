/** What an access list gives: a table of lists, and descriptors that are none. */
import { describe, expect, it } from "vitest";
import { isGranted, RIGHT } from "../../../agent/source/ldap/access-check.ts";
import { type Ace, descriptorOf } from "../../support/fake-ldap/security-descriptor.ts";

const ME = "S-1-5-21-1-2-3-1104";
const GROUP = "S-1-5-21-1-2-3-513";
const OTHER = "S-1-5-21-1-2-3-9999";
const BOTH = RIGHT.listContents | RIGHT.readProperty;
const READ_PERMISSIONS = 0x20000;
const PROPERTY = Buffer.alloc(16, 7);
const granted = (aces: readonly Ace[] | null) => isGranted(descriptorOf(aces), new Set([ME, GROUP]), BOTH);

describe("is granted", () => {
  it.each<[string, Ace[] | null, boolean]>([
    ["both at once", [{ type: "allow", mask: BOTH | READ_PERMISSIONS, sid: ME }], true],
    [
      "one each, to me and to a group",
      [
        { type: "allow", mask: RIGHT.readProperty, sid: GROUP },
        { type: "allow", mask: RIGHT.listContents, sid: ME },
      ],
      true,
    ],
    ["by an object entry for everything", [{ type: "allowObject", mask: BOTH, sid: ME }], true],
    ["by generic read", [{ type: "allow", mask: 0x80000000, sid: ME }], true],
    ["by generic all", [{ type: "allow", mask: 0x10000000, sid: ME }], true],
    ["where there is no list", null, true],
    [
      "before a denial that comes later",
      [
        { type: "allow", mask: BOTH, sid: ME },
        { type: "deny", mask: BOTH, sid: GROUP },
      ],
      true,
    ],
    [
      "though others are denied",
      [
        { type: "deny", mask: BOTH, sid: OTHER },
        { type: "allow", mask: BOTH, sid: ME },
      ],
      true,
    ],
    ["not: nothing", [], false],
    ["not: Read property alone", [{ type: "allow", mask: RIGHT.readProperty, sid: ME }], false],
    ["not: List contents alone", [{ type: "allow", mask: RIGHT.listContents, sid: ME }], false],
    ["not: another's", [{ type: "allow", mask: BOTH, sid: OTHER }], false],
    ["not: for children only", [{ type: "allow", flags: 8, mask: BOTH, sid: ME }], false],
    ["not: one property's", [{ type: "allowObject", mask: BOTH, sid: ME, objectType: PROPERTY }], false],
    ["not: under a condition", [{ type: "callback", mask: BOTH, sid: ME }], false],
    [
      "not: denied first",
      [
        { type: "deny", mask: RIGHT.listContents, sid: GROUP },
        { type: "allow", mask: BOTH, sid: ME },
      ],
      false,
    ],
    [
      "not: denied for one property first",
      [
        { type: "denyObject", mask: RIGHT.readProperty, sid: ME, objectType: PROPERTY },
        { type: "allow", mask: BOTH, sid: ME },
      ],
      false,
    ],
  ])("%s", (_name, aces, expected) => {
    expect(granted(aces)).toBe(expected);
  });
});

it("takes no descriptor that ends inside", () => {
  const whole = descriptorOf([{ type: "allow", mask: BOTH, sid: ME }]);
  for (const length of [0, 10, 20, 26, 30, whole.length - 1]) {
    expect(() => isGranted(whole.subarray(0, length), new Set([ME]), BOTH)).toThrow(RangeError);
  }
});
