/**
 * The agent's LDAP source against a real Active Directory (Samba), as the plain account that the documentation asks for: what a
 * full read brings is what a search shows, and every kind of edit arrives as the change it is.
 */

import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AgentSource } from "../../agent/agent-source.ts";
import { createLdapSource } from "../../agent/source/ldap/ldap-source.ts";
import { LdapSettings } from "../../agent/source/ldap/settings.ts";
import { createLdifSource } from "../../agent/source/ldif/ldif-source.ts";
import { LdifSettings } from "../../agent/source/ldif/settings.ts";
import { Change, type Watermark } from "../../shared/contracts/change.ts";
import { createRecordingLog } from "../agent/builders.ts";
import { missingForSamba } from "../support/samba/domain-controller.ts";
import { connectLdap, objectGuidOf, searchEntries } from "../support/samba/ldap.ts";
import { dumpAsLdif } from "../support/samba/ldif-dump.ts";
import {
  createPlainAccount,
  grantRights,
  mayReplicate,
  maySeeDeletedObjects,
  type PlainAccount,
} from "../support/samba/rights.ts";
import { type Scene, setUpScene } from "../support/samba/scene.ts";

const USERS = 400;
const log = createRecordingLog();
let scene: Scene;
let source: AgentSource;
let watermark: Watermark | null = null;
let folder: string;

/** Every source attribute that the default user mapping names and this directory's schema has. */
const ATTRIBUTES = [
  ...new Set(
    [
      ...readFileSync(new URL("../fixtures/data/default-user-mapping.tsv", import.meta.url), "utf8").matchAll(
        /\[([A-Za-z0-9-]+)\]/g,
      ),
    ].map((match) => String(match[1])),
  ),
  "distinguishedName",
  "isCriticalSystemObject",
  "adminDescription",
].filter((name, index, all) => all.findIndex((other) => other.toLowerCase() === name.toLowerCase()) === index);

beforeAll(async () => {
  const missing = missingForSamba();
  if (missing !== undefined) throw new Error(missing);
  scene = await setUpScene({ address: "127.0.0.22", users: USERS });
  source = sourceFor(scene.account);
  folder = await mkdtemp(join(tmpdir(), "uplink-ad-"));
});
afterAll(async () => {
  await source?.close();
  await scene?.destroy();
  await rm(folder, { recursive: true, force: true });
});

function sourceFor(account: Pick<PlainAccount, "userPrincipalName" | "password">): AgentSource {
  return createLdapSource({
    settings: LdapSettings.parse({
      kind: "ldap",
      url: scene.controller.url,
      bindDn: account.userPrincipalName,
      caFile: scene.controller.caFile,
    }),
    environment: { UPLINK_LDAP_PASSWORD: account.password },
    clock: { now: () => Date.now() },
    log,
  });
}

const everything = { scope: { organizationalUnits: [], groups: [] }, reportsLeaves: false };

async function read(kind: "full" | "delta", attributes = ATTRIBUTES): Promise<Change[]> {
  const changes: Change[] = [];
  const order = { kind, attributes, objectClasses: ["user", "inetOrgPerson"], watermark, ...everything };
  for await (const page of source.read(order)) {
    for (const change of page.changes) changes.push(Change.parse(change));
    if (page.isLast) watermark = page.watermarkAfter ?? null;
  }
  return changes;
}

type Upsert = Extract<Change, { op: "upsert" }>;
const upsertsOf = (changes: readonly Change[]) => changes.filter((change): change is Upsert => change.op === "upsert");
const byGuid = (changes: readonly Change[]) => new Map(changes.map((change) => [change.objectGuid, change]));
const aPerson = async (index: number) => {
  const dn = scene.population.people[index]?.dn ?? "";
  return scene.admin.find(
    `(distinguishedName=${dn.replace(/[\\*()]/g, (character) => `\\${character.charCodeAt(0).toString(16)}`)})`,
  );
};

describe("rights", () => {
  it.each([
    ["without sight of CN=Deleted Objects", "Deleted Objects", (sid: string) => [mayReplicate(scene.controller, sid)]],
    [
      "without the right to replicate",
      "Replicating Directory Changes",
      (sid: string) => [maySeeDeletedObjects(scene.controller, sid)],
    ],
  ])("%s nothing runs", async (_name, what, grants) => {
    const account = await createPlainAccount(scene.controller, scene.admin.client, `svc-${what.length}`);
    grantRights(scene.controller, grants(account.sid));
    const poor = sourceFor(account);
    await expect(poor.describe()).rejects.toMatchObject({
      code: "source-rights",
      message: expect.stringContaining(what),
    });
    await poor.close();
  });

  it("sight of deleted objects is proved by the container's permissions, or by a deleted object, or nothing runs", async () => {
    const { controller, admin } = scene;
    const container = `CN=Deleted Objects,${controller.baseDn}`;
    const outcomeOf = async (name: string, ...aces: string[]) => {
      const account = await createPlainAccount(controller, admin.client, name);
      grantRights(controller, [
        mayReplicate(controller, account.sid),
        ...aces.map((rights) => ({ dn: container, aces: `(${rights};;;${account.sid})` })),
      ]);
      return async () => {
        const one = sourceFor(account);
        return one
          .describe()
          .then(
            () => "runs",
            (error: Error) => /Nothing proves|can't see/.exec(error.message)?.[0] ?? error.message,
          )
          .finally(() => one.close());
      };
    };
    const provable = await outcomeOf("svc-provable", "A;;LCRPRC");
    const unprovable = await outcomeOf("svc-unprovable", "A;;LCRP");
    const withoutList = await outcomeOf("svc-nolist", "A;;RPRC");
    const withoutBoth = await outcomeOf("svc-noproof", "A;;RP");
    const withoutRead = await outcomeOf("svc-noread", "A;;LCRC");
    // The later one goes in front.
    const denied = await outcomeOf("svc-denied", "A;;LCRPRC", "D;;LC");
    expect(await provable()).toBe("runs");
    expect(await unprovable()).toBe("Nothing proves");
    const gone = await admin.createUser(String(scene.population.units[1]?.dn), "Proof", { sAMAccountName: "proof" });
    await admin.delete(gone);
    expect(await unprovable()).toBe("runs");
    expect(await withoutBoth()).toBe("Nothing proves");
    for (const lacking of [withoutList, withoutRead, denied]) expect(await lacking()).toBe("can't see");
  });

  it("a wrong password is said to be one", async () => {
    await expect(sourceFor({ ...scene.account, password: "wrong" }).describe()).rejects.toMatchObject({
      code: "source-credentials",
    });
  });
});

it("knows the domain and its controller", async () => {
  expect(await source.describe()).toMatchObject({
    domain: { fqdn: scene.controller.dnsDomain, sid: scene.controller.domainSid },
    visibility: "partial",
  });
});

it("brings in full what a search shows, attribute by attribute, and nothing of the hidden unit", async () => {
  const changes = await read("full");
  const upserts = upsertsOf(changes);
  expect(upserts.length).toBeGreaterThanOrEqual(USERS);
  expect(upserts.some(({ dn }) => dn.includes("OU=Hidden"))).toBe(false);
  const plain = await connectLdap(scene.controller, {
    user: scene.account.userPrincipalName,
    password: scene.account.password,
  });
  const entries = await searchEntries(plain, scene.controller.baseDn, {
    filter: "(&(objectClass=user)(!(objectClass=computer)))",
    attributes: ["*"],
  });
  await plain.unbind();
  expect(new Set(upserts.map(({ objectGuid }) => objectGuid))).toEqual(new Set(entries.map(objectGuidOf)));
  const changesByGuid = byGuid(changes);
  const differences: string[] = [];
  for (const entry of entries) {
    const change = changesByGuid.get(objectGuidOf(entry)) as Upsert;
    for (const name of ATTRIBUTES) {
      if (change.links?.some(({ attribute }) => attribute === name)) continue;
      const values = [...entry.attributes].find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? [];
      const shown = values.map((value) => value.toString("base64")).sort();
      const sent = (change.attributes[name] ?? [])
        .map((value) => (typeof value === "string" ? Buffer.from(value).toString("base64") : value.base64))
        .sort();
      if (JSON.stringify(shown) !== JSON.stringify(sent)) differences.push(`${name} of ${entry.dn}`);
    }
  }
  expect(differences).toEqual([]);
});

describe("an edit arrives as what it is:", () => {
  const only = async () => {
    const changes = await read("delta");
    expect(changes).toHaveLength(1);
    return changes[0] as Upsert;
  };

  it("nothing", async () => {
    expect(await read("delta")).toEqual([]);
  });

  it("set and cleared", async () => {
    const guid = await aPerson(3);
    await scene.admin.set(guid, "department", "Zürich & Söhne");
    const set = await only();
    expect(set).toMatchObject({ objectGuid: guid, attributes: { department: ["Zürich & Söhne"] } });
    expect(set.changed).toContain("department");
    expect(set.attributes["sAMAccountName"]).toHaveLength(1);
    await scene.admin.clear(guid, "department");
    const cleared = await only();
    expect(cleared.changed).toContain("department");
    expect(cleared.attributes).not.toHaveProperty("department");
  });

  it("disabled and enabled", async () => {
    const guid = await aPerson(4);
    await scene.admin.disable(guid);
    expect((await only()).changed).toContain("userAccountControl");
    await scene.admin.enable(guid);
    await only();
  });

  it("manager set, changed and cleared: by GUID", async () => {
    const [guid, boss, other] = [await aPerson(5), await aPerson(6), await aPerson(7)];
    for (const manager of [boss, other]) {
      await scene.admin.set(guid, "manager", await scene.admin.dnOf(manager));
      const change = upsertsOf(await read("delta")).find(({ objectGuid }) => objectGuid === guid);
      expect(change?.links).toEqual([
        expect.objectContaining({
          attribute: "manager",
          mode: "replace",
          add: [expect.objectContaining({ guid: manager })],
        }),
      ]);
    }
    await scene.admin.clear(guid, "manager");
    const cleared = upsertsOf(await read("delta")).find(({ objectGuid }) => objectGuid === guid);
    expect(cleared?.links).toEqual([expect.objectContaining({ attribute: "manager", add: [] })]);
  });

  it("renamed and moved", async () => {
    const guid = await aPerson(8);
    await scene.admin.rename(guid, "Ångström, Ünal");
    const renamed = await only();
    expect(renamed).toMatchObject({ objectGuid: guid, attributes: { cn: ["Ångström, Ünal"] } });
    expect(renamed.changed).toEqual(expect.arrayContaining(["cn", "distinguishedName"]));
    const unit = String(scene.population.units[1]?.dn);
    await scene.admin.move(guid, unit);
    const moved = await only();
    expect(moved.dn.endsWith(unit)).toBe(true);
    expect(moved.changed).toContain("distinguishedName");
  });

  it("deleted, and undeleted without what deletion took", async () => {
    const guid = await aPerson(9);
    await scene.admin.delete(guid);
    expect(await read("delta")).toEqual([{ op: "delete", objectGuid: guid }]);
    await scene.admin.undelete(guid, "Back Again");
    const back = await only();
    expect(back).toMatchObject({ op: "upsert", objectGuid: guid, attributes: { cn: ["Back Again"] } });
    expect(back.changed).toContain("displayName");
    expect(back.attributes).not.toHaveProperty("displayName");
    expect(back.attributes["sAMAccountName"]).toHaveLength(1);
  });

  it("created, and created and deleted between two reads", async () => {
    const unit = String(scene.population.units[1]?.dn);
    const guid = await scene.admin.createUser(unit, "New Person", {
      sAMAccountName: "newperson",
      displayName: "New Person",
    });
    const gone = await scene.admin.createUser(unit, "Short Stay", { sAMAccountName: "shortstay" });
    await scene.admin.delete(gone);
    const changes = byGuid(await read("delta"));
    expect(changes.get(guid)).toMatchObject({ op: "upsert", attributes: { displayName: ["New Person"] } });
    expect(changes.get(gone)).toEqual({ op: "delete", objectGuid: gone });
    expect(changes.size).toBe(2);
  });

  it("a renamed unit takes the people below it along", async () => {
    const parent = await scene.admin.createUnit(scene.controller.baseDn, "Before");
    const unit = await scene.admin.createUnit(`OU=Before,${scene.controller.baseDn}`, "Inner");
    const guid = await scene.admin.createUser(`OU=Inner,OU=Before,${scene.controller.baseDn}`, "Below", {
      sAMAccountName: "below",
    });
    await read("delta");
    await scene.admin.rename(parent, "After");
    const changes = byGuid(await read("delta"));
    expect(changes.get(parent)).toMatchObject({ op: "container" });
    expect(changes.get(unit)).toMatchObject({ op: "container", dn: `OU=Inner,OU=After,${scene.controller.baseDn}` });
    expect(changes.get(guid)).toMatchObject({
      op: "upsert",
      changed: ["distinguishedName"],
      attributes: { distinguishedName: [`CN=Below,OU=Inner,OU=After,${scene.controller.baseDn}`] },
    });
  });

  it("a change in the hidden unit doesn't arrive at all", async () => {
    const hidden = await scene.admin.find(`(distinguishedName=${scene.population.hidden[0]?.dn})`);
    await scene.admin.set(hidden, "department", "Unseen");
    expect(await read("delta")).toEqual([]);
  });

  it("a cookie that is none asks for a full read", async () => {
    const before = watermark;
    if (before?.mode !== "dirsync") throw new Error("There is no watermark.");
    watermark = { ...before, token: Buffer.from("nonsense").toString("base64") };
    await expect(read("delta")).rejects.toMatchObject({ code: "source-cookie" });
    watermark = before;
  });
});

it("reads from an LDIF dump the same objects with the same values", async () => {
  const file = join(folder, "dump.ldif");
  const plain = await connectLdap(scene.controller, {
    user: scene.account.userPrincipalName,
    password: scene.account.password,
  });
  // An export ends its last record with an empty line; without one it could be cut anywhere.
  await writeFile(file, `${(await dumpAsLdif(plain, scene.controller.baseDn)).trimEnd()}\n\n`);
  await plain.unbind();
  const ldif = createLdifSource({
    settings: LdifSettings.parse({ kind: "ldif", file }),
    clock: { now: () => Date.now() },
    log,
  });
  const fromFile: Change[] = [];
  for await (const page of ldif.read({
    kind: "full",
    attributes: ATTRIBUTES,
    objectClasses: ["user", "inetOrgPerson"],
    watermark: null,
    ...everything,
  })) {
    fromFile.push(...page.changes);
  }
  const fromDirectory = (await read("full")).filter(({ op }) => op !== "delete");
  // A file names a manager by what it says of him; who isn't in it can't be named.
  const hidden = await searchEntries(scene.admin.client, scene.population.hiddenUnit, { attributes: ["objectGUID"] });
  const unseen = new Set(hidden.map(objectGuidOf));
  const comparable = (changes: readonly Change[]) =>
    changes
      .map((change) => ({
        ...change,
        ...(change.op === "upsert"
          ? {
              attributes: Object.fromEntries(
                Object.entries(change.attributes).map(([name, values]) => [
                  name,
                  values.map((value) => JSON.stringify(value)).sort(),
                ]),
              ),
              links: change.links?.map(({ attribute, add }) => [
                attribute,
                add.flatMap(({ guid }) => (unseen.has(guid) ? [] : guid)).sort(),
              ]),
            }
          : {}),
      }))
      .sort((left, right) => (left.objectGuid < right.objectGuid ? -1 : 1));
  expect(await ldif.describe()).toMatchObject({ domain: (await source.describe()).domain });
  expect(comparable(fromFile)).toEqual(comparable(fromDirectory));
});
