/** Waking a job by fresh runs: what an older version can't go on with after a roll-back is taken over at once. */
import { describe, expect, it } from "vitest";
import { createWakeAnew } from "../../shared/application/wake-anew.ts";
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
    expect(await cloud.cloud.routes.wakeAnew(jobId)).toEqual({ ok: true, value: { jobId, replaced: ["bulk"] } });
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

  it("is rung in both lanes where no run is under way, and nothing is set aside", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    const { jobId } = agent;
    const rung: string[] = [];
    const wakeAnew = createWakeAnew({ ...cloud, log: cloud.cloud.log, ring: async (_, lane) => void rung.push(lane) });
    expect(await wakeAnew(jobId)).toEqual({ ok: true, value: { jobId, replaced: [] } });
    expect(rung).toEqual(["bulk", "live"]);
    expect(await wakeAnew("nobody")).toMatchObject({ ok: false, failure: { status: 404 } });
  });
});
