/**
 * Groups and scope at the agent's LDAP source, against a real Active Directory (Samba): what a modelled directory is believed to do, a
 * real one is seen to do.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AgentSource } from "../../agent/agent-source.ts";
import { createLdapSource } from "../../agent/source/ldap/ldap-source.ts";
import { LdapSettings } from "../../agent/source/ldap/settings.ts";
import { Change, type Watermark } from "../../shared/contracts/change.ts";
import type { AgentScope } from "../../shared/contracts/configuration.ts";
import { createRecordingLog } from "../agent/builders.ts";
import { missingForSamba } from "../support/samba/domain-controller.ts";
import { type Scene, setUpScene } from "../support/samba/scene.ts";

const MEMBERS = 200;
let scene: Scene;
let source: AgentSource;
let watermark: Watermark | null = null;
let staff: string;
let sales: string;
let crew: string;
let night: string;
let ann: string;
let bob: string;

beforeAll(async () => {
  const missing = missingForSamba();
  if (missing !== undefined) throw new Error(missing);
  scene = await setUpScene({ address: "127.0.0.23", users: MEMBERS, hidden: 0 });
  const { admin, controller, account } = scene;
  source = createLdapSource({
    settings: LdapSettings.parse({
      kind: "ldap",
      url: controller.url,
      bindDn: account.userPrincipalName,
      caFile: controller.caFile,
    }),
    environment: { UPLINK_LDAP_PASSWORD: account.password },
    clock: { now: () => Date.now() },
    log: createRecordingLog(),
  });
  const below = (name: string) => `OU=${name},${controller.baseDn}`;
  staff = await admin.createUnit(controller.baseDn, "Staff, all");
  sales = await admin.createUnit(controller.baseDn, "Other sales");
  ann = await admin.createUser(below("Staff\\, all"), "Scope Ann", { sAMAccountName: "scope.ann" });
  bob = await admin.createUser(below("Other sales"), "Scope Bob", { sAMAccountName: "scope.bob" });
  crew = await admin.createGroup(below("Other sales"), "Scope crew");
  night = await admin.createGroup(below("Other sales"), "Night shift (2)", { sAMAccountName: "Night shift" });
  await admin.addMembers(crew, ann, night);
  await admin.addMembers(night, crew);
});
afterAll(async () => {
  await source?.close();
  await scene?.destroy();
});

async function read(kind: "full" | "delta", scope: Partial<AgentScope> = {}): Promise<Change[]> {
  const changes: Change[] = [];
  const order = {
    kind,
    attributes: ["displayName", "sAMAccountName", "manager", "member"],
    objectClasses: ["user", "group"],
    watermark,
    scope: { organizationalUnits: [], groups: [], ...scope },
    reportsLeaves: false,
  };
  for await (const page of source.read(order)) {
    for (const change of page.changes) changes.push(Change.parse(change));
    if (page.isLast) watermark = page.watermarkAfter ?? null;
  }
  return changes;
}
const sentOf = (changes: readonly Change[]) =>
  changes.flatMap(({ op, objectGuid }) => (op === "container" ? [] : [`${op} ${objectGuid}`])).sort();
const linksOf = (changes: readonly Change[], guid: string, attribute = "member") =>
  changes.flatMap((change) =>
    change.op === "upsert" && change.objectGuid === guid
      ? (change.links ?? []).filter((link) => link.attribute === attribute)
      : [],
  );

describe("units", () => {
  it("let out who is below them, follow their renames, and let who moved out leave", async () => {
    const scope = { organizationalUnits: [staff] };
    expect(sentOf(await read("full", scope))).toEqual([`upsert ${ann}`]);
    await scene.admin.rename(staff, "People, all");
    expect(sentOf(await read("delta", scope))).toEqual([`upsert ${ann}`]);
    await scene.admin.move(bob, `OU=People\\, all,${scene.controller.baseDn}`);
    await scene.admin.move(ann, `OU=Other sales,${scene.controller.baseDn}`);
    expect(sentOf(await read("delta", scope))).toEqual([`leave ${ann}`, `upsert ${bob}`].sort());
    await scene.admin.move(ann, `OU=People\\, all,${scene.controller.baseDn}`);
    await scene.admin.move(bob, `OU=Other sales,${scene.controller.baseDn}`);
    expect(sentOf(await read("delta", scope))).toEqual([`leave ${bob}`, `upsert ${ann}`].sort());
  });

  it("that are gone stop the reading", async () => {
    const gone = "00000000-0000-4000-8000-00000000dead";
    await expect(read("delta", { organizationalUnits: [staff, gone] })).rejects.toMatchObject({
      code: "source-scope",
      objectGuids: [gone],
    });
    const many = Array.from({ length: 6 }, (_, index) => `${gone.slice(0, -1)}${index}`);
    await expect(source.checkScope({ organizationalUnits: [staff, ...many], groups: [crew] })).rejects.toMatchObject({
      objectGuids: many,
    });
    await source.checkScope({ organizationalUnits: [staff, sales], groups: [crew, night] });
  });
});

describe("groups", () => {
  it("hold nested ones, rings included, and deltas say who came and went", async () => {
    const scope = { groups: [crew] };
    const inside = [ann, crew, night].map((guid) => `upsert ${guid}`).sort();
    expect(sentOf(await read("full", scope))).toEqual(inside);
    await scene.admin.addMembers(night, bob);
    const came = await read("delta", scope);
    expect(sentOf(came)).toEqual([`upsert ${bob}`, `upsert ${night}`].sort());
    expect(linksOf(came, night)).toEqual([
      expect.objectContaining({ mode: "delta", add: [{ guid: bob }], remove: [] }),
    ]);
    await scene.admin.removeMembers(night, bob);
    const went = await read("delta", scope);
    expect(sentOf(went)).toEqual([`leave ${bob}`, `upsert ${night}`].sort());
    expect(linksOf(went, night)).toEqual([
      expect.objectContaining({ mode: "delta", add: [], remove: [{ guid: bob }] }),
    ]);
    await scene.admin.removeMembers(crew, night);
    await expect(read("delta", scope)).rejects.toMatchObject({ reason: "scope-nesting" });
  });

  it("come whole when they are new, and as one value later", async () => {
    await read("full");
    const everyone = await scene.admin.client.search(scene.controller.baseDn, {
      filter: "(&(objectClass=user)(!(objectClass=computer)))",
      attributes: ["dn"],
      paged: true,
    });
    const all = await scene.admin.createGroup(`OU=Other sales,${scene.controller.baseDn}`, "Everyone in it", {
      member: everyone.searchEntries.slice(0, MEMBERS).map(({ dn }) => dn),
    });
    const whole = linksOf(await read("delta"), all);
    expect(whole).toMatchObject([{ mode: "replace", part: 0, last: true }]);
    expect(new Set(whole[0]?.add.map(({ guid }) => guid)).size).toBe(MEMBERS);
    const [first = ""] = whole[0]?.add.map(({ guid }) => guid) ?? [];
    await scene.admin.removeMembers(all, first);
    expect(linksOf(await read("delta"), all)).toEqual([
      { attribute: "member", mode: "delta", add: [], remove: [{ guid: first }], part: 0, last: true },
    ]);
    const again = linksOf(await read("full"), all);
    expect(again.map(({ last }) => last)).toEqual([true]);
    expect(again[0]?.add).toHaveLength(MEMBERS - 1);
  });

  it("of who was undeleted are told with the object", async () => {
    await read("full");
    await scene.admin.delete(bob);
    expect(sentOf(await read("delta"))).toEqual([`delete ${bob}`]);
    await scene.admin.undelete(bob, "Scope Bob");
    const back = await read("delta");
    expect(linksOf(back, bob, "memberOf")).toEqual([expect.objectContaining({ mode: "replace", part: 0, last: true })]);
  });
});
