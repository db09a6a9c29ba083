/** What is told of a batch that is set aside: its account is what became of its changes, and each has its row in the log. */
import { describe, expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { DAY_PREFIX, type DayRow } from "../../shared/application/cycles/accounts.ts";
import { FILES } from "../../shared/application/lanes/chunk-files.ts";
import {
  type BatchRow,
  type CycleRow,
  jobTable,
  listRows,
  NO_OUTCOMES,
} from "../../shared/application/state/job-rows.ts";
import type { BlobStore } from "../../shared/ports/blob-store.ts";
import { aUser, type CloudOptions, createCloud } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";

type Around = NonNullable<CloudOptions["aroundActivity"]>;

const PEOPLE = ["ann", "bob", "cid", "dan"].map((name) => aUser(name));

/** Chunks of two; `fault` is thrown where it says so, from when it is set. */
async function start(more: Pick<CloudOptions, "wrapBlobs"> = {}) {
  const fault: { at?: Around } = {};
  const cloud = await createCloud({
    ...more,
    chunkObjects: 2,
    aroundActivity: (name, input, run) => fault.at?.(name, input, run) ?? run(),
  });
  const agent = await cloud.addDomain("corp.example");
  const list = async <T>(prefix: string) =>
    (await listRows<T>(jobTable(cloud.rows), agent.jobId, prefix)).map(({ value }) => value);
  /** Without what is told of the schema. */
  const log = async () => {
    const all = await readLog(cloud.cloud.routes, { jobId: agent.jobId, sinceDays: 1, top: 100 });
    return all.filter(({ changeId }) => changeId?.startsWith(agent.jobId));
  };
  const codesOf = async () =>
    (await log())
      .map(({ provisioningStatusInfo: info, changeId }) => [changeId, info.status, info.errorInformation?.errorCode])
      .sort();
  return { cloud, agent, list, log, codesOf, fault };
}

/** The second chunk's export, whatever its batch. */
const failsSecond: Around = async (name, input, run) => {
  if (name === ACTIVITY.exportChunk && (input as { chunk: number }).chunk === 1) throw new Error("poison");
  return run();
};

/** Wraps a store so that one file can never be written. */
function withoutFile(isLost: (path: string) => boolean) {
  return (blobs: BlobStore): BlobStore => ({
    ...blobs,
    put: (path, ...rest) => (isLost(path) ? Promise.reject(new Error("poison")) : blobs.put(path, ...rest)),
  });
}

describe("a batch that is set aside", () => {
  it("tells what its other chunks exported; the rest is escrowed with a code and a row in the log each", async () => {
    const { cloud, agent, list, log, fault } = await start();
    fault.at = failsSecond;
    await agent.read("full", PEOPLE);
    expect(cloud.target.objects()).toHaveLength(2);
    const outcomes = { ...NO_OUTCOMES, exported: 2, escrowed: 2 };
    const detail = { created: 2, writes: 2, escrowedBy: { BatchSetAside: 2 } };
    expect(await list<BatchRow>("done:")).toMatchObject([{ changes: 4, counts: outcomes, waiting: 0, detail }]);
    expect(await list<CycleRow>("cycle:")).toMatchObject([{ received: 4, outcomes, detail }]);
    expect(await list<DayRow>(DAY_PREFIX)).toMatchObject([{ received: 4, outcomes, writes: 2 }]);
    const rows = await log();
    const done = rows.filter(({ provisioningStatusInfo: { status } }) => status === "success");
    const failed = rows.filter(({ provisioningStatusInfo: { status } }) => status === "failure");
    expect(done).toHaveLength(2);
    expect(failed).toHaveLength(2);
    for (const row of failed)
      expect(row).toMatchObject({
        changeId: expect.stringMatching(`^${agent.jobId}-1-1:[0-3]$`),
        provisioningStatusInfo: {
          errorInformation: { errorCode: "BatchSetAside", reason: expect.stringContaining("poison") },
        },
      });
    const told = rows.map(({ sourceIdentity }) => sourceIdentity?.id).sort();
    expect(told).toEqual(PEOPLE.map(({ objectGuid }) => objectGuid).sort());
    expect((await agent.status()).fullReadWanted).toBe("parked-batch");
    delete fault.at;
    await agent.read("full", PEOPLE);
    expect(cloud.target.objects()).toHaveLength(4);
  });

  it("tells what a chunk did that could not write its outcome file, by the rows of its objects", async () => {
    const { cloud, agent, list, codesOf } = await start({
      wrapBlobs: withoutFile((path) => path.endsWith("/outcome-1.json.gz")),
    });
    await agent.read("full", PEOPLE);
    expect(cloud.target.objects()).toHaveLength(4);
    const outcomes = { ...NO_OUTCOMES, exported: 4 };
    expect(await list<BatchRow>("done:")).toMatchObject([{ changes: 4, counts: outcomes, detail: { created: 4 } }]);
    expect(await codesOf()).toEqual([0, 1, 2, 3].map((at) => [`${agent.jobId}-1-1:${at}`, "success", undefined]));
  });

  it("stays open for the removals that wait for the end of its read, and gets their outcomes there", async () => {
    const { cloud, agent, list, codesOf, fault } = await start();
    await agent.read("full", PEOPLE);
    fault.at = async (name, input, run) => {
      const { batchId, chunk } = input as { batchId: string; chunk: number };
      if (name === ACTIVITY.exportChunk && chunk === 1 && !batchId.endsWith("-end")) throw new Error("poison");
      return run();
    };
    await agent.read(
      "delta",
      PEOPLE.map(({ objectGuid }) => ({ op: "delete" as const, objectGuid })),
    );
    expect(cloud.target.objects().filter(({ deleted }) => deleted)).toHaveLength(2);
    const outcomes = { ...NO_OUTCOMES, exported: 2, escrowed: 2 };
    const [, batch] = await list<BatchRow>("done:");
    expect(batch).toMatchObject({ changes: 4, counts: outcomes, waiting: 0 });
    const [, cycle] = await list<CycleRow>("cycle:");
    expect(cycle).toMatchObject({
      outcomes,
      removed: { deletes: 2 },
      detail: { deleted: 2, escrowedBy: { BatchSetAside: 2 } },
    });
    expect((await codesOf()).filter(([, , code]) => code === "BatchSetAside")).toHaveLength(2);
    expect(await list<BatchRow>("batch:")).toEqual([]);
    expect(cloud.logged.filter(({ event }) => event === "accounts-violated")).toEqual([]);
  });

  it("has a row for each change also where it could not even be split, and none where its own file is gone; both are set aside", async () => {
    const { cloud, agent, list, codesOf, fault } = await start();
    fault.at = async (name, _input, run) => {
      if (name === ACTIVITY.planChunks) throw new Error("poison");
      return run();
    };
    await agent.read("full", PEOPLE);
    expect((await codesOf()).map(([, , code]) => code)).toEqual(Array(4).fill("BatchSetAside"));
    fault.at = async (name, _input, run) => {
      if (name !== ACTIVITY.planChunks) return run();
      for (const { blob } of await list<BatchRow>("batch:")) await cloud.blobs.delete(blob);
      return run();
    };
    await agent.read("full", PEOPLE);
    expect(await codesOf()).toHaveLength(4);
    expect((await list<BatchRow>("done:")).map(({ counts }) => counts)).toEqual(
      Array(2).fill({ ...NO_OUTCOMES, escrowed: 4 }),
    );
  });

  it("is set aside although what is there of it can't be read", async () => {
    const { cloud, agent, list, fault } = await start();
    fault.at = async (name, input, run) => {
      if (name === ACTIVITY.noteFailure) {
        const batchId = `${agent.jobId}-1-1`;
        await cloud.blobs.put(FILES.plan(batchId, 1), new Uint8Array([1, 2, 3]));
        await cloud.blobs.put(FILES.outcome(batchId, 0), new Uint8Array([1, 2, 3]));
      }
      return failsSecond(name, input, run);
    };
    await agent.read("full", PEOPLE);
    // The first chunk's file is lost, and its objects' rows say what it was.
    const counts = { ...NO_OUTCOMES, exported: 2, escrowed: 2 };
    expect(await list<BatchRow>("done:")).toMatchObject([{ changes: 4, counts }]);
    expect((await agent.status()).waiting).toMatchObject({ batches: 0, readsEnding: 0 });
  });
});
