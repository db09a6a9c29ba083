/** A job deleted with its objects, over the whole cloud side in memory: what is staged, approved, dropped, kept, and what holds the end up. */
import { describe, expect, it } from "vitest";
import { createMemoryBlobStore } from "../../shared/adapters/memory/blob-store.ts";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createMemoryTargetDirectory } from "../../shared/adapters/memory/target-directory.ts";
import { type JobRow, jobTable, pack, ROW, readRow } from "../../shared/application/state/job-rows.ts";
import { StagedSetReply } from "../../shared/contracts/admin/staged.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import type { TargetDirectory } from "../../shared/ports/target-directory.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, type CloudOptions, createCloud, guidOf, START } from "../support/cloud.ts";
import { namesIn } from "../support/links.ts";

const BY = "admin ann";
const MINUTE = 60_000;
/** Not every write each time: 1 takes them all. */
const STEP = Number(process.env["UPLINK_TEST_CRASH_STEP"] ?? 17);
const everybody = () => [aUser("ann"), aUser("bob"), aUser("eve"), withMembers(["ann", "bob"], aGroup("staff"))];

async function start(options: CloudOptions = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  const { jobId, configurationId } = agent;
  const { routes } = cloud.cloud;
  const remove = (objects: "keep" | "delete" = "delete") =>
    routes.jobDeletion.remove({ configurationId, jobId }, objects, BY);
  const sets = async () => {
    const found = await routes.staged.list(jobId, { members: true });
    return found.ok ? found.value.map((own) => StagedSetReply.parse(own)) : [];
  };
  const deletes = async () => {
    const [only, ...more] = (await sets()).filter((own) => own.class === "deletes");
    if (!only || more.length > 0) throw new Error("There is not one set of deletes.");
    return only;
  };
  const pass = async (ticks = 4) => {
    for (let tick = 0; tick < ticks; tick++) {
      cloud.clock.set(cloud.clock.now() + MINUTE);
      await cloud.tick();
      await cloud.run();
    }
  };
  const living = () =>
    cloud.target
      .objects()
      .filter(({ deleted }) => !deleted)
      .map(({ values }) => String(values["displayName"]))
      .sort();
  const isThere = async () => (await routes.configurations.list()).some((own) => own.jobId === jobId);
  const changeJob = async (change: (job: JobRow) => JobRow) => {
    const jobs = jobTable(cloud.rows);
    const stored = await readRow<JobRow>(jobs, jobId, ROW.job);
    if (!stored) throw new Error("The job is gone.");
    await jobs.transact(jobId, [
      { op: "replace", row: ROW.job, values: pack(change(stored.value)), etag: stored.etag },
    ]);
  };
  const decide = async (what: "approve" | "drop") => {
    const done = await routes.staged[what](jobId, "deletes", (await deletes()).digest, BY);
    await cloud.run();
    return done;
  };
  /** Everything but what is read of a target object by its id. */
  const targetNow = () => JSON.stringify(cloud.target.objects());
  return {
    ...cloud,
    agent,
    jobId,
    configurationId,
    routes,
    remove,
    sets,
    deletes,
    pass,
    living,
    isThere,
    changeJob,
    decide,
    targetNow,
  };
}

describe("a job that is deleted with its objects", () => {
  it("stages all that it owns as one set, however few they are, and deletes nothing by itself", async () => {
    const { agent, remove, deletes, pass, living, isThere } = await start();
    await agent.read("full", everybody());
    expect(await remove()).toEqual({ ok: true, value: null });
    await pass();
    expect(await deletes()).toMatchObject({ count: 4, reason: expect.stringContaining("being deleted") });
    expect(await agent.status()).toMatchObject({ emptying: { by: BY }, staged: 4, state: "active" });
    expect(living()).toEqual(["ann", "bob", "eve", "staff"]);
    expect(await isThere()).toBe(true);
    // Asked again, it is the same.
    expect(await remove()).toEqual({ ok: true, value: null });
    await pass(12);
    expect([(await deletes()).count, living().length]).toEqual([4, 4]);
  });

  it("goes once the set was approved: every object of its own is deleted, then the job", async () => {
    const { agent, remove, decide, pass, living, isThere, target, logged } = await start();
    await agent.read("full", everybody());
    await remove();
    await pass();
    expect(await decide("approve")).toMatchObject({ ok: true, value: { decision: "approved", objects: 4 } });
    expect(living()).toEqual([]);
    expect(target.objects()).toHaveLength(4);
    await pass();
    expect(await isThere()).toBe(false);
    const told = logged.map(({ event }) => event).filter((event) => event.startsWith("job-"));
    expect(told).toEqual(["job-emptying-begun", "job-deletion-begun", "job-deleted"]);
  });

  it("is held by a pause, before its set is carried out and after: nobody is deleted, and the job stays, until it is started", async () => {
    const { agent, remove, decide, deletes, pass, living, isThere, routes, jobId, run } = await start();
    await agent.read("full", everybody());
    await remove();
    await pass();
    const act = async (action: "pause" | "start") =>
      expect(await routes.jobActions[action](jobId)).toMatchObject({ ok: true });
    await act("pause");
    expect(await decide("approve")).toMatchObject({ ok: true });
    await pass(12);
    expect([living().length, (await deletes()).isApproved, await isThere()]).toEqual([4, true, true]);
    await act("start");
    await run();
    expect(living()).toEqual([]);
    expect(await isThere()).toBe(true);
    await act("pause");
    await pass(12);
    expect(await isThere()).toBe(true);
    expect(await agent.status()).toMatchObject({ state: "paused", emptying: { by: BY } });
    await act("start");
    await pass();
    expect(await isThere()).toBe(false);
  });

  it("stages everybody anew when it is restarted, and deletes nobody by that", async () => {
    const { agent, remove, deletes, pass, living, routes, jobId, decide, isThere } = await start();
    await agent.read("full", everybody());
    await remove();
    await pass();
    const { digest } = await deletes();
    expect(await routes.jobActions.restart(jobId, undefined, BY)).toMatchObject({ ok: true });
    await agent.read("full", everybody());
    await pass();
    expect([living().length, (await deletes()).count]).toEqual([4, 4]);
    expect(await routes.staged.approve(jobId, "deletes", digest, BY)).toMatchObject({
      failure: { status: 409, code: "staged-set-changed" },
    });
    expect(await decide("approve")).toMatchObject({ ok: true });
    await pass();
    expect([living(), await isThere()]).toEqual([[], false]);
  });

  it("keeps whoever is excluded, another configuration's, or not ours, and goes all the same", async () => {
    const { addDomain, agent, remove, decide, pass, living, isThere, routes, target, configurationId } = await start();
    const other = await addDomain("emea.example");
    await other.read("full", [aUser("zoe", { userPrincipalName: "zoe@corp.example" })]);
    target.seed([{ values: { displayName: "stranger", userPrincipalName: "stranger@corp.example" } }]);
    await agent.read("full", everybody());
    const excluded = await routes.exclusions.add(guidOf("eve"), "she stays", BY);
    expect(excluded).toMatchObject({ ok: true });
    await remove();
    await pass();
    expect(await decide("approve")).toMatchObject({ value: { objects: 3 } });
    await pass();
    expect(living()).toEqual(["eve", "stranger", "zoe"]);
    expect(await isThere()).toBe(false);
    expect((await routes.configurations.list()).map((own) => own.configurationId)).not.toContain(configurationId);
    await other.read("delta", [aUser("zoe", { userPrincipalName: "zoe@corp.example", title: "boss" }, ["title"])]);
    expect(living()).toContain("zoe");
  });

  it("stages only, while changes come: nobody is made or changed, and the set that was looked at stays whole", async () => {
    const { agent, remove, deletes, sets, pass, living, target } = await start();
    await agent.read("full", everybody());
    await remove();
    await pass();
    const [before, writes] = [await deletes(), target.writes()];
    await agent.read("delta", [
      aUser("new"),
      aUser("ann", { title: "boss" }, ["title"]),
      { op: "delete", objectGuid: guidOf("bob") },
    ]);
    await pass();
    expect([target.writes(), living()]).toEqual([writes, ["ann", "bob", "eve", "staff"]]);
    expect((await deletes()).digest).toBe(before.digest);
    // A full read judges everybody anew: another set, of the same people.
    await agent.read("full", [aUser("new"), ...everybody().filter(({ objectGuid }) => objectGuid !== guidOf("bob"))]);
    expect([target.writes(), (await deletes()).count, (await sets()).length]).toEqual([writes, 4, 1]);
    expect((await deletes()).digest).not.toBe(before.digest);
  });

  it("stages who is missing from a full read, too, where those who leave are kept", async () => {
    const { agent, remove, deletes, pass, clock } = await start({ settings: { lifecycle: { outOfScope: "keep" } } });
    await agent.read("full", everybody());
    await remove();
    await pass();
    clock.set(clock.now() + MINUTE);
    await agent.read("full", everybody().slice(1));
    expect(await deletes()).toMatchObject({ count: 4, members: expect.arrayContaining([guidOf("ann")]) });
  });

  it("goes on as before when the set is dropped: what came meanwhile goes out, and the next read changes nothing", async () => {
    const { agent, remove, decide, sets, pass, living, target, isThere } = await start();
    await agent.read("full", everybody());
    const before = JSON.stringify(target.objects());
    await remove();
    await pass();
    expect(await decide("drop")).toMatchObject({ ok: true, value: { decision: "dropped", objects: 4 } });
    await pass();
    expect(await sets()).toEqual([]);
    expect(await agent.status()).not.toHaveProperty("emptying");
    const writes = target.writes();
    await agent.read("full", everybody());
    await pass();
    expect([target.writes(), JSON.stringify(target.objects())]).toEqual([writes, before]);
    await remove();
    await agent.read("delta", [aUser("new")]);
    await pass();
    expect(living()).not.toContain("new");
    await decide("drop");
    expect(living()).toEqual(["ann", "bob", "eve", "new", "staff"]);
    expect(await isThere()).toBe(true);
  });

  it("lets groups wait as always, and has everybody back when their set is dropped", async () => {
    const { agent, remove, decide, deletes, pass, living, target, clock, isThere } = await start({
      settings: { lifecycle: { outOfScope: "keep", groupDeleteDelayDays: 2 } },
    });
    await agent.read("full", everybody());
    const ids = target.objects().map(({ id }) => id);
    await remove();
    await pass();
    expect(await decide("approve")).toMatchObject({ value: { objects: 3 } });
    await pass(12);
    expect([living(), await isThere()]).toEqual([["staff"], true]);
    clock.set(clock.now() + 2 * 86_400_000);
    await pass();
    expect(await deletes()).toMatchObject({ count: 1, members: [guidOf("staff")] });
    await decide("drop");
    expect(living()).toEqual(["ann", "bob", "eve", "staff"]);
    expect(target.objects().map(({ id }) => id)).toEqual(ids);
    expect(namesIn({ target } as Cloud, "staff")).toEqual(["ann", "bob"]);
  });

  it("waits for a deletion that the target refuses, says so, and goes when it is done", async () => {
    const { agent, remove, decide, pass, living, isThere, target, clock, routes, jobId, rows } = await start();
    await agent.read("full", everybody());
    const failure = { code: "InsufficientRights", message: "no right", remedy: "give it", retriable: false } as const;
    let refuses = true;
    target.order({ count: 1_000, kind: "fail", failure, matches: ({ kind }) => refuses && kind === "delete" });
    await remove();
    await pass();
    await decide("approve");
    await pass(2);
    expect([living().length, await isThere()]).toEqual([4, true]);
    // While one of them is tried again, it isn't among those who wait.
    await expect
      .poll(() => agent.status(), { timeout: 10_000 })
      .toMatchObject({ emptying: { by: BY }, escrowed: 4, staged: 0 });
    const listedAt = async () => (await readRow<JobRow>(jobTable(rows), jobId, ROW.job))?.value.emptying?.listedAt;
    const before = await listedAt();
    await pass(15);
    // Each is tried again when it is its turn, and not with everybody.
    expect(await listedAt()).toBe(before);
    refuses = false;
    clock.set(clock.now() + 86_400_000);
    await pass(12);
    expect([living(), await isThere()]).toEqual([[], false]);
    expect(await routes.queries.status(jobId)).toMatchObject({ ok: false });
  });

  it("lets go of its objects after all, when it is asked to keep them", async () => {
    const { agent, remove, pass, living, isThere } = await start();
    await agent.read("full", everybody());
    await remove();
    await pass();
    await remove("keep");
    await pass();
    expect([living().length, await isThere()]).toEqual([4, false]);
  });

  it("deletes nobody by an older release, which doesn't know the mark", async () => {
    const { agent, remove, decide, pass, living, isThere, changeJob } = await start();
    await agent.read("full", everybody());
    await remove();
    await pass();
    let mark: JobRow["emptying"];
    await changeJob(({ emptying, ...job }) => {
      mark = emptying;
      return job;
    });
    await decide("approve");
    await agent.read("delta", [aUser("new")]);
    await pass(12);
    expect([living(), await isThere()]).toEqual([["ann", "bob", "eve", "new", "staff"], true]);
    // The newer one comes back, and lists who came meanwhile, too.
    await changeJob((job) => ({ ...job, ...(mark ? { emptying: mark } : {}) }));
    await pass(12);
    expect(living()).toContain("new");
    expect(await decide("approve")).toMatchObject({ value: { objects: 5 } });
    await pass();
    expect([living(), await isThere()]).toEqual([[], false]);
  });

  it("carries out no set that was staged before for another reason", async () => {
    const people = Array.from({ length: 30 }, (_, at) => aUser(`user${at}`));
    const { agent, remove, deletes, pass, living, routes, jobId, bells, clock } = await start();
    await agent.read("full", people);
    clock.set(clock.now() + MINUTE);
    await agent.read("full", people.slice(25));
    const { digest, count } = await deletes();
    expect(count).toBe(25);
    clock.set(clock.now() + MINUTE);
    await remove();
    bells.splice(0);
    expect(await routes.staged.approve(jobId, "deletes", digest, BY)).toMatchObject({
      ...{ ok: false, failure: { status: 409, code: "staged-set-changed" } },
    });
    await pass();
    expect([(await deletes()).count, living().length]).toEqual([30, 30]);
  });

  it("is refused where nothing could be listed, with what to do first", async () => {
    const { agent, remove, changeJob, routes, jobId, deletes, bells } = await start();
    const people = Array.from({ length: 30 }, (_, at) => aUser(`user${at}`));
    await agent.read("full", people);
    const refused = async (change: (job: JobRow) => JobRow, because: string) => {
      let before: JobRow | undefined;
      await changeJob((job) => {
        before = job;
        return change(job);
      });
      expect(await remove()).toMatchObject({
        ...{
          ok: false,
          failure: { status: 409, code: "job-objects-not-deleted", message: expect.stringContaining(because) },
        },
      });
      await changeJob(() => before as JobRow);
    };
    await refused((job) => ({ ...job, state: "paused" }), "paused");
    await refused((job) => ({ ...job, exportsHeld: { because: "staging", at: 0 } }), "staging");
    await refused((job) => ({ ...job, restoredAt: 1 }), "links-rebuilt");
    await refused((job) => ({ ...job, schemaVersion: 2 }), "schema");
    await agent.read("full", people.slice(25));
    bells.splice(0);
    await routes.staged.approve(jobId, "deletes", (await deletes()).digest, BY);
    expect(await remove()).toMatchObject({ failure: { message: expect.stringContaining("being carried out") } });
  });
});

describe("a host that dies while a job is emptied", () => {
  /** Stores and a target that outlive it: everything fails from its `dies`th write on; every other time that write is done all the same. */
  async function createMortal() {
    const [rows, blobs] = [createMemoryRowStore(), createMemoryBlobStore()];
    const target = createMemoryTargetDirectory({ verifiedDomains: ["corp.example"] });
    let now = START;
    const set = (to: number) => {
      now = to;
    };
    const clock = { now: () => now, set };
    const host = (dies: number) => {
      let writes = 0;
      let isArmed = false;
      const write = async <T>(doIt: () => Promise<T>): Promise<T> => {
        if (isArmed) writes++;
        if (isArmed && writes === dies && dies % 2 === 0) await doIt();
        if (isArmed && writes >= dies) throw new Error("The host is dead.");
        return doIt();
      };
      const wrapRows = (): RowStore => ({
        ...rows,
        table: (name) => {
          const table = rows.table(name);
          return { ...table, transact: (...args) => write(() => table.transact(...args)) };
        },
      });
      const wrapBlobs = (): BlobStore => ({ ...blobs, put: (...args) => write(() => blobs.put(...args)) });
      const time = { clock, sleepUntil: async (at: number) => set(Math.max(now, at)) };
      const mortal: TargetDirectory = { ...target, apply: (...args) => write(() => target.apply(...args)) };
      const cloud = createCloud({ wrapRows, wrapBlobs, targetDirectory: mortal, time });
      const arm = () => {
        isArmed = true;
      };
      return { cloud, arm, writes: () => writes };
    };
    return { host, clock, living: () => target.objects().filter(({ deleted }) => !deleted) };
  }
  type Hosted = Awaited<ReturnType<typeof createCloud>>;

  /** Asked for, listed, approved and carried out, as far as it isn't already; what a dead host answers is no answer. */
  async function empty(
    cloud: Hosted,
    of: { configurationId: string; jobId: string },
    ends: "approve" | "drop",
    ticks = 14,
  ) {
    const { routes } = cloud.cloud;
    const pass = async () => {
      for (let tick = 0; tick < ticks; tick++) {
        cloud.clock.set(cloud.clock.now() + MINUTE);
        await cloud.tick().catch(() => undefined);
        await cloud.run().catch(() => undefined);
      }
    };
    const isAlive = async () => (await routes.configurations.list()).some(({ jobId }) => jobId === of.jobId);
    await routes.jobDeletion.remove(of, "delete", BY).catch(() => undefined);
    await pass();
    const sets = await routes.staged.list(of.jobId, { members: false });
    for (const { class: own, digest } of sets.ok ? sets.value : [])
      await routes.staged[ends](of.jobId, own, digest, BY).catch(() => undefined);
    await pass();
    return isAlive();
  }

  async function play(dies: number, ends: "approve" | "drop") {
    const { host, clock, living } = await createMortal();
    const first = host(dies);
    const cloud = await first.cloud;
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", everybody());
    first.arm();
    await empty(cloud, agent, ends);
    const writes = first.writes();
    const second = await host(Number.POSITIVE_INFINITY).cloud;
    clock.set(clock.now() + 15 * MINUTE);
    const isAlive = await empty(second, agent, ends, 40);
    return { writes, isAlive, living: living().length };
  }

  it("loses nothing: the next host goes on, and everybody is deleted with the job", async () => {
    const { writes } = await play(100_000, "approve");
    expect(writes).toBeGreaterThan(60);
    for (let dies = 1; dies <= writes; dies += STEP)
      expect({ dies, ...(await play(dies, "approve")) }).toMatchObject({ dies, isAlive: false, living: 0 });
  }, 120_000);

  it("loses nothing when the set is dropped: the job goes on with everybody", async () => {
    const { writes } = await play(100_000, "drop");
    for (let dies = 1; dies <= writes; dies += STEP)
      expect({ dies, ...(await play(dies, "drop")) }).toMatchObject({ dies, isAlive: true, living: 4 });
  }, 120_000);
});
