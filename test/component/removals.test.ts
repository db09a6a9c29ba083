import { describe, expect, it } from "vitest";
import type { ChangeBatch } from "../../shared/contracts/change.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";

const MINUTE = 60_000;
const names = (count: number) => Array.from({ length: count }, (_, at) => `user${String(at).padStart(3, "0")}`);
const users = (list: readonly string[]) => list.map((name) => aUser(name));
const gone = (name: string) => ({ op: "delete" as const, objectGuid: guidOf(name) });
const living = (cloud: Cloud) => cloud.target.objects().filter((object) => !object.deleted).length;
const enabled = (cloud: Cloud) =>
  cloud.target.objects().filter((object) => object.values["accountEnabled"] === true).length;

type Agent = Awaited<ReturnType<Cloud["addDomain"]>>;

let count = 0;

/** A full read of which ann alone is sent, its last batch spoiled. */
async function spoiledRead(agent: Agent, more: Partial<ChangeBatch>): Promise<void> {
  const order = await agent.order("full");
  const invocationId = more.dsa?.invocationId ?? guidOf("dc");
  const usn = more.dsa?.highestCommittedUsn ?? "5000";
  count++;
  const sent = agent.batch(order, 1, [aUser("ann")], {
    dsa: { invocationId, dnsName: "dc1", highestCommittedUsn: usn },
    isLast: true,
    end: { batches: 1, objects: 1, digest: "" },
    watermarkAfter: {
      mode: "dirsync",
      id: `w${count}`,
      token: "AA==",
      invocationId,
      dnsName: "dc1",
      usn,
      at: "2026-01-05T08:00:00.000Z",
    },
    ...more,
  });
  const accepted = await agent.send(sent);
  if (!accepted.ok) throw new Error(accepted.failure.message);
}

const elsewhere = (more: Partial<ChangeBatch["dsa"]> = {}) => ({
  dsa: { invocationId: guidOf("dc2"), dnsName: "dc2", highestCommittedUsn: "9999", ...more },
});

async function twoPeople(settings: Partial<JobSettings> = {}) {
  const cloud = await createCloud({ settings });
  const agent = await cloud.addDomain("corp.example");
  await agent.read("full", users(["ann", "bob"]));
  return { cloud, agent };
}

describe("no invention (N4)", () => {
  it("takes the absence from a complete full read (what the spoiled ones below have in common but for one thing)", async () => {
    const { cloud, agent } = await twoPeople();
    await spoiledRead(agent, {});
    await cloud.run();
    expect(living(cloud)).toBe(1);
  });

  it.each<[string, Partial<ChangeBatch>, string]>([
    ["a wrong count of objects", { end: { batches: 1, objects: 2, digest: "" } }, "counted 2 objects"],
    ["a wrong count of batches", { end: { batches: 2, objects: 1, digest: "" } }, "counted 2 batches"],
    ["a wrong digest", { end: { batches: 1, objects: 1, digest: "x" } }, "digest"],
    [
      "another directory server than the watermark's",
      { dsa: { invocationId: guidOf("dc2"), dnsName: "dc2", highestCommittedUsn: "9999" } },
      "another directory server",
    ],
    [
      "an older directory server",
      { dsa: { invocationId: guidOf("dc"), dnsName: "dc1", highestCommittedUsn: "5" } },
      "older than the accepted watermark",
    ],
  ])("removes nobody after a full read with %s, and says why", async (_, more, because) => {
    const { cloud, agent } = await twoPeople();
    await spoiledRead(agent, more);
    await cloud.run();
    expect(living(cloud)).toBe(2);
    const status = await agent.status();
    expect(status.staged).toBe(0);
    expect(status.lastCycle).toMatchObject({ complete: false, incompleteBecause: expect.stringContaining(because) });
  });

  it("asks the agent of another directory server for its cursor, and takes the absence when that reaches the watermark's USN", async () => {
    const { cloud, agent } = await twoPeople();
    const accepted = (await agent.order("full")).watermark;
    if (accepted?.mode !== "dirsync") throw new Error("The read left no watermark.");
    const from = (usn: string) => elsewhere({ replCursor: { invocationId: guidOf("dc"), usn } });
    expect(await agent.order("full")).toMatchObject({ replCursorOf: guidOf("dc") });
    await spoiledRead(agent, from(String(BigInt(accepted.usn) - 1n)));
    await cloud.run();
    expect(living(cloud)).toBe(2);
    const because = expect.stringMatching(new RegExp(`not proven.*up to 1009, not ${accepted.usn}`));
    expect((await agent.status()).lastCycle).toMatchObject({ complete: false, incompleteBecause: because });
    // Still held against the first server's state, not against that of the one that lagged.
    expect(await agent.order("full")).toMatchObject({ replCursorOf: guidOf("dc") });
    await spoiledRead(agent, elsewhere());
    await cloud.run();
    expect(living(cloud)).toBe(2);
    await spoiledRead(agent, from(accepted.usn));
    await cloud.run();
    expect(living(cloud)).toBe(1);
    // From here on that server is what is known.
    expect(await agent.order("full")).toMatchObject({ replCursorOf: guidOf("dc2") });
  });

  it("never takes the absence from a directory server that was put back, until another one or an admin says what there is", async () => {
    const { cloud, agent } = await twoPeople();
    const put = (usn: string) => ({ dsa: { invocationId: guidOf("dc"), dnsName: "dc1", highestCommittedUsn: usn } });
    // Past the old numbers it is no more current: it gives them for the second time.
    for (const usn of ["5", "6", "99999"]) {
      await spoiledRead(agent, put(usn));
      await cloud.run();
      const because = expect.stringContaining("put back to an earlier state");
      expect((await agent.status()).lastCycle).toMatchObject({ complete: false, incompleteBecause: because });
    }
    expect(living(cloud)).toBe(2);
    expect(cloud.logged.filter(({ event }) => event === "directory-server-not-proven")).toHaveLength(3);
    await cloud.cloud.routes.configurations.requestFullRead(agent.jobId, "watermark-reset");
    await spoiledRead(agent, put("100000"));
    await cloud.run();
    expect(living(cloud)).toBe(1);
    await agent.read("full", users(["ann", "bob"]));
    expect((await agent.status()).lastCycle).toMatchObject({ complete: false });
  });

  it("removes nobody after a full read that the agent gave up, or another agent took over in the middle", async () => {
    const { cloud, agent } = await twoPeople();
    const order = await agent.order("full");
    await agent.send(agent.batch(order, 1, [aUser("ann")]));
    await agent.heartbeat({ want: "delta", abortReadNo: order.readNo, reason: "cookie refused" });
    await cloud.run();
    expect((await agent.status()).lastCycle).toMatchObject({ state: "aborted", incompleteBecause: "cookie refused" });

    const second = await agent.order("full");
    await agent.send(agent.batch(second, 1, [aUser("ann")]));
    const other = await cloud.addAgent(agent);
    cloud.clock.set(cloud.clock.now() + 4 * MINUTE);
    const taken = await other.order("full");
    await cloud.run();
    expect((await agent.status()).lastCycle).toMatchObject({ state: "aborted", incompleteBecause: "takeover" });
    expect(taken.readNo).toBeGreaterThan(second.readNo);
    expect(await agent.send(agent.batch(second, 2, []))).toMatchObject({ ok: false, failure: { status: 409 } });
    expect(living(cloud)).toBe(2);
  });

  it("stages absences when nobody vouches for the account's sight, says why, and blanks nothing", async () => {
    const cloud = await createCloud({ settings: { trustVisibility: null } });
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann", { department: "Sales" }), aUser("bob")]);
    await agent.read("full", [aUser("ann")]);
    expect(living(cloud)).toBe(2);
    expect(cloud.target.objects()[0]?.values["department"]).toBe("Sales");
    expect((await agent.status()).lastCycle).toMatchObject({
      absent: { staged: 1 },
      staged: [{ class: "deletes", count: 1, reason: expect.stringContaining("may not see") }],
    });
    // A tombstone is evidence, whatever the account sees.
    await agent.read("delta", [gone("bob")]);
    expect(living(cloud)).toBe(1);
  });

  it("a tombstone of somebody that nobody knew writes its row, so that an older create can't follow it", async () => {
    const { cloud, agent } = await twoPeople();
    await agent.read("delta", [gone("cid")]);
    expect(cloud.target.objects()).toHaveLength(2);
    expect((await agent.status()).lastCycle).toMatchObject({ received: 1, outcomes: { "no-op": 1 } });
  });
});

describe("bounded blast radius (N6)", () => {
  it("stages what passes the bound, and the rest of the cycle goes on", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const all = names(60);
    await agent.read("full", users(all));
    const changes = [
      ...all.slice(0, 25).map((name) => aUser(name, { userAccountControl: "514" }, ["userAccountControl"])),
      ...all.slice(25, 30).map(gone),
      ...all.slice(30, 40).map((name) => aUser(name, { department: "Sales" }, ["department"])),
      aUser("fresh"),
    ];
    await agent.read("delta", changes);
    expect(enabled(cloud)).toBe(61);
    expect(living(cloud)).toBe(56);
    const status = await agent.status();
    expect(status.staged).toBe(25);
    expect(status.lastCycle).toMatchObject({
      received: 41,
      outcomes: { exported: 16, staged: 25 },
      staged: [{ class: "disables", count: 25 }],
    });
  });

  it("counts the last 24 hours, read by read, and lets go of them after that", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const all = names(60);
    await agent.read("full", users(all));
    await agent.read("delta", all.slice(0, 15).map(gone));
    expect(living(cloud)).toBe(45);
    await agent.read("delta", all.slice(15, 21).map(gone));
    expect(living(cloud)).toBe(45);
    cloud.clock.set(cloud.clock.now() + 24 * 60 * MINUTE + 1);
    // Staged for want of room, not for want of evidence: the next full read judges them again.
    await agent.read("full", users(all.slice(21)));
    expect(living(cloud)).toBe(39);
    expect(await agent.status()).toMatchObject({ staged: 0, lastCycle: { absent: { exported: 6 } } });
  });

  it("counts what the other lane decides at the same moment", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const all = names(60);
    await agent.read("full", users(all));
    cloud.bells.splice(0);
    const rest = all.slice(15);
    const order = await agent.order("full");
    const watermark = (id: string) => ({ mode: "ldif" as const, id, token: "t", at: "2026-01-05T08:00:00.000Z" });
    const fullRead = agent.batch(order, 1, users(rest), {
      isLast: true,
      dsa: { invocationId: guidOf("dc"), dnsName: "dc1", highestCommittedUsn: "9999" },
      end: { batches: 1, objects: rest.length, digest: "" },
      watermarkAfter: watermark("a"),
    });
    expect(await agent.send(fullRead)).toMatchObject({ ok: true });
    const delta = await agent.order("delta");
    const changes = all.slice(45).map(gone);
    const deltaRead = agent.batch(delta, 1, changes, {
      isLast: true,
      end: { batches: 1, objects: changes.length, digest: "" },
      watermarkAfter: watermark("b"),
    });
    expect(await agent.send(deltaRead)).toMatchObject({ ok: true });
    await cloud.run();
    // 15 and 15: either passes alone, both together would be half of the floor too many.
    expect(living(cloud)).toBe(45);
    expect((await agent.status()).staged).toBe(15);
  });

  it("forgets what was staged when a later complete read saw everybody again", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const all = names(60);
    await agent.read("full", users(all));
    await agent.read("full", users(all.slice(30)));
    expect((await agent.status()).staged).toBe(30);
    cloud.clock.set(cloud.clock.now() + MINUTE);
    await agent.read("full", users(all));
    expect(await agent.status()).toMatchObject({ staged: 0 });
    expect(living(cloud)).toBe(60);
  });

  it("lets a small company lose a few", async () => {
    const { cloud, agent } = await twoPeople();
    await agent.read("delta", [gone("ann"), gone("bob")]);
    expect(living(cloud)).toBe(0);
  });
});
