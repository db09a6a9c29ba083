/** The bench of the quota at a tiny size: every number is there. How good they are is for the bench to say. */
import { describe, expect, it } from "vitest";
import {
  batchesIn,
  batchesOf,
  fewestWritesOf,
  membershipsOf,
  objectsOf,
  type Population,
} from "../../bench/population.ts";
import { benchQuota } from "../../bench/quota.ts";
import { joinHalves } from "../../bench/quota-file.ts";
import type { LoadMeasured, QuotaMeasured, QuotaResult } from "../../bench/quota-measured.ts";
import { missedByQuota, quotaReport } from "../../bench/quota-report.ts";
import { createVirtualTime } from "../../bench/virtual-time.ts";
import { type Change, ChangeBatch } from "../../shared/contracts/change.ts";

const good = {
  load: {
    ...{ people: 150_000, groups: 20_000, memberships: 465_000, minutes: 153, leastMinutes: 150 },
    ...{ writes: 185_000, fewest: { inAnyOrder: 180_000, inOrder: 184_000 }, refused: 0 },
    ...{ peakMegabytes: 3_000, cpuSeconds: 300 },
  },
  shares: [
    { name: "alone", minutes: 15, used: 0.97, refused: 0, smallerPart: 0.5 },
    {
      name: "beside somebody who takes half",
      minutes: 30,
      used: 0.96,
      refused: 0.004,
      smallerPart: 0.48,
      otherGot: 0.98,
    },
  ],
  deltas: [
    {
      name: "while the initial load of its job runs",
      changes: 1_500,
      seconds: 80,
      leastSeconds: 75,
      hasOvertaken: true,
    },
    { name: "when the window is free", changes: 1_500, seconds: 6, leastSeconds: 0 },
  ],
} satisfies QuotaMeasured;

const listsOf = (change: Change | undefined) => (change?.op === "upsert" ? (change.links ?? []) : []);

describe("the population", () => {
  const population: Population = { domain: "bench.example", people: 1_900, groups: 260 };

  it("is what an agent may send, everybody once, with as many memberships as it says", () => {
    const all = [...batchesIn(population)];
    expect(all.map((own) => own.length)).toEqual([1_000, 1_000, 160]);
    expect([all.length, all.flat().length]).toEqual([batchesOf(population), objectsOf(population)]);
    const changes = all.flat();
    const [first] = all;
    expect(ChangeBatch.shape.changes.parse(first)).toEqual(first);
    expect(new Set(changes.map(({ objectGuid }) => objectGuid)).size).toBe(changes.length);
    const members = changes.flatMap((change) => listsOf(change).filter(({ attribute }) => attribute === "member"));
    expect(members.reduce((sum, { add }) => sum + add.length, 0)).toBe(membershipsOf(population));
    expect(members.filter(({ add }) => new Set(add.map(({ guid }) => guid)).size < add.length)).toEqual([]);
  });

  it("needs a create each, 20 members a write, and a write more for a manager and for members in later batches", () => {
    expect(fewestWritesOf({ ...population, people: 500, groups: 10 }).inOrder).toBe(500 + 14);
    const { inAnyOrder, inOrder } = fewestWritesOf(population);
    const batches = [...batchesIn(population)].map((own) => new Set(own.map(({ objectGuid }) => objectGuid)));
    const batchOf = (guid: string) => batches.findIndex((own) => own.has(guid));
    const late = [...batchesIn(population)].flat().filter((change) => {
      const manager = listsOf(change).find(({ attribute }) => attribute === "manager")?.add[0];
      return manager !== undefined && batchOf(manager.guid) > batchOf(change.objectGuid);
    });
    expect(late.length).toBeGreaterThan(0);
    const more = [...batchesIn(population)].flat().map((change) => {
      const members = listsOf(change).find(({ attribute }) => attribute === "member")?.add ?? [];
      const later = members.filter(({ guid }) => batchOf(guid) > batchOf(change.objectGuid)).length;
      // The create takes the first 20 with it, and nobody is patched in who isn't there.
      const [there, all] = [members.length - later, members.length].map((count) => Math.max(1, Math.ceil(count / 20)));
      return there! + Math.ceil(later / 20) - all!;
    });
    expect(more.filter((own) => own > 0).length).toBeGreaterThan(0);
    expect(inOrder - inAnyOrder).toBe(more.reduce((sum, own) => sum + own, late.length));
    expect(fewestWritesOf({ ...population, isEven: true })).toEqual({ inAnyOrder, inOrder: inAnyOrder });
  });
});

describe("virtual time", () => {
  it("wakes in the order of time, when nothing else is left to do, and not while it is held", async () => {
    const time = createVirtualTime(1_000);
    const woken: string[] = [];
    const asleep = [["late", 5_000] as const, ["soon", 2_000] as const].map(async ([name, at]) => {
      await time.sleepUntil(at);
      await Promise.resolve();
      woken.push(`${name} at ${time.clock.now()}`);
    });
    await time.held(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(woken).toEqual([]);
    });
    await Promise.all(asleep);
    expect(woken).toEqual(["soon at 2000", "late at 5000"]);
  });
});

describe("the bench of the quota", () => {
  it("runs, and has a number for each thing that it is about", async () => {
    const measured = await benchQuota({ objects: 120, log: () => {} });
    const { load, shares, deltas } = measured;
    expect(load).toMatchObject({ people: 120, groups: 16, refused: 0, writes: load?.fewest.inOrder });
    expect(load?.minutes).toBeGreaterThan(0);
    expect(shares.map(({ name }) => name)).toEqual(["alone", "beside somebody who takes half"]);
    for (const share of shares) expect(share.used).toBeGreaterThan(0);
    expect(deltas.map(({ changes }) => changes)).toEqual([3, 3]);
    expect(deltas[1]!.seconds).toBeLessThan(10);
    expect(quotaReport({ node: process.version }, measured)).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("measures the load alone when asked to, and reports what is there", async () => {
    const measured = await benchQuota({ objects: 100, only: "load", log: () => {} });
    expect(measured).toMatchObject({ load: { people: 100 }, shares: [], deltas: [] });
    expect(quotaReport({}, measured)).not.toMatch(/two jobs|a delta|NaN|undefined/);
  });

  it("puts a half that was measured alone beside the other one of its file, and nothing beside what is of another kind", () => {
    const of = (only: string, figures: QuotaMeasured, date = "2026-01-05"): QuotaResult => ({
      command: `npx tsx bench/quota.ts${only}`,
      ...{ date, node: "v20" },
      figures: { conditions: { platform: "linux" }, ...figures, missed: missedByQuota(figures) },
    });
    const load = of(" --only load", { load: { ...good.load, refused: 9_000 }, shares: [], deltas: [] });
    const { shares, deltas } = good;
    const jobs = of(" --only jobs", { shares, deltas });
    const command = "npx tsx bench/quota.ts --only load && npx tsx bench/quota.ts --only jobs";
    const both = { load: load.figures.load, shares, deltas, missed: load.figures.missed };
    expect(joinHalves(load, jobs)).toMatchObject({ command, figures: both });
    expect(joinHalves(jobs, load).figures).toEqual({ conditions: { platform: "linux" }, ...both });
    const whole = of("", good);
    for (const [before, now] of [
      [load, whole],
      [load, load],
      [whole, load],
      [of(" --only load", load.figures, "2026-01-04"), jobs],
      [of(" --objects 100 --only load", load.figures), jobs],
    ] as const)
      expect(joinHalves(before, now)).toBe(now);
  });

  it("names each number that was not reached, and none that was", () => {
    expect(missedByQuota(good)).toEqual([]);
    const missed = (load: Partial<LoadMeasured>) => missedByQuota({ ...good, load: { ...good.load, ...load } });
    expect(missed({ minutes: 158 })).toHaveLength(1);
    expect(missed({ writes: 188_000 })).toHaveLength(1);
    expect(missed({ refused: 2_000 })).toHaveLength(1);
    const [alone, beside] = good.shares;
    const shared = (...shares: QuotaMeasured["shares"]) => missedByQuota({ ...good, shares });
    expect(shared({ ...alone!, used: 0.94 }, { ...beside!, otherGot: 0.94 })).toHaveLength(2);
    expect(shared({ ...alone!, smallerPart: 0.3 }, { ...beside!, refused: 0.02 })).toHaveLength(2);
    const [busy, free] = good.deltas;
    expect(
      missedByQuota({
        ...good,
        deltas: [
          { ...busy!, hasOvertaken: false },
          { ...free!, seconds: 90 },
        ],
      }),
    ).toHaveLength(2);
  });
});
