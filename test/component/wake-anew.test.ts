/** Waking a job by fresh runs: what an older version can't go on with after a roll-back is taken over at once. */
import { describe, expect, it } from "vitest";
import { createWakeAnew } from "../../shared/application/lanes/wake-anew.ts";
import { aUser, createCloud } from "../support/cloud.ts";

/** A job whose first export hangs until it is let go. */
async function hanging() {
  const held: (() => void)[] = [];
  let isHolding = true;
  const cloud = await createCloud({
    aroundActivity: async (name, _input, run) => {
      if (name === "ExportChunk" && isHolding) {
        isHolding = false;
        await new Promise<void>((resolve) => held.push(resolve));
      }
      return run();
    },
  });
  const agent = await cloud.addDomain("corp.example");
  const read = agent.read("full", [aUser("ann"), aUser("ben")]);
  while (held.length === 0) await new Promise(setImmediate);
  return { cloud, agent, read, letGo: () => held[0]?.() };
}

describe("a job that is woken anew", () => {
  it("has its work done by a fresh run, and the one set aside writes nothing when it comes back to life", async () => {
    const { cloud, agent, read, letGo } = await hanging();
    const { jobId } = agent;
    expect(await cloud.wakeJob(jobId, "bulk")).toBe("running");
    expect(await cloud.cloud.routes.wakeAnew(jobId, { force: true })).toEqual({
      ok: true,
      value: { jobId, replaced: ["bulk"], left: [] },
    });
    expect(await cloud.wakeJob(jobId, "bulk")).toBe("started");
    while ((await agent.status()).waiting.batches + (await agent.status()).waiting.readsEnding > 0)
      await new Promise(setImmediate);
    expect(cloud.target.writes()).toBe(2);
    letGo();
    await read;
    expect(cloud.target.writes()).toBe(2);
    expect((await agent.status()).lastCycle?.outcomes.exported).toBe(2);
    expect(cloud.driver.ids.filter((id) => id.includes("-bulk-") && id.startsWith("sync-")).slice(0, 2)).toEqual([
      `sync-${jobId}-bulk-1`,
      `sync-${jobId}-bulk-3`,
    ]);
  });

  it("keeps a run that moved in the last two minutes, and is told so; one that stands still for longer is set aside", async () => {
    const { cloud, agent, read, letGo } = await hanging();
    const { jobId } = agent;
    const clock = { now: () => now };
    let now = cloud.clock.now();
    const rung: string[] = [];
    const ring = async (_: string, lane: string) => void rung.push(lane);
    const wakeAnew = createWakeAnew({ ...{ rows: cloud.rows, clock, ring }, log: cloud.cloud.log });
    now += 60_000;
    expect(await wakeAnew(jobId)).toEqual({ ok: true, value: { jobId, replaced: [], left: ["bulk"] } });
    expect(rung).toEqual(["bulk", "live"]);
    now += 120_000;
    expect(await wakeAnew(jobId)).toEqual({ ok: true, value: { jobId, replaced: ["bulk"], left: [] } });
    await cloud.wakeJob(jobId, "bulk");
    letGo();
    await read;
  });

  it("is awake though the bus is away: the tick rings then", async () => {
    const cloud = await createCloud();
    const { jobId } = await cloud.addDomain("corp.example");
    const told: unknown[] = [];
    const log = { ...cloud.cloud.log, warn: (...line: unknown[]) => void told.push(line) };
    const ring = () => Promise.reject(new Error("no bus"));
    const wakeAnew = createWakeAnew({ rows: cloud.rows, clock: cloud.clock, log, ring });
    expect(await wakeAnew(jobId)).toEqual({ ok: true, value: { jobId, replaced: [], left: [] } });
    expect(told).toEqual(["bulk", "live"].map((lane) => ["doorbell-unreachable", { jobId, lane }]));
  });

  it("is rung in both lanes where no run is under way, and nothing is set aside", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    const { jobId } = agent;
    const rung: string[] = [];
    const wakeAnew = createWakeAnew({ ...cloud, log: cloud.cloud.log, ring: async (_, lane) => void rung.push(lane) });
    expect(await wakeAnew(jobId)).toEqual({ ok: true, value: { jobId, replaced: [], left: [] } });
    expect(rung).toEqual(["bulk", "live"]);
    expect(await wakeAnew("nobody")).toMatchObject({ ok: false, failure: { status: 404 } });
  });
});
