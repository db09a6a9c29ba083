/**
 * Host and agents are killed at random moments of an initial sync and of deltas, storage goes away once; then a second job of the
 * tenant comes, and the host is killed while chunks wait for the quota, escrows are tried again and an approved removal is
 * half done. Everything comes to the same end as if nothing had happened: the target is what the directory says, nobody is there twice, every change
 * received is accounted for, every effect logged once, and no activity ran again that had completed.
 *
 * The tests build upon each other in this order. `UPLINK_TEST_SEED` draws the same plan again, `UPLINK_TEST_KILLS` says how
 * many kills must hit; moments can't be repeated exactly, for the machine keeps its own time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { LogEntry } from "../../shared/application/state/provisioning-log.ts";
import type { Books } from "../support/crash/books.ts";
import { createEditor, type Editor } from "../support/crash/edits.ts";
import { readLoggedEffects } from "../support/crash/effects.ts";
import { createKiller, type Killer, type Strike } from "../support/crash/killer.ts";
import { createRandom } from "../support/crash/random.ts";
import { type Rig, type RunningAgent, setUpRig } from "../support/crash/rig.ts";
import { type SecondJob, setUpSecondJob } from "../support/crash/second-job.ts";
import { until } from "../support/until.ts";
import { type Ground, guard, playQuotaAndEscrows, playStagedRemoval } from "./second-job.ts";

const kills = Number(process.env["UPLINK_TEST_KILLS"] ?? 10);
const seed = Number(process.env["UPLINK_TEST_SEED"] ?? Math.floor(Math.random() * 1e9));
/** More objects for more kills, so that there is work to hit. */
const users = Math.min(2000, 200 + 20 * kills);
const forest = { users, groups: 20 + Math.floor(users / 25), largestGroup: Math.floor(users / 4) };
/** With nobody killing any more, all must come to rest within this. */
const recoveryMs = 120_000;
/** Never used up: every wait has a bound of its own, and says what it waited for. */
const phaseMs = 20 * 60_000;

const random = createRandom(seed);
let rig: Rig;
let killer: Killer;
let editor: Editor | undefined;
let second: SecondJob;

beforeAll(async () => {
  say(`Seed ${seed}, ${kills} kills, ${JSON.stringify(forest)}. Again: UPLINK_TEST_SEED=${seed} npm run test:crash`);
  rig = await setUpRig({ ...forest, address: "127.0.0.22" });
  say(`Set up: ${JSON.stringify(rig.stage.timings)}`);
  second = await setUpSecondJob(rig, guard);
  killer = createKiller({ rig, random, lastNewsAt: () => editor?.lastNewsAt() ?? 0 });
});
afterAll(() => rig?.destroy());

const begun = Date.now();
/** A line for the reader of a run, with the seconds since its beginning. */
const say = (line: string): boolean =>
  process.stdout.write(`${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);

/** False: there was nothing left to interrupt. */
async function strike(how: Strike): Promise<boolean> {
  const kill = await killer.strike(how);
  if (kill === undefined) return false;
  const { victim, hit, activities, tookMs } = kill;
  const interrupted = hit.length === 0 ? "nothing (doesn't count)" : hit.join(", ");
  const running = activities.length > 0 ? `; running: ${counted(activities)}` : "";
  say(`Killed ${victim} (back in ${tookMs} ms): ${interrupted}${running}`);
  return true;
}

const counted = (names: readonly string[]): string =>
  [...new Set(names)].map((name) => `${names.filter((other) => other === name).length} ${name}`).join(", ");

/** Waits for what must come about; says what everybody said when it doesn't. */
async function mustCome(what: string, look: () => Promise<boolean>, withinMs = recoveryMs): Promise<void> {
  try {
    await until(
      what,
      async () => {
        const lost = [...rig.agents, second.agent].find((agent) => agent.hasGivenUp());
        if (lost !== undefined) throw new Error(`The ${lost.name} agent ended by itself.`);
        return look();
      },
      withinMs,
      40,
    );
  } catch (error) {
    const told = async ({ books }: { readonly books: Books }) => [
      await books.underWay(),
      ...(await books.escrows()).slice(0, 5),
    ];
    const words = JSON.stringify({ first: await told(rig), second: await told(second) }, undefined, 1);
    throw new Error(`${String(error)}\n${words}\n${second.agent.log()}\n${rig.said()}`);
  }
}

const isSettled = async (): Promise<boolean> =>
  (await rig.books.underWay()).readUpTo !== undefined &&
  (await rig.books.isAtRest()) &&
  (await rig.books.escrows()).length === 0;

/** An edit made now comes through, and what was received is worked off: the agents are alive and the service follows. */
async function mustFollow(sign: string): Promise<void> {
  const { admin, person, targetOf } = rig.stage;
  const guid = await person(210);
  await admin.set(guid, "department", sign);
  await mustCome(`'${sign}' in the target`, async () => (await targetOf(guid))?.properties["department"] === sign);
  await mustCome("all to come to rest", isSettled);
}

/** The target is what the directory says; where it isn't, says what the service has of the first object that differs. */
async function mustConverge(): Promise<void> {
  try {
    await rig.stage.expectConverged();
  } catch (error) {
    const guid = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/.exec(String(error))?.[0];
    const trace = guid === undefined ? [] : await rig.trace(guid);
    throw new Error([String(error), ...trace.map((line) => line.slice(0, 2000))].join("\n"), { cause: error });
  }
}

/** These agents end when they are asked to, and the target is what the directory says after one read more. */
async function mustEnd(running: readonly RunningAgent[]): Promise<void> {
  // An agent may have seen the last edit early, while it read objects again; one whole read sees them all.
  expect(await Promise.all(running.map((agent) => agent.stop()))).toEqual(running.map(() => 0));
  await rig.stage.sync();
  await mustCome("all to come to rest", isSettled);
  say("All is at rest");
  await mustConverge();
}

it(
  "an initial sync, killed again and again, ends with the target as the directory says",
  async () => {
    const { stage, agents, books } = rig;
    const { users: people, groups } = await stage.project();
    const wanted = people.size + groups.size;
    let since = Date.now();
    for (const agent of agents) agent.start();
    const reading = 0.2;
    let furthest = 0;
    /** How far the sync is, from 0 to 1: reading (by the clock, until a batch is there), writing, closing. */
    const progress = async (): Promise<number> => {
      const { batches, readUpTo } = await books.underWay();
      const { writesInEffect } = await stage.main.runtime.stats();
      const hasBatch = batches > 0 || readUpTo !== undefined;
      const read = hasBatch ? 1 : Math.min(0.99, (Date.now() - since) / 2000);
      furthest = Math.max(furthest, reading * read + (0.9 - reading) * Math.min(1, writesInEffect / wanted));
      return (await isSettled()) ? 1 : furthest;
    };
    const planned = Math.ceil(kills / 2);
    for (let index = 0; index < planned; index++) {
      const moment = (index + random.next()) / planned;
      await mustCome(`the initial sync to get to ${moment}`, async () => (await progress()) >= moment);
      // Only an agent works until the first batch is there, and only the host once all is read.
      const at = furthest < reading ? "agent" : "host";
      if (!(await strike({ withinMs: 500, among: [at, "both"], at, isOver: isSettled }))) break;
      since = Date.now();
    }
    await mustCome("the initial sync to come to rest", isSettled);
    say("The initial sync is at rest");
    await mustConverge();
  },
  phaseMs,
);

it(
  "deltas, killed again and again and with storage gone once, end with the target as the directory says",
  async () => {
    const { stage, door, agents } = rig;
    const { controller, admin, population, verifiedSuffix: suffix } = stage;
    const people = [...(await stage.project()).users.keys()].sort();
    const own = createRandom(seed + 1);
    const edits = await createEditor({ admin, population, baseDn: controller.baseDn, random: own, people, suffix });
    editor = edits;

    const before = Date.now();
    await edits.burst(60);
    await mustFollow("Undisturbed");
    const measuredMs = Date.now() - before;
    say(`A burst of edits took ${measuredMs} ms undisturbed`);

    let isOver = false;
    let failure: unknown;
    const editing = (async () => {
      while (!isOver) {
        const since = Date.now();
        await edits.burst(10 + own.below(80));
        await sleep(own.between(0, 700));
        // No faster than they are read, or a slow machine is left with a mountain of work at the end.
        const isRead = async (): Promise<boolean> => isOver || ((await rig.books.underWay()).readUpTo ?? 0) > since;
        await until("the burst to be read", isRead, recoveryMs, 100);
      }
    })().catch((error: unknown) => {
      failure = error;
    });
    const outageAfter = Math.floor((killer.hits() + kills) / 2);
    /** While there is a batch to work on, for none is accepted without storage. */
    const outage = async (): Promise<void> => {
      await mustCome("a batch", async () => (await rig.books.underWay()).batches > 0);
      await door.shut();
      say("Storage is away");
      // A host that dies meanwhile comes back before storage does.
      if (random.next() < 0.5)
        await strike({ withinMs: 500, among: ["host", "both"], at: "host", isOver: async () => true });
      await sleep(random.between(1500, 3000));
      await door.open();
    };
    let hadOutage = false;
    for (let strikes = 0; killer.hits() < kills && strikes < 3 * kills && failure === undefined; strikes++) {
      if (!hadOutage && killer.hits() >= outageAfter) {
        await outage();
        hadOutage = true;
      } else await strike({ withinMs: measuredMs / 2, among: ["host", "host", "agent", "both"] });
    }
    isOver = true;
    await editing;
    if (failure !== undefined) throw failure;
    say(`Edits: ${JSON.stringify(edits.made())}`);
    expect(killer.hits()).toBe(kills);
    await mustFollow("After all the others");
    await mustEnd(agents);
  },
  phaseMs,
);

const ground = (): Ground => {
  if (editor === undefined) throw new Error("The second job comes after the deltas of the first.");
  return { rig, second, editor, mustCome, mustEnd, say };
};

it(
  "a second job of the tenant, killed while chunks wait for the quota and escrows are tried again, ends as its file says",
  () => playQuotaAndEscrows(ground()),
  phaseMs,
);

it(
  "a staged removal, killed while it lies and half-way through its execution, takes exactly those whom an admin approved",
  () => playStagedRemoval(ground()),
  phaseMs,
);

it("nobody is in the target twice", async () => {
  const objects = await rig.stage.main.runtime.objects();
  const anchors = objects.map(({ kind, properties }) =>
    String(kind === "user" ? properties["onPremisesImmutableId"] : properties["uniqueName"]),
  );
  expect(anchors).not.toContain("undefined");
  expect(new Set(anchors).size).toBe(objects.length);
  // Nor was anybody made, taken away for good and made again.
  const { writes } = await rig.stage.main.runtime.stats();
  const made = Object.entries(writes).filter(([kind]) => kind.startsWith("create"));
  expect(made.reduce((sum, [, count]) => sum + count, 0)).toBe(objects.length);
});

it("every batch is accounted for, and the committed watermark is the last accepted one", async () => {
  for (const { books } of [rig, second]) {
    expect(await books.faults()).toEqual([]);
    const totals = await books.totals();
    expect(totals.batches).toBeGreaterThan(0);
    say(`Books: ${JSON.stringify(totals)}`);
  }
});

it("each effect is logged once", async () => {
  const { rows, stage } = rig;
  const entries: LogEntry[] = [];
  for (const { jobId } of [stage.main.job, second.job]) {
    const told = await readLoggedEffects(rows, jobId);
    expect(told.faults).toEqual([]);
    entries.push(...told.entries);
  }
  const logged = new Set(entries.filter((entry) => entry.outcome === "exported").map((entry) => entry.targetId));
  const unlogged = (await stage.main.runtime.objects()).filter((object) => !logged.has(object.id));
  expect(unlogged.map((object) => object.id)).toEqual([]);
});

it("no activity ran again whose completion was journalled, and each that was interrupted did", async () => {
  const { completions, repetitions, faults } = await rig.witness.testify();
  say(`Journal: ${completions} completions, ${repetitions} repetitions`);
  expect(completions).toBeGreaterThan(0);
  expect(faults).toEqual([]);
});

it("another read finds nothing to do", async () => {
  const { stage } = rig;
  await stage.main.runtime.resetStats();
  expect(await stage.sync()).toMatchObject({ kind: "delta", received: 0, writes: 0 });
  expect(await second.sync()).toMatchObject({ kind: "full", writes: 0 });
  expect((await stage.main.runtime.stats()).writeCalls).toBe(0);
  for (const { books } of [rig, second]) expect(await books.faults()).toEqual([]);
});
