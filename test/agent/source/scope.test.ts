/** The pure parts of a scope: units by DN, members by group. */
import { describe, expect, it } from "vitest";
import { createScopeMembers, difference } from "../../../agent/source/scope-members.ts";
import { scopeUnits } from "../../../agent/source/scope-units.ts";

const ROOT = "DC=corp,DC=example,DC=com";

describe("units", () => {
  it.each([
    [`CN=A,OU=Staff,${ROOT}`, true],
    [`cn=a, ou=STAFF , dc=CORP,DC=example,DC=com`, true],
    [`OU=Staff,${ROOT}`, true],
    [`CN=A,OU=Deep,OU=Staff,${ROOT}`, true],
    [`CN=A,OU=Old Staff,${ROOT}`, false],
    [`CN=Smith\\, OU=Staff,${ROOT}`, false],
    [`CN=Smith\\2C OU=Staff,${ROOT}`, false],
    [`CN=A,OU=Staff,OU=Other,${ROOT}`, false],
    [ROOT, false],
  ])("%s: %s", (dn, isIn) => {
    expect(scopeUnits([`OU=Staff,${ROOT}`]).includes(dn)).toBe(isIn);
  });

  it("with commas in their names are told apart by name, however they are escaped", () => {
    const units = scopeUnits([`OU=Staff\\, all,${ROOT}`]);
    expect(units.includes(`CN=A,OU=staff\\2c all,${ROOT}`)).toBe(true);
    expect(units.includes(`CN=A,OU=all,${ROOT}`)).toBe(false);
  });

  it("none of them: everything is in, and nothing is inside of one", () => {
    const units = scopeUnits([]);
    expect([units.includes(ROOT), units.isNear(`OU=A,${ROOT}`), units.isInside(`CN=A,${ROOT}`)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("has what is above it near, and what is beside it not; itself isn't inside", () => {
    const units = scopeUnits([`OU=In,OU=Above,${ROOT}`]);
    expect([ROOT, `OU=Above,${ROOT}`, `OU=Deep,OU=In,OU=Above,${ROOT}`].map(units.isNear)).toEqual([true, true, true]);
    expect([`OU=Beside,OU=Above,${ROOT}`, `OU=Other,${ROOT}`].map(units.isNear)).toEqual([false, false]);
    expect([`OU=In,OU=Above,${ROOT}`, `CN=A,OU=In,OU=Above,${ROOT}`].map(units.isInside)).toEqual([false, true]);
  });
});

describe("members", () => {
  it("stay as long as one group holds them, however often they are told", () => {
    const members = createScopeMembers();
    for (const group of ["g1", "g2"]) members.addGroup(group);
    for (const group of ["g1", "g2", "g1"]) members.add(group, "ann");
    members.remove("g1", "ann");
    members.remove("g1", "ann");
    expect(members.has("ann")).toBe(true);
    members.remove("g2", "ann");
    expect(members.has("ann")).toBe(false);
    expect(members.has("g1")).toBe(true);
    members.setGroupsOf("bob", ["g2", "elsewhere"]);
    members.setGroupsOf("cid", ["elsewhere"]);
    expect([...members.all()].sort()).toEqual(["bob", "g1", "g2"]);
  });

  it("differ by whoever is in one only, groups included", () => {
    const [left, right] = [createScopeMembers(), createScopeMembers()];
    left.addGroup("g1");
    right.addGroup("g1");
    right.addGroup("g2");
    left.add("g1", "ann");
    left.add("g1", "bob");
    right.add("g2", "bob");
    expect([...difference(left, right)].sort()).toEqual(["ann", "g2"]);
  });
});
