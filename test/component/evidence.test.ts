/**
 * What the end of a read may take away: attributes that a full read did not bring, everybody at once, and what another
 * lane brings between verdict and execution. And that whatever goes says by whose change it went.
 */
import { describe, expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { createProvisioningLog, type LogEntry } from "../../shared/application/state/provisioning-log.ts";
import type { Change, ChangeBatch } from "../../shared/contracts/change.ts";
import { aUser, type Cloud, type CloudOptions, createCloud, guidOf, START } from "../support/cloud.ts";

type Agent = Awaited<ReturnType<Cloud["addDomain"]>>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DC = { invocationId: guidOf("dc"), dnsName: "dc1", highestCommittedUsn: "5000" };
const gone = (name: string): Change => ({ op: "delete", objectGuid: guidOf(name) });
const container: Change = {
  op: "container",
  objectGuid: guidOf("root"),
  objectClass: "organizationalUnit",
  dn: "DC=corp,DC=example",
};

function valueIn(cloud: Cloud, name: string, property: string): unknown {
  const found = cloud.target.objects().find((object) => object.values["displayName"] === name && !object.deleted);
  return found?.values[property] ?? null;
}

const living = (cloud: Cloud) => cloud.target.objects().filter((object) => !object.deleted).length;

/** What was written of somebody by the batch whose name has `part`. */
async function logRow(cloud: Cloud, agent: Agent, name: string, part: string): Promise<LogEntry | undefined> {
  const since = START - HOUR;
  const until = cloud.clock.now() + HOUR;
  const object = { objectGuid: guidOf(name), jobIds: [agent.jobId] };
  const { entries } = await createProvisioningLog({ rows: cloud.rows }).page({ object, since, until }, 100);
  return entries.find((entry) => entry.batchId.includes(part));
}

/** A read of one batch, accepted and not yet worked on. */
async function sendOnly(
  agent: Agent,
  want: "full" | "delta",
  changes: readonly Change[],
  more: Partial<ChangeBatch> = {},
): Promise<number> {
  const order = await agent.order(want);
  const watermark = { mode: "ldif" as const, id: `w${order.readNo}`, token: "t", at: "2026-01-05T08:00:00.000Z" };
  const sent = agent.batch(order, 1, changes, {
    dsa: DC,
    isLast: true,
    end: { batches: 1, objects: changes.length, digest: "" },
    watermarkAfter: watermark,
    ...more,
  });
  expect(await agent.send(sent)).toMatchObject({ ok: true });
  return order.readNo;
}

async function withAnn(options: CloudOptions = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  await agent.read("full", [aUser("ann", { department: "Sales" }), aUser("bob")]);
  return { cloud, agent };
}

describe("attributes that a full read did not bring", () => {
  const bare = [aUser("ann"), aUser("bob")];

  it("are blanked once the read is complete, counted, and not again", async () => {
    const { cloud, agent } = await withAnn();
    await agent.read("full", bare);
    expect(valueIn(cloud, "ann", "department")).toBeNull();
    expect((await agent.status()).lastCycle).toMatchObject({ received: 2, outcomes: { exported: 1, "no-op": 1 } });
    const writes = cloud.target.writes();
    await agent.read("full", bare);
    expect(cloud.target.writes()).toBe(writes);
    expect((await agent.status()).lastCycle).toMatchObject({ outcomes: { "no-op": 2 } });
  });

  it.each<[string, Partial<ChangeBatch>]>([
    ["from a server that lags", { dsa: { ...DC, highestCommittedUsn: "5" } }],
    ["from another server", { dsa: { ...DC, invocationId: guidOf("dc2"), dnsName: "dc2" } }],
    ["with a wrong count", { end: { batches: 1, objects: 9, digest: "" } }],
  ])("stay when the read is %s, though its account sees everything", async (_, more) => {
    const { cloud, agent } = await withAnn({ settings: { trustVisibility: null } });
    await sendOnly(agent, "full", bare, { visibility: "complete", ...more });
    await cloud.run();
    expect(valueIn(cloud, "ann", "department")).toBe("Sales");
    expect((await agent.status()).lastCycle).toMatchObject({ complete: false, outcomes: { "no-op": 2 } });
    // The image has kept it as well: a change of something else doesn't bring the blank along.
    await agent.read("delta", [aUser("ann", { title: "Boss" }, ["title"])]);
    expect(valueIn(cloud, "ann", "department")).toBe("Sales");
  });

  it("stay when the read is aborted", async () => {
    const { cloud, agent } = await withAnn();
    const order = await agent.order("full");
    await agent.send(agent.batch(order, 1, bare, { visibility: "complete" }));
    await agent.heartbeat({ want: "delta", abortReadNo: order.readNo, reason: "cookie refused" });
    await cloud.run();
    expect((await agent.status()).lastCycle).toMatchObject({ state: "aborted", outcomes: { "no-op": 2 } });
    expect(valueIn(cloud, "ann", "department")).toBe("Sales");
  });

  it("stay when one batch was read with partial sight", async () => {
    const { cloud, agent } = await withAnn({ settings: { trustVisibility: null } });
    const order = await agent.order("full");
    await agent.send(agent.batch(order, 1, [aUser("ann")], { dsa: DC, visibility: "complete" }));
    await agent.send(
      agent.batch(order, 2, [aUser("bob")], {
        dsa: DC,
        isLast: true,
        end: { batches: 2, objects: 2, digest: "" },
        watermarkAfter: { mode: "ldif", id: "w2", token: "t", at: "2026-01-05T08:00:00.000Z" },
      }),
    );
    await cloud.run();
    expect(valueIn(cloud, "ann", "department")).toBe("Sales");
  });

  it("stay when a later delta brings them before the read has ended", async () => {
    let isHeld = true;
    const { cloud, agent } = await withAnn({
      beforeActivity: async (name) => {
        if (name !== ACTIVITY.decideRemovals || isHeld) return;
        isHeld = true;
        await sendOnly(agent, "delta", [aUser("ann", { department: "Finance" }, ["department"])]);
        for (const bell of cloud.bells.splice(0)) await cloud.wakeJob(bell.jobId, bell.lane);
        while (valueIn(cloud, "ann", "department") !== "Finance") await new Promise(setImmediate);
      },
    });
    isHeld = false;
    await agent.read("full", bare);
    expect(valueIn(cloud, "ann", "department")).toBe("Finance");
  });

  it("are staged with their class where they pass the bound, image and all, and judged again by the next read", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const names = Array.from({ length: 60 }, (_, at) => `user${at}`);
    await agent.read(
      "full",
      names.map((name) => aUser(name, { department: "Sales" })),
    );
    const less = names.map((name, at) => aUser(name, at < 25 ? {} : { department: "Sales" }));
    await agent.read("full", less);
    expect(await agent.status()).toMatchObject({
      staged: 25,
      lastCycle: { outcomes: { staged: 25 }, staged: [{ class: "blanks", count: 25 }] },
    });
    expect(valueIn(cloud, "user0", "department")).toBe("Sales");
    cloud.clock.set(cloud.clock.now() + MINUTE);
    await agent.read(
      "full",
      names.map((name, at) => aUser(name, at === 0 ? {} : { department: "Sales" })),
    );
    expect(valueIn(cloud, "user0", "department")).toBeNull();
    expect(valueIn(cloud, "user1", "department")).toBe("Sales");
    expect((await agent.status()).staged).toBe(0);
  });
});

describe("a complete full read that brings nobody at all", () => {
  it("removes nobody, however few there are, and says why", async () => {
    const { cloud, agent } = await withAnn();
    await agent.read("full", [container]);
    expect(living(cloud)).toBe(2);
    expect(await agent.status()).toMatchObject({
      staged: 2,
      lastCycle: {
        complete: true,
        absent: { staged: 2 },
        staged: [{ class: "deletes", count: 2, reason: expect.stringContaining("nobody at all") }],
      },
    });
    cloud.clock.set(cloud.clock.now() + MINUTE);
    await agent.read("full", [container, aUser("ann")]);
    expect(living(cloud)).toBe(1);
    expect((await agent.status()).staged).toBe(0);
  });
});

describe("the guard's verdict", () => {
  it("covers what was counted: a tombstone of the other lane waits for its own", async () => {
    let isArmed = false;
    let atExecution = -1;
    const { cloud, agent } = await withAnn({
      beforeActivity: async (name, input) => {
        const isEnd = name === ACTIVITY.mapChunk && (input as { batchId: string }).batchId.endsWith("-end");
        if (!isArmed || !isEnd) return;
        isArmed = false;
        // As the other lane does it: the tombstone is folded, its removal waits for its own read's end.
        const objects = cloud.rows.table("objects");
        for await (const rows of objects.scan()) {
          for (const { partition, row, values, etag } of rows) {
            if (!row.endsWith(guidOf("ann"))) continue;
            const version = `${String(values["version"]).slice(0, 8)}99${String(values["version"]).slice(10)}`;
            const folded = { ...values, state: "deleted", version };
            await objects.transact(partition, [{ op: "replace", row, values: folded, etag }]);
          }
        }
        atExecution = living(cloud);
      },
    });
    isArmed = true;
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    expect(atExecution).toBe(2);
    expect(living(cloud)).toBe(2);
    await agent.read("delta", [gone("bob")]);
    expect(living(cloud)).toBe(1);
  });
});

describe("what goes at the end of a read, and what is tried again", () => {
  it("names agent, server and change of a delete, a disable and a blank", async () => {
    const { cloud, agent } = await withAnn();
    await agent.read("full", [aUser("ann", { department: "Sales" }), aUser("bob"), aUser("cid")]);
    const { readNo } = await agent.read("delta", [
      aUser("ann", {}, ["department"]),
      gone("bob"),
      aUser("cid", { userAccountControl: "514" }, ["userAccountControl"]),
    ]);
    for (const [at, name, action] of [
      [0, "ann", "update"],
      [1, "bob", "delete"],
      [2, "cid", "disable"],
    ] as const) {
      const entry = await logRow(cloud, agent, name, "-end");
      expect(entry).toMatchObject({
        action,
        agentId: agent.proven.agent.agentId,
        server: "dc1",
        change: `${agent.jobId}-${readNo}-1:${at}`,
      });
      expect(entry?.steps[0]?.description).toContain("from dc1");
    }
  });

  it("names agent and server of the read for somebody absent", async () => {
    const { cloud, agent } = await withAnn();
    const { readNo } = await agent.read("full", [aUser("ann", { department: "Sales" })]);
    const entry = await logRow(cloud, agent, "bob", "-end");
    expect(entry).toMatchObject({
      action: "delete",
      batchId: `${agent.jobId}-${readNo}-end`,
      agentId: agent.proven.agent.agentId,
      server: "dc1",
    });
  });

  it("names the change that a retry goes back to", async () => {
    const { cloud, agent } = await withAnn();
    const failure = {
      code: "IdentityDataValidationFailed" as const,
      message: "No.",
      remedy: "Mend it.",
      retriable: false,
    };
    cloud.target.order({ kind: "fail", count: 1, failure });
    const { readNo } = await agent.read("delta", [aUser("bob", { title: "Boss" }, ["title"])]);
    cloud.clock.set(cloud.clock.now() + HOUR);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
    expect(valueIn(cloud, "bob", "jobTitle")).toBe("Boss");
    const entry = await logRow(cloud, agent, "bob", "-work-");
    expect(entry).toMatchObject({
      action: "update",
      outcome: "exported",
      agentId: agent.proven.agent.agentId,
      server: "dc1",
      change: `${agent.jobId}-${readNo}-1:0`,
    });
  });
});
