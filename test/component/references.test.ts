import { describe, expect, it } from "vitest";
import { bindReferences } from "../../shared/application/export/bind-references.ts";
import type { Reference } from "../../shared/application/export/references.ts";
import type { ChunkHeader, PlannedObject } from "../../shared/application/lanes/chunk-files.ts";
import { aContact, aGroup, aManagedUser, managedBy } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";

const MINUTE_MS = 60_000;
const UNRESOLVED = "UnableToResolveReferenceAttributeValue";

async function start(options: Parameters<typeof createCloud>[0] = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  return { cloud, agent };
}

const idOf = (cloud: Cloud, name: string) =>
  cloud.target.objects().find((object) => object.values["displayName"] === name)?.id;
const managerOf = (cloud: Cloud, name: string) => cloud.target.object(idOf(cloud, name) ?? "")?.values["manager"];
const crowd = (count: number, prefix: string) => Array.from({ length: count }, (_, at) => `${prefix}${at}`);

async function logOf(cloud: Cloud, jobId: string, name: string) {
  return readLog(cloud.cloud.routes, { jobId, objectGuid: guidOf(name), sinceDays: 400, top: 20 });
}

describe("a manager", () => {
  it("is bound while people are created, where managers can go first: one write a person", async () => {
    const { cloud, agent } = await start();
    const bosses = crowd(20, "boss").map((name) => aUser(name));
    const staff = crowd(60, "clerk").map((name, at) => aManagedUser(name, `boss${at % 20}`));
    await agent.read("full", [...staff, ...bosses]);
    expect(cloud.target.writes()).toBe(80);
    for (const [at, name] of crowd(60, "clerk").entries())
      expect(managerOf(cloud, name), name).toBe(idOf(cloud, `boss${at % 20}`));
    const [entry] = await logOf(cloud, agent.jobId, "clerk0");
    expect(JSON.stringify(entry)).not.toContain(UNRESOLVED);
  });

  it("of an earlier batch is bound while his people are created", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aUser("boss"), aManagedUser("ann", "boss")], 1);
    expect(managerOf(cloud, "ann")).toBe(idOf(cloud, "boss"));
    expect(cloud.target.writes()).toBe(2);
  });

  it("who changes is written alone, and the log shows the old one and the new one", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aUser("boss"), aUser("chief"), aManagedUser("ann", "boss")], 2);
    const writes = cloud.target.writes();
    cloud.clock.set(cloud.clock.now() + MINUTE_MS);
    await agent.read("delta", [managedBy("chief", aUser("ann", {}, ["manager"]))]);
    expect(cloud.target.writes()).toBe(writes + 1);
    expect(cloud.target.received.at(-1)).toMatchObject({ kind: "update", values: { manager: idOf(cloud, "chief") } });
    expect((await agent.status()).lastCycle).toMatchObject({ outcomes: { exported: 1 } });
    const [entry] = await logOf(cloud, agent.jobId, "ann");
    expect(entry?.modifiedProperties).toEqual([
      { displayName: "manager", oldValue: idOf(cloud, "boss"), newValue: idOf(cloud, "chief") },
    ]);
  });

  it("who is named again is no difference", async () => {
    const { cloud, agent } = await start();
    const changes = [aUser("boss"), aManagedUser("ann", "boss")];
    await agent.read("full", changes, 1);
    const writes = cloud.target.writes();
    await agent.read("full", changes);
    await agent.read("delta", [managedBy("boss", aUser("ann", {}, ["manager"]))]);
    expect(cloud.target.writes()).toBe(writes);
  });

  it("whom the directory takes away goes at the end of the read, as a blank", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aUser("boss"), aManagedUser("ann", "boss")], 1);
    await agent.read("delta", [managedBy(null, aUser("ann", {}, ["manager"]))]);
    expect(managerOf(cloud, "ann")).toBeUndefined();
    expect(cloud.target.received.at(-1)).toMatchObject({ kind: "update", values: { manager: null } });
  });

  it("whom a full read lacks is taken away only when that is evidence, and within the bounds", async () => {
    const { cloud, agent } = await start({ settings: { trustVisibility: null } });
    const staff = crowd(30, "clerk");
    await agent.read("full", [aUser("boss"), ...staff.map((name) => aManagedUser(name, "boss"))], 1);
    await agent.read("full", [aUser("boss"), ...staff.map((name) => aUser(name))]);
    expect(staff.every((name) => managerOf(cloud, name) === idOf(cloud, "boss"))).toBe(true);
    const bounded = await start();
    await bounded.agent.read("full", [aUser("boss"), ...staff.map((name) => aManagedUser(name, "boss"))], 1);
    await bounded.agent.read("full", [aUser("boss"), ...staff.map((name) => aUser(name))]);
    expect(staff.every((name) => managerOf(bounded.cloud, name) === idOf(bounded.cloud, "boss"))).toBe(true);
    expect((await bounded.agent.status()).lastCycle?.staged).toMatchObject([{ class: "blanks", count: 30 }]);
    await bounded.agent.read("full", [
      aUser("boss"),
      ...staff.slice(1).map((name) => aManagedUser(name, "boss")),
      aUser("clerk0"),
    ]);
    expect(managerOf(bounded.cloud, "clerk0")).toBeUndefined();
    expect(managerOf(bounded.cloud, "clerk1")).toBe(idOf(bounded.cloud, "boss"));
  });
});

describe("a manager who is not in the target", () => {
  it.each([
    ["nobody knows", [], "stranger"],
    ["is out of scope", [aUser("critical", { isCriticalSystemObject: "TRUE" })], "critical"],
    ["is a contact", [aContact("partner")], "partner"],
    ["is a group", [aGroup("team")], "team"],
  ] as const)("because he %s is pending: a warning, and no failure", async (_, others, manager) => {
    const { cloud, agent } = await start();
    await agent.read("full", [...others, aManagedUser("ann", manager)], 1);
    expect(managerOf(cloud, "ann")).toBeUndefined();
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
    const [entry] = await logOf(cloud, agent.jobId, "ann");
    expect(entry).toMatchObject({ provisioningStatusInfo: { status: "warning" } });
    expect(JSON.stringify(entry)).toContain(UNRESOLVED);
    expect(JSON.stringify(entry)).toContain(guidOf(manager));
  });

  it("stays pending when he replaces another one, and the target keeps that one until he is there", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aUser("boss"), aManagedUser("ann", "boss")], 1);
    const writes = cloud.target.writes();
    cloud.clock.set(cloud.clock.now() + MINUTE_MS);
    await agent.read("delta", [managedBy("chief", aUser("ann", {}, ["manager"]))]);
    expect(cloud.target.writes()).toBe(writes);
    expect(managerOf(cloud, "ann")).toBe(idOf(cloud, "boss"));
    const [entry] = await logOf(cloud, agent.jobId, "ann");
    expect(JSON.stringify(entry)).toContain(UNRESOLVED);
  });

  it("because we deleted him is pending for those who come now", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aUser("boss"), aUser("other")]);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("boss") }]);
    await agent.read("delta", [aManagedUser("ann", "boss")]);
    expect(managerOf(cloud, "ann")).toBeUndefined();
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
  });
});

describe("a manager whom the target doesn't take", () => {
  it("keeps nobody from being created, and is tried again", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aUser("boss"), aUser("other")]);
    // Gone there, and nobody told us.
    const { apply } = cloud.target;
    const boss = idOf(cloud, "boss") ?? "";
    await apply([{ kind: "delete", key: "x", type: "user", id: boss }], { priority: "normal" });
    await agent.read("delta", [aManagedUser("ann", "boss")]);
    expect(idOf(cloud, "ann")).toBeDefined();
    expect(await agent.status()).toMatchObject({ escrowed: 1 });
    await apply([{ kind: "restore", key: "x", type: "user", id: boss }], { priority: "normal" });
    cloud.clock.set(cloud.clock.now() + 30 * MINUTE_MS);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
    expect(managerOf(cloud, "ann")).toBe(boss);
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
  });
});

describe("the phases of a batch", () => {
  it("send everybody before those whom they manage, and groups at last", async () => {
    const { cloud, agent } = await start({ chunkObjects: 7 });
    const names = { boss: crowd(20, "boss"), clerk: crowd(25, "clerk"), group: crowd(5, "group") };
    await agent.read("full", [
      ...names.group.map((name) => aGroup(name)),
      ...names.clerk.map((name, at) => aManagedUser(name, `boss${at % 20}`)),
      ...names.boss.map((name) => aUser(name)),
    ]);
    const sent = cloud.target.received.map((action) => action.key);
    const at = (own: readonly string[]) => own.map((name) => sent.indexOf(guidOf(name)));
    expect(Math.max(...at(names.boss))).toBeLessThan(Math.min(...at(names.clerk)));
    expect(Math.max(...at(names.clerk))).toBeLessThan(Math.min(...at(names.group)));
    expect(sent).toHaveLength(50);
    expect((await agent.status()).lastCycle).toMatchObject({ received: 50, outcomes: { exported: 50 } });
  });
});

describe("a manager whose write got no answer", () => {
  it("is in doubt: he is sent again, whatever the source says by then", async () => {
    const { cloud, agent } = await start();
    await agent.read("full", [aUser("boss"), aUser("chief"), aManagedUser("ann", "boss")], 2);
    cloud.target.order({ kind: "lose-answer" });
    await agent.read("delta", [managedBy("chief", aUser("ann", {}, ["manager"]))]);
    expect(managerOf(cloud, "ann")).toBe(idOf(cloud, "chief"));
    await agent.read("delta", [managedBy("boss", aUser("ann", {}, ["manager"]))]);
    expect(managerOf(cloud, "ann")).toBe(idOf(cloud, "boss"));
    cloud.clock.set(cloud.clock.now() + 30 * MINUTE_MS);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
    const writes = cloud.target.writes();
    await agent.read("full", [aUser("boss"), aUser("chief"), aManagedUser("ann", "boss")], 2);
    expect(cloud.target.writes()).toBe(writes);
  });

  it("is settled in every order of crash, also when he can't be bound any more afterwards", async () => {
    let dieAt = 0;
    let writes = 0;
    let isExporting = false;
    let deletesBoss = false;
    for (const removes of [false, true]) {
      for (let at = 1; ; at++) {
        dieAt = 0;
        const cloud = await createCloud({
          wrapRows: (rows) => ({
            ...rows,
            table: (name) => {
              const table = rows.table(name);
              return {
                ...table,
                transact: async (partition, operations) => {
                  if (isExporting && dieAt > 0 && ++writes === dieAt) {
                    dieAt = 0;
                    deletesBoss = removes;
                    throw new Error("The activity died here.");
                  }
                  return table.transact(partition, operations);
                },
              };
            },
          }),
          aroundActivity: async (name, _, run) => {
            isExporting = name === "ExportChunk";
            try {
              return await run();
            } catch (error) {
              // As Durable does; in between the manager went away.
              if (!(error instanceof Error) || error.message !== "The activity died here.") throw error;
              if (deletesBoss) await forget(cloud, guidOf("chief"));
              deletesBoss = false;
              return await run();
            } finally {
              isExporting = false;
            }
          },
        });
        const agent = await cloud.addDomain("corp.example");
        await agent.read("full", [aUser("boss"), aUser("chief"), aManagedUser("ann", "boss")], 2);
        writes = 0;
        dieAt = at;
        await agent.read("delta", [managedBy("chief", aUser("ann", {}, ["manager"]))]);
        const died = dieAt === 0;
        dieAt = 0;
        cloud.clock.set(cloud.clock.now() + 60 * MINUTE_MS);
        await cloud.tick();
        await cloud.driver.settled();
        await cloud.run();
        const status = await agent.status();
        expect(status, `after ${at} writes`).toMatchObject({ escrowed: 0, waiting: { batches: 0 } });
        const chief = idOf(cloud, "chief");
        // Where he went away before anything was sent, the old one stays.
        expect([chief, ...(removes ? [idOf(cloud, "boss")] : [])]).toContain(managerOf(cloud, "ann"));
        expect(cloud.logged.filter((line) => line.event === "step-failed")).toEqual([]);
        if (!died) break;
        expect(at).toBeLessThan(30);
      }
    }
  });
});

/** The row loses its link, as when somebody removed the target object. */
async function forget(cloud: Cloud, objectGuid: string): Promise<void> {
  const table = cloud.rows.table("objects");
  for await (const rows of table.scan()) {
    for (const { partition, row, values } of rows) {
      if (!row.endsWith(objectGuid)) continue;
      const { link: _, target: __, linked: ___, ...rest } = values;
      await table.transact(partition, [{ op: "replace", row, values: rest }]);
    }
  }
}

describe("binding", () => {
  const header = { configurationId: "c" } as ChunkHeader;
  const link = { targetId: "t", owner: "c", origin: "created" as const, exported: { manager: "m1" } };
  const planned = (more: Partial<PlannedObject>): PlannedObject => ({
    objectGuid: guidOf("ann"),
    indexes: [0],
    record: {
      configurationId: "c",
      objectGuid: guidOf("ann"),
      objectClass: "user",
      dn: "CN=ann",
      image: {},
      state: "live",
      version: "",
      scope: "",
      link,
    },
    isChanged: false,
    action: { kind: "none" },
    references: { manager: guidOf("boss") },
    waiting: [],
    allow: [],
    outcome: "no-op",
    abandoned: [],
    warnings: [],
    scope: "",
    scopeChanged: false,
    ...more,
  });
  const bind = async (own: PlannedObject, reference?: Partial<Reference>) => {
    const found: Reference = { targetId: "m1", type: "user", isDeleted: false, ...reference };
    const resolve = async () => new Map(reference === undefined ? [] : [[guidOf("boss"), found]]);
    const references = { resolve, note: () => undefined };
    const [result] = await bindReferences(references, header, [own]);
    return result!;
  };

  it("sends nothing that was exported, and again what came back under another id or may have been dropped", async () => {
    expect((await bind(planned({}), {})).action).toEqual({ kind: "none" });
    expect(await bind(planned({}), { targetId: "m2" })).toMatchObject({
      action: { kind: "update", targetId: "t", values: { manager: "m2" } },
      outcome: "exported",
    });
    expect(await bind(planned({ resendsReferences: true }), {})).toMatchObject({
      action: { kind: "update", values: { manager: "m1" } },
    });
  });

  it("goes with what is sent anyway, whole where the target object is new or comes back", async () => {
    const values = { title: "Boss" };
    const update = planned({ action: { kind: "update", targetId: "t", values } });
    expect((await bind(update, {})).action).toMatchObject({ values });
    expect((await bind(update, { targetId: "m2" })).action).toMatchObject({ values: { ...values, manager: "m2" } });
    for (const kind of ["restore", "adopt"] as const)
      expect((await bind(planned({ action: { kind, targetId: "t", values } }), {})).action).toMatchObject({
        values: { ...values, manager: "m1" },
      });
  });

  it("leaves a deletion, a filtered and a failed object as they are", async () => {
    const deletion = planned({ action: { kind: "delete", targetId: "t" } });
    expect((await bind(deletion, { targetId: "m2" })).action).toEqual({ kind: "delete", targetId: "t" });
    const { references: _, ...without } = planned({ outcome: "escrowed" });
    expect(await bind(without, { targetId: "m2" })).toEqual(without);
  });

  it.each([
    ["unknown", undefined],
    ["deleted by us", { isDeleted: true }],
    ["no user", { type: "group" as const }],
  ])("warns once of one who is %s", async (_, reference) => {
    const once = await bind(planned({}), reference);
    expect(once).toMatchObject({ action: { kind: "none" }, warnings: [{ code: UNRESOLVED }] });
    expect(await bind(once, reference)).toEqual(once);
    expect((await bind(once, {})).warnings).toEqual([]);
  });

  it("is done again without harm", async () => {
    const once = await bind(planned({}), { targetId: "m2" });
    expect(await bind(once, { targetId: "m2" })).toEqual(once);
  });
});
