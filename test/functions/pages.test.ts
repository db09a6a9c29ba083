/** Lists that come page by page: whatever the size of a page, each entry stands on one of them, in one order. */
import { describe, expect, test } from "vitest";
import { listAgents } from "../../shared/contracts/admin/agents.ts";
import { createEnrolmentToken, listEnrolmentTokens } from "../../shared/contracts/admin/enrolment-tokens.ts";
import { listEscrows } from "../../shared/contracts/admin/escrows.ts";
import { addExclusion, listExclusions } from "../../shared/contracts/admin/exclusions.ts";
import type { Operation } from "../../shared/contracts/operation.ts";
import { createAdminApi } from "../support/admin-api.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { changing } from "../support/links.ts";

const PEOPLE = Array.from({ length: 40 }, (_, at) => `user${at}`);

async function start() {
  const cloud = await createCloud();
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

test("a place that no page gave is refused, and never looked for", async () => {
  const { agent, ask } = await start();
  const { failure } = await ask(listEscrows, { params: { jobId: agent.jobId }, query: { $skiptoken: "a/../b" } });
  expect(failure).toMatchObject({ status: 400, code: "invalid-query" });
});
