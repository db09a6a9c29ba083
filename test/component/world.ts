/**
 * A directory, an agent that reads it and the whole cloud side, with faults at will: activities that die at any of their
 * writes and are repeated, rows that change under them, a target that throttles, forgets to answer or is away.
 *
 * After every activity the invariants are looked at; at the end everything is given time, and target and projection are
 * compared.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { DAY_PREFIX, type DayRow } from "../../shared/application/cycles/accounts.ts";
import type { CommittedWatermark } from "../../shared/application/reading/committed-watermark.ts";
import {
  type BatchRow,
  type CycleRow,
  listRows,
  ROW,
  readRow,
  totalOf,
} from "../../shared/application/state/job-rows.ts";
import type { Change } from "../../shared/contracts/change.ts";
import type { GuardSettings } from "../../shared/domain/guard.ts";
import type { RowOperation, RowStore } from "../../shared/ports/row-store.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";
import { type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { createDirectory, type DirectoryStep } from "./directory.ts";
import { anchorOf, byKey, keyOf, shownOf } from "./shown.ts";

export class Crash extends Error {}

export interface WorldOptions {
  readonly chunkObjects?: number;
  /** Every activity is called twice, the first answer thrown away. */
  readonly twice?: boolean;
  /** The activities with these names run twice at the same time. */
  readonly atOnce?: readonly string[];
  readonly guard?: GuardSettings;
  /** Looks at what an activity left behind. */
  readonly afterActivity?: () => void;
}

const HOUR_MS = 3_600_000;
const UNWRITABLE = "The row can't be written.";

export async function createWorld(options: WorldOptions = {}) {
  const directory = createDirectory();
  /** Writes until the next activity dies; undefined: none does. */
  let crashAfter: number | undefined;
  let writes = 0;
  let touches = 0;
  let awayFor = 0;
  let outcomesToFail = 0;
  /** Faults are an activity's: an agent's request that comes meanwhile has none. */
  const inActivity = new AsyncLocalStorage<true>();
  const bookOfIds = new Map<string, Set<string>>();

  const onWrite = () => {
    if (!inActivity.getStore()) return;
    writes++;
    if (crashAfter === undefined || --crashAfter > 0) return;
    crashAfter = undefined;
    throw new Crash("The activity died here.");
  };
  /** What happens while an admin waits for an object on demand. */
  let meanwhile: () => Promise<void> = async () => undefined;
  const cloud: Cloud = await createCloud({
    pause: () => meanwhile(),
    chunkObjects: options.chunkObjects ?? 3,
    ...(options.guard ? { settings: { guard: options.guard } } : {}),
    wrapRows: (rows) =>
      faultyRows(
        rows,
        onWrite,
        () => inActivity.getStore() === true && touches > 0 && touches-- > 0,
        () => outcomesToFail > 0 && outcomesToFail-- > 0,
      ),
    wrapBlobs: (blobs) => ({
      ...blobs,
      put: (path, content, more) => {
        onWrite();
        return blobs.put(path, content, more);
      },
    }),
    aroundActivity: async (name, _input, activity) => {
      const run: typeof activity = () => inActivity.run(true, activity);
      try {
        if (awayFor > 0 && --awayFor === 0) cloud.target.setUnavailable(undefined);
        if (options.twice) await repeated(run);
        if (options.atOnce?.includes(name)) return (await Promise.all([repeated(run), repeated(run)]))[0];
        return await repeated(run);
      } finally {
        options.afterActivity?.();
        await checkInvariants();
      }
    },
  });
  if (options.atOnce) {
    // Answers take a while: the other run meets the mark, not the outcome.
    const { apply } = cloud.target;
    cloud.target.apply = async (actions, more) => {
      const answers = await apply(actions, more);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      return answers;
    };
  }
  const agent = await cloud.addDomain("corp.example");
  const { jobId } = agent;
  const jobs = cloud.rows.table("jobs");

  async function checkInvariants(): Promise<void> {
    const open = await listRows<BatchRow>(jobs, jobId, "batch:");
    const done = await listRows<BatchRow>(jobs, jobId, "done:");
    const watermark = await readRow<CommittedWatermark>(jobs, jobId, ROW.watermark);
    for (const { value } of open)
      expect(watermark?.value.row ?? "", "the committed watermark is ahead of an open batch").not.toSatisfy(
        (row: string) => row >= ROW.done(value.readNo, value.sequence),
      );
    for (const { value } of done) expect(value.counts && totalOf(value.counts), value.batchId).toBe(value.changes);
    for (const { value } of await listRows<CycleRow>(jobs, jobId, "cycle:"))
      expect(totalOf(value.outcomes), value.cycleId).toBe(value.received);
    const cyclesOf = async () => (await listRows<CycleRow>(jobs, jobId, "cycle:")).map(({ value }) => value);
    let cycles = await cyclesOf();
    let days = (await listRows<DayRow>(jobs, jobId, DAY_PREFIX)).map(({ value }) => value);
    // The other lane may close one between two looks.
    for (let again = await cyclesOf(); again.length !== cycles.length; again = await cyclesOf()) {
      cycles = again;
      days = (await listRows<DayRow>(jobs, jobId, DAY_PREFIX)).map(({ value }) => value);
    }
    for (const day of days) expect(totalOf(day.outcomes), day.day).toBe(day.received);
    const inDays = days.flatMap((day) => day.cycles).sort((one, other) => one - other);
    expect(inDays, "each cycle is in one day, once").toEqual(cycles.map(({ readNo }) => readNo));
    const sumOf = (own: readonly { readonly received: number }[]) =>
      own.reduce((sum, { received }) => sum + received, 0);
    expect(sumOf(days), "days are the sums of their cycles").toBe(sumOf(cycles));
    const anchors = cloud.target.objects().map(anchorOf);
    expect(new Set(anchors).size, "twins").toBe(anchors.length);
  }

  /** One read, sent whole; nothing runs yet. */
  async function send(want: "full" | "delta", size = 1000, shape: (changes: Change[]) => Change[] = (own) => own) {
    const order = await agent.order(want);
    const changes = shape(directory.read(order.kind));
    const parts: Change[][] = changes.length === 0 ? [[]] : [];
    for (let at = 0; at < changes.length; at += size) parts.push(changes.slice(at, at + size));
    let digest = "";
    for (const [at, part] of parts.entries()) {
      const isLast = at === parts.length - 1;
      const usn = String(2_000 + order.readNo);
      const token = Buffer.from(`read ${order.readNo}`).toString("base64");
      const dsa = { invocationId: guidOf("dc"), dnsName: "dc1", highestCommittedUsn: usn };
      const watermark = {
        mode: "dirsync" as const,
        id: hash(token),
        token,
        usn,
        at: new Date(cloud.clock.now()).toISOString(),
      };
      const sent = agent.batch(order, at + 1, part, {
        dsa,
        isLast,
        ...(isLast
          ? {
              end: { batches: parts.length, objects: changes.length, digest },
              watermarkAfter: { ...watermark, invocationId: dsa.invocationId, dnsName: dsa.dnsName },
            }
          : {}),
      });
      const accepted = await agent.send(sent);
      if (!accepted.ok) throw new Error(accepted.failure.message);
      digest = hash(digest + hash(JSON.stringify(sent)));
    }
    return order;
  }

  /** Runs what is there, then gives retries their time until nothing waits any more. */
  async function settle(): Promise<void> {
    awayFor = 0;
    cloud.target.setUnavailable(undefined);
    cloud.target.setLagging(false);
    crashAfter = undefined;
    touches = 0;
    outcomesToFail = 0;
    await cloud.run();
    for (let round = 0; round < 12; round++) {
      const status = await agent.status();
      const isDone =
        status.escrowed === 0 && status.waiting.batches + status.waiting.readsEnding + status.waiting.work === 0;
      if (isDone && status.fullReadWanted === null) return;
      if (status.fullReadWanted !== null) await send("full");
      cloud.clock.set(cloud.clock.now() + HOUR_MS);
      await cloud.tick();
      await cloud.driver.settled();
      await cloud.run();
    }
  }

  function noteIds(): void {
    for (const object of cloud.target.objects()) {
      const anchor = anchorOf(object);
      const ids = bookOfIds.get(anchor) ?? new Set();
      bookOfIds.set(anchor, ids.add(object.id));
    }
  }

  async function check(): Promise<void> {
    await settle();
    noteIds();
    if (directory.hasUntold()) {
      await send("full");
      await settle();
    }
    const actual = new Map(
      cloud.target
        .objects()
        .filter((object) => !object.deleted)
        .map((object): [string, unknown] => [keyOf(object), shownOf(cloud.target, object)]),
    );
    expect(new Map([...actual].sort(byKey))).toEqual(new Map([...directory.projection()].sort(byKey)));
    for (const [anchor, ids] of bookOfIds) expect(ids.size, `${anchor} came back under another id`).toBe(1);
    const status = await agent.status();
    expect(status).toMatchObject({ escrowed: 0, staged: 0, waiting: { batches: 0, readsEnding: 0, work: 0 } });
    expect(status.committedWatermarkAt).toBe(status.acceptedWatermarkAt);
    expect(
      cloud.logged.filter((line) => line.event === "step-failed" && !JSON.stringify(line.fields).includes(UNWRITABLE)),
    ).toEqual([]);
    await checkNothingLeft();
  }

  /** A second run writes nothing (N5), and the index names nobody for a value that he doesn't have. */
  async function checkNothingLeft(): Promise<void> {
    const before = cloud.target.writes();
    await send("full");
    await settle();
    expect(cloud.target.writes(), "a run without changes wrote").toBe(before);
    const held: string[] = [];
    for await (const rows of cloud.rows.table("claims").scan())
      held.push(...rows.filter((row) => row.values["owner"] !== "").map((row) => row.row));
    const wanted = cloud.target
      .objects()
      .flatMap(({ id, deleted, values }) =>
        deleted
          ? []
          : [
              `targetId:${id}`,
              typeof values["uniqueName"] === "string"
                ? `uniqueName:${values["uniqueName"]}`
                : `userPrincipalName:${String(values["userPrincipalName"]).toLowerCase()}`,
            ],
      );
    // Who deleted a target object is known still, for whoever is given it back.
    const gone = new Set(cloud.target.objects().flatMap(({ id, deleted }) => (deleted ? [`targetId:${id}`] : [])));
    const shown = held.filter((row) => !row.startsWith("sourceAnchor:") && !gone.has(row));
    expect(shown.sort()).toEqual(wanted.sort());
  }

  /**
   * An admin asks for somebody, by a GUID; the agent answers with what the directory has now, `then` happens, and the work waits for
   * its lane.
   */
  async function ask(name: string, then: () => Promise<void>): Promise<void> {
    const { agentCommands, provisionOnDemand } = cloud.cloud.routes;
    cloud.clock.set(cloud.clock.now() + 3_000);
    const beat = await agent.heartbeat({ want: "continue" });
    if (!beat.ok) throw new Error(beat.failure.message);
    const leaseEpoch = beat.value.lease.epoch;
    let isAnswered = false;
    meanwhile = async () => {
      if (isAnswered) return;
      isAnswered = true;
      const told = await agentCommands.await(agent.proven, leaseEpoch);
      const [command] = told.ok ? told.value.commands : [];
      if (!command) return;
      const change = directory.present(name);
      await then();
      const dsa = { invocationId: guidOf("dc"), dnsName: "dc1", highestCommittedUsn: "900000" };
      await agentCommands.answer(agent.proven, command.id, {
        leaseEpoch,
        outcome: {
          ...{ kind: "read", domain: agent.domain, dsa, visibility: "partial", members: [] },
          object: change?.op === "upsert" ? { kind: "found", change } : { kind: "missing", why: "nobody" },
        },
      });
    };
    const parameters = [{ subjects: [{ objectId: guidOf(name) }] }];
    await provisionOnDemand(agent, { parameters, dryRun: false }, "ann");
    meanwhile = async () => undefined;
  }

  return {
    cloud,
    agent,
    directory,
    ask,
    send,
    settle,
    check,
    noteIds,
    take: (...steps: readonly DirectoryStep[]) => {
      for (const step of steps) directory.take(step);
    },
    run: () => cloud.run(),
    /** Exports, or everything but exports. */
    hold: (held: boolean) => cloud.cloud.routes.heldExports.setMode(jobId, held ? "staging" : "normal", "test"),
    writes: () => writes,
    /** The next activity dies at its n-th write, before it. */
    crashAt: (n: number) => {
      crashAfter = n;
    },
    /** The next n writes of object rows find them changed by somebody else. */
    touchRows: (n: number) => {
      touches = n;
    },
    /** The next n writes of what a call brought about fail: its activity ends with the mark standing. */
    failOutcomes: (n: number) => {
      outcomesToFail = n;
    },
    /** Counts the lookups in the target from now on. */
    countFinds: () => {
      const { target } = cloud;
      const { find } = target;
      let count = 0;
      target.find = (queries) => {
        count++;
        return find(queries);
      };
      return () => count;
    },
    /** The target is away for the next n activities. */
    targetAway: (n: number) => {
      awayFor = n;
      cloud.target.setUnavailable(new TargetUnavailable("target-unreachable", "away", "Wait.", 5_000));
    },
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;

/** As Durable repeats a killed activity. */
async function repeated(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Crash) return repeated(run);
    throw error;
  }
}

function faultyRows(
  rows: RowStore,
  onWrite: () => void,
  isTouched: () => boolean,
  isOutcomeToFail: () => boolean,
): RowStore {
  return {
    ...rows,
    table(name) {
      const table = rows.table(name);
      return {
        ...table,
        async transact(partition, operations) {
          onWrite();
          const conditional = operations.find((own) => own.op === "replace" && own.etag !== undefined);
          if (name === "objects" && conditional && isTouched()) {
            const row = await table.get(partition, conditional.row);
            const same: RowOperation[] = row ? [{ op: "replace", row: row.row, values: row.values }] : [];
            if (row) await table.transact(partition, same);
          }
          if (name === "objects" && conditional?.op === "replace" && conditional.values["mark"] === undefined) {
            const row = await table.get(partition, conditional.row);
            if (row?.values["mark"] !== undefined && isOutcomeToFail()) throw new Error(UNWRITABLE);
          }
          return table.transact(partition, operations);
        },
      };
    },
  };
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
