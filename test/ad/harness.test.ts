/** Shows that the test directory is what the tests against it take it for. */

import type { Client } from "ldapts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missingForSamba } from "../support/samba/domain-controller.ts";
import {
  connectLdap,
  DirSyncPage,
  type LdapEntry,
  objectGuidOf,
  searchEntries,
  textOf,
  textsOf,
} from "../support/samba/ldap.ts";
import { dumpAsLdif } from "../support/samba/ldif-dump.ts";
import { generatePopulation } from "../support/samba/population.ts";
import { namedGroups } from "../support/samba/population-groups.ts";
import { type ProjectedObject, type Projection, projectDirectory } from "../support/samba/projection.ts";
import { createPlainAccount, grantRights, mayReplicate } from "../support/samba/rights.ts";
import { type Scene, setUpScene } from "../support/samba/scene.ts";

const users = 2000;
const groups = 200;
const largestGroup = 5000;
const hiddenUsers = 20;
const initialDomain = "contoso.onmicrosoft.com";

let scene: Scene;
let plain: Client;

beforeAll(async () => {
  const missing = missingForSamba();
  if (missing !== undefined) throw new Error(missing);
  scene = await setUpScene({ address: "127.0.0.21", users, groups, largestGroup });
  plain = await connectLdap(scene.controller, {
    user: scene.account.userPrincipalName,
    password: scene.account.password,
  });
  console.log("milliseconds:", JSON.stringify(scene.timings));
});
afterAll(async () => {
  await plain?.unbind();
  await scene?.destroy();
});

async function dirSync(client: Client, cookie: Buffer): Promise<{ entries: LdapEntry[]; cookie: Buffer }> {
  const page = new DirSyncPage(cookie);
  const entries = await searchEntries(client, scene.controller.baseDn, {
    filter: "(|(objectClass=user)(objectClass=organizationalUnit))",
    // The list is a filter too: a change to anything else isn't reported, and without isDeleted no tombstone is.
    attributes: ["objectClass", "name", "isDeleted", "department", "userAccountControl", "userPrincipalName"],
    controls: [page],
  });
  return { entries, cookie: page.next };
}

function project(): Promise<Projection> {
  const { controller, population, verifiedSuffix } = scene;
  return projectDirectory(scene.admin.client, {
    baseDn: controller.baseDn,
    hiddenUnit: population.hiddenUnit,
    domainFqdn: controller.dnsDomain,
    configurationId: "of-no-matter",
    verifiedSuffixes: [verifiedSuffix],
    initialDomain,
  });
}

const findUser = (name: string): Promise<string> => scene.admin.find(`(sAMAccountName=${name})`);
/** The login of a sample person with that number: it ends in the number. */
const person = (number: number): Promise<string> => scene.admin.find(`(sAMAccountName=*.${number})`);

describe("the population", () => {
  it("is the same every time", () => {
    const sizes = { count: 300, groups: 60, largestGroup: 400 };
    const options = { baseDn: "DC=x", ...sizes, verifiedSuffix: "a.example", unverifiedSuffix: "b.example" };
    expect(generatePopulation(options)).toEqual(generatePopulation(options));
  });

  it("is in the directory, byte for byte", async () => {
    const { population, controller } = scene;
    const entries = await searchEntries(scene.admin.client, controller.baseDn, { attributes: ["*"] });
    // Samba escapes these two by their codes.
    const asSambaWrites = (dn: string): string => dn.replaceAll("\\;", "\\3B").replaceAll("\\=", "\\3D");
    const found = new Map(entries.map((entry) => [entry.dn, entry]));
    const everyone = [...population.managers, ...population.people, ...population.systemAccounts];
    expect(everyone).toHaveLength(users);
    expect(population.groups).toHaveLength(groups);
    const rest = [...population.hidden, ...population.contacts, ...population.groups];
    for (const { dn, attributes } of [...everyone, ...rest]) {
      const entry = found.get(asSambaWrites(dn));
      for (const [name, values] of Object.entries(attributes)) {
        if (name === "objectClass" || name === "manager") continue;
        const there = [...(entry?.attributes.get(name) ?? [])].map((value) => value.toString("base64")).sort();
        const wanted = [values].flat().map((value) => Buffer.from(value as string).toString("base64"));
        expect(there, `${name} of ${dn}`).toEqual(wanted.sort());
      }
    }
    for (const { dn, attribute, values } of population.links) {
      const there = textsOf(found.get(asSambaWrites(dn))!, attribute);
      expect(there.sort(), `${attribute} of ${dn}`).toEqual(values.map(asSambaWrites).sort());
    }
    const managed = entries.filter((entry) => textOf(entry, "manager") !== undefined);
    expect(managed.length).toBeGreaterThan(users * 0.9);
    // Units and people keep names that need escapes.
    expect(entries.some(({ dn }) => dn.includes("\\,"))).toBe(true);
    expect(population.units.filter(({ dn }) => !found.has(asSambaWrites(dn)))).toEqual([]);
  });
});

describe("the projection", () => {
  let projection: Projection;
  const byLogin = async (name: string): Promise<ProjectedObject> => projection.users.get(await findUser(name))!;

  beforeAll(async () => {
    projection = await project();
  });

  it("has everyone but the excluded and the hidden", async () => {
    // The account of the agent is a user like any other.
    expect(projection.users.size).toBe(users - scene.population.systemAccounts.length + 1);
    expect(projection.users.has(await findUser("svc-uplink"))).toBe(true);
    expect(projection.hidden.size).toBe(hiddenUsers);
    const reasons = [...projection.excluded.values()];
    expect(new Set(reasons)).toEqual(
      new Set([
        ...["isCriticalSystemObject", "adminDescription User_", "SUPPORT_388945a0", "SystemMailbox", "AAD_", "MSOL_"],
        ...["mailNickname CAS_", "sAMAccountName CAS_", "recipient type"],
      ]),
    );
    for (const name of ["Administrator", "Guest", "krbtgt"]) {
      expect(projection.excluded.get(await findUser(name))).toBe("isCriticalSystemObject");
    }
  });

  it("follows the rules where values are odd", async () => {
    const values = [...projection.users.values()];
    const some = (holds: (user: ProjectedObject) => boolean): boolean => values.some(holds);
    expect(some((user) => user["accountEnabled"] === false)).toBe(true);
    expect(some((user) => String(user["userPrincipalName"]).endsWith(`@${initialDomain}`))).toBe(true);
    expect(some((user) => user["jobTitle"] === undefined)).toBe(true);
    expect(some((user) => user["usageLocation"] === undefined)).toBe(true);
    expect(some((user) => user["usageLocation"] === "CH")).toBe(true);
    expect(some((user) => String(user["mailNickname"]).startsWith("nick."))).toBe(true);
    expect(some((user) => String(user["onPremisesImmutableId"]).length !== 24)).toBe(false);
    expect(some(({ city }) => city !== undefined && city !== String(city).trim())).toBe(false);
    expect(new Set(values.map((user) => String(user["userPrincipalName"]).toLowerCase())).size).toBe(values.length);
    expect(new Set(values.map((user) => user["onPremisesImmutableId"])).size).toBe(values.length);
  });

  it("has the groups that the target can hold, and of their members and managers those that are there", async () => {
    const groupNamed = (name: string): Promise<string> => scene.admin.find(`(&(objectClass=group)(cn=${name}))`);
    const nameOf = (guid: string): unknown =>
      (projection.groups.get(guid) ?? projection.users.get(guid))?.["displayName"];
    const membersOf = async (name: string): Promise<unknown[]> =>
      [...projection.members.get(await groupNamed(name))!].map(nameOf).sort();

    const reasons = [...projection.excludedGroups.values()];
    expect(new Set(reasons)).toEqual(
      new Set(["isCriticalSystemObject", "built-in", "distribution", "adminDescription Group_"]),
    );
    expect(projection.groups.size).toBeGreaterThan(groups * 0.85);
    expect(projection.groups.get(await groupNamed("Überblick @ Köln"))).toEqual({
      displayName: "Überblick @ Köln",
      mailNickname: "UberblickKoln",
      mailEnabled: false,
      securityEnabled: true,
      uniqueName: `uplink-of-no-matter-${await groupNamed("Überblick @ Köln")}`,
    });
    expect(projection.groups.get(await groupNamed("Long alias"))!["mailNickname"]).toBe(`long-${"x".repeat(59)}`);
    const descriptions = [...projection.groups.values()].map(({ description }) => String(description ?? ""));
    expect(Math.max(...descriptions.map(({ length }) => length))).toBe(448);

    const { largest, cycle, chain } = namedGroups;
    const people = scene.population.managers.length + scene.population.people.length;
    expect(projection.members.get(await groupNamed(largest))?.size).toBe(people);
    expect(await membersOf(`${cycle} of two A`)).toContain(`${cycle} of two B`);
    expect(await membersOf(`${cycle} of two B`)).toContain(`${cycle} of two A`);
    expect(await membersOf(`${cycle} of three C`)).toContain(`${cycle} of three A`);
    expect(await membersOf(`${chain} 3`)).toEqual(expect.arrayContaining([`${chain} 4`]));
    expect(await membersOf("Nobody")).toEqual([]);
    expect(await membersOf("Nobody whom the target can hold")).toEqual([]);
    for (const name of [
      "With somebody hidden",
      "With system accounts",
      "With the built-in",
      "With a distribution list",
    ])
      expect(await membersOf(name)).toHaveLength(1);

    const managerOf = (guid: string): string | undefined => projection.managers.get(guid);
    const inCycle = [...projection.managers].filter(([guid, manager]) => managerOf(manager) === guid);
    expect(inCycle).toHaveLength(2);
    const [bottom] = [...projection.managers.keys()].filter((guid) => {
      const levels = [managerOf(guid)];
      while (levels.length < 4) levels.push(managerOf(levels.at(-1) ?? ""));
      return new Set(levels).size === 4 && levels.every((level) => level !== undefined);
    });
    expect(bottom).toBeDefined();
    const refused = await searchEntries(scene.admin.client, scene.controller.baseDn, {
      filter: "(&(objectCategory=person)(objectClass=user)(manager=*))",
      attributes: ["objectGUID"],
    });
    const nowhere = refused.map(objectGuidOf).filter((guid) => projection.users.has(guid) && !managerOf(guid));
    // Whose manager is a system account, hidden, a contact.
    expect(nowhere).toHaveLength(3);
  });

  it("says of one person what a reader of the rules would say", async () => {
    const guid = await scene.admin.createUser(`CN=Users,${scene.controller.baseDn}`, "Doe, Jane", {
      sAMAccountName: "jane.doe",
      userPrincipalName: "Jane.Doe@corp.local",
      givenName: " Jane ",
      sn: "Doe",
      title: "  ",
      l: "Zürich",
      c: "CH",
      telephoneNumber: "+41 44 1",
      employeeID: "42",
      extensionAttribute3: " three ",
      "mS-DS-ConsistencyGuid": Buffer.from("000102030405060708090a0b0c0d0e0f", "hex"),
    });
    projection = await project();
    expect(await byLogin("jane.doe")).toEqual({
      accountEnabled: true,
      displayName: "Doe, Jane",
      mailNickname: "Jane.Doe",
      userPrincipalName: `Jane.Doe@${initialDomain}`,
      onPremisesImmutableId: "AAECAwQFBgcICQoLDA0ODw==",
      givenName: "Jane",
      surname: "Doe",
      city: "Zürich",
      usageLocation: "CH",
      businessPhones: ["+41 44 1"],
      employeeId: "42",
      onPremisesExtensionAttributes: { extensionAttribute3: "three" },
    });
    await scene.admin.delete(guid);
  });
});

describe("the plain account", () => {
  it("sees everything but the hidden unit, also through DirSync", async () => {
    const { users: visible, excluded, hidden } = await project();
    const { entries } = await dirSync(plain, Buffer.alloc(0));
    const seen = new Set(entries.map(objectGuidOf));
    expect([...visible.keys(), ...excluded.keys()].filter((guid) => !seen.has(guid))).toEqual([]);
    expect([...hidden.keys()].filter((guid) => seen.has(guid))).toEqual([]);
    expect(entries.some(({ dn }) => dn.endsWith(scene.population.hiddenUnit))).toBe(false);
    expect(entries.filter(({ dn }) => dn.startsWith("OU="))).toHaveLength(scene.population.units.length);
    const found = await searchEntries(plain, scene.controller.baseDn, {
      filter: "(displayName=*)",
      attributes: ["cn"],
    });
    expect(found.some(({ dn }) => dn.endsWith(scene.population.hiddenUnit))).toBe(false);
    expect(found.length).toBeGreaterThan(users * 0.9);
  });

  it("is told of changes, and of nothing in the hidden unit", async () => {
    const { admin, population, controller } = scene;
    const start = (await dirSync(plain, Buffer.alloc(0))).cookie;
    expect((await dirSync(plain, start)).entries).toEqual([]);

    const [changed, cleared, moved, renamed, disabled, deleted] = [
      ...[await person(200), await person(201), await person(202)],
      ...[await person(203), await person(204), await person(205)],
    ];
    await admin.set(changed!, "department", "Neu, anders");
    await admin.clear(cleared!, "department");
    await admin.move(moved!, population.units[1]!.dn);
    await admin.rename(renamed!, 'Renamed, "Twice" + more');
    await admin.disable(disabled!);
    await admin.enable(disabled!);
    await admin.changeUserPrincipalName(disabled!, "another@example.com");
    await admin.delete(deleted!);
    const brief = await admin.createUser(population.units[2]!.dn, "Here and gone", { sAMAccountName: "brief" });
    await admin.delete(brief);
    const [hidden] = (await project()).hidden.keys();
    await admin.set(hidden!, "department", "nobody sees this");

    const { entries, cookie } = await dirSync(plain, start);
    const reported = new Map(entries.map((entry) => [objectGuidOf(entry), entry]));
    const expected = new Set([changed, cleared, moved, renamed, disabled, deleted, brief]);
    expect(new Set(reported.keys())).toEqual(expected);
    expect(textOf(reported.get(changed!)!, "department")).toBe("Neu, anders");
    expect(reported.get(moved!)!.dn).toContain(population.units[1]!.dn);
    expect(reported.get(renamed!)!.dn).toContain('CN=Renamed\\, \\"Twice\\" \\+ more,');
    for (const guid of [deleted!, brief]) {
      expect(textOf(reported.get(guid)!, "isDeleted")).toBe("TRUE");
      expect(reported.get(guid)!.dn).toContain(`CN=Deleted Objects,${controller.baseDn}`);
      expect(await admin.exists(guid)).toBe(false);
    }

    await admin.undelete(deleted!, "Back again");
    const back = (await dirSync(plain, cookie)).entries;
    expect(back.map(objectGuidOf)).toEqual([deleted]);
    const { users: projected } = await project();
    expect(projected.get(deleted!)).toMatchObject({ displayName: "Back again" });
    expect(projected.get(changed!)).toMatchObject({ department: "Neu, anders" });
    expect(projected.get(cleared!)).not.toHaveProperty("department");
    expect(projected.get(disabled!)).toMatchObject({ accountEnabled: true, userPrincipalName: "another@example.com" });
  });

  it("without sight of CN=Deleted Objects loses tombstones, and nothing says so", async () => {
    const { admin, controller } = scene;
    const blind = await createPlainAccount(controller, admin.client, "svc-blind");
    grantRights(controller, [mayReplicate(controller, blind.sid)]);
    const client = await connectLdap(controller, { user: blind.userPrincipalName, password: blind.password });
    const { cookie } = await dirSync(client, Buffer.alloc(0));
    await admin.delete(await person(300));
    expect((await dirSync(client, cookie)).entries).toEqual([]);
    await client.unbind();
  });

  it("may not replicate without the right", async () => {
    const { admin, controller } = scene;
    const none = await createPlainAccount(controller, admin.client, "svc-none");
    const client = await connectLdap(controller, { user: none.userPrincipalName, password: none.password });
    await expect(dirSync(client, Buffer.alloc(0))).rejects.toThrow();
    await client.unbind();
  });
});

describe("the LDIF dump", () => {
  it("has a record for everyone whom the plain account sees, in lines that any tool can read", async () => {
    const { users: visible, hidden } = await project();
    const dump = await dumpAsLdif(plain, scene.controller.baseDn);
    const unfolded = dump.replaceAll("\n ", "");
    const guids = new Set([...unfolded.matchAll(/^objectGUID::? (.*)$/gm)].map(([, value]) => String(value)));
    const base64Of = (guid: string): string => {
      const [a, b, c, d, e] = guid.split("-").map((part) => Buffer.from(part, "hex"));
      return Buffer.concat([a!.reverse(), b!.reverse(), c!.reverse(), d!, e!]).toString("base64");
    };
    const missing = [...visible.keys()].filter((guid) => !guids.has(base64Of(guid)));
    // An identifier of 16 bytes that are all plain ASCII would stand there as text; none of these is.
    expect(missing).toEqual([]);
    expect([...hidden.keys()].filter((guid) => guids.has(base64Of(guid)))).toEqual([]);
    expect(/[^\n -~]/.exec(dump)).toBeNull();
    expect(dump.split("\n").filter((line) => line.length > 76)).toEqual([]);
  });
});

describe("a stopped controller", () => {
  it("can be copied and put back, with its update numbers rolled back", async () => {
    const { admin, controller } = scene;
    const guid = await person(400);
    await controller.stop();
    const copy = await controller.snapshot();
    await controller.start();
    const again = await connectLdap(controller, { user: controller.adminDn, password: controller.adminPassword });
    const usn = async (client: Client): Promise<number> => {
      const [root] = await searchEntries(client, "", { scope: "base", attributes: ["highestCommittedUSN"] });
      return Number(textOf(root!, "highestCommittedUSN"));
    };
    const before = await usn(again);
    await again.del((await searchEntries(again, `<GUID=${guid}>`, { scope: "base", attributes: ["cn"] }))[0]!.dn);
    expect(await usn(again)).toBeGreaterThan(before);
    await again.unbind();
    await controller.stop();
    await controller.restore(copy);
    await controller.start();
    const restored = await connectLdap(controller, { user: controller.adminDn, password: controller.adminPassword });
    expect(await usn(restored)).toBe(before);
    expect(await searchEntries(restored, `<GUID=${guid}>`, { scope: "base", attributes: ["cn"] })).toHaveLength(1);
    await restored.unbind();
    await expect(admin.read(guid)).resolves.toBeDefined();
  });
});
