import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBlobStore } from "../../shared/adapters/blobs/blob-store.ts";
import { createTableRowStore } from "../../shared/adapters/tables/row-store.ts";
import type { RestoreReply } from "../../shared/contracts/admin/backups.ts";
import type { BackupManifest } from "../../shared/contracts/backup.ts";
import type { Change } from "../../shared/contracts/change.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { aGroup, managedBy, withMembers } from "../support/changes.ts";
import { aUser, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";

const BY = "an admin";
const NAMES = Array.from({ length: 40 }, (_, at) => `person${at}`);

/** People with managers, groups with members, and somebody who is out of scope. */
function forest(more: Readonly<Record<string, Record<string, string>>> = {}): Change[] {
  const people = NAMES.map((name, at) => {
    const user = aUser(name, { department: `d${at % 3}`, ...more[name] });
    return at === 0 ? user : managedBy(NAMES[Math.floor(at / 4)] ?? "", user);
  });
  const groups = [withMembers(NAMES.slice(0, 12), aGroup("team")), withMembers(["team"], aGroup("all"))];
  return [...people, ...groups, aUser("krbtgt", { isCriticalSystemObject: "TRUE" })];
}

async function aCloud(options: CloudOptions = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  const other = await cloud.addDomain("other.example");
  await agent.read("full", forest());
  await other.read("full", [
    { ...aUser("far", { userPrincipalName: "far@corp.example" }), objectGuid: guidOf("far of other") },
  ]);
  const { restoreRows, links, configurations } = cloud.cloud.routes;
  const { jobId } = agent;

  async function backUp(): Promise<string> {
    const { backupId } = await cloud.cloud.beginBackupWith(cloud.driver)();
    await cloud.driver.settled();
    return backupId;
  }
  /** What a table holds, without etags. */
  async function tableOf(name: "objects" | "claims") {
    const found: Record<string, unknown> = {};
    for await (const page of cloud.rows.table(name).scan())
      for (const { partition, row, values } of page) found[`${partition} ${row}`] = plainOf(values);
    return found;
  }
  async function drop(name: "objects" | "claims", matches: (row: string) => boolean = () => true): Promise<void> {
    const table = cloud.rows.table(name);
    for await (const page of table.scan())
      for (const { partition, row } of page) if (matches(row)) await table.transact(partition, [{ op: "delete", row }]);
  }
  async function restore(backupId: string, apply: boolean, parts = Number.POSITIVE_INFINITY) {
    const told: RestoreReply[] = [];
    for (let part = 0; part < parts; part++) {
      const done = await restoreRows.part(jobId, { backupId, part, apply }, BY);
      if (!done.ok) return { failure: done.failure, told, sum: sumOf(told) };
      if (part >= done.value.parts) break;
      told.push(done.value);
    }
    return { told, sum: sumOf(told) };
  }
  const pause = () => configurations.setPaused(jobId, true);
  async function resume() {
    await configurations.setPaused(jobId, false);
    for (const lane of ["bulk", "live"] as const) cloud.bells.push({ jobId, lane });
    await cloud.run();
  }
  const shown = () => cloud.target.objects().map(({ id, deleted, values }) => ({ id, deleted, values }));
  return { cloud, agent, other, jobId, restoreRows, links, backUp, tableOf, drop, restore, pause, resume, shown };
}

function plainOf(values: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
    ]),
  );
}

function sumOf(told: readonly RestoreReply[]) {
  const sum = { rows: 0, present: 0, missing: 0, damaged: 0, unusable: 0, contested: 0, values: 0 };
  for (const one of told) for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += one[name];
  return { ...sum, conflicts: told.flatMap((one) => one.conflicts) };
}

const NONE = { present: 0, missing: 0, damaged: 0, unusable: 0, contested: 0, values: 0, conflicts: [] };

describe.each(["memory", "Azurite"] as const)("a link table that was lost, on %s", (where) => {
  let azurite: Azurite | undefined;
  beforeAll(async () => {
    if (where === "Azurite") azurite = await startAzurite();
  }, 30_000);
  afterAll(() => azurite?.stop());

  function stores(container: string): { wrapRows?: () => RowStore; wrapBlobs?: () => BlobStore } {
    if (!azurite) return {};
    const { connectionString } = azurite;
    return {
      wrapRows: () => createTableRowStore({ connectionString }),
      wrapBlobs: () => createBlobStore({ connectionString, container }),
    };
  }

  it("is put back from the backup as it was, and the next full read writes nothing", async () => {
    const own = await aCloud(stores("whole"));
    const { cloud, agent } = own;
    const backupId = await own.backUp();
    const before = { objects: await own.tableOf("objects"), claims: await own.tableOf("claims"), target: own.shown() };
    const writes = cloud.target.writes();
    await own.drop("objects");
    await own.drop("claims");
    await own.pause();
    const looked = await own.restore(backupId, false);
    expect(looked.sum).toMatchObject({ rows: 43, present: 0, missing: 43, conflicts: [] });
    expect(await own.tableOf("objects")).toEqual({});
    expect(await own.tableOf("claims")).toEqual({});
    expect(await own.restore(backupId, true)).toMatchObject({ sum: { ...looked.sum, contested: 0 } });
    const others = (name: string) => name.includes(`${own.other.configurationId}:`);
    const ofJob = Object.entries(before.objects).filter(([name]) => !others(name));
    expect(await own.tableOf("objects")).toEqual(Object.fromEntries(ofJob));
    const index = Object.entries(before.claims).filter(([, values]) => !others(String(plainOf(values as {})["owner"])));
    expect(await own.tableOf("claims")).toEqual(Object.fromEntries(index));
    await own.resume();
    expect((await agent.order("delta")).reason).toBe("links-rebuilt");
    await agent.read("full", forest());
    expect(cloud.target.writes()).toBe(writes);
    expect(own.shown()).toEqual(before.target);
    expect((await agent.status()).job).toMatchObject({});
  }, 60_000);
});
