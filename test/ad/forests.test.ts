/**
 * Two forests at once, each with a domain controller, a configuration and an agent of its own, and one target for both: who
 * was one person in two directories is one person there.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { comparesLinks } from "../support/compare-target.ts";
import { missingForSamba } from "../support/samba/domain-controller.ts";
import { bytesOf, textOf } from "../support/samba/ldap.ts";
import { type Scene, setUpScene } from "../support/samba/scene.ts";
import { type Line, type Side, startLine } from "./line.ts";

let scenes: readonly Scene[];
let line: Line;
let old: Side;
let young: Side;

beforeAll(async () => {
  const missing = missingForSamba();
  if (missing !== undefined) throw new Error(missing);
  scenes = await Promise.all([
    setUpScene({ address: "127.0.0.25", forest: "corp", users: 60, groups: 30 }),
    setUpScene({ address: "127.0.0.26", forest: "young", users: 60, groups: 30, firstNumber: 10_000 }),
  ]);
  line = await startLine(scenes);
  [old, young] = line.sides as [Side, Side];
});
afterAll(async () => {
  await line?.destroy();
  for (const scene of scenes ?? []) await scene.destroy();
});

const person = ({ scene }: Side, number: number): Promise<string> => scene.admin.find(`(sAMAccountName=*.${number})`);
const unitOf = ({ scene }: Side, index: number): string => String(scene.population.units[index]?.dn);

/** What a migration makes of a person's account in the other forest: all that it said of him, and his anchor. */
async function migrate(guid: string): Promise<string> {
  const source = await old.scene.admin.read(guid);
  const { managers, people } = old.scene.population;
  const account = textOf(source, "sAMAccountName");
  const sample = [...managers, ...people].find(({ attributes }) => attributes["sAMAccountName"] === account);
  const { objectClass, manager, userAccountControl, ...copied } = sample!.attributes;
  const anchor = bytesOf(source, "mS-DS-ConsistencyGuid") ?? bytesOf(source, "objectGUID");
  return young.scene.admin.createUser(unitOf(young, 1), String(textOf(source, "cn")), {
    ...copied,
    displayName: "Migrated",
    "mS-DS-ConsistencyGuid": anchor!,
  });
}

it("two forests read at the same time fill one target", async () => {
  await Promise.all([old.sync(), young.sync()]);
  await line.expectConverged();
  const { users } = await line.project();
  expect(users.size).toBeGreaterThan(100);
  expect((await line.runtime.stats()).writes.createUser).toBe(users.size);
  await line.runtime.resetStats();
  await Promise.all([old.sync(), young.sync()]);
  expect((await line.runtime.stats()).writeCalls).toBe(0);
});

describe("a person whose account moves to the other forest", () => {
  beforeAll(async () => {
    // Who takes an account over overwrites it with values, never with nulls: a manager of the old forest would stay. That they
    // are in groups there is left as it is: those memberships have an end with the handover.
    const { admin } = old.scene;
    for (const guid of [await person(old, 30), await person(old, 31), await person(old, 33)]) {
      const entry = await admin.read(guid);
      if (textOf(entry, "manager") !== undefined) await admin.clear(guid, "manager");
    }
    await old.sync();
    await line.expectConverged();
  });

  it("deleted in the old one, created in the new one: the same target object goes on", async () => {
    const guid = await person(old, 30);
    const before = await line.targetOf(guid);
    const name = before?.properties["userPrincipalName"];
    const created = await migrate(guid);
    await old.scene.admin.delete(guid);
    await old.sync();
    await young.sync();
    await line.expectConverged();
    expect(await line.targetOf(created)).toMatchObject({
      id: before?.id,
      deleted: false,
      properties: { displayName: "Migrated", userPrincipalName: name },
    });
  });

  it("alive in both: the second waits and both are named; it takes over when the first is gone", async () => {
    const guid = await person(old, 31);
    const before = await line.targetOf(guid);
    const created = await migrate(guid);
    await young.sync();
    const escrows = await line.runtime.escrows(young.job);
    expect(escrows).toMatchObject([{ objectGuid: created, code: "DuplicateSourceEntries" }]);
    for (const one of [guid, created]) expect(escrows[0]?.message).toContain(one);
    line.waiting.add(created);
    await line.expectConverged();
    line.waiting.delete(created);
    await old.scene.admin.delete(guid);
    await old.sync();
    // The waiting one is tried again by itself, or with the next thing that is said about it.
    await young.scene.admin.set(created, "department", "Taken over");
    await young.sync();
    await line.expectConverged();
    expect(await line.targetOf(created)).toMatchObject({
      id: before?.id,
      deleted: false,
      properties: { department: "Taken over" },
    });
  });

  it("left behind disabled in the old one: handed over, and what the old one says of it later changes nothing", async () => {
    const guid = await person(old, 33);
    const before = await line.targetOf(guid);
    await old.scene.admin.disable(guid);
    const created = await migrate(guid);
    await old.sync();
    await young.sync();
    // The directory still has it, and it stands for nobody any more.
    line.waiting.add(guid);
    await line.expectConverged();
    expect(await line.targetOf(created)).toMatchObject({ id: before?.id, properties: { accountEnabled: true } });
    await line.runtime.resetStats();
    await old.scene.admin.set(guid, "department", "Of the past");
    await old.scene.admin.delete(guid);
    await old.sync();
    await line.expectConverged();
    expect((await line.runtime.stats()).writeCalls).toBe(0);
  });
});

describe.runIf(comparesLinks)("a group of one forest", () => {
  it("holds a user of the other by SID, once that one is in the target", async () => {
    const { admin } = young.scene;
    const known = await person(old, 35);
    const group = await admin.createGroup(unitOf(young, 1), "With strangers");
    await admin.addForeignMember(group, await old.scene.admin.sidOf(known));
    const later = await old.scene.admin.createUser(unitOf(old, 1), "Known later", {
      sAMAccountName: "known.later",
      userPrincipalName: "known.later@example.com",
    });
    await admin.addForeignMember(group, await old.scene.admin.sidOf(later));
    await young.sync();
    // Of the second nothing has been read yet.
    line.waiting.add(later);
    await line.expectConverged();
    line.waiting.delete(later);
    await old.sync();
    await line.runtime.settled(young.job);
    await line.expectConverged();
    expect((await line.project()).members.get(group)).toEqual(new Set([known, later]));
    await admin.clear(group, "member");
    await young.sync();
    await line.expectConverged();
  });
});
