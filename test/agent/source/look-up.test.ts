/** Objects by name: from a domain controller, whatever is in the name, and from a file. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { LookUpOrder } from "../../../agent/agent-source.ts";
import { createLdifSource } from "../../../agent/source/ldif/ldif-source.ts";
import { LdifSettings } from "../../../agent/source/ldif/settings.ts";
import { CommandAnswer, type ObjectName, type ReadAnswer } from "../../../shared/contracts/agent-commands.ts";
import { createRecordingLog, guidNumber } from "../builders.ts";
import { useDirectory } from "./directory-fixture.ts";

const EVERYTHING = { organizationalUnits: [], groups: [] };

function order(subject: ObjectName, more: Partial<LookUpOrder> = {}): LookUpOrder {
  const attributes = ["displayName", "department", "manager", "member", "userPrincipalName", "distinguishedName"];
  return { subject, members: [], attributes, objectClasses: ["user", "group"], scope: EVERYTHING, ...more };
}

describe("in a directory", () => {
  const f = useDirectory(["DC1"], { recycleBin: true });
  let staff: string;
  let ann: string;
  let bob: string;
  let group: string;

  beforeEach(() => {
    const { dc } = f.served;
    staff = dc.add({ class: "organizationalUnit", name: "Staff, all" });
    ann = dc.add({
      class: "user",
      name: "Ann, A*(x)",
      parent: staff,
      attributes: { displayName: "Ann", userPrincipalName: "ann@corp.example.com" },
    });
    bob = dc.add({ class: "user", name: "Bob", attributes: { displayName: "Bob", manager: [ann] } });
    group = dc.add({ class: "group", name: "Crew" });
    dc.addMembers(group, [ann]);
  });

  async function lookUp(subject: ObjectName, more: Partial<LookUpOrder> = {}): Promise<ReadAnswer> {
    const answer = await f.sourceOf("DC1").lookUp?.(order(subject, more));
    const parsed = CommandAnswer.parse({ leaseEpoch: 1, outcome: answer }).outcome;
    if (parsed.kind !== "read") throw new Error("It was not read.");
    return parsed;
  }

  it("finds one by DN, objectGUID and UPN, whole, with references by GUID", async () => {
    const byGuid = await lookUp({ by: "guid", value: bob });
    expect(byGuid.object).toMatchObject({
      kind: "found",
      change: {
        op: "upsert",
        objectGuid: bob,
        attributes: { displayName: ["Bob"] },
        links: [{ attribute: "manager", add: [{ guid: ann }] }],
      },
    });
    const dn = byGuid.object.kind === "found" && byGuid.object.change.op === "upsert" ? byGuid.object.change.dn : "";
    expect((await lookUp({ by: "dn", value: dn.toUpperCase() })).object).toEqual(byGuid.object);
    const byUpn = await lookUp({ by: "upn", value: "ANN@corp.example.com" });
    expect(byUpn.object).toMatchObject({ kind: "found", change: { objectGuid: ann } });
    const annDn = byUpn.object.kind === "found" && byUpn.object.change.op === "upsert" ? byUpn.object.change.dn : "";
    expect(annDn).toContain("A*(x)");
    expect((await lookUp({ by: "dn", value: annDn })).object).toEqual(byUpn.object);
    expect(byUpn.dsa.dnsName).toMatch(/dc1/i);
  });

  it.each(["*", "*)(objectClass=*", "a\u0000b", "ann@corp.example.com)(|(cn=*"])(
    "takes the name %j for a name, and finds nobody",
    async (value) => {
      for (const by of ["upn", "dn"] as const)
        expect((await lookUp({ by, value })).object).toEqual({ kind: "missing", why: "nobody" });
    },
  );

  it("tells a tombstone, two of one UPN, a unit and a class that nobody asks for", async () => {
    const { dc } = f.served;
    dc.delete(bob);
    expect((await lookUp({ by: "guid", value: bob })).object).toEqual({ kind: "missing", why: "deleted" });
    dc.add({ class: "user", name: "Ann 2", attributes: { userPrincipalName: "ann@corp.example.com" } });
    expect((await lookUp({ by: "upn", value: "ann@corp.example.com" })).object).toMatchObject({ why: "several" });
    expect((await lookUp({ by: "guid", value: staff })).object).toMatchObject({ change: { op: "container" } });
    const contact = dc.add({ class: "contact", name: "Cee" });
    expect((await lookUp({ by: "guid", value: contact })).object).toMatchObject({ why: "class" });
  });

  it("lets nothing but the GUID out of who is outside the scope", async () => {
    const scope = { organizationalUnits: [staff], groups: [] };
    expect((await lookUp({ by: "guid", value: ann }, { scope })).object).toMatchObject({ change: { op: "upsert" } });
    const { object } = await lookUp({ by: "guid", value: bob }, { scope });
    expect(object).toEqual({
      kind: "found",
      change: { op: "leave", objectGuid: bob, reason: "below none of the scope's organizational units" },
    });
  });

  it("says of each member whether the group lists it, and sends no list", async () => {
    const members = [ann, bob].map((value): ObjectName => ({ by: "guid", value }));
    const answer = await lookUp({ by: "guid", value: group }, { members });
    expect(answer.members.map((own) => own.kind === "found" && own.isMember)).toEqual([true, false]);
    const { object } = answer;
    const links = object.kind === "found" && object.change.op === "upsert" ? (object.change.links ?? []) : [];
    expect(links.filter(({ attribute }) => attribute === "member")).toEqual([]);
  });

  it("leaves the connection of a read alone", async () => {
    const source = f.sourceOf("DC1");
    await source.describe();
    const binds = f.served.server.binds.length;
    await source.lookUp?.(order({ by: "guid", value: ann }));
    expect(f.served.server.binds.length).toBe(binds + 1);
    await source.describe();
    expect(f.served.server.binds.length).toBe(binds + 1);
  });
});

describe("in a file", () => {
  it("finds the record, judges its scope, and knows the group's members", async () => {
    const folder = await mkdtemp(join(tmpdir(), "uplink-look-up-"));
    const file = join(folder, "corp.ldif");
    const record = (dn: string, number: number, ...lines: string[]) =>
      `dn: ${dn}\n${lines.join("\n")}\nobjectGUID: ${guidNumber(number)}\n\n`;
    await writeFile(
      file,
      [
        record("DC=corp,DC=example", 1, "objectClass: domainDNS", "objectSid: S-1-5-21-1-2-3"),
        record("OU=Staff,DC=corp,DC=example", 2, "objectClass: organizationalUnit"),
        record("CN=Ann,OU=Staff,DC=corp,DC=example", 3, "objectClass: user", "userPrincipalName: ann@corp.example"),
        record("CN=Bob,DC=corp,DC=example", 4, "objectClass: user"),
        record("CN=Crew,DC=corp,DC=example", 5, "objectClass: group", "member: CN=Ann,OU=Staff,DC=corp,DC=example"),
      ].join(""),
    );
    const settings = LdifSettings.parse({ kind: "ldif", file, pollSeconds: 30, settleMilliseconds: 20 });
    const clock = { now: () => Date.UTC(2026, 10, 22) };
    const source = createLdifSource({ settings, clock, log: createRecordingLog() });
    const lookUp = async (subject: ObjectName, more: Partial<LookUpOrder> = {}) =>
      source.lookUp?.(order(subject, more));
    try {
      for (const name of [
        { by: "upn", value: "ANN@corp.example" },
        { by: "dn", value: "cn=ann, ou=Staff,dc=corp,dc=example" },
        { by: "guid", value: guidNumber(3) },
      ] as const)
        expect((await lookUp(name))?.object).toMatchObject({ kind: "found", change: { objectGuid: guidNumber(3) } });
      const members = [3, 4].map((number): ObjectName => ({ by: "guid", value: guidNumber(number) }));
      const crew = await lookUp({ by: "guid", value: guidNumber(5) }, { members });
      expect(crew?.members.map((own) => own.kind === "found" && own.isMember)).toEqual([true, false]);
      const scope = { organizationalUnits: [guidNumber(2)], groups: [] };
      const out = await lookUp({ by: "guid", value: guidNumber(4) }, { scope });
      expect(out?.object).toMatchObject({ change: { op: "leave" } });
      expect((await lookUp({ by: "upn", value: "*" }))?.object).toEqual({ kind: "missing", why: "nobody" });
    } finally {
      await source.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
