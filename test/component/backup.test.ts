import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createBlobStore } from "../../shared/adapters/blobs/blob-store.ts";
import { createTableRowStore } from "../../shared/adapters/tables/row-store.ts";
import type { Admin } from "../../shared/application/admin/verify-admin-token.ts";
import type { RestoreReply } from "../../shared/contracts/admin/backups.ts";
import { unlink } from "../../shared/contracts/admin/links.ts";
import type { Change } from "../../shared/contracts/change.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { type Azurite, startAzurite } from "../support/azurite.ts";
import { aGroup, managedBy, withMembers } from "../support/changes.ts";
import { aUser, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";

const BY = "an admin";
const NAMES = Array.from({ length: 8 }, (_, at) => `person${at}`);

/** People with managers, groups with members, and somebody who is out of scope. */
function forest(more: Readonly<Record<string, Record<string, string>>> = {}): Change[] {
  const people = NAMES.map((name, at) => {
    const user = aUser(name, { department: `d${at % 3}`, ...more[name] });
    return at === 0 ? user : managedBy(NAMES[Math.floor(at / 4)] ?? "", user);
  });
  const groups = [withMembers(NAMES.slice(0, 6), aGroup("team")), withMembers(["team"], aGroup("all"))];
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
  const { restoreRows, seekTargets, links, configurations } = cloud.cloud.routes;
  const { jobId } = agent;

  async function backUp(): Promise<string> {
    cloud.clock.set(cloud.clock.now() + 60_000);
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
  async function seek(apply: boolean) {
    const sum = { read: 0, linked: 0, free: 0, values: 0 };
    for (const type of ["user", "group"] as const)
      for (let page: number | null = 0; page !== null; ) {
        const done = await seekTargets.page(jobId, { type, page, apply }, BY);
        if (!done.ok) throw new Error(done.failure.message);
        for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += done.value[name];
        page = done.value.next;
      }
    return sum;
  }
  const pause = () => configurations.setPaused(jobId, true);
  async function resume() {
    await configurations.setPaused(jobId, false);
    for (const lane of ["bulk", "live"] as const) cloud.bells.push({ jobId, lane });
    await cloud.run();
  }
  const shown = () => cloud.target.objects().map(({ id, deleted, values }) => ({ id, deleted, values }));
  return { cloud, agent, other, jobId, restoreRows, links, backUp, tableOf, drop, restore, seek, pause, resume, shown };
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
  const sum = { rows: 0, present: 0, missing: 0, damaged: 0, unusable: 0, contested: 0, unlinked: 0, values: 0 };
  for (const one of told) for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += one[name];
  return { ...sum, conflicts: told.flatMap((one) => one.conflicts) };
}

/** Of the forest above: people, groups, and who is out of scope. */
const ROWS = NAMES.length + 3;

describe.each(["memory", "Azurite"] as const)("a link table that was lost, on %s", (where) => {
  let azurite: Azurite | undefined;
  beforeEach(async () => {
    if (where === "Azurite") azurite = await startAzurite();
  }, 30_000);
  afterEach(() => azurite?.stop());

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
    await own.pause();
    const looked = await own.restore(backupId, false);
    expect(looked.sum).toMatchObject({ rows: ROWS, present: 0, missing: ROWS, unlinked: 0, conflicts: [] });
    expect(await own.tableOf("objects")).toEqual({});
    expect(await own.restore(backupId, true)).toMatchObject({ sum: { ...looked.sum, contested: 0 } });
    const others = (name: string) => name.includes(`${own.other.configurationId}:`);
    const ofJob = Object.entries(before.objects).filter(([name]) => !others(name));
    expect(await own.tableOf("objects")).toEqual(Object.fromEntries(ofJob));
    expect(await own.tableOf("claims")).toEqual(before.claims);
    await own.resume();
    expect((await agent.order("delta")).reason).toBe("links-rebuilt");
    await agent.read("full", forest());
    expect(cloud.target.writes()).toBe(writes);
    expect(own.shown()).toEqual(before.target);
  }, 60_000);

  it("comes back without links where the index is lost too: the next full read finds the very same accounts and groups", async () => {
    const own = await aCloud(stores("both"));
    const { cloud, agent } = own;
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("person7") }]);
    const backupId = await own.backUp();
    const before = own.shown();
    const left = forest().filter(({ objectGuid }) => objectGuid !== guidOf("person7"));
    await own.drop("objects", (row) => row.startsWith(`${agent.configurationId}:`));
    await own.drop("claims");
    await own.pause();
    const looked = await own.restore(backupId, false);
    expect(looked.sum).toMatchObject({ missing: ROWS, unlinked: ROWS - 1, conflicts: [] });
    expect(await own.tableOf("claims")).toEqual({});
    expect((await own.restore(backupId, true)).sum).toEqual(looked.sum);
    const linked = Object.values(await own.tableOf("objects")).filter((row) => (row as { linked: boolean }).linked);
    expect(linked).toHaveLength(1);
    await own.resume();
    await agent.read("full", left);
    expect(own.shown()).toEqual(before);
    // Who was deleted before the backup comes back with his own account.
    await agent.read("full", forest());
    expect(own.shown()).toEqual(before.map((one) => ({ ...one, deleted: false })));
    const writes = cloud.target.writes();
    await agent.read("full", forest());
    expect(cloud.target.writes()).toBe(writes);
  }, 120_000);

  it("is found again in the target alone: nobody is made or deleted, and everybody has his account and groups", async () => {
    const own = await aCloud(stores("target"));
    const { cloud, agent } = own;
    const before = own.shown();
    const linkedTo = async () => {
      const links = [];
      for (const name of [...NAMES, "team", "all"]) {
        const found = await own.links.show(own.jobId, guidOf(name));
        links.push(found.ok ? found.value.link?.targetId : null);
      }
      return links;
    };
    const ids = await linkedTo();
    await own.drop("objects", (row) => row.startsWith(`${agent.configurationId}:`));
    await own.drop("claims");
    await own.pause();
    const looked = await own.seek(false);
    expect(looked).toEqual({ read: before.length, linked: 0, free: before.length, values: expect.any(Number) });
    expect(await own.tableOf("claims")).toEqual({});
    expect(await own.seek(true)).toEqual(looked);
    expect(await own.seek(true)).toEqual({ ...looked, values: 0 });
    await own.resume();
    expect((await agent.order("delta")).reason).toBe("links-rebuilt");
    await agent.read("full", forest());
    expect(own.shown()).toEqual(before);
    expect(await linkedTo()).toEqual(ids);
    const writes = cloud.target.writes();
    await agent.read("full", forest());
    expect(cloud.target.writes()).toBe(writes);
  }, 120_000);
});

describe("what a backup may be used for", () => {
  it("puts back what is missing, and never what is there: a row that changed since stays as it is", async () => {
    const own = await aCloud();
    const { agent, cloud } = own;
    const backupId = await own.backUp();
    const changed = { person3: { department: "new" }, person4: { department: "new" } };
    await agent.read("full", [...forest(changed), aUser("late")]);
    const now = await own.tableOf("objects");
    await own.drop("objects", (row) => row.endsWith(guidOf("person4")) || row.endsWith(guidOf("person5")));
    await own.pause();
    expect((await own.restore(backupId, true)).sum).toMatchObject({ rows: ROWS, present: ROWS - 2, missing: 2 });
    const then = await own.tableOf("objects");
    const differs = Object.keys(now).filter((name) => JSON.stringify(then[name]) !== JSON.stringify(now[name]));
    // The one who wasn't changed since came back as he was.
    expect(differs).toEqual([expect.stringContaining(guidOf("person4"))]);
    await own.resume();
    const count = cloud.target.objects().length;
    await agent.read("full", [...forest(changed), aUser("late")]);
    const departments = cloud.target.objects().filter(({ values }) => values["department"] === "new");
    expect(departments).toHaveLength(2);
    expect(cloud.target.objects().filter(({ deleted }) => !deleted)).toHaveLength(count);
    expect(await own.tableOf("objects")).toMatchObject({
      [differs[0] ?? ""]: expect.objectContaining({ linked: true }),
    });
  });

  it("sends again what was sent since, whatever the old row says was exported, and looks up who was deleted or made", async () => {
    const own = await aCloud();
    const { agent, cloud } = own;
    const stayed = { person1: { department: "d1" } };
    const backupId = await own.backUp();
    const byName = (name: string) => cloud.target.objects().filter(({ values }) => values["displayName"] === name);
    const without = (...names: readonly string[]) =>
      forest(stayed).filter(({ objectGuid }) => !names.map(guidOf).includes(objectGuid));
    cloud.clock.set(cloud.clock.now() + 60_000);
    await agent.read("delta", [aUser("person1", { department: "elsewhere" }, ["department"])]);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("person5") }, aUser("late")]);
    expect(byName("person1")).toMatchObject([{ values: { department: "elsewhere" } }]);
    expect(byName("person5")).toMatchObject([{ deleted: true }]);
    await own.drop("objects");
    await own.pause();
    await own.restore(backupId, true);
    await own.resume();
    cloud.clock.set(cloud.clock.now() + 600_000);
    // Back to what it was at the time of the backup: by the old row alone nothing would differ.
    await agent.read("full", [...without("person5"), aUser("late")]);
    expect(byName("person1")).toMatchObject([{ values: { department: "d1" } }]);
    expect(byName("person5")).toMatchObject([{ deleted: true }]);
    expect(byName("late")).toMatchObject([{ deleted: false }]);
    const ids = new Set(cloud.target.objects().map(({ id }) => id));
    // Who was deleted since comes back with his account.
    await agent.read("full", [...forest(stayed), aUser("late")]);
    expect(byName("person5")).toMatchObject([{ deleted: false }]);
    expect(new Set(cloud.target.objects().map(({ id }) => id))).toEqual(ids);
    const writes = cloud.target.writes();
    await agent.read("full", [...forest(stayed), aUser("late")]);
    expect(cloud.target.writes()).toBe(writes);
  });

  it("replaces a row that can't be read, and only such a one", async () => {
    const own = await aCloud();
    const backupId = await own.backUp();
    const before = await own.tableOf("objects");
    const table = own.cloud.rows.table("objects");
    const key = `${own.agent.configurationId}:${guidOf("person7")}`;
    const partition = `tenant:${guidOf("person7")[0]}`;
    await table.transact(partition, [{ op: "merge", row: key, values: { link: new Uint8Array([1, 2, 3]) } }]);
    await own.pause();
    expect((await own.restore(backupId, false)).sum).toMatchObject({ missing: 0, damaged: 1 });
    expect((await own.restore(backupId, true)).sum).toMatchObject({ missing: 0, damaged: 1, conflicts: [] });
    expect(await own.tableOf("objects")).toEqual(before);
  });

  it("done twice, or broken off and repeated, changes nothing more", async () => {
    const own = await aCloud();
    const backupId = await own.backUp();
    const before = { objects: await own.tableOf("objects"), claims: await own.tableOf("claims") };
    await own.drop("objects", (row) => row.startsWith(`${own.agent.configurationId}:`));
    await own.drop("claims", (row) => !row.includes("far") && !row.startsWith("targetId:"));
    await own.pause();
    await own.restore(backupId, true, 3);
    const done = await own.restore(backupId, true);
    expect(done.sum.missing + done.sum.present).toBe(ROWS);
    expect(done.sum.present).toBeGreaterThan(0);
    expect(await own.tableOf("objects")).toEqual(before.objects);
    const again = await own.restore(backupId, true);
    expect(again.sum).toEqual({ ...done.sum, present: ROWS, missing: 0, values: 0 });
    expect(await own.tableOf("objects")).toEqual(before.objects);
  });

  it("names a value that somebody else has by now, and leaves it with whom it is", async () => {
    const own = await aCloud();
    const backupId = await own.backUp();
    await own.drop("objects", (row) => row.endsWith(guidOf("person2")));
    const owner = `${own.agent.configurationId}:${guidOf("person6")}`;
    const claims = own.cloud.rows.table("claims");
    for await (const page of claims.scan())
      for (const { partition, row } of page)
        if (row === "userPrincipalName:person2@corp.example")
          await claims.transact(partition, [{ op: "replace", row, values: { owner } }]);
    await own.pause();
    const conflict = {
      objectGuid: guidOf("person2"),
      kind: "userPrincipalName",
      value: "person2@corp.example",
      heldBy: owner,
    };
    expect((await own.restore(backupId, false)).sum.conflicts).toEqual([conflict]);
    expect((await own.restore(backupId, true)).sum.conflicts).toEqual([conflict]);
    expect(await own.tableOf("claims")).toMatchObject({});
    expect(
      Object.entries(await own.tableOf("claims")).find(([name]) => name.endsWith("person2@corp.example"))?.[1],
    ).toEqual({ owner });
  });

  it("gives nobody a target object that went to somebody else since: it stays alive, and has one owner", async () => {
    const own = await aCloud();
    const { agent, cloud } = own;
    const backupId = await own.backUp();
    const idOf = async (name: string) => {
      const found = await own.links.show(own.jobId, guidOf(name));
      return (found.ok && found.value.link?.targetId) || "";
    };
    const [moved, deleted] = [await idOf("person1"), await idOf("person2")];
    const heir = guidOf("far of other");
    // One is moved by hand; of the other one the index says that somebody has it by now.
    await own.links.unlink(own.other.jobId, heir, BY);
    const done = await own.links.move(own.jobId, guidOf("person1"), { jobId: own.other.jobId, objectGuid: heir }, BY);
    expect(done).toMatchObject({ ok: true });
    await cloud.run();
    const claims = cloud.rows.table("claims");
    const owner = `${own.other.configurationId}:${guidOf("somebody")}`;
    for await (const page of claims.scan())
      for (const { partition, row } of page)
        if (row === `targetId:${deleted}`)
          await claims.transact(partition, [{ op: "replace", row, values: { owner } }]);
    await own.drop("objects", (row) => row.endsWith(guidOf("person1")) || row.endsWith(guidOf("person2")));
    await own.pause();
    const looked = await own.restore(backupId, false);
    expect(looked.sum).toMatchObject({ missing: 2, unlinked: 2 });
    expect(looked.sum.conflicts).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          ...{ objectGuid: guidOf("person1"), kind: "targetId", value: moved },
          heldBy: `${own.other.configurationId}:${heir}`,
        }),
        expect.objectContaining({ objectGuid: guidOf("person2"), kind: "targetId", value: deleted, heldBy: owner }),
      ]),
    );
    expect((await own.restore(backupId, true)).sum).toEqual(looked.sum);
    for (const name of ["person1", "person2"])
      expect(await own.links.show(own.jobId, guidOf(name))).toMatchObject({ value: { link: null } });
    await own.resume();
    const gone = [guidOf("person1"), guidOf("person2")];
    await agent.read(
      "full",
      forest().filter(({ objectGuid }) => !gone.includes(objectGuid)),
    );
    for (const id of [moved, deleted])
      expect(cloud.target.objects().find((one) => one.id === id)).toMatchObject({ deleted: false });
    expect(await own.links.show(own.other.jobId, heir)).toMatchObject({ value: { link: { targetId: moved } } });
  });

  it("leaves alone whom an admin let go of since, as the audit log has it", async () => {
    for (const lost of [["objects"], ["objects", "claims"]] as const) {
      const own = await aCloud();
      const { agent, cloud } = own;
      const backupId = await own.backUp();
      const before = await own.links.show(own.jobId, guidOf("person1"));
      const id = (before.ok && before.value.link?.targetId) || "";
      const asked = {
        ...{ operation: unlink, params: { jobId: own.jobId, objectGuid: guidOf("person1") } },
        ...{ query: {}, body: null, requestId: null },
      };
      const done = await cloud.cloud.routes.audit.around(asked, { id: BY } as Admin, async () => {
        const answer = await own.links.unlink(own.jobId, guidOf("person1"), BY);
        return answer.ok ? { ok: true, value: { body: answer.value } } : answer;
      });
      expect(done).toMatchObject({ ok: true });
      const writes = cloud.target.writes();
      for (const name of lost) await own.drop(name, (row) => name === "claims" || row.endsWith(guidOf("person1")));
      await own.pause();
      const told = await own.restore(backupId, true);
      expect(told.sum).toMatchObject({ missing: 1, unlinked: 1 });
      expect(told.sum.conflicts).toContainEqual({
        ...{ objectGuid: guidOf("person1"), kind: "targetId", value: id },
        heldBy: `nobody: ${BY} let go of it`,
      });
      await own.resume();
      await agent.read("full", forest({ person1: { department: "another" } }));
      await agent.read(
        "full",
        forest().filter(({ objectGuid }) => objectGuid !== guidOf("person1")),
      );
      expect(await own.links.show(own.jobId, guidOf("person1"))).toMatchObject({ value: { link: null } });
      expect(cloud.target.objects().find((one) => one.id === id)).toMatchObject({ deleted: false });
      expect(cloud.target.writes()).toBe(writes);
    }
  });

  it("sends nothing of an old row before the next full read has come to its end", async () => {
    const own = await aCloud();
    const { agent, cloud, jobId } = own;
    const backupId = await own.backUp();
    const disabled = { person1: { userAccountControl: "514" } };
    const shown = () => cloud.target.objects().find(({ values }) => values["displayName"] === "person1");
    cloud.clock.set(cloud.clock.now() + 60_000);
    await agent.read("full", forest(disabled));
    expect(shown()).toMatchObject({ values: { accountEnabled: false } });
    // Accepted before, worked after: a later delta isn't ordered as long as the full read is wanted.
    await agent.sendRead("delta", [[aUser("person1", { department: "new" }, ["department"])]], 1);
    await own.drop("objects", (row) => row.endsWith(guidOf("person1")));
    await own.pause();
    await own.restore(backupId, true);
    const writes = cloud.target.writes();
    await own.resume();
    const status = async () => {
      const found = await cloud.cloud.routes.queries.status(jobId);
      return found.ok ? found.value.exportsHeld?.because : found;
    };
    expect(await status()).toBe("links-rebuilt");
    // Mode and approval are for what else holds exports.
    await cloud.cloud.routes.heldExports.setMode(jobId, "staging", BY);
    await cloud.cloud.routes.heldExports.setMode(jobId, "normal", BY);
    await cloud.cloud.routes.heldExports.releaseExports(jobId, BY);
    expect(await status()).toBe("links-rebuilt");
    await cloud.cloud.routes.heldExports.reevaluate(jobId, BY);
    await cloud.run();
    for (let hour = 0; hour < 3; hour++) {
      cloud.clock.set(cloud.clock.now() + 3_600_000);
      await cloud.tick();
      await cloud.driver.settled();
      await cloud.run();
    }
    expect(cloud.target.writes()).toBe(writes);
    expect(shown()).toMatchObject({ values: { accountEnabled: false } });
    await agent.read("full", forest({ person1: { userAccountControl: "514", department: "new" } }));
    expect(await status()).toBeUndefined();
    expect(shown()).toMatchObject({ values: { accountEnabled: false, department: "new" } });
  });

  it("is refused while the job may write, when it isn't whole, and when a file isn't what was written", async () => {
    let lost = "";
    const own = await aCloud({
      aroundActivity: async (name, _, run) => {
        if (name === "FinishBackup" && lost === "all") throw new Error("killed");
        return run();
      },
    });
    const backupId = await own.backUp();
    expect(await own.restore(backupId, true)).toMatchObject({ failure: { status: 409, code: "job-not-paused" } });
    await own.pause();
    lost = "all";
    const half = await own.backUp();
    expect(await own.restore(half, true)).toMatchObject({ failure: { status: 404, code: "backup-not-found" } });
    const listed = await own.restoreRows.list();
    expect(listed.ok && listed.value.map(({ id }) => id)).toEqual([backupId]);
    expect(own.cloud.logged.filter(({ event }) => event === "backup-done")).toHaveLength(1);
    const folder = `backups/tenant/parts/${backupId}/objects-`;
    for await (const path of own.cloud.blobs.list(folder)) {
      if (!path.endsWith(".gz")) continue;
      const body = (await own.cloud.blobs.get(path)) ?? new Uint8Array();
      body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
      await own.cloud.blobs.put(path, body);
    }
    const failure = { status: 409, code: "backup-damaged", message: expect.stringContaining("its digest differs") };
    expect(await own.restore(backupId, true)).toMatchObject({ failure, told: [] });
    for await (const path of own.cloud.blobs.list(folder)) await own.cloud.blobs.delete(path);
    expect(await own.restore(backupId, false)).toMatchObject({
      failure: { code: "backup-damaged", message: expect.stringContaining("is missing") },
    });
    await own.cloud.blobs.put(`backups/tenant/manifests/${backupId}.json`, Buffer.from('{"format":2}'));
    expect(await own.restore(backupId, false)).toMatchObject({
      failure: { code: "backup-damaged", message: expect.stringContaining("no manifest that this release can read") },
    });
  });
});
