import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Change } from "../../shared/contracts/change.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import { aGroup, managedBy, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";
import { changing } from "../support/links.ts";
import { readLog } from "../support/log.ts";
import { type Event, holds } from "./play.ts";
import { createWorld, type World } from "./world.ts";

const BY = "admin ann";
const HOUR = 3_600_000;
const gone = (name: string): Change => ({ op: "delete", objectGuid: guidOf(name) });
const named = (cloud: Cloud, name: string) =>
  cloud.target.objects().find((own) => own.values["displayName"] === name && !own.deleted);

async function start(settings: Partial<JobSettings> = {}, options: CloudOptions = {}) {
  const cloud = await createCloud({ ...options, settings });
  const agent = await cloud.addDomain("corp.example");
  const { jobId } = agent;
  const { heldExports, configurations } = cloud.cloud.routes;
  const setMode = async (mode: "normal" | "staging") => {
    const done = await heldExports.setMode(jobId, mode, BY);
    if (!done.ok) throw new Error(done.failure.message);
    return done.value;
  };
  const release = async () => {
    const done = await heldExports.releaseExports(jobId, BY);
    if (!done.ok) throw new Error(done.failure.message);
    return done.value;
  };
  /** Hours in which everything due is tried. */
  const wait = async (hours: number) => {
    for (let hour = 0; hour < hours; hour++) {
      cloud.clock.set(cloud.clock.now() + HOUR);
      await cloud.tick();
      await cloud.driver.settled();
      await cloud.run();
    }
  };
  const logOf = (name: string) =>
    readLog(cloud.cloud.routes, { jobId, objectGuid: guidOf(name), sinceDays: 400, top: 20 });
  return { cloud, agent, jobId, heldExports, configurations, setMode, release, wait, logOf };
}

/** What is in the target, by name, and who is in which group. */
function shown(cloud: Cloud) {
  const all = cloud.target.objects();
  const nameOf = (id: unknown) => String(all.find((own) => own.id === id)?.values["displayName"]);
  return all
    .map(({ id, deleted, values: { manager, uniqueName: _, ...values } }) => ({
      name: nameOf(id),
      deleted,
      // Nobody updates what is about to go.
      values: deleted ? {} : values,
      manager: manager === undefined ? "" : nameOf(manager),
      members: deleted ? [] : cloud.target.membersOf(id).map(nameOf).sort(),
    }))
    .sort((one, other) => one.name.localeCompare(other.name));
}

const PEOPLE = [
  managedBy(null, aUser("ann")),
  managedBy("ann", aUser("bob")),
  managedBy("bob", aUser("cid")),
  managedBy("ann", aUser("dee", { department: "Sales" })),
];
const EVERYBODY = [
  ...PEOPLE,
  withMembers(["ann", "bob", "cid"], aGroup("team")),
  withMembers(["dee"], aGroup("sales")),
];

/** After everybody is there: a change of every kind. */
async function changeAll(agent: Awaited<ReturnType<typeof start>>["agent"]) {
  await agent.read("delta", [
    managedBy("ann", aUser("cid", { department: "Finance" }, ["department", "manager"])),
    aUser("bob", { userAccountControl: "514" }, ["userAccountControl"]),
    aUser("dee", {}, ["department"]),
    aUser("eve"),
  ]);
  await agent.read("delta", [gone("ann"), changing("team", { add: ["eve"], remove: ["bob"] })]);
}

describe("While exports are held", () => {
  it("nothing is written for creates, members or retries; every change is staged, and the watermark is committed", async () => {
    const { cloud, agent, jobId, wait, logOf } = await start({ mode: "staging" });
    await agent.read("full", EVERYBODY);
    expect(cloud.target.writes()).toBe(0);
    const status = await agent.status();
    expect(status).toMatchObject({
      mode: "staging",
      exportsHeld: { because: "staging" },
      escrowed: 0,
      staged: 0,
      waiting: { batches: 0, readsEnding: 0, work: 0 },
      lastCycle: { received: 6, outcomes: { staged: 6, exported: 0, escrowed: 0 } },
    });
    expect(status.committedWatermarkAt).toBe(status.acceptedWatermarkAt);
    expect((await logOf("ann")).map((own) => [own.provisioningAction, own.provisioningStatusInfo.status])).toEqual([
      ["create", "skipped"],
    ]);
    expect((await logOf("ann"))[0]?.provisioningStatusInfo.errorInformation?.errorCode).toBe("ExportsHeld");
    // Told once, however often it is read.
    await agent.read("full", EVERYBODY);
    expect(await logOf("ann")).toHaveLength(1);
    await cloud.cloud.routes.retryEscrows(jobId, undefined, BY);
    await wait(3);
    expect(cloud.target.writes()).toBe(0);
    expect(await claims(cloud)).toEqual([]);
  });

  it("nothing is written for updates, disables, deletes, members, absences or retries either", async () => {
    const { cloud, agent, setMode, wait } = await start();
    await agent.read("full", EVERYBODY);
    cloud.target.order({ kind: "fail", count: 1 });
    await agent.read("delta", [aUser("dee", { department: "Law" }, ["department"])]);
    expect(await agent.status()).toMatchObject({ escrowed: 1 });
    const before = shown(cloud);
    const writes = cloud.target.writes();
    await setMode("staging");
    await changeAll(agent);
    await wait(30);
    // Ann is gone by her tombstone, bob by his absence.
    await agent.read(
      "full",
      [PEOPLE[2], PEOPLE[3], EVERYBODY[4], EVERYBODY[5]].flatMap((own) => own ?? []),
    );
    await wait(3);
    expect(cloud.target.writes()).toBe(writes);
    expect(shown(cloud)).toEqual(before);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
    expect((await agent.status()).lastCycle).toMatchObject({ staged: [], outcomes: { exported: 0 } });
  });

  it("no other job with the same target is kept from a value that is only wanted", async () => {
    const cloud = await createCloud();
    const held = await cloud.addDomain("one.example", { mode: "staging" });
    const free = await cloud.addDomain("two.example");
    const twin = (name: string) => aUser(name, { userPrincipalName: "same@corp.example" });
    await held.read("full", [twin("ann")]);
    await free.read("full", [twin("bob")]);
    expect(named(cloud, "bob")).toBeDefined();
    await cloud.cloud.routes.heldExports.setMode(held.jobId, "normal", BY);
    await cloud.run();
    expect(await held.status()).toMatchObject({ escrowed: 1 });
    expect(await free.status()).toMatchObject({ escrowed: 0 });
  });

  it("what an admin approved waits for the release", async () => {
    const { cloud, agent, jobId, setMode } = await start({ guard: { floor: 0, count: 1, percent: 1 } });
    await agent.read("full", EVERYBODY);
    await agent.read("delta", [gone("cid"), gone("dee")]);
    const sets = await cloud.cloud.routes.staged.list(jobId, { members: false });
    const [set] = sets.ok ? sets.value : [];
    await setMode("staging");
    await cloud.cloud.routes.staged.approve(jobId, "deletes", set?.digest ?? "", BY);
    await cloud.run();
    expect(named(cloud, "cid")).toBeDefined();
    expect(await agent.status()).toMatchObject({ waiting: { work: 1 } });
    await setMode("normal");
    for (const lane of ["live", "bulk"] as const) await cloud.wakeJob(jobId, lane);
    await cloud.driver.settled();
    await cloud.run();
    expect([named(cloud, "cid"), named(cloud, "dee")]).toEqual([undefined, undefined]);
  });
});

describe("Released", () => {
  it("everything is what it would be, by as many writes", async () => {
    const plain = await start();
    await plain.agent.read("full", EVERYBODY);
    const held = await start({ mode: "staging" });
    await held.agent.read("full", EVERYBODY);
    expect(await held.setMode("normal")).toMatchObject({ released: true, exportsHeld: null });
    await held.cloud.run();
    expect(shown(held.cloud)).toEqual(shown(plain.cloud));
    expect(held.cloud.target.writes()).toBe(plain.cloud.target.writes());
    const writes = held.cloud.target.writes();
    await held.agent.read("full", EVERYBODY);
    expect(held.cloud.target.writes()).toBe(writes);
  });

  it("changes, deletions, members and who was absent meanwhile follow, without another read", async () => {
    const plain = await start();
    const held = await start();
    for (const { agent } of [plain, held]) await agent.read("full", EVERYBODY);
    await held.setMode("staging");
    for (const { agent } of [plain, held]) {
      await changeAll(agent);
      // Dee is absent.
      const team = withMembers(["cid", "eve"], aGroup("team"));
      await agent.read("full", [
        managedBy(null, aUser("bob", { userAccountControl: "514" })),
        managedBy(null, aUser("cid", { department: "Finance" })),
        managedBy(null, aUser("eve")),
        team,
        withMembers([], aGroup("sales")),
      ]);
    }
    await held.setMode("normal");
    await held.cloud.run();
    expect(shown(held.cloud)).toEqual(shown(plain.cloud));
    expect(named(held.cloud, "dee")).toBeUndefined();
    expect(await held.agent.status()).toMatchObject({ escrowed: 0, staged: 0, fullReadWanted: null });
  });

  it("removals are judged then, all in one", async () => {
    const { cloud, agent, setMode } = await start({ guard: { floor: 1, count: 500, percent: 10 } });
    await agent.read("full", EVERYBODY);
    await setMode("staging");
    for (const name of ["bob", "cid", "dee"]) await agent.read("delta", [gone(name)]);
    await setMode("normal");
    await cloud.run();
    expect(["bob", "cid", "dee"].map((name) => named(cloud, name) !== undefined)).toEqual([true, true, true]);
    expect(await agent.status()).toMatchObject({ staged: 3 });
  });

  it("a first export goes by its own word: the mode doesn't release it, and it doesn't end the mode", async () => {
    const { cloud, agent, setMode, release } = await start({ firstExport: "approval" });
    await agent.read("full", EVERYBODY);
    expect(cloud.target.writes()).toBe(0);
    expect(await setMode("normal")).toMatchObject({ released: false, exportsHeld: { because: "first-export" } });
    expect(await setMode("staging")).toMatchObject({ released: false, exportsHeld: { because: "first-export" } });
    expect(await release()).toMatchObject({ released: false, mode: "staging", exportsHeld: { because: "staging" } });
    await cloud.run();
    expect(cloud.target.writes()).toBe(0);
    expect(await setMode("normal")).toMatchObject({ released: true });
    await cloud.run();
    expect(cloud.target.objects()).toHaveLength(6);
    expect(await release()).toMatchObject({ released: false, exportsHeld: null });
  });

  it("while it is paused, everything follows when it is started", async () => {
    const { cloud, agent, jobId, configurations, setMode } = await start({ mode: "staging" });
    await agent.read("full", EVERYBODY);
    await configurations.setPaused(jobId, true);
    await setMode("normal");
    await cloud.run();
    expect(cloud.target.writes()).toBe(0);
    await configurations.setPaused(jobId, false);
    await cloud.wakeJob(jobId, "bulk");
    await cloud.driver.settled();
    await cloud.run();
    expect(cloud.target.objects()).toHaveLength(6);
  });

  it.each(["MapChunk", "ExportChunk", "CommitBatch", "DecideRemovals", "ExportLinks", "CommitCycle"])(
    "in the middle of a read, before or after its %s, nothing is forgotten",
    async (name) => {
      for (const at of ["before", "after"] as const) {
        let isDone = false;
        const world: { releaseNow?: () => Promise<unknown> } = {};
        const own = await start(
          { mode: "staging" },
          {
            aroundActivity: async (activity, _input, run) => {
              const isIt = activity === name && !isDone && world.releaseNow !== undefined;
              if (isIt) isDone = true;
              if (isIt && at === "before") await world.releaseNow?.();
              const answer = await run();
              if (isIt && at === "after") await world.releaseNow?.();
              return answer;
            },
          },
        );
        world.releaseNow = () => own.setMode("normal");
        await own.agent.read("full", EVERYBODY);
        await own.cloud.run();
        const plain = await start();
        await plain.agent.read("full", EVERYBODY);
        expect(isDone).toBe(true);
        expect(shown(own.cloud), `${at} ${name}`).toEqual(shown(plain.cloud));
      }
    },
  );

  const STEP = Number(process.env["UPLINK_TEST_CRASH_STEP"] ?? 7);
  it("by a run that is killed at any of its writes, the target is the projection all the same", async () => {
    const play = async (world: World, at?: number) => {
      const { heldExports } = world.cloud.cloud.routes;
      world.take(...["ann", "bob", "cid", "dee"].map((name) => ({ do: "create" as const, name })));
      await world.send("full", 2);
      await world.run();
      await heldExports.setMode(world.agent.jobId, "staging", BY);
      world.take(
        { do: "upn", name: "ann", to: "anna@corp.example" },
        { do: "upn", name: "bob", to: "ann@corp.example" },
        { do: "delete", name: "cid" },
        { do: "enable", name: "dee", to: false },
        { do: "create", name: "eve" },
      );
      await world.send("delta", 2);
      await world.run();
      await heldExports.setMode(world.agent.jobId, "normal", BY);
      const before = world.writes();
      if (at !== undefined) world.crashAt(at);
      await world.run();
      return world.writes() - before;
    };
    const most = await play(await createWorld());
    expect(most).toBeGreaterThan(20);
    for (let at = 1; at <= most; at += STEP) {
      const world = await createWorld();
      await play(world, at);
      await world.check().catch((error: unknown) => {
        throw new Error(`killed at write ${at} of ${most}: ${error instanceof Error ? error.message : error}`);
      });
    }
  }, 60_000);
});

describe("any history with holds and releases", () => {
  const RUNS = Number(process.env["UPLINK_TEST_RUNS"] ?? 25);
  const SEED = process.env["UPLINK_TEST_SEED"];
  const name = fc.constantFrom("ann", "bob", "cid");
  const event: fc.Arbitrary<Event> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("create" as const), name }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant("department" as const), name, to: fc.constantFrom("Sales", null) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("upn" as const),
        name,
        to: name.map((own) => `${own}.new@corp.example`),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), name }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("undelete" as const), name }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("read" as const),
        kind: fc.constantFrom("full" as const, "delta" as const, "delta" as const),
        size: fc.integer({ min: 1, max: 3 }),
        doubled: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.constant({ do: "run" as const }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("hold" as const), held: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.oneof(
        fc.record({ do: fc.constant("crash" as const), at: fc.integer({ min: 1, max: 40 }) }),
        fc.record({
          do: fc.constant("fault" as const),
          kind: fc.constantFrom("throttle" as const, "lose-answer" as const, "fail" as const),
          count: fc.integer({ min: 1, max: 3 }),
        }),
      ),
    },
  );

  it(`ends, released, with the target being the projection (${RUNS} drawn)`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 30 }), (events) => holds(events)),
      { numRuns: RUNS, endOnFailure: false, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
    );
  }, 120_000);
});

async function claims(cloud: Cloud): Promise<string[]> {
  const held: string[] = [];
  for await (const rows of cloud.rows.table("claims").scan())
    held.push(...rows.filter((row) => row.values["owner"] !== "").map((row) => row.row));
  return held;
}
