/**
 * Jobs of one tenant under the target's quota of 3,000 writes in 150 s, in virtual time: how much of it is used, and how
 * many calls are refused. The quota is the directory stand-in's.
 */
import { describe, expect, it } from "vitest";
import { createQuota } from "../../local/directory/quota.ts";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createMemoryTargetDirectory } from "../../shared/adapters/memory/target-directory.ts";
import { createQuotaRows } from "../../shared/application/state/quota-rows.ts";
import { createWriteQuota } from "../../shared/application/write-quota.ts";
import type { QuotaLane } from "../../shared/domain/quota.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { TargetAction, TargetDirectory } from "../../shared/ports/target-directory.ts";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, START } from "../support/cloud.ts";
import { changing, namesIn } from "../support/links.ts";

const MINUTE = 60_000;
const WINDOW = { writes: 3_000, ms: 150_000 };
const CHUNK = 200;
const UNGUARDED = { floor: 1_000, count: 10_000, percent: 100 };
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** The directory's quota, and a target that refuses what is beyond it. */
function createMeter(clock: { now(): number }, writes = WINDOW.writes) {
  const quota = createQuota({
    now: () => clock.now(),
    tenantId: "tenant",
    users: () => 100_000,
    setting: { writesPerWindow: writes, windowSeconds: WINDOW.ms / 1000 },
  });
  let written = 0;
  let refused = 0;
  /** Milliseconds to wait; undefined: it was counted. */
  const take = (applicationId = "ours"): number | undefined => {
    const booked = quota.book({ write: true, units: 0, applicationId });
    return "status" in booked ? Number(booked.headers?.["retry-after"] ?? 1) * 1000 : undefined;
  };
  const metered = (target: TargetDirectory): TargetDirectory => ({
    ...target,
    async apply(actions, options) {
      const waits = actions.map(() => {
        const wait = take();
        if (wait === undefined) written++;
        else {
          refused++;
          options.onThrottle?.(wait);
        }
        return wait;
      });
      const passed = actions.filter((_, index) => waits[index] === undefined);
      const answers = await target.apply(passed, options);
      let next = 0;
      return actions.map(({ key }, index) => {
        const wait = waits[index];
        const answer = wait === undefined ? answers[next++] : undefined;
        if (answer) return answer;
        const failure = { code: "TooManyRequests" as const, message: "too many", remedy: "", retriable: true };
        return { key, outcome: "unsent" as const, failure: { ...failure, retryAfterMs: wait ?? 0 } };
      });
    },
  });
  return { take, metered, written: () => written, refused: () => refused };
}

/** Jobs that export wave after wave without end, each as an orchestrator does: all chunks of a wave, then a timer. */
function createJobs() {
  let now = START;
  const clock = { now: () => now };
  const meter = createMeter(clock);
  const rows = createMemoryRowStore();
  let rowWrites = 0;
  const table = rows.table("quota");
  const counted = {
    ...rows,
    table: () => ({
      ...table,
      transact: (...own: Parameters<typeof table.transact>) => {
        rowWrites++;
        return table.transact(...own);
      },
    }),
  };
  const done: Pick<TargetDirectory, "apply"> = {
    apply: async (actions, { onWrite }) => actions.map((own) => answered(own, onWrite)),
  };
  const target = meter.metered({ ...createMemoryTargetDirectory(), ...done });
  // Each job's host is a process of its own.
  const quotaOf = () =>
    createWriteQuota({
      quotaRows: createQuotaRows({ rows: counted, clock, key: "cloud:tenant:app" }),
      clock,
      log: silent,
      budget: WINDOW.writes,
    });
  const events: { at: number; run: () => Promise<number | undefined> }[] = [];

  /** `objects`: how many in all; `ended` is set when they are done. */
  function addJob(lane: QuotaLane, at: number, objects = Number.POSITIVE_INFINITY, waveChunks = 5) {
    const quota = quotaOf();
    const job = { written: 0, ended: 0 };
    let open: number[] = [];
    let left = objects;
    const run = async () => {
      if (open.length === 0) {
        const wave = Math.min(left, waveChunks * CHUNK);
        left -= wave;
        open = Array.from({ length: Math.ceil(wave / CHUNK) }, (_, at) => Math.min(CHUNK, wave - at * CHUNK));
      }
      const waits: number[] = [];
      const rest: number[] = [];
      for (const size of open) {
        const allowance = await quota.book(lane, target, size);
        if (allowance.granted === 0) {
          rest.push(size);
          waits.push(allowance.notBefore);
          continue;
        }
        const actions = Array.from({ length: size }, (_, at): TargetAction => ({ ...CREATE, key: String(at) }));
        const results = await allowance.target.apply(actions, { priority: "low" });
        await allowance.settle();
        const unsent = results.flatMap((own) => (own.outcome === "unsent" ? [own.failure.retryAfterMs ?? 1_000] : []));
        job.written += size - unsent.length;
        if (unsent.length === 0) continue;
        rest.push(unsent.length);
        waits.push(now + Math.max(...unsent));
      }
      open = rest;
      if (open.length > 0) return Math.max(...waits);
      job.ended = now;
      // Committing, and mapping what comes next.
      return left > 0 ? now + 1_500 : undefined;
    };
    events.push({ at, run });
    return job;
  }

  async function runUntil(end: number) {
    for (;;) {
      events.sort((left, right) => left.at - right.at);
      const [next] = events;
      if (!next || next.at > end) break;
      now = Math.max(now, next.at);
      const again = await next.run();
      if (again === undefined) events.shift();
      else next.at = Math.max(now + 1, again);
    }
    now = end;
  }

  return { addJob, runUntil, meter, events, rowWrites: () => rowWrites, now: () => now };
}

const CREATE = { kind: "create", type: "user", values: {} } as const;

function answered({ key }: TargetAction, onWrite: (() => void) | undefined) {
  onWrite?.();
  return { key, outcome: "done" as const, id: key };
}

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
    expect(jobs.rowWrites() / jobs.meter.written()).toBeLessThan(0.02);
  });

  it("share with somebody who takes half of it, and have it all back when that is over", async () => {
    const jobs = createJobs();
    jobs.addJob("bulk", START);
    jobs.addJob("bulk", START + 700);
    const other = { written: 0 };
    let isThere = true;
    jobs.events.push({
      at: START,
      run: async () => {
        if (jobs.meter.take() === undefined) other.written++;
        return isThere ? jobs.now() + 100 : undefined;
      },
    });
    await jobs.runUntil(START + 120 * MINUTE);
    const half = (120 * MINUTE * WINDOW.writes) / WINDOW.ms / 2;
    expect(other.written / half).toBeGreaterThan(0.95);
    expect(jobs.meter.written() / half).toBeGreaterThan(0.8);
    expect(jobs.meter.refused() / (jobs.meter.written() + jobs.meter.refused())).toBeLessThan(0.01);
    isThere = false;
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
