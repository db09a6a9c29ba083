import { describe, expect, it } from "vitest";
import { FencedOff } from "../../shared/application/lanes/wake-job.ts";
import { aUser, createCloud } from "../support/cloud.ts";
import { createWorld } from "./world.ts";

const MINUTE = 60_000;

describe("runs", () => {
  it("two bells at once start one run", async () => {
    const cloud = await createCloud();
    const { jobId } = await cloud.addDomain("corp.example");
    const answers = await Promise.all([cloud.wakeJob(jobId, "bulk"), cloud.wakeJob(jobId, "bulk")]);
    expect(answers.sort()).toEqual(["running", "started"]);
    await cloud.driver.settled();
    expect(cloud.driver.ids).toEqual([`sync-${jobId}-bulk-1`]);
  });

  it("a bell for a job that is gone does nothing", async () => {
    const cloud = await createCloud();
    expect(await cloud.wakeJob("nobody", "bulk")).toBe("no-job");
  });

  it("a run that failed is followed by one with a fresh id", async () => {
    let fails = true;
    const cloud = await createCloud({
      beforeActivity: (name) => {
        if (name === "NextBatch" && fails) throw new Error("The storage is away.");
      },
    });
    const { jobId } = await cloud.addDomain("corp.example");
    await cloud.wakeJob(jobId, "live");
    await expect(cloud.driver.settled()).rejects.toThrow("The storage is away.");
    fails = false;
    expect(await cloud.wakeJob(jobId, "live")).toBe("started");
    await cloud.driver.settled();
    expect(cloud.driver.ids).toEqual([`sync-${jobId}-live-1`, `sync-${jobId}-live-2`]);
  });

  it("a stuck run is replaced, and writes nothing more when it comes back to life", async () => {
    const held: { go: () => void }[] = [];
    let holding = false;
    const cloud = await createCloud({
      aroundActivity: async (name, _input, run) => {
        if (name === "ExportChunk" && holding) {
          holding = false;
          await new Promise<void>((resolve) => held.push({ go: resolve }));
        }
        return run();
      },
    });
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    holding = true;
    const sent = agent.read("delta", [aUser("ann", { department: "Sales" }, ["department"])]);
    while (held.length === 0) await new Promise(setImmediate);
    expect(await cloud.wakeJob(agent.jobId, "live")).toBe("running");
    cloud.clock.set(cloud.clock.now() + 11 * MINUTE);
    expect(await cloud.wakeJob(agent.jobId, "live")).toBe("started");
    while ((await agent.status()).waiting.batches > 0) await new Promise(setImmediate);
    const writes = cloud.target.writes();
    expect(writes).toBe(2);
    held[0]?.go();
    await sent;
    expect(cloud.target.writes()).toBe(writes);
    const old = { jobId: agent.jobId, lane: "live", epoch: 1, readNo: 2, sequence: 1, chunks: 1 };
    expect(await cloud.cloud.activities["CommitBatch"]?.(old)).toEqual({ kind: "fenced" });
    expect(new FencedOff("j", "live", 1).code).toBe("fenced-off");
  });

  it("every writing activity of a replaced run is fenced off", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    const run = { jobId: agent.jobId, lane: "bulk", epoch: 99 };
    const inputs: Record<string, object> = {
      PlanChunks: { readNo: 1, sequence: 1 },
      PlanWork: { workId: "w" },
      MapChunk: { batchId: "b", chunk: 0 },
      ExportChunk: { batchId: "b", chunk: 0 },
      CommitBatch: { readNo: 1, sequence: 1, chunks: 1 },
      BeginReadEnd: { readNo: 1 },
      FindAbsences: { readNo: 1, shards: ["0"] },
      DecideRemovals: { readNo: 1 },
      CommitCycle: { readNo: 1 },
      CommitWork: { workId: "w" },
      NoteFailure: { step: '{"kind":"idle"}', message: "" },
    };
    for (const [name, more] of Object.entries(inputs))
      expect(await cloud.cloud.activities[name]?.({ ...run, ...more }), name).toEqual({ kind: "fenced" });
    expect(await cloud.cloud.activities["NextBatch"]?.(run)).toMatchObject({ value: { kind: "superseded" } });
  });

  it("a batch accepted between the last look and going idle is not lost", async () => {
    let arrive: (() => Promise<void>) | undefined;
    const cloud = await createCloud({
      wrapRows: (rows) => ({
        ...rows,
        table: (name) => {
          const table = rows.table(name);
          return {
            ...table,
            transact: async (partition, operations) => {
              const isSleep = operations.some((own) => own.op === "replace" && own.row.startsWith("inbox:"));
              const now = isSleep ? arrive : undefined;
              if (now) {
                arrive = undefined;
                await now();
              }
              return table.transact(partition, operations);
            },
          };
        },
      }),
    });
    const agent = await cloud.addDomain("corp.example");
    const order = await agent.order("full");
    arrive = async () => {
      expect(await agent.send(agent.batch(order, 1, [aUser("ann")]))).toMatchObject({ ok: true });
      // The bell is lost, too.
      cloud.bells.splice(0);
    };
    await cloud.wakeJob(agent.jobId, "bulk");
    await cloud.driver.settled();
    expect(cloud.target.objects()).toHaveLength(1);
    expect(cloud.driver.ids.filter((id) => id.startsWith("sync-"))).toHaveLength(1);
  });

  it("a paused job takes batches and works none; started again it goes on", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await cloud.cloud.routes.configurations.setPaused(agent.jobId, true);
    expect((await agent.heartbeat({ want: "full" })).ok).toBe(true);
    await cloud.cloud.routes.configurations.setPaused(agent.jobId, false);
    const order = await agent.order("full");
    await cloud.cloud.routes.configurations.setPaused(agent.jobId, true);
    expect(await agent.send(agent.batch(order, 1, [aUser("ann")]))).toMatchObject({ ok: true });
    await cloud.run();
    expect(cloud.target.objects()).toHaveLength(0);
    await cloud.cloud.routes.configurations.setPaused(agent.jobId, false);
    await cloud.cloud.routes.wakeJob(agent.jobId);
    await cloud.run();
    expect(cloud.target.objects()).toHaveLength(1);
  });

  it("a batch that always fails is parked after three attempts; the next ones go on, and a full read brings it again", async () => {
    let bad: number | undefined = 1;
    const cloud = await createCloud({
      beforeActivity: (name, input) => {
        if (name === "MapChunk" && (input as { batchId: string }).batchId.endsWith(`-${bad}`))
          throw new Error("poison");
      },
    });
    const agent = await cloud.addDomain("corp.example");
    const people = ["ann", "bob", "cid"].map((name) => aUser(name));
    await agent.read("full", people, 1);
    expect(cloud.driver.calls.filter((call) => call.name === "NoteFailure")).toHaveLength(3);
    expect(cloud.target.objects()).toHaveLength(2);
    const status = await agent.status();
    expect(status).toMatchObject({
      waiting: { batches: 0 },
      lastCycle: { received: 3, outcomes: { exported: 2, escrowed: 1 } },
    });
    expect(status.fullReadWanted).toBe("parked-batch");
    bad = undefined;
    cloud.clock.set(cloud.clock.now() + MINUTE);
    expect(await agent.read("delta", people)).toMatchObject({ kind: "full", reason: "parked-batch" });
    expect(cloud.target.objects()).toHaveLength(3);
    expect((await agent.status()).fullReadWanted).toBeNull();
  });

  it("a batch parked while its full read goes on: the wish for another full read outlives the read's end", async () => {
    let bad = true;
    const cloud = await createCloud({
      beforeActivity: (name) => {
        if (name === "MapChunk" && bad) throw new Error("poison");
      },
    });
    const agent = await cloud.addDomain("corp.example");
    const order = await agent.order("full");
    cloud.clock.set(cloud.clock.now() + MINUTE);
    await agent.send(agent.batch(order, 1, [aUser("ann")]));
    await cloud.run();
    expect((await agent.status()).fullReadWanted).toBe("parked-batch");
    bad = false;
    const end = { batches: 2, objects: 1, digest: "" };
    const watermarkAfter = {
      mode: "ldif" as const,
      id: "w",
      token: "t",
      at: new Date(cloud.clock.now()).toISOString(),
    };
    expect(await agent.send(agent.batch(order, 2, [], { isLast: true, end, watermarkAfter }))).toMatchObject({
      ok: true,
    });
    await cloud.run();
    expect((await agent.status()).fullReadWanted).toBe("parked-batch");
    expect(await agent.order("delta")).toMatchObject({ kind: "full", reason: "parked-batch" });
  });

  it("objects of a batch that could not even be split are not taken for absent", async () => {
    let bad = false;
    const cloud = await createCloud({
      beforeActivity: (name, input) => {
        if (bad && name === "PlanChunks" && (input as { sequence: number }).sequence === 1) throw new Error("poison");
      },
    });
    const agent = await cloud.addDomain("corp.example");
    const people = ["ann", "bob", "cid"].map((name) => aUser(name));
    await agent.read("full", people, 1);
    bad = true;
    await agent.read("full", people, 1);
    expect(cloud.target.objects().filter((object) => object.deleted)).toEqual([]);
    expect((await agent.status()).lastCycle).toMatchObject({
      complete: false,
      incompleteBecause: expect.stringContaining("1 batches"),
    });
  });

  it("a read end that always fails is given up: nothing is removed, the lane goes on, the next full read judges again", async () => {
    let bad = false;
    const cloud = await createCloud({
      beforeActivity: (name) => {
        if (bad && name === "DecideRemovals") throw new Error("poison");
      },
    });
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    bad = true;
    await agent.read("delta", [
      { op: "delete", objectGuid: guid("ann") },
      aUser("bob", { department: "Sales" }, ["department"]),
    ]);
    expect(await agent.status()).toMatchObject({
      fullReadWanted: "parked-read-end",
      waiting: { batches: 0, readsEnding: 0 },
      lastCycle: {
        received: 2,
        outcomes: { exported: 1, escrowed: 1 },
        incompleteBecause: expect.stringContaining("poison"),
      },
    });
    expect(cloud.target.objects().some((object) => object.deleted)).toBe(false);
    bad = false;
    await agent.read("full", [aUser("bob", { department: "Sales" })]);
    expect(cloud.target.objects().filter((object) => object.deleted)).toHaveLength(1);
  });

  it("payloads of a read that has no cycle yet are kept, however old", async () => {
    const cloud = await createCloud({ settings: { guard: { floor: 20, count: 500, percent: 10 } } });
    const agent = await cloud.addDomain("corp.example");
    const people = ["ann", "bob"].map((name) => aUser(name));
    await agent.read("full", people);
    const order = await agent.order("full");
    await agent.send(agent.batch(order, 1, people));
    await cloud.run();
    cloud.clock.set(cloud.clock.now() + 8 * 24 * 60 * MINUTE);
    await cloud.tick();
    await cloud.driver.settled();
    const paths: string[] = [];
    for await (const path of cloud.blobs.list(`seen/${agent.jobId}/`)) paths.push(path);
    expect(paths).toEqual([`seen/${agent.jobId}/2/1.json.gz`]);
  });

  it("two lanes that disable and delete in one read each leave the accounts whole", async () => {
    const world = await createWorld();
    world.take({ do: "create", name: "ann" }, { do: "create", name: "bob" });
    await world.send("full");
    await world.run();
    await world.send("full", 1);
    world.take({ do: "enable", name: "ann", to: false }, { do: "delete", name: "bob" });
    await world.send("delta", 1);
    await world.check();
  });
});

function guid(name: string): string {
  const change = aUser(name);
  return change.objectGuid;
}
