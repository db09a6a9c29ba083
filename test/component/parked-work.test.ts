/** What is made good for work of everybody that is given up: a full read. */
import { expect, it } from "vitest";
import { addWork } from "../../shared/application/lanes/add-work.ts";
import { createNoteFailure } from "../../shared/application/lanes/note-failure.ts";
import { type JobRow, jobTable, pack, ROW, readRow } from "../../shared/application/state/job-rows.ts";
import type { RowTable } from "../../shared/ports/row-store.ts";
import { createCloud } from "../support/cloud.ts";

it("is asked for also while somebody else changes the job", async () => {
  const cloud = await createCloud();
  const { jobId } = await cloud.addDomain("corp.example");
  const jobs = jobTable(cloud.rows);
  const jobOf = async () => {
    const found = await readRow<JobRow>(jobs, jobId, ROW.job);
    if (!found) throw new Error("The job is gone.");
    return found;
  };
  const workId = `${jobId}-work-all`;
  await addWork(cloud, jobId, "all", { objectGuids: [] }, workId, "bulk", 2);
  let isDisturbed = false;
  const disturbed: RowTable = {
    ...jobs,
    async transact(partition, operations) {
      if (!isDisturbed && operations.some(({ row }) => row === ROW.job)) {
        isDisturbed = true;
        const { value, etag } = await jobOf();
        await jobs.transact(jobId, [
          { op: "replace", row: ROW.job, values: pack({ ...value, state: "paused" }), etag },
        ]);
      }
      return jobs.transact(partition, operations);
    },
  };
  const noteFailure = createNoteFailure({
    rows: { ...cloud.rows, table: (name) => (name === "jobs" ? disturbed : cloud.rows.table(name)) },
    fence: { check: async () => undefined },
    clock: cloud.clock,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    giveUpWhatIf: async () => undefined,
    giveUpReconcile: async () => undefined,
    giveUpAsked: async () => undefined,
    splitWork: async () => undefined,
    accountParked: async (_job, batch) => batch,
    abandonCycle: async () => undefined,
  });
  await noteFailure({ jobId, lane: "bulk", epoch: 1 }, { kind: "work", workId, attempt: 3 }, "out of luck");
  expect(isDisturbed).toBe(true);
  expect(await jobs.get(jobId, ROW.work("bulk", workId))).toBeUndefined();
  expect((await jobOf()).value).toMatchObject({ state: "paused", fullReadWanted: "parked-reevaluation" });
});
