/**
 * A delta that is worked before the full read that it comes after: what that full read alone has to say, and what it leaves
 * out, still counts, except for what the delta set or brought.
 */
import { describe, expect, it } from "vitest";
import { type CycleRow, ROW, readRow } from "../../shared/application/state/job-rows.ts";
import type { Change, ChangeBatch } from "../../shared/contracts/change.ts";
import { shardOf } from "../../shared/domain/shard.ts";
import { aUser, type Cloud, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";

type Agent = Awaited<ReturnType<Cloud["addDomain"]>>;

const DC = { invocationId: guidOf("dc"), dnsName: "dc1", highestCommittedUsn: "5000" };
const SALES = { department: "Sales", title: "Aide" };

async function start(options: CloudOptions = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  await agent.read("full", [aUser("ann", SALES), aUser("bob", SALES)]);
  return { cloud, agent };
}

/** A read of one batch, accepted and not yet worked on. */
async function send(
  agent: Agent,
  want: "full" | "delta",
  changes: readonly Change[],
  more: Partial<ChangeBatch> = {},
): Promise<void> {
  const order = await agent.order(want);
  const sent = agent.batch(order, 1, changes, {
    dsa: DC,
    isLast: true,
    end: { batches: 1, objects: changes.length, digest: "" },
    watermarkAfter: { mode: "ldif", id: `w${order.readNo}`, token: "t", at: "2026-01-05T08:00:00.000Z" },
    ...more,
  });
  expect(await agent.send(sent)).toMatchObject({ ok: true });
}

/** Works the deltas that were sent, and nothing else. */
async function runLive({ bells, wakeJob, driver }: Cloud): Promise<void> {
  const rung = bells.splice(0);
  for (const { jobId, lane } of rung) if (lane === "live") await wakeJob(jobId, lane);
  await driver.settled();
  bells.push(...rung.filter(({ lane }) => lane !== "live"));
}

async function cycle({ rows }: Cloud, { jobId }: Agent, readNo: number): Promise<CycleRow | undefined> {
  return (await readRow<CycleRow>(rows.table("jobs"), jobId, ROW.cycle(readNo)))?.value;
}

function valuesOf(cloud: Cloud, name: string) {
  const found = cloud.target.objects().find((object) => object.values["displayName"] === name && !object.deleted);
  const { jobTitle = null, department = null } = found?.values ?? {};
  return { jobTitle, department };
}

describe("a full read that a later delta overtook", () => {
  const bob = aUser("bob", SALES);

  it("still blanks what it left out, and the delta didn't bring, at its end", async () => {
    const { cloud, agent } = await start();
    await send(agent, "full", [aUser("ann", { title: "Aide" }), bob]);
    await send(agent, "delta", [aUser("ann", { title: "Boss" }, ["title"])]);
    await runLive(cloud);
    expect(valuesOf(cloud, "ann")).toEqual({ jobTitle: "Boss", department: "Sales" });
    await cloud.run();
    expect(valuesOf(cloud, "ann")).toEqual({ jobTitle: "Boss", department: null });
    expect(await cycle(cloud, agent, 2)).toMatchObject({ received: 2, outcomes: { exported: 1, "no-op": 1 } });
  });

  it("still says what the delta doesn't", async () => {
    const { cloud, agent } = await start();
    await send(agent, "full", [aUser("ann", { department: "Sales", title: "Clerk" }), bob]);
    await send(agent, "delta", [aUser("ann", { department: "Finance", title: "Clerk" }, ["department"])]);
    await runLive(cloud);
    await cloud.run();
    expect(valuesOf(cloud, "ann")).toEqual({ jobTitle: "Clerk", department: "Finance" });
  });

  it("takes back nothing that a delta set, cleared or brought, however many came", async () => {
    const { cloud, agent } = await start();
    await send(agent, "full", [
      aUser("ann", { title: "Clerk" }),
      aUser("bob", { department: "Stores", title: "Clerk" }),
    ]);
    await send(agent, "delta", [
      aUser("ann", { department: "Finance", title: "Clerk" }, ["department"]),
      aUser("bob", { department: "Finance" }, ["department", "title"]),
    ]);
    await runLive(cloud);
    await send(agent, "delta", [aUser("ann", { department: "Finance", title: "Boss" }, ["title"])]);
    await runLive(cloud);
    await cloud.run();
    expect(valuesOf(cloud, "ann")).toEqual({ jobTitle: "Boss", department: "Finance" });
    expect(valuesOf(cloud, "bob")).toEqual({ jobTitle: null, department: "Finance" });
  });

  it("blanks nothing where it proves nothing", async () => {
    const { cloud, agent } = await start();
    const end = { batches: 1, objects: 9, digest: "" };
    await send(agent, "full", [aUser("ann", { title: "Aide" }), bob], { end });
    await send(agent, "delta", [aUser("ann", { title: "Boss" }, ["title"])]);
    await runLive(cloud);
    await cloud.run();
    expect(valuesOf(cloud, "ann")).toEqual({ jobTitle: "Boss", department: "Sales" });
  });

  it("says nothing of somebody who was deleted and came back since", async () => {
    const { cloud, agent } = await start();
    await send(agent, "full", [aUser("ann", { department: "Stores", title: "Clerk" }), bob]);
    await send(agent, "delta", [{ op: "delete", objectGuid: guidOf("ann") }]);
    await runLive(cloud);
    await send(agent, "delta", [aUser("ann", { department: "Sales", title: "Boss" }, ["title"])]);
    await runLive(cloud);
    await send(agent, "delta", [aUser("ann", { department: "Sales", title: "Boss", l: "Bern" }, ["l"])]);
    await runLive(cloud);
    await cloud.run();
    expect(valuesOf(cloud, "ann")).toEqual({ jobTitle: "Boss", department: "Sales" });
  });

  it("has what it takes away judged by the guard", async () => {
    const names = Array.from({ length: 30 }, (_, at) => `user${at}`);
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const shown = (title: string, more: Record<string, string> = {}, changed?: string[]) =>
      names.map((name) => aUser(name, { title, ...more }, changed));
    await agent.read("full", shown("Aide", { department: "Sales" }));
    await send(agent, "full", shown("Aide"));
    await send(agent, "delta", shown("Boss", {}, ["title"]));
    await runLive(cloud);
    await cloud.run();
    expect(valuesOf(cloud, "user0")).toEqual({ jobTitle: "Boss", department: "Sales" });
    expect((await agent.status()).staged).toBe(30);
    expect(await cycle(cloud, agent, 2)).toMatchObject({
      outcomes: { staged: 30 },
      staged: [{ class: "blanks", count: 30 }],
    });
  });
});

describe("a full read that a later delta overtook, which could not be applied", () => {
  /** A row that no service writes: folding a change into it fails. What it was before. */
  async function damage({ rows }: Cloud, { configurationId }: Agent, missing: string) {
    const table = rows.table("objects");
    const [partition, row] = [`tenant:${shardOf(guidOf("ann"))}`, `${configurationId}:${guidOf("ann")}`];
    const found = await table.get(partition, row);
    if (!found) throw new Error("There is no row of ann.");
    await table.transact(partition, [{ op: "upsert", row, values: { ...found.values, missing } }]);
  }

  it.each([
    ["tells", [aUser("ann", SALES), aUser("bob", SALES)]],
    ["lacks", [aUser("bob", SALES)]],
  ])("neither brings back nor takes away whom it %s", async (_, read) => {
    const { cloud, agent } = await start();
    await send(agent, "full", read);
    await damage(cloud, agent, JSON.stringify({ readNo: 1, names: 7 }));
    await send(agent, "delta", [aUser("ann", { department: "Finance" }, ["department"])]);
    await runLive(cloud);
    await damage(cloud, agent, "null");
    await cloud.run();
    expect(valuesOf(cloud, "ann")).toEqual({ jobTitle: "Aide", department: "Sales" });
    expect(await agent.status()).toMatchObject({ escrowed: 1, staged: 0 });
    await agent.read("full", [aUser("ann", { department: "Finance" }), aUser("bob", SALES)]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ department: "Finance" });
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
  });
});
