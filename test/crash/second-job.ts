/**
 * A second job of the tenant, whose host dies at chosen moments: while a chunk waits for the quota, while escrows lie and are
 * tried again, while a removal is staged and while it is half carried out. The first job's directory is edited meanwhile.
 */
import { expect } from "vitest";
import type { Editor } from "../support/crash/edits.ts";
import type { Rig, RunningAgent } from "../support/crash/rig.ts";
import { anchorOf, type FilePerson, guidOfPerson, type SecondJob } from "../support/crash/second-job.ts";

export type Ground = {
  readonly rig: Rig;
  readonly second: SecondJob;
  readonly editor: Editor;
  mustCome(what: string, look: () => Promise<boolean>): Promise<void>;
  mustEnd(running: readonly RunningAgent[]): Promise<void>;
  say(line: string): boolean;
};

/** Of the second job: who leaves below is more than this. */
export const guard = { floor: 5, count: 20, percent: 100 };
const leaving = 25;
/** Writes in 150 seconds: the bulk lane may take but a part of them at once, so that not all people go. */
const smallBudget = 200;
const largeBudget = 20_000;

const refused = 5;
const people: readonly FilePerson[] = Array.from({ length: 90 }, (_, index) => ({
  number: index + 1,
  department: "Papers",
  login: `${index >= 90 - refused ? "refused" : "paper"}.${index + 1}`,
}));

/** Kills while a chunk waits for the quota, and while escrows are tried again; the target ends as the file says. */
export async function playQuotaAndEscrows(ground: Ground): Promise<void> {
  const { rig, second, editor, mustCome, say } = ground;
  const { runtime } = rig.stage.main;
  const { books, job } = second;
  const count = async (): Promise<number> => (await second.objects()).length;
  const waits = async (): Promise<boolean> => (await rig.witness.waiting()).length > 0;
  const hasEscrows = async (wanted: number): Promise<boolean> =>
    (await books.underWay()).readUpTo !== undefined &&
    (await books.isAtRest()) &&
    (await books.escrows()).length === wanted;

  await rig.killHost(smallBudget);
  await runtime.orderFaults({
    failWrites: { count: 1_000_000, status: 400, code: "Request_BadRequest", match: { contains: '"refused.' } },
  });
  const { writesInEffect: before } = await runtime.stats();
  rig.agents[0]?.start();
  await second.write(people);
  second.agent.start();
  await mustCome("a chunk to wait for the quota", async () => (await count()) > 0 && (await waits()));
  await Promise.all([second.agent.kill(), rig.killHost()]);
  second.agent.start();
  say(`Killed host and agent while a chunk waits for the quota, with ${await count()} people there`);
  await editor.burst(15);
  await mustCome("the chunk to wait again", waits);
  const { writesInEffect } = await runtime.stats();
  expect(writesInEffect - before).toBeLessThanOrEqual(smallBudget);
  expect(await count()).toBeLessThan(people.length - refused);
  await rig.killHost(largeBudget);
  say("Killed host once more; the quota is larger now");

  await mustCome("all but the refused", () => hasEscrows(refused));
  expect(await count()).toBe(people.length - refused);
  for (const isRefused of [true, false]) {
    if (!isRefused) await runtime.clearFaults();
    expect(await runtime.retryEscrows(job)).toBe(refused);
    await rig.killHost();
    say(`Killed host after ${refused} escrows were to be tried again: ${JSON.stringify(await books.underWay())}`);
    await mustCome("the retry to end", () => hasEscrows(isRefused ? refused : 0));
  }
  expect(await second.differences(people)).toEqual([]);
}

/** Kills while a removal is staged, and half-way through its execution; it takes exactly those whom an admin approved. */
export async function playStagedRemoval(ground: Ground): Promise<void> {
  const { rig, second, editor, mustCome, mustEnd, say } = ground;
  const { runtime } = rig.stage.main;
  const { books, job } = second;
  const kept = people.slice(leaving).map((person) => ({ ...person, department: "Kept" }));
  const deleted = async () => (await second.objects()).filter((object) => object.deleted);
  const isAtRest = async (): Promise<boolean> => (await runtime.staged(job)).length === 0 && books.isAtRest();

  await second.write(kept);
  await mustCome("the removal to be staged", async () => (await runtime.staged(job)).length > 0);
  await rig.killHost();
  await mustCome("all else to come to rest", () => books.isAtRest());
  const sets = await runtime.staged(job);
  const gone = people.slice(0, leaving).map(({ number }) => number);
  expect(sets).toMatchObject([{ class: "deletes", count: leaving, isApproved: false }]);
  expect(sets[0]?.members?.toSorted()).toEqual(gone.map(guidOfPerson).toSorted());
  expect(await second.differences([...people.slice(0, leaving), ...kept])).toEqual([]);

  await runtime.orderFaults({ throttle: { count: 8, retryAfterSeconds: 5, match: { method: "DELETE" } } });
  for (const set of sets) await runtime.approve(job, set);
  const isHalfDone = async (): Promise<boolean> =>
    (await deleted()).length > 0 && (await rig.witness.waiting()).length > 0;
  await mustCome("the removal to be half done", isHalfDone);
  await rig.killHost();
  say(`Killed host with ${(await deleted()).length} of ${leaving} approved removals done`);
  expect((await deleted()).length).toBeLessThan(leaving);
  await editor.burst(15);
  await mustCome("the rest of the removal", async () => (await deleted()).length >= leaving && (await isAtRest()));

  const anchors = (await deleted()).map(({ properties }) => properties["onPremisesImmutableId"]);
  expect(anchors.sort()).toEqual(gone.map(anchorOf).sort());
  expect(await second.differences(kept)).toEqual([]);
  expect(await books.escrows()).toEqual([]);
  for (const { id } of await second.objects()) rig.stage.leftBehind.add(id);
  expect(await second.agent.stop()).toBe(0);
  await mustEnd(rig.agents.slice(0, 1));
}
