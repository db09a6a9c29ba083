/** Lists that come page by page: whatever the size of a page, each entry stands on one of them, in one order. */
import { describe, expect, test } from "vitest";
import { DAY_PREFIX, type DayRow } from "../../shared/application/cycles/accounts.ts";
import {
  type CycleRow,
  jobTable,
  listRows,
  pack,
  type ReadsRow,
  ROW,
  readRow,
} from "../../shared/application/state/job-rows.ts";
import { listAgents } from "../../shared/contracts/admin/agents.ts";
import { listCycles, listDays } from "../../shared/contracts/admin/cycles.ts";
import { createEnrolmentToken, listEnrolmentTokens } from "../../shared/contracts/admin/enrolment-tokens.ts";
import { listEscrows } from "../../shared/contracts/admin/escrows.ts";
import { addExclusion, listExclusions } from "../../shared/contracts/admin/exclusions.ts";
import type { Operation } from "../../shared/contracts/operation.ts";
import { createAdminApi } from "../support/admin-api.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { changing } from "../support/links.ts";
import { counting, type PageUse } from "../support/log-entries.ts";

const PEOPLE = Array.from({ length: 40 }, (_, at) => `user${at}`);

async function start(use?: PageUse) {
  const cloud = await createCloud(use ? { wrapRows: (rows) => counting(rows, use) } : {});
  const agent = await cloud.addDomain("corp.example");
  const ask = createAdminApi(cloud.cloud);
  /** By the addresses that the pages give, as a client goes. */
  async function walk(operation: Operation, params: Readonly<Record<string, string>>, top: number) {
    const value: unknown[] = [];
    const sizes: number[] = [];
    for (let query: Record<string, string> | undefined = { $top: String(top) }; query; ) {
      const { body, failure } = await ask(operation, { params: params as never, query });
      if (failure) throw new Error(failure.message);
      const page = body as unknown as { value: unknown[]; "@odata.nextLink"?: string };
      value.push(...page.value);
      sizes.push(page.value.length);
      const next = page["@odata.nextLink"];
      query = next === undefined ? undefined : Object.fromEntries(new URL(next).searchParams);
    }
    return { value, sizes };
  }
  return { ...cloud, agent, ask, walk };
}

describe("every page size gives the same list", () => {
  test("of escrows, objects and groups whose members failed", async () => {
    const { cloud, agent, walk, target } = await start();
    const { jobId } = agent;
    const clashing = PEOPLE.map((name) => aUser(name, { userPrincipalName: "one@corp.example" }));
    const pair = [aUser("ann"), aUser("bob")];
    await agent.read("full", [...clashing, ...pair, withMembers(["ann"], aGroup("sales"))]);
    target.orderMembers({ kind: "lose-answer" });
    await agent.read("delta", [changing("sales", { add: ["bob"], remove: ["ann"] })]);
    const all = await cloud.routes.queries.escrows(jobId);
    if (!all.ok) throw new Error(all.failure.message);
    expect(all.value.map(({ code }) => code)).toContain("Timeout");
    expect(all.value).toHaveLength(40);
    const byGuid = [...all.value].sort((one, other) => (one.objectGuid < other.objectGuid ? -1 : 1));
    for (const top of [1, 7, 39, 40, 41]) {
      const { value, sizes } = await walk(listEscrows, { jobId }, top);
      expect(value).toEqual(byGuid);
      expect(sizes.slice(0, -1).every((size) => size === top)).toBe(true);
      expect(sizes).toHaveLength(Math.ceil(40 / top));
    }
  });

  test("of agents, enrolment tokens and exclusions", async () => {
    const { agent, addAgent, ask, walk } = await start();
    const params = { configurationId: agent.configurationId };
    for (let more = 0; more < 4; more++) await addAgent(agent);
    await ask(createEnrolmentToken, { params, body: {} });
    for (const name of ["x", "y", "z"])
      await ask(addExclusion, { params: { guid: guidOf(name) }, body: { reason: "glass" } });
    for (const [operation, count] of [
      [listAgents, 5],
      [listEnrolmentTokens, 6],
      [listExclusions, 3],
    ] as const) {
      const whole = await walk(operation, params, 1000);
      expect(whole.sizes).toEqual([count]);
      expect(await walk(operation, params, 2)).toMatchObject({ value: whole.value });
      expect((await walk(operation, params, 1)).sizes).toEqual(Array(count).fill(1));
    }
  });
});

describe("the accounts of a job, newest first", () => {
  /** Cycles of some reads, a day each eight. */
  async function withCycles(numbers: readonly number[], nextReadNo: number) {
    const use: PageUse = { requests: 0, entities: 0 };
    const world = await start(use);
    const { jobId } = world.agent;
    await world.agent.read("full", [aUser("ann")]);
    const jobs = jobTable(world.rows);
    const [cycle] = await listRows<CycleRow>(jobs, jobId, "cycle:");
    const [day] = await listRows<DayRow>(jobs, jobId, DAY_PREFIX);
    const reads = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
    if (!cycle || !day || !reads) throw new Error("It has no account.");
    await jobs.transact(jobId, [
      { op: "replace", row: ROW.reads, values: pack({ ...reads.value, nextReadNo }), etag: reads.etag },
      { op: "delete", row: cycle.row },
      { op: "delete", row: day.row },
    ]);
    for (const readNo of numbers) {
      const own = new Date(Date.UTC(2025, 0, 1 + Math.floor(readNo / 8))).toISOString().slice(0, 10);
      await jobs.transact(jobId, [
        { op: "upsert", row: ROW.cycle(readNo), values: pack({ ...cycle.value, readNo, cycleId: `cycle-${readNo}` }) },
        { op: "upsert", row: `${DAY_PREFIX}${own}`, values: pack({ ...day.value, day: own }) },
      ]);
    }
    const days = [...new Set(numbers.map((readNo) => Math.floor(readNo / 8)))].length;
    const price = async (operation: Operation, query: Record<string, string>) => {
      Object.assign(use, { requests: 0, entities: 0 });
      await world.ask(operation, { params: { jobId } as never, query });
      return use.requests;
    };
    return { ...world, jobId, days, price };
  }

  test.each([
    ["without a gap", Array.from({ length: 300 }, (_, at) => at + 1), 301],
    ["where old ones were dropped, and some have none", [4_000, 4_001, 4_700, 5_000, 5_001, 5_002], 5_010],
  ])("%s, each stands on one page, of three requests at most", async (_, numbers, nextReadNo) => {
    const { walk, jobId, days, price } = await withCycles(numbers, nextReadNo);
    const newest = [...numbers].reverse();
    for (const top of [1, 7, 299, 300, 1_000]) {
      const { value, sizes } = await walk(listCycles, { jobId }, top);
      expect(value.map((own) => (own as { readNo: number }).readNo)).toEqual(newest);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(top);
      // Nobody walks through the numbers of what was dropped.
      expect(sizes.length).toBeLessThan(Math.ceil(numbers.length / top) + 40);
    }
    const found = await walk(listDays, { jobId }, 3);
    expect(found.value).toHaveLength(days);
    expect(found.sizes).toHaveLength(Math.ceil(days / 3));
    const ofDays = found.value.map((own) => (own as { day: string }).day);
    expect(ofDays).toEqual([...new Set(ofDays)].sort().reverse());
    for (const query of [{ $top: "1000" }, { $top: "2" }, { $top: "1000", $skiptoken: "4900" }])
      expect(await price(listCycles, query)).toBeLessThanOrEqual(3);
    expect(await price(listDays, { $top: "2", $skiptoken: "2026-01-01" })).toBeLessThanOrEqual(3);
  });

  test("from a place that no page gave is refused", async () => {
    const { ask, agent } = await start();
    for (const [operation, places] of [
      [listCycles, ["0", "-1", "2026-01-05", "x"]],
      [listDays, ["5", "yesterday"]],
    ] as const)
      for (const $skiptoken of places) {
        const { failure } = await ask(operation, { params: { jobId: agent.jobId }, query: { $skiptoken } });
        expect(failure).toMatchObject({ status: 400, code: "invalid-query" });
      }
  });
});

test("a place that no page gave is refused, and never looked for", async () => {
  const { agent, ask } = await start();
  const { failure } = await ask(listEscrows, { params: { jobId: agent.jobId }, query: { $skiptoken: "a/../b" } });
  expect(failure).toMatchObject({ status: 400, code: "invalid-query" });
});
