/** What is told of an end of a read that is given up: what it had carried out by then, what it held back, and the rest. */
import { describe, expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { DAY_PREFIX, type DayRow } from "../../shared/application/cycles/accounts.ts";
import { verdictPath } from "../../shared/application/guard/verdict.ts";
import { FILES } from "../../shared/application/lanes/chunk-files.ts";
import {
  type BatchRow,
  type CycleRow,
  jobTable,
  listRows,
  NO_OUTCOMES,
  type RecentRow,
  ROW,
  readRow,
  totalOf,
} from "../../shared/application/state/job-rows.ts";
import type { GuardSettings } from "../../shared/domain/guard.ts";
import { type RowStore, StorageError } from "../../shared/ports/row-store.ts";
import { aUser, type Cloud, type CloudOptions, createCloud } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";

type Around = NonNullable<CloudOptions["aroundActivity"]>;

const PEOPLE = ["ann", "bob", "cid", "dan"].map((name) => aUser(name));
const GONE = PEOPLE.map(({ objectGuid }) => ({ op: "delete" as const, objectGuid }));
/** Chunks of two, everybody made; `fault` is thrown where it says so, from when it is set. */
async function start(more: Pick<CloudOptions, "wrapBlobs" | "wrapRows"> & { guard?: GuardSettings } = {}) {
  const fault: { at?: Around } = {};
  const { guard, ...options } = more;
  const cloud = await createCloud({
    ...options,
    chunkObjects: 2,
    ...(guard ? { settings: { guard } } : {}),
    aroundActivity: (name, input, run) => fault.at?.(name, input, run) ?? run(),
  });
  const agent = await cloud.addDomain("corp.example");
  await agent.read("full", PEOPLE);
  const list = async <T>(prefix: string) =>
    (await listRows<T>(jobTable(cloud.rows), agent.jobId, prefix)).map(({ value }) => value);
  /** What the log has of the end of the second read, or of what it staged. */
  const log = async () => {
    const all = await readLog(cloud.cloud.routes, { jobId: agent.jobId, sinceDays: 1, top: 100 });
    return all.filter(({ cycleId }) => cycleId === `${agent.jobId}-2`);
  };
  const codesOf = async () =>
    (await log())
      .map(({ provisioningAction: action, provisioningStatusInfo: info }) =>
        [action, info.status, info.errorInformation?.errorCode].join(" ").trim(),
      )
      .sort();
  const account = async () => {
    const [, batch] = await list<BatchRow>("done:");
    const [, cycle] = await list<CycleRow>("cycle:");
    const [day] = await list<DayRow>(DAY_PREFIX);
    expect(totalOf(batch?.counts ?? NO_OUTCOMES)).toBe(batch?.changes);
    expect(cycle?.outcomes).toEqual(batch?.counts);
    expect(totalOf(day?.outcomes ?? NO_OUTCOMES)).toBe(day?.received);
    expect(cloud.logged.filter(({ event }) => event === "accounts-violated")).toEqual([]);
    expect((await agent.status()).waiting).toMatchObject({ batches: 0, readsEnding: 0 });
    return cycle;
  };
  const deleted = () => cloud.target.objects().filter((own) => own.deleted).length;
  return { cloud, agent, list, log, codesOf, account, deleted, fault };
}

/** The second chunk of the end, each time. */
const failsSecond: Around = async (name, input, run) => {
  const { batchId, chunk } = input as { batchId: string; chunk: number };
  if (name === ACTIVITY.exportChunk && chunk === 1 && batchId.endsWith("-end")) throw new Error("poison");
  return run();
};

const failsTo =
  (activity: string): Around =>
  async (name, _input, run) => {
    if (name === activity) throw new Error("poison");
    return run();
  };

/** Of an activity that was killed while another run goes on. */
const OVER = { kind: "done", value: null };

/** The `at`th write during something fails. */
function createKills(at?: number) {
  let isUnderWay = false;
  let left = at;
  let count = 0;
  const wrapRows = (rows: RowStore): RowStore => ({
    ...rows,
    table: (name) => {
      const table = rows.table(name);
      const transact: typeof table.transact = async (...args) => {
        if (isUnderWay) count++;
        if (isUnderWay && left !== undefined && --left === 0) throw new StorageError("storage-unreachable", "killed");
        return table.transact(...args);
      };
      return { ...table, transact };
    },
  });
  const during = (work: () => Promise<unknown>) => {
    isUnderWay = true;
    return work().finally(() => {
      isUnderWay = false;
    });
  };
  return { wrapRows, during, count: () => count };
}

/** Deletions that the guard counts: closed, for a day from then on; open (`true`), until they are taken for given up. */
async function bookedIn(cloud: Cloud, jobId: string) {
  const recent = await readRow<RecentRow>(jobTable(cloud.rows), jobId, ROW.recent);
  return recent?.value.entries.map(({ removed, isOpen }) => [removed.deletes, isOpen]);
}

const SET_ASIDE = "other failure BatchSetAside";

describe("an end of a read that is given up", () => {
  it("tells what it carried out; the rest is escrowed with a code and a row in the log each", async () => {
    const { agent, log, account, codesOf, deleted, fault } = await start();
    fault.at = failsSecond;
    await agent.read("delta", GONE);
    expect(deleted()).toBe(2);
    expect(await account()).toMatchObject({
      outcomes: { ...NO_OUTCOMES, exported: 2, escrowed: 2 },
      removed: { deletes: 2 },
      detail: { deleted: 2, writes: 2, escrowedBy: { BatchSetAside: 2 } },
      incompleteBecause: expect.stringContaining("poison"),
    });
    expect(await codesOf()).toEqual(["delete success", "delete success", SET_ASIDE, SET_ASIDE]);
    for (const row of (await log()).filter(({ provisioningStatusInfo: { status } }) => status === "failure"))
      expect(row).toMatchObject({
        changeId: expect.stringMatching(`^${agent.jobId}-2-1:[0-3]$`),
        provisioningStatusInfo: { errorInformation: { reason: expect.stringContaining("poison") } },
      });
    const told = (await log()).map(({ sourceIdentity }) => sourceIdentity?.id).sort();
    expect(told).toEqual(PEOPLE.map(({ objectGuid }) => objectGuid).sort());
    expect((await agent.status()).fullReadWanted).toBe("parked-read-end");
    delete fault.at;
    await agent.read("full", [aUser("eve")]);
    expect(deleted()).toBe(4);
  });

  it("tells what a chunk did that could not write its outcome file, by the rows of its objects", async () => {
    const { agent, account, codesOf, deleted } = await start({
      wrapBlobs: (blobs) => ({
        ...blobs,
        put: (path, ...rest) =>
          path.endsWith("-end/outcome-1.json.gz") ? Promise.reject(new Error("poison")) : blobs.put(path, ...rest),
      }),
    });
    await agent.read("delta", GONE);
    expect(deleted()).toBe(4);
    expect(await account()).toMatchObject({
      outcomes: { ...NO_OUTCOMES, exported: 4 },
      removed: { deletes: 4 },
      detail: { deleted: 4, escrowedBy: {} },
    });
    expect(await codesOf()).toEqual(Array(4).fill("delete success"));
  });

  it("has a row for each also where nothing was judged, and for whom a full read lacked", async () => {
    const { agent, account, codesOf, deleted, fault } = await start();
    fault.at = failsTo(ACTIVITY.decideRemovals);
    await agent.read("full", PEOPLE.slice(0, 1));
    expect(deleted()).toBe(0);
    expect(await account()).toMatchObject({
      outcomes: { ...NO_OUTCOMES, "no-op": 1 },
      absent: { ...NO_OUTCOMES, escrowed: 3 },
      detail: { escrowedBy: { BatchSetAside: 3 } },
    });
    expect(await codesOf()).toEqual(Array(3).fill(SET_ASIDE));
  });

  it("tells what its verdict held back as staged: an admin may decide on it", async () => {
    const guard = { floor: 1, count: 3, percent: 90 };
    const { agent, account, codesOf, deleted, fault } = await start({ guard });
    fault.at = failsTo(ACTIVITY.commitCycle);
    await agent.read("delta", [
      ...GONE.slice(0, 3),
      aUser("dan", { userAccountControl: "514" }, ["userAccountControl"]),
    ]);
    expect(deleted()).toBe(0);
    expect(await account()).toMatchObject({
      outcomes: { ...NO_OUTCOMES, staged: 3, exported: 1 },
      removed: { deletes: 0, disables: 1 },
      staged: [{ class: "deletes", count: 3 }],
      detail: { updated: 1 },
    });
    expect(await codesOf()).toEqual(["disable success", ...Array(3).fill("stagedDelete warning StagedDelete")]);
    expect(await agent.status()).toMatchObject({ staged: 3 });
  });

  it("is given up although what is there of it can't be read", async () => {
    const { cloud, agent, account, fault } = await start();
    fault.at = async (name, input, run) => {
      if (name === ACTIVITY.noteFailure) {
        const cycleId = `${agent.jobId}-2`;
        await cloud.blobs.put(verdictPath(cycleId), new Uint8Array([1, 2, 3]));
        await cloud.blobs.put(FILES.outcome(`${cycleId}-end`, 0), new Uint8Array([1, 2, 3]));
      }
      return failsSecond(name, input, run);
    };
    await agent.read("delta", GONE);
    // The first chunk's file is lost, and its objects' rows say what it was.
    expect(await account()).toMatchObject({ outcomes: { ...NO_OUTCOMES, exported: 2, escrowed: 2 } });
  });

  it.each([
    ["and said again", true],
    ["and another run goes on instead", false],
  ] as const)(
    "is told the same, once, wherever the activity that gives it up is killed (%s)",
    async (_name, isRepeated) => {
      const play = async (at?: number) => {
        const kills = createKills(at);
        const { cloud, agent, account, codesOf, fault } = await start({ wrapRows: kills.wrapRows });
        fault.at = async (name, input, run) =>
          name === ACTIVITY.noteFailure
            ? kills.during(() => run().catch(() => (isRepeated ? run() : OVER)))
            : failsSecond(name, input, run);
        await agent.read("delta", GONE);
        expect(await account(), `killed at ${at}`).toMatchObject({
          outcomes: { ...NO_OUTCOMES, exported: 2, escrowed: 2 },
          removed: { deletes: 2 },
        });
        expect(await codesOf(), `killed at ${at}`).toEqual(["delete success", "delete success", SET_ASIDE, SET_ASIDE]);
        expect(cloud.logged.map(({ event }) => event)).toContain("cycle-abandoned");
        expect(await bookedIn(cloud, agent.jobId), `killed at ${at}`).toEqual([[4, undefined]]);
        const waiting: string[] = [];
        for await (const rows of cloud.rows.table("removals").range(`${agent.jobId}-2`))
          waiting.push(...rows.map(({ row }) => row));
        if (isRepeated) expect(waiting, `killed at ${at}`).toEqual([]);
        return kills.count();
      };
      const most = await play();
      expect(most).toBeGreaterThan(5);
      for (let at = 1; at <= most; at++) await play(at);
    },
  );
});

describe("an end of a read that is carried out", () => {
  it("has what it booked count for a day, wherever the activity that closes its cycle is killed and another run goes on", async () => {
    const play = async (at?: number) => {
      const kills = createKills(at);
      const { cloud, agent, account, fault } = await start({ wrapRows: kills.wrapRows });
      fault.at = async (name, _input, run) =>
        name === ACTIVITY.commitCycle ? kills.during(() => run().catch(() => OVER)) : run();
      await agent.read("delta", GONE);
      await cloud.tick();
      await cloud.run();
      expect(await account(), `killed at ${at}`).toMatchObject({ outcomes: { exported: 4 }, removed: { deletes: 4 } });
      expect(await bookedIn(cloud, agent.jobId), `killed at ${at}`).toEqual([[4, undefined]]);
      return kills.count();
    };
    const most = await play();
    expect(most).toBeGreaterThan(3);
    for (let at = 1; at <= most; at++) await play(at);
  });
});
