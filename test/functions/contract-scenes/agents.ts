/** What agents alone are refused: jobs that are gone, two processes with one key, another domain, batches out of turn. */
import { expect } from "vitest";
import { jobTable, ROW } from "../../../shared/application/state/job-rows.ts";
import { guidOf } from "../../support/cloud.ts";
import { type ContractRecord, openScene } from "../../support/contract-record.ts";

export async function playAgents(record: ContractRecord): Promise<void> {
  const { ask, codeOf, cloud, corp, samples, zipped, close } = await openScene(record);
  const tokens: { id: string; status: string }[] = (await ask("ListEnrolmentTokens")).body.value;
  const tokenId = tokens.find(({ status }) => status === "used")?.id ?? "none";
  expect(await codeOf("RevokeEnrolmentToken", { params: { tokenId } })).toBe("enrolment-token-used");

  const domain = { ...corp.domain, objectGuid: guidOf("another domain") };
  expect(await codeOf("Heartbeat", { body: { version: "1", domain, want: "none" } })).toBe("domain-changed");

  const late = { ...(samples["AcceptBatch"]?.body as object), sequence: 7, batchId: `${corp.jobId}-1-7` };
  const gzip = { "content-encoding": "gzip" };
  expect(await codeOf("AcceptBatch", { body: zipped(late), headers: gzip })).toBe("batch-not-expected");

  const jobs = jobTable(cloud.rows);
  const job = await jobs.get(corp.jobId, ROW.job);
  if (!job) throw new Error("The job has no row.");
  await jobs.transact(corp.jobId, [{ op: "delete", row: ROW.job }]);
  expect(await codeOf("AcceptBatch")).toBe("job-not-found");
  expect(await codeOf("AnswerCommand")).toBe("job-not-found");
  await jobs.transact(corp.jobId, [{ op: "insert", row: ROW.job, values: job.values }]);

  // Another process takes its place, and speaks again after it did.
  const beat = (boot: string, seq: number) => {
    cloud.clock.set(cloud.clock.now() + 30_000);
    return codeOf("Heartbeat", { claims: { boot, seq } });
  };
  const [first, second] = ["1".repeat(32), "2".repeat(32)];
  for (const [boot, seq] of [
    [first, 1],
    [second, 1],
    [first, 2],
  ] as const)
    expect(await beat(boot, seq)).toBe(200);
  expect(await beat(second, 2)).toBe("agent-cloned");
  expect((await ask("Heartbeat", { claims: { boot: first, seq: 3 } })).status).toBe(200);
  await close();
}
