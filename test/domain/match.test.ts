import { describe, expect, it } from "vitest";
import { type MatchCandidate, matchObject } from "../../shared/domain/match.ts";

const wish = {
  type: "user" as const,
  immutableId: "AAA",
  userPrincipalName: "ann@corp.example",
  mail: "ann@mail.example",
};
const group = { type: "group" as const, uniqueName: "uplink-c-1" };

function candidate(more: Partial<MatchCandidate> & { readonly id: string }): MatchCandidate {
  return { type: "user", synchronized: false, deleted: false, privileged: false, excluded: false, ...more };
}

describe("matching", () => {
  it.each<[string, readonly MatchCandidate[], unknown]>([
    ["nobody", [], { kind: "none" }],
    [
      "somebody else",
      [candidate({ id: "1", userPrincipalName: "bob@corp.example", immutableId: "B" })],
      { kind: "none" },
    ],
    [
      "the same immutableId",
      [candidate({ id: "1", immutableId: "AAA" })],
      { kind: "match", id: "1", by: "immutableId", restore: false },
    ],
    [
      "the same immutableId, before the same name",
      [candidate({ id: "1", userPrincipalName: "ann@corp.example" }), candidate({ id: "2", immutableId: "AAA" })],
      { kind: "match", id: "2", by: "immutableId" },
    ],
    [
      "a living one before a deleted one",
      [candidate({ id: "1", immutableId: "AAA", deleted: true }), candidate({ id: "2", immutableId: "AAA" })],
      { kind: "match", id: "2", restore: false },
    ],
    [
      "a deleted one with the anchor: restored",
      [candidate({ id: "1", immutableId: "AAA", deleted: true })],
      { kind: "match", restore: true },
    ],
    [
      "a deleted one with the name: not matched",
      [candidate({ id: "1", userPrincipalName: "ann@corp.example", deleted: true })],
      { kind: "none" },
    ],
    [
      "the same name in other case",
      [candidate({ id: "1", userPrincipalName: "ANN@corp.Example" })],
      { kind: "match", by: "userPrincipalName" },
    ],
    ["the same mail", [candidate({ id: "1", mail: "Ann@Mail.example" })], { kind: "match", by: "mail" }],
    [
      "the name of one and the mail of another, both named",
      [candidate({ id: "1", mail: "ann@mail.example" }), candidate({ id: "2", userPrincipalName: "ann@corp.example" })],
      {
        kind: "refused",
        code: "DuplicateTargetEntries",
        message: expect.stringMatching(/: 2 by userPrincipalName, 1 by mail\.$/),
      },
    ],
    [
      "name and mail of one",
      [candidate({ id: "1", mail: "ann@mail.example", userPrincipalName: "ann@corp.example" })],
      { kind: "match", id: "1", by: "userPrincipalName" },
    ],
    [
      "two with one mail",
      [candidate({ id: "2", mail: "ann@mail.example" }), candidate({ id: "1", mail: "ann@mail.example" })],
      { kind: "refused", code: "DuplicateTargetEntries", message: expect.stringContaining("1, 2") },
    ],
    [
      "another anchor",
      [candidate({ id: "1", userPrincipalName: "ann@corp.example", immutableId: "B" })],
      { kind: "refused", code: "InvalidSoftMatch" },
    ],
    [
      "a holder of a role, by name",
      [candidate({ id: "1", userPrincipalName: "ann@corp.example", privileged: true })],
      { kind: "refused", code: "ExistingAdminRoleConflict" },
    ],
    [
      "a holder of a role, by anchor",
      [candidate({ id: "1", immutableId: "AAA", privileged: true })],
      { kind: "refused", code: "ExistingAdminRoleConflict" },
    ],
    [
      "one that another sync masters",
      [candidate({ id: "1", immutableId: "AAA", synchronized: true })],
      { kind: "refused", code: "InvalidHardMatch" },
    ],
    [
      "one that another source object is linked to",
      [candidate({ id: "1", immutableId: "AAA", linkedTo: "c:other" })],
      { kind: "refused", code: "AttributeValueMustBeUnique", message: expect.stringContaining("c:other") },
    ],
  ])("%s", (_, candidates, verdict) => {
    expect(matchObject(wish, candidates)).toMatchObject(verdict as object);
  });

  it.each<[string, readonly MatchCandidate[], unknown]>([
    ["its mail", [candidate({ id: "1", mail: "ANN@primary.example" })], { kind: "match", id: "1", by: "mail" }],
    [
      "the name of one and the mail of another, both named",
      [
        candidate({ id: "1", mail: "ann@primary.example" }),
        candidate({ id: "2", userPrincipalName: "ann@corp.example" }),
      ],
      { kind: "refused", code: "DuplicateTargetEntries", message: expect.stringContaining("1 by mail") },
    ],
    [
      "the mail of two",
      [candidate({ id: "2", mail: "ann@primary.example" }), candidate({ id: "1", mail: "ann@primary.example" })],
      { kind: "refused", code: "DuplicateTargetEntries", message: expect.stringContaining("1, 2") },
    ],
    [
      "the mail of a holder of a role",
      [candidate({ id: "1", mail: "ann@primary.example", privileged: true })],
      { kind: "refused", code: "ExistingAdminRoleConflict" },
    ],
    [
      "the mail of one with another anchor",
      [candidate({ id: "1", mail: "ann@primary.example", immutableId: "B" })],
      { kind: "refused", code: "InvalidSoftMatch" },
    ],
    [
      "the mail of one that another source object is linked to: that is no contest",
      [candidate({ id: "1", mail: "ann@primary.example", immutableId: "B", linkedTo: "c:other" })],
      { kind: "none" },
    ],
  ])("by the primary address of who has no mail: %s", (_, candidates, verdict) => {
    const { mail: _mail, ...without } = wish;
    expect(matchObject({ ...without, address: "ann@primary.example" }, candidates)).toMatchObject(verdict as object);
  });

  it("goes by its mail alone, where it has one", () => {
    const candidates = [candidate({ id: "1", mail: "ann@primary.example" })];
    expect(matchObject({ ...wish, address: "ann@primary.example" }, candidates)).toEqual({ kind: "none" });
  });

  it("says what it knows of the account that it found", () => {
    expect(matchObject(wish, [candidate({ id: "1", immutableId: "AAA", accountEnabled: false })])).toMatchObject({
      accountEnabled: false,
    });
  });

  it.each<[string, readonly MatchCandidate[], unknown]>([
    ["nobody", [], { kind: "none" }],
    [
      "its unique name",
      [candidate({ id: "1", type: "group", uniqueName: "uplink-c-1" })],
      { kind: "match", id: "1", by: "uniqueName", restore: false },
    ],
    [
      "its unique name among the deleted: restored",
      [candidate({ id: "1", type: "group", uniqueName: "uplink-c-1", deleted: true })],
      { kind: "match", id: "1", restore: true },
    ],
    ["a group without one", [candidate({ id: "1", type: "group", mail: "staff@mail.example" })], { kind: "none" }],
    ["a user of that name", [candidate({ id: "1", uniqueName: "uplink-c-1" })], { kind: "none" }],
    [
      "one that another source object is linked to",
      [candidate({ id: "1", type: "group", uniqueName: "uplink-c-1", linkedTo: "c:other" })],
      { kind: "refused", code: "AttributeValueMustBeUnique" },
    ],
  ])("a group: %s", (_, candidates, verdict) => {
    expect(matchObject(group, candidates)).toMatchObject(verdict as object);
  });

  it("takes no group for a user, whatever it is called", () => {
    const groups = [candidate({ id: "1", type: "group", mail: "ann@mail.example", immutableId: "AAA" })];
    expect(matchObject(wish, groups)).toEqual({ kind: "none" });
  });
});
