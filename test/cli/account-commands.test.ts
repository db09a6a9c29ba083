/** `uplink accounts`, against the service's own routes. */
import { beforeEach, expect, it } from "vitest";
import { registerAccountCommands } from "../../cli/account-commands.ts";
import { configurationRoutes } from "../../functions/configurations.http.ts";
import type { Route } from "../../functions/http-route.ts";
import { jobRoutes } from "../../functions/jobs.http.ts";
import {
  type CycleRow,
  jobTable,
  listRows,
  pack,
  type ReadsRow,
  ROW,
  readRow,
} from "../../shared/application/state/job-rows.ts";
import type { RowTable } from "../../shared/ports/row-store.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { aUser, createCloud } from "../support/cloud.ts";

const HOUR = 3_600_000;
let routes: readonly Route[];
const { uplink } = serveInTests(
  [registerAccountCommands],
  answerByRoutes(() => routes),
);

/** Two days: a full read of three, one of whom is filtered; then a delta, and a full read that lacks two. */
async function twoDays(): Promise<{ jobId: string; jobs: RowTable }> {
  const cloud = await createCloud();
  const agent = await cloud.addDomain("corp.example");
  routes = [...jobRoutes(cloud.cloud.routes), ...configurationRoutes(cloud.cloud.routes.configurations)];
  if ((await uplink("accounts")).out !== "No cycle was closed yet.\n") throw new Error("There are cycles already.");
  await agent.read("full", [aUser("ann"), aUser("bob"), aUser("MSOL_x")]);
  cloud.clock.set(cloud.clock.now() + 20 * HOUR);
  await agent.read("delta", [aUser("ann", { title: "Clerk" }, ["title"])]);
  await agent.read("full", [aUser("ann", { title: "Clerk" })]);
  return { jobId: agent.jobId, jobs: jobTable(cloud.rows) };
}

let jobId: string;
let jobs: RowTable;
beforeEach(async () => {
  ({ jobId, jobs } = await twoDays());
});

it("are shown by day, newest first, as text, as JSON and as comma-separated values", async () => {
  const { code, out } = await uplink("accounts", "corp.example");
  expect(code).toBe(0);
  const [head, second, first] = out.split("\n").map((line) => line.split(/ {2,}/));
  const counts = ["received", "exported", "no-op", "filtered", "staged", "escrowed", "absent", "writes"];
  expect(head).toEqual(["job", "day", "cycles", ...counts]);
  expect(second).toEqual(["corp.example", "2026-01-06", "2", "2", "1", "1", "0", "0", "0", "2", "2"]);
  expect(first).toEqual(["corp.example", "2026-01-05", "1", "3", "2", "0", "1", "0", "0", "0", "2"]);
  expect(JSON.parse((await uplink("accounts", "--json")).out)).toMatchObject([
    { job: "corp.example", day: "2026-01-06", cycles: [2, 3], received: 2, outcomes: { exported: 1, "no-op": 1 } },
    { job: "corp.example", day: "2026-01-05", cycles: [1], received: 3, outcomes: { exported: 2, filtered: 1 } },
  ]);
  const lines = (await uplink("accounts", "--csv")).out.split("\r\n");
  expect(lines[1]).toBe("corp.example,2026-01-06,2,2,1,1,0,0,0,2,2");
});

it("are shown by cycle, and no more of them than asked for", async () => {
  const lines = (await uplink("accounts", "--cycles", "--csv")).out.trim().split("\r\n");
  expect(lines).toHaveLength(4);
  expect(lines[3]).toMatch(new RegExp(`^corp\\.example,${jobId}-1,full,ended,2026-01-05T.*,3,2,0,1,0,0,0,2$`));
  expect((await uplink("accounts", "--cycles", "--top", "1", "--csv")).out.trim().split("\r\n")).toHaveLength(2);
  expect((await uplink("accounts", "--top", "1", "--json")).out).not.toContain("2026-01-05");
  expect((await uplink("accounts", "--top", "0")).code).toBe(2);
});

it("are shown from as many pages as hold them", async () => {
  const [cycle] = await listRows<CycleRow>(jobs, jobId, "cycle:");
  const reads = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
  if (!cycle || !reads) throw new Error("It has no cycle.");
  const values = pack({ ...reads.value, nextReadNo: 1_201 });
  await jobs.transact(jobId, [{ op: "replace", row: ROW.reads, values, etag: reads.etag }]);
  for (let from = 4; from <= 1_200; from++)
    await jobs.transact(jobId, [
      { op: "upsert", row: ROW.cycle(from), values: pack({ ...cycle.value, readNo: from, cycleId: `c${from}` }) },
    ]);
  const shown = async (top: string) => JSON.parse((await uplink("accounts", "--cycles", "--top", top, "--json")).out);
  expect(await shown("1150")).toHaveLength(1_150);
  expect(await shown("5000")).toHaveLength(1_200);
});
