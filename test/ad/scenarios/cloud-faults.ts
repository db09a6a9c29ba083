/**
 * What goes wrong in the cloud, and processes that are killed: the work waits and goes on by itself, nothing is lost, and
 * nobody is made twice.
 */
import { describe, expect, it } from "vitest";
import { differences } from "../../support/compare-target.ts";
import { until } from "../../support/until.ts";
import type { Line, Stage } from "../stage.ts";

export function describeCloudFaults(on: () => Stage): void {
  describe("with a fault in the cloud", () => {
    /** Gives so many people a title; returns how many. */
    async function edit(title: string, count: number): Promise<number> {
      const { admin, person } = on();
      for (let number = 400; number < 400 + count; number++) await admin.set(await person(number), "title", title);
      return count;
    }

    async function whileTargetIsDown(work: () => Promise<unknown>): Promise<void> {
      const { runtime } = on().main;
      await runtime.setTargetDown(true);
      await work().finally(() => runtime.setTargetDown(false));
    }

    it("the target is down: accepted changes wait, and go out when it is back", async () => {
      const { main, expectConverged } = on();
      const { runtime, job, agent } = main;
      const before = await runtime.status(job);
      const edits = await edit("While the target was down", 3);
      await runtime.resetStats();
      await whileTargetIsDown(async () => {
        await agent.mustRead();
        await until("the log to say so", () => /"(graph-writes-put-off|target-unavailable)"/.test(runtime.host.log()));
        const during = await runtime.status(job);
        expect(during).toMatchObject({ committedWatermarkAt: before.committedWatermarkAt, waiting: { batches: 1 } });
      });
      await runtime.settled(job);
      await expectConverged();
      const { writes } = await runtime.stats();
      expect(Object.keys(writes)).toEqual(["updateUser"]);
      // An update that was sent and could not be noted any more is sent once again: the same values, nothing else.
      expect(writes.updateUser).toBeGreaterThanOrEqual(edits);
      expect(writes.updateUser).toBeLessThanOrEqual(2 * edits);
      expect((await runtime.status(job)).committedWatermarkAt).not.toBe(before.committedWatermarkAt);
    });

    it("storage goes away in mid-run: the agent is told, and all goes on when it is back", async () => {
      const { main, expectConverged } = on();
      const { runtime, job, agent } = main;
      const before = await runtime.status(job);
      const edits = await edit("While storage was away", 60);
      await runtime.resetStats();
      // So that the work has begun and isn't done.
      await whileTargetIsDown(agent.mustRead);
      await runtime.azurite.end("SIGTERM");
      const refused = await agent.once();
      expect(refused.code).toBe(4);
      expect(refused.err).toContain("The service can't reach its storage now");
      expect(runtime.host.log()).toMatch(/storage is not reachable/);
      await runtime.azurite.start();
      await runtime.settled(job);
      await expectConverged();
      expect((await runtime.stats()).writes).toEqual({ updateUser: edits });
      expect((await runtime.status(job)).committedWatermarkAt).not.toBe(before.committedWatermarkAt);
      await agent.mustRead();
      expect(await runtime.settled(job)).toMatchObject({ writes: 0 });
    });

    it("agent killed in the middle of the first read, then host killed in the middle of its work: all is there once", async () => {
      const stage = on();
      const line: Line = await stage.newLine();
      const { runtime, job, agent } = line;
      try {
        const killed = agent.start("once");
        await until("a first batch", async () => ((await runtime.status(job)).openRead?.batches ?? 0) > 0, 30_000, 5);
        await killed.end("SIGKILL");
        const { openRead, acceptedWatermarkAt } = await runtime.status(job);
        expect(openRead).toMatchObject({ kind: "full" });
        expect(acceptedWatermarkAt).toBeNull();

        await agent.mustRead();
        const made = async () => (await runtime.users()).length;
        await until("the first users", async () => (await made()) > 100, 30_000, 20);
        await runtime.host.end("SIGKILL");
        const wanted = await line.project();
        expect(await made()).toBeLessThan(wanted.users.size);
        await runtime.host.start();
        await runtime.settled(job);
        expect(differences(await runtime.objects(), wanted)).toEqual([]);
        // A creation whose answer died with the host is found by its anchor and brought up to date, not made again.
        expect((await runtime.stats()).writes.createUser).toBe(wanted.users.size);
        expect(await made()).toBe(wanted.users.size);
        await agent.mustRead();
        expect(await runtime.settled(job)).toMatchObject({ kind: "delta", writes: 0 });
      } finally {
        await runtime.destroy();
      }
    });
  });
}
