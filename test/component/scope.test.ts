/** The scope that agents apply: what they are ordered, what becomes of its trouble, and what another scope does to reads. */
import { describe, expect, it } from "vitest";
import { JobStatusReply } from "../../shared/contracts/admin/jobs.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";

const unit = guidOf("OU Staff");
const other = guidOf("OU Sales");
const ofUnits = (...organizationalUnits: string[]) => ({ organizationalUnits, groups: [] as string[] });
const trouble = (...objectGuids: string[]) => ({
  code: "ScopeObjectMissing" as const,
  message: "The scope names objects that can't be read.",
  objectGuids,
});

async function scopedDomain() {
  const cloud = await createCloud();
  const agent = await cloud.addDomain("corp.example", { scope: ofUnits(unit) });
  const setScope = (...units: string[]) => cloud.cloud.routes.configurations.setScope(agent.jobId, ofUnits(...units));
  return { cloud, agent, setScope };
}

describe("a scope", () => {
  it("goes out with every order, and asks for leaves once there was another one", async () => {
    const { agent, setScope } = await scopedDomain();
    const first = await agent.read("full", [aUser("ann")]);
    expect(first).toMatchObject({ scope: ofUnits(unit), scopeVersion: 1, reportsLeaves: false });
    expect(await setScope(unit)).toMatchObject({ ok: true, value: { changed: false, scopeVersion: 1 } });
    expect(await agent.order("delta")).toMatchObject({ kind: "delta", scope: ofUnits(unit) });
    expect(await setScope(unit, other)).toMatchObject({ ok: true, value: { changed: true, scopeVersion: 2 } });
    const second = await agent.read("delta", [aUser("ann")]);
    expect(second).toMatchObject({ kind: "full", reason: "scope", scopeVersion: 2, reportsLeaves: true });
    expect(second.scope.organizationalUnits).toEqual([unit, other].sort());
    const third = await agent.read("full", [aUser("ann")]);
    expect(third).toMatchObject({ kind: "full", reportsLeaves: false });
  });

  it("ends a read of another scope at the next heartbeat, in the middle", async () => {
    const { agent, setScope } = await scopedDomain();
    const order = await agent.order("full");
    expect(await agent.send(agent.batch(order, 1, [aUser("ann")]))).toMatchObject({ ok: true });
    await setScope(other);
    expect(await agent.heartbeat({ want: "continue" })).toMatchObject({ value: { order: null } });
    expect(await agent.order("full")).toMatchObject({ readNo: order.readNo + 1, scope: ofUnits(other) });
    expect(await agent.send(agent.batch(order, 2, [aUser("bob")]))).toMatchObject({ ok: false });
  });

  it("makes no read complete that was ordered under another one", async () => {
    const { cloud, agent, setScope } = await scopedDomain();
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const order = await agent.order("full");
    await setScope(other);
    const sent = await agent.send(
      agent.batch(order, 1, [aUser("ann")], {
        isLast: true,
        end: { batches: 1, objects: 1, digest: "" },
        watermarkAfter: { mode: "ldif", id: "w2", token: "t", at: new Date(cloud.clock.now()).toISOString() },
      }),
    );
    expect(sent).toMatchObject({ ok: true });
    await cloud.run();
    expect((await agent.status()).lastCycle).toMatchObject({
      complete: false,
      incompleteBecause: "the scope changed while it was read",
      deleted: 0,
    });
    expect(await agent.order("delta")).toMatchObject({ kind: "full", reason: "scope", reportsLeaves: true });
  });

  it("removes who left it by what the agent says", async () => {
    const { agent, cloud } = await scopedDomain();
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    await agent.read("delta", [{ op: "leave", objectGuid: guidOf("bob"), reason: "below none of the scope's units" }]);
    expect((await agent.status()).lastCycle).toMatchObject({ received: 1, deleted: 1 });
    expect(cloud.target.received.length).toBeGreaterThan(0);
  });

  it("keeps the wish for a full read after a change of nesting until one was accepted, and asks for leaves", async () => {
    const { agent } = await scopedDomain();
    await agent.read("full", [aUser("ann")]);
    const delta = await agent.order("delta");
    const asked = await agent.heartbeat({ want: "full", reason: "scope-nesting", abortReadNo: delta.readNo });
    expect(asked).toMatchObject({ value: { order: { kind: "full", reason: "scope-nesting", reportsLeaves: true } } });
    const readNo = asked.ok ? asked.value.order?.readNo : 0;
    const again = await agent.heartbeat({ want: "delta", reason: "source-unreachable", abortReadNo: readNo ?? 0 });
    expect(again).toMatchObject({ value: { order: { kind: "full", reason: "scope-nesting", reportsLeaves: true } } });
    await agent.read("delta", [aUser("ann")]);
    expect(await agent.order("delta")).toMatchObject({ kind: "delta", reportsLeaves: false });
  });
});

describe("an object of the scope that is gone", () => {
  it("is told with the job, and nothing is ordered until it is back", async () => {
    const { agent } = await scopedDomain();
    await agent.read("full", [aUser("ann")]);
    const order = await agent.order("delta");
    const told = await agent.heartbeat({ want: "none", abortReadNo: order.readNo, trouble: trouble(unit) });
    expect(told).toMatchObject({ value: { lease: { held: true }, order: null } });
    const status = JobStatusReply.parse(await agent.status());
    expect(status).toMatchObject({
      openRead: null,
      trouble: { code: "ScopeObjectMissing", objectGuids: [unit], agentId: agent.proven.agent.agentId },
    });
    expect(await agent.heartbeat({ want: "full", trouble: trouble(unit) })).toMatchObject({ value: { order: null } });
    expect((await agent.status()).trouble).toEqual(status.trouble);
    expect(await agent.order("delta")).toMatchObject({ kind: "delta" });
    expect((await agent.status()).trouble).toBeNull();
  });

  it("ends what was read of it without a word on absence", async () => {
    const { cloud, agent } = await scopedDomain();
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const order = await agent.order("full");
    await agent.send(agent.batch(order, 1, [aUser("ann")]));
    await agent.heartbeat({ want: "none", trouble: trouble(unit) });
    await cloud.run();
    expect((await agent.status()).lastCycle).toMatchObject({ state: "aborted", deleted: 0, complete: false });
  });

  it("is no trouble any more when the scope names it no longer", async () => {
    const { agent, setScope } = await scopedDomain();
    await agent.read("full", [aUser("ann")]);
    await agent.heartbeat({ want: "delta", trouble: trouble(unit) });
    await setScope(other);
    const reply = await agent.heartbeat({ want: "delta", trouble: trouble(unit) });
    expect(reply).toMatchObject({ value: { order: { kind: "full", reason: "scope", scope: ofUnits(other) } } });
    expect((await agent.status()).trouble).toBeNull();
  });
});

describe("links", () => {
  it.each([
    ["a removal in a replacement", { mode: "replace", remove: [{ guid: unit }] }, "remove"],
    ["parts of anything but member", { attribute: "manager", last: false }, "part"],
    ["a delta of anything but member", { attribute: "manager", mode: "delta" }, "mode"],
    ["a delta in parts", { mode: "delta", part: 1 }, "part"],
    ["more values than a part may have", { add: Array.from({ length: 20_001 }, () => ({ guid: unit })) }, "add"],
    ["a SID that is none", { add: [{ guid: unit, sid: "S-2-5" }] }, "add.0.sid"],
  ])("with %s are refused, and told where", async (_name, faulty, where) => {
    const { agent } = await scopedDomain();
    const order = await agent.order("full");
    const link = { attribute: "member", mode: "replace", add: [], remove: [], part: 0, last: true, ...faulty };
    const batch = { ...agent.batch(order, 1, []), changes: [{ ...aUser("ann"), links: [link] }] };
    expect(await agent.send(batch as ReturnType<typeof agent.batch>)).toMatchObject({
      ok: false,
      failure: { status: 422, details: [{ target: `changes.0.links.0.${where}` }] },
    });
  });
});
