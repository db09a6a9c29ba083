/**
 * Jobs of one tenant under the target's quota of 3,000 writes in 150 s, in virtual time: how much of it is used, and how
 * many calls are refused. The quota is the directory stand-in's.
 */
import { describe, expect, it } from "vitest";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, START } from "../support/cloud.ts";
import { changing, namesIn } from "../support/links.ts";
import { createJobs, createMeter, MINUTE, WINDOW } from "../support/quota-jobs.ts";

const UNGUARDED = { floor: 1_000, count: 10_000, percent: 100 };

describe("two jobs of one tenant", () => {
  it("use at least 95 % of the quota between them, and are hardly ever refused", async () => {
    const jobs = createJobs();
    const own = [jobs.addJob("bulk", START), jobs.addJob("bulk", START + 700)];
    await jobs.runUntil(START + 10 * MINUTE);
    const before = jobs.meter.written();
    await jobs.runUntil(START + 70 * MINUTE);
    const budget = (60 * MINUTE * WINDOW.writes) / WINDOW.ms;
    expect((jobs.meter.written() - before) / budget).toBeGreaterThan(0.95);
    expect(jobs.meter.refused() / jobs.meter.written()).toBeLessThan(0.01);
    // Both go on, and a booking costs little beside the rows of the objects that it is for.
    for (const job of own) expect(job.written / jobs.meter.written()).toBeGreaterThan(0.3);
    expect(jobs.rowWrites() / jobs.meter.written()).toBeLessThan(0.035);
  });

  it("start at once with the whole budget, and have it back minutes after one refusal", async () => {
    const jobs = createJobs();
    jobs.addJob("bulk", START);
    await jobs.runUntil(START + WINDOW.ms);
    expect(jobs.meter.written()).toBeGreaterThan(0.95 * WINDOW.writes);
    await jobs.runUntil(START + 20 * MINUTE);
    // Somebody was there for a moment.
    for (let at = 0; at < 400; at++) jobs.meter.take();
    await jobs.runUntil(START + 30 * MINUTE);
    const before = jobs.meter.written();
    await jobs.runUntil(START + 60 * MINUTE);
    expect((jobs.meter.written() - before) / ((30 * MINUTE * WINDOW.writes) / WINDOW.ms)).toBeGreaterThan(0.95);
  });

  it("share with somebody who takes half of it, from the first minutes, and have it all back when that is over", async () => {
    const jobs = createJobs();
    jobs.addJob("bulk", START);
    jobs.addJob("bulk", START + 700);
    const other = jobs.addOther(100);
    const refusedPart = () => jobs.meter.refused() / (jobs.meter.written() + jobs.meter.refused());
    const half = (minutes: number) => (minutes * MINUTE * WINDOW.writes) / WINDOW.ms / 2;
    await jobs.runUntil(START + 10 * MINUTE);
    expect(refusedPart()).toBeLessThan(0.01);
    const [ours, theirs] = [jobs.meter.written(), other.written];
    await jobs.runUntil(START + 60 * MINUTE);
    expect(refusedPart()).toBeLessThan(0.01);
    expect((other.written - theirs) / half(50)).toBeGreaterThan(0.95);
    expect((jobs.meter.written() - ours) / half(50)).toBeGreaterThan(0.95);
    other.isThere = false;
    await jobs.runUntil(START + 75 * MINUTE);
    const before = jobs.meter.written();
    await jobs.runUntil(START + 95 * MINUTE);
    expect((jobs.meter.written() - before) / (2 * half(20))).toBeGreaterThan(0.95);
  });

  it("share with somebody also where the target doesn't say how much is used", async () => {
    const jobs = createJobs({ isSilent: true });
    jobs.addJob("bulk", START);
    jobs.addJob("bulk", START + 700);
    const other = jobs.addOther(100);
    const refusedPart = () => jobs.meter.refused() / (jobs.meter.written() + jobs.meter.refused());
    await jobs.runUntil(START + 10 * MINUTE);
    expect(refusedPart()).toBeLessThan(0.015);
    await jobs.runUntil(START + 120 * MINUTE);
    const half = (120 * MINUTE * WINDOW.writes) / WINDOW.ms / 2;
    expect(other.written / half).toBeGreaterThan(0.95);
    expect(jobs.meter.written() / half).toBeGreaterThan(0.8);
    expect(refusedPart()).toBeLessThan(0.005);
    other.isThere = false;
    await jobs.runUntil(START + 160 * MINUTE);
    const before = jobs.meter.written();
    await jobs.runUntil(START + 190 * MINUTE);
    expect((jobs.meter.written() - before) / ((30 * MINUTE * WINDOW.writes) / WINDOW.ms)).toBeGreaterThan(0.95);
  });

  it("let a delta go at once where the window allows it, and before an initial load where it doesn't", async () => {
    const idle = createJobs();
    const alone = idle.addJob("live", START, 1_500, 8);
    await idle.runUntil(START + MINUTE);
    expect(alone).toMatchObject({ written: 1_500, ended: START });

    const busy = createJobs();
    const load = busy.addJob("bulk", START);
    const from = START + 20 * MINUTE;
    const small = busy.addJob("live", from, 25, 8);
    const delta = busy.addJob("live", from + MINUTE, 1_500, 8);
    await busy.runUntil(from + MINUTE);
    expect(small).toMatchObject({ written: 25, ended: from });
    const before = load.written;
    await busy.runUntil(from + 5 * MINUTE);
    expect(delta.written).toBe(1_500);
    // As fast as the window frees writes: 20 a second.
    expect(delta.ended - (from + MINUTE)).toBeLessThan(95_000);
    expect(load.written).toBeGreaterThan(before);
  });
});

describe("a sync under the quota", () => {
  async function underQuota(writes: number) {
    const cloud: Cloud = await createCloud({ quota: writes, settings: { guard: UNGUARDED } });
    const meter = createMeter(cloud.clock, writes);
    const { apply } = cloud.target;
    cloud.target.apply = meter.metered({ ...cloud.target, apply }).apply;
    return { cloud, meter };
  }

  it("makes everybody of two jobs at once, is refused nothing, and takes the time that the quota asks for", async () => {
    const { cloud, meter } = await underQuota(WINDOW.writes);
    const first = await cloud.addDomain("one.example");
    const second = await cloud.addDomain("two.example");
    const people = (of: string) => Array.from({ length: 1_500 }, (_, at) => aUser(`${of}${at}`));
    await Promise.all([first.read("full", people("one")), second.read("full", people("two"))]);
    expect(cloud.target.objects()).toHaveLength(3_000);
    expect(meter.written()).toBe(3_000);
    expect(meter.refused()).toBe(0);
    const took = cloud.clock.now() - START;
    expect(took).toBeGreaterThan(WINDOW.ms);
    expect(took).toBeLessThan(5 * MINUTE);
    for (const agent of [first, second])
      expect((await agent.status()).lastCycle).toMatchObject({ outcomes: { exported: 1_500, escrowed: 0 } });
  });

  it("puts members into a group and takes them out as the quota allows, each once", async () => {
    const { cloud } = await underQuota(100);
    const agent = await cloud.addDomain("corp.example");
    const names = Array.from({ length: 60 }, (_, at) => `u${at}`);
    await agent.read("full", [withMembers(names, aGroup("sales")), ...names.map((name) => aUser(name))]);
    expect(namesIn(cloud, "sales")).toEqual([...names].sort());
    const writes = cloud.target.writes();
    const from = cloud.clock.now();
    const [stays = "", ...go] = names;
    await agent.read("delta", [changing("sales", { remove: go })]);
    expect(namesIn(cloud, "sales")).toEqual([stays]);
    expect(cloud.target.writes()).toBe(writes + go.length);
    expect(cloud.clock.now()).toBeGreaterThan(from + 10_000);
    expect((await agent.status()).lastCycle).toMatchObject({ links: { removed: go.length, failed: 0 } });
  });

  it("keeps what a group's create brought in when the rest of its chunk has to wait", async () => {
    const { cloud, meter } = await underQuota(100);
    const agent = await cloud.addDomain("corp.example");
    const names = Array.from({ length: 10 }, (_, at) => `u${at}`);
    const groups = Array.from({ length: 120 }, (_, at) => withMembers(names, aGroup(`g${at}`)));
    await agent.read("full", [...names.map((name) => aUser(name)), ...groups]);
    expect(namesIn(cloud, "g7")).toEqual([...names].sort());
    expect(cloud.target.receivedChanges).toEqual([]);
    expect([cloud.target.writes(), meter.refused()]).toEqual([130, 0]);
  });

  it("books what is bound only at the end of the read, too", async () => {
    const { cloud, meter } = await underQuota(100);
    const agent = await cloud.addDomain("corp.example");
    const people = Array.from({ length: 90 }, (_, at) => aManagedUser(`u${at}`, "boss"));
    await agent.read("full", [...people, aUser("boss")], 90);
    const [boss] = cloud.target.objects().filter(({ values }) => values["displayName"] === "boss");
    expect(cloud.target.objects().filter(({ values }) => values["manager"] === boss?.id)).toHaveLength(90);
    expect([meter.written(), meter.refused()]).toEqual([181, 0]);
  });

  it("waits as long as the target says, also in the other job, when it throttles all the same", async () => {
    const { cloud } = await underQuota(WINDOW.writes);
    const first = await cloud.addDomain("one.example");
    const second = await cloud.addDomain("two.example");
    cloud.target.order({ kind: "throttle", retryAfterMs: 40_000 });
    await first.read("full", [aUser("a")]);
    expect(cloud.clock.now()).toBe(START + 40_000);
    cloud.target.order({ kind: "throttle", retryAfterMs: 60_000 });
    const order = await first.order("delta");
    const sent = first.batch(order, 1, [aUser("b")]);
    expect((await first.send(sent)).ok).toBe(true);
    const other = second.read("full", [aUser("c")]);
    await Promise.all([other, cloud.run()]);
    expect(cloud.target.objects()).toHaveLength(3);
    expect(cloud.logged.filter(({ event }) => event === "target-throttled")).toHaveLength(2);
    expect((await second.status()).escrowed).toBe(0);
  });

  it("books nothing when there is nothing to write", async () => {
    const { cloud } = await underQuota(WINDOW.writes);
    const agent = await cloud.addDomain("corp.example");
    const row = () => cloud.rows.table("quota").get("cloud:tenant:app", "writes");
    await agent.read("full", [aUser("a")]);
    const before = await row();
    expect(before).toBeDefined();
    await agent.read("full", [aUser("a")]);
    expect((await row())?.etag).toBe(before?.etag);
  });
});
