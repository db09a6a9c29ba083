import { describe, expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { DAY_PREFIX, type DayRow } from "../../shared/application/cycles/accounts.ts";
import type { OutcomeFile } from "../../shared/application/lanes/chunk-files.ts";
import {
  addOutcomes,
  type BatchRow,
  type CycleRow,
  jobTable,
  listRows,
  NO_OUTCOMES,
  pack,
  totalOf,
} from "../../shared/application/state/job-rows.ts";
import { gunzipJson, gzipJson } from "../../shared/application/state/packing.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud } from "../support/cloud.ts";

const HOUR = 3_600_000;

/** A world in which the next call of an activity finds something changed under it. */
async function start() {
  const before = new Map<string, (input: { batchId?: string }) => Promise<void>>();
  const cloud = await createCloud({
    aroundActivity: async (name, input, run) => {
      await before.get(name)?.(input as { batchId?: string });
      return run();
    },
  });
  const agent = await cloud.addDomain("corp.example");
  const jobs = jobTable(cloud.rows);
  const list = <T>(prefix: string) => listRows<T>(jobs, agent.jobId, prefix);
  return { cloud, agent, jobs, list, before };
}

const violations = (cloud: Cloud) =>
  cloud.logged.flatMap((line) =>
    line.event === "accounts-violated"
      ? [{ level: line.level, ...(line.fields as { jobId: string; message: string }) }]
      : [],
  );

describe("the accounts", () => {
  it("of a day are the sum of the cycles that were closed on it, each once; members are apart", async () => {
    const { cloud, agent, list } = await start();
    await agent.read("full", [aUser("ann"), aUser("bob"), withMembers(["ann", "bob"], aGroup("team"))], 2);
    await agent.read("delta", [aUser("ann", { title: "Clerk" })]);
    cloud.clock.set(cloud.clock.now() + 20 * HOUR);
    await agent.read("delta", [{ op: "delete", objectGuid: aUser("bob").objectGuid }, aUser("cid")]);
    await agent.read("full", [aUser("ann", { title: "Clerk" })]);
    const cycles = (await list<CycleRow>("cycle:")).map(({ value }) => value);
    const days = (await list<DayRow>(DAY_PREFIX)).map(({ value }) => value);
    expect(days.map(({ day, cycles: own }) => [day, own])).toEqual([
      ["2026-01-05", [1, 2]],
      ["2026-01-06", [3, 4]],
    ]);
    for (const day of days) {
      const own = cycles.filter(({ readNo }) => day.cycles.includes(readNo));
      expect(day.received).toBe(own.reduce((sum, { received }) => sum + received, 0));
      expect(day.outcomes).toEqual(own.reduce((sum, { outcomes }) => addOutcomes(sum, outcomes), NO_OUTCOMES));
      expect(day.absent).toEqual(own.reduce((sum, { absent }) => addOutcomes(sum, absent), NO_OUTCOMES));
      expect(totalOf(day.outcomes)).toBe(day.received);
    }
    expect(totalOf(days[1]?.absent ?? NO_OUTCOMES)).toBe(2);
    expect(violations(cloud)).toEqual([]);
  });

  it("of a batch that do not add up are an alert, and are not committed", async () => {
    const { cloud, agent, list, before } = await start();
    before.set(ACTIVITY.commitBatch, async () => {
      for await (const path of cloud.blobs.list("plans/")) {
        if (!path.includes("/outcome-")) continue;
        const content = await cloud.blobs.get(path);
        const file = content && gunzipJson<OutcomeFile>(content);
        if (file && file.entries.length > 1)
          await cloud.blobs.put(path, gzipJson({ ...file, entries: file.entries.slice(1) }));
      }
    });
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    expect(violations(cloud)).toHaveLength(3);
    expect(violations(cloud)[0]).toMatchObject({
      level: "error",
      jobId: agent.jobId,
      message: expect.stringMatching(/received 2 changes; 1 have an outcome and 0 wait/),
    });
    // Set aside: what its file doesn't tell any more the objects' rows tell, and a full read is asked for.
    const [batch] = await list<BatchRow>("done:");
    expect(batch?.value).toMatchObject({ changes: 2, counts: { ...NO_OUTCOMES, exported: 2 } });
    expect((await agent.status()).fullReadWanted).toBe("parked-batch");
  });

  it("of a cycle that lack a batch are an alert, and are not committed; the cycle is given up and removes nobody", async () => {
    const { cloud, agent, jobs, list, before } = await start();
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    before.set(ACTIVITY.commitCycle, async () => {
      const done = (await list<BatchRow>("done:")).filter(({ value }) => value.readNo === 2);
      if (done.length < 2) return;
      await jobs.transact(agent.jobId, [{ op: "delete", row: done[0]?.row ?? "" }]);
    });
    await agent.read("delta", [aUser("ann", { title: "Clerk" }), aUser("cid")], 1);
    expect(violations(cloud).length).toBeGreaterThanOrEqual(3);
    expect(violations(cloud)[0]?.message).toMatch(
      /accounts of 1 batches with 1 changes; its read was accepted with 2 and 2/,
    );
    const [, cycle] = await list<CycleRow>("cycle:");
    expect(cycle?.value).toMatchObject({
      complete: false,
      incompleteBecause: expect.stringContaining("its end failed 3 times"),
    });
    expect((await agent.status()).fullReadWanted).toBe("parked-read-end");
    before.clear();
    await agent.read("full", [aUser("ann"), aUser("bob"), aUser("cid")]);
    expect((await agent.status()).waiting).toMatchObject({ readsEnding: 0, batches: 0 });
  });

  it("of a day that do not add up are an alert, nothing is added to them, and the lane goes on", async () => {
    const { cloud, agent, jobs, list } = await start();
    await agent.read("full", [aUser("ann")]);
    const [day] = await list<DayRow>(DAY_PREFIX);
    if (!day) throw new Error("There is no day.");
    const wrong = { ...day.value, received: 5 };
    await jobs.transact(agent.jobId, [{ op: "upsert", row: day.row, values: pack(wrong) }]);
    await agent.read("delta", [aUser("bob")]);
    expect(violations(cloud)[0]?.message).toMatch(/Day 2026-01-05 received 6 changes in 2 cycles and accounts for 2/);
    expect((await list<DayRow>(DAY_PREFIX))[0]?.value).toEqual(wrong);
    expect((await list<CycleRow>("cycle:")).at(-1)?.value).toMatchObject({ received: 1, outcomes: { exported: 1 } });
    await jobs.transact(agent.jobId, [{ op: "upsert", row: day.row, values: pack(day.value) }]);
    const told = violations(cloud).length;
    await agent.read("delta", [aUser("cid")]);
    expect(violations(cloud)).toHaveLength(told);
    expect((await list<DayRow>(DAY_PREFIX))[0]?.value).toMatchObject({ received: 2, cycles: [1, 3] });
    expect(cloud.target.objects()).toHaveLength(3);
  });
});
