import { describe, expect, it } from "vitest";
import { pack, unpack } from "../../shared/application/state/job-rows.ts";
import type { EnrolRequest } from "../../shared/contracts/agent-api.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";

const MINUTE = 60_000;
const later = (cloud: Cloud, ms: number) => cloud.clock.set(cloud.clock.now() + ms);

describe("the lease", () => {
  it("one of two agents holds it; the other takes over after silence, with a higher epoch", async () => {
    const cloud = await createCloud();
    const first = await cloud.addDomain("corp.example");
    const second = await cloud.addAgent(first);
    expect(await first.heartbeat()).toMatchObject({ value: { lease: { held: true, epoch: 1 } } });
    expect(await second.heartbeat()).toMatchObject({ value: { lease: { held: false, epoch: 1 }, order: null } });
    later(cloud, 2 * MINUTE);
    await first.heartbeat({ want: "none" });
    later(cloud, 2 * MINUTE);
    expect(await second.heartbeat()).toMatchObject({ value: { lease: { held: false } } });
    later(cloud, 2 * MINUTE);
    expect(await second.heartbeat()).toMatchObject({ value: { lease: { held: true, epoch: 2 } } });
    expect(await first.heartbeat()).toMatchObject({ value: { lease: { held: false, epoch: 2 } } });
  });

  it("a delta goes on from the last accepted page under its new holder; a full read begins anew", async () => {
    const cloud = await createCloud();
    const first = await cloud.addDomain("corp.example");
    await first.read("full", [aUser("ann")]);
    const order = await first.order("delta");
    const watermarkAfter = { mode: "ldif" as const, id: "page 1", token: "t", at: "2026-01-05T08:00:00.000Z" };
    expect(await first.send(first.batch(order, 1, [aUser("bob")], { watermarkAfter }))).toMatchObject({ ok: true });
    const second = await cloud.addAgent(first);
    later(cloud, 4 * MINUTE);
    expect(await second.order("delta")).toMatchObject({ kind: "delta", nextSequence: 1, watermark: { id: "page 1" } });
    const full = await second.order("full");
    await second.send(second.batch(full, 1, []));
    later(cloud, 4 * MINUTE);
    const again = await first.order("full");
    expect(again).toMatchObject({ kind: "full", nextSequence: 1 });
    expect(again.readNo).toBeGreaterThan(full.readNo);
  });

  it("the tick marks a silent agent inactive and frees its lease; it comes back by speaking", async () => {
    const cloud = await createCloud();
    const first = await cloud.addDomain("corp.example");
    const second = await cloud.addAgent(first);
    await first.heartbeat();
    later(cloud, 2 * MINUTE);
    await second.heartbeat();
    later(cloud, MINUTE);
    await cloud.tick();
    const agents = await cloud.cloud.routes.queries.agents(first.configurationId, first.jobId);
    expect(agents.map((agent) => agent.status).sort()).toEqual(["active", "inactive"]);
    expect(agents.some((agent) => agent.holdsLease)).toBe(false);
    expect(cloud.logged.filter((line) => line.event === "agent-inactive")).toHaveLength(1);
    expect(await second.heartbeat()).toMatchObject({ value: { lease: { held: true, epoch: 2 } } });
    expect(await first.heartbeat()).toMatchObject({ value: { agentStatus: "active", lease: { held: false } } });
  });

  it("of two processes with one key the younger is refused, and stays refused", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const beat = (boot: string) =>
      cloud.cloud.routes.heartbeat({ ...agent.proven, boot }, { version: "1", domain: agent.domain, want: "none" });
    expect((await beat("boot-1")).ok).toBe(true);
    later(cloud, MINUTE / 2);
    expect((await beat("boot-2")).ok).toBe(true);
    later(cloud, MINUTE / 2);
    expect((await beat("boot-1")).ok).toBe(true);
    for (let round = 0; round < 4; round++) {
      later(cloud, MINUTE);
      expect(await beat("boot-2")).toMatchObject({ ok: false, failure: { status: 409, code: "agent-cloned" } });
      expect((await beat("boot-1")).ok).toBe(true);
    }
    expect(cloud.logged.filter((line) => line.event === "agent-cloned")).toHaveLength(1);
  });

  it("where the setting says so, one that nobody let in yet is not locked: unlocking would let it in", async () => {
    const cloud = await createCloud({ clonedAgent: "lock" });
    const agent = await cloud.addDomain("corp.example");
    const { agentId, configurationId } = agent.proven.agent;
    const table = cloud.rows.table("agents");
    const row = await table.get(configurationId, `agent:${agentId}`);
    if (!row) throw new Error("There is no agent.");
    const pending = { ...unpack<object>(row).value, status: "pending" };
    await table.transact(configurationId, [{ op: "upsert", row: row.row, values: pack(pending) }]);
    for (const boot of ["boot-1", "boot-2", "boot-1", "boot-2", "boot-1"]) {
      later(cloud, MINUTE / 2);
      const asked = { version: "1", domain: agent.domain, want: "none" as const };
      await cloud.cloud.routes.heartbeat({ ...agent.proven, boot }, asked);
    }
    expect(await cloud.cloud.routes.queries.agents(configurationId, agent.jobId)).toMatchObject([
      { status: "pending", isCloned: true },
    ]);
  });

  it("where the setting says so, neither of two processes with one key gets on, until an admin unlocks the agent", async () => {
    const cloud = await createCloud({ clonedAgent: "lock" });
    const agent = await cloud.addDomain("corp.example");
    const { agentId, configurationId } = agent.proven.agent;
    const beat = (boot: string) => {
      later(cloud, MINUTE / 2);
      return cloud.cloud.routes.heartbeat(
        { ...agent.proven, boot },
        { version: "1", domain: agent.domain, want: "none" },
      );
    };
    for (const boot of ["boot-1", "boot-2"]) expect((await beat(boot)).ok).toBe(true);
    const refused = { ok: false, failure: { status: 403, code: "agent-locked" } };
    for (const boot of ["boot-1", "boot-2", "boot-1"]) expect(await beat(boot)).toMatchObject(refused);
    const told = () => cloud.cloud.routes.queries.agents(configurationId, agent.jobId);
    expect(await told()).toMatchObject([{ status: "locked", isCloned: true }]);
    const health = await cloud.cloud.routes.tellHealth();
    expect(health.ok && health.value.findings.map(({ code }) => code)).toContain("agent-cloned");
    expect(await cloud.cloud.routes.agents.act(configurationId, agentId, "approve", "admin")).toMatchObject({
      ok: false,
    });
    await cloud.cloud.routes.agents.act(configurationId, agentId, "unlock", "admin");
    for (let round = 0; round < 3; round++)
      expect(await beat("boot-1")).toMatchObject({ value: { agentStatus: "active" } });
    expect(await told()).toMatchObject([{ status: "active", isCloned: false }]);
  });

  it("a restarted agent is no clone", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    for (const boot of ["a", "b", "c"]) {
      const reply = await cloud.cloud.routes.heartbeat(
        { ...agent.proven, boot },
        { version: "1", domain: agent.domain, want: "none" },
      );
      expect(reply.ok).toBe(true);
      later(cloud, MINUTE);
    }
  });

  it("what a killed process sent last, held up on its way, makes no clone of its successor", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const beat = (boot: string, signedAt: number) =>
      cloud.cloud.routes.heartbeat(
        { ...agent.proven, boot, signedAt },
        { version: "1", domain: agent.domain, want: "none" },
      );
    const begun = cloud.clock.now();
    expect((await beat("killed", begun)).ok).toBe(true);
    later(cloud, MINUTE / 4);
    expect((await beat("successor", cloud.clock.now())).ok).toBe(true);
    expect((await beat("killed", begun + 1000)).ok).toBe(true);
    later(cloud, MINUTE / 4);
    expect((await beat("successor", cloud.clock.now())).ok).toBe(true);
    expect(cloud.logged.filter((line) => line.event === "agent-cloned")).toEqual([]);
  });

  it("an agent that reads another domain than the enrolled one gets no order", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const domain = { ...agent.domain, sid: "S-1-5-21-9-9-9" };
    expect(await agent.heartbeat({ domain })).toMatchObject({
      ok: false,
      failure: { status: 409, code: "domain-changed" },
    });
  });
});

describe("enrolment", () => {
  async function scene() {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const { routes } = cloud.cloud;
    const made = await routes.configurations.createToken(
      agent.configurationId,
      { minutes: 30, policy: "pending" },
      "test",
    );
    if (!made.ok) throw new Error(made.failure.message);
    const enrol = (keyId: string, more: Partial<EnrolRequest> = {}) =>
      routes.enrolAgent(
        {
          token: made.value.token,
          publicKey: { kty: "EC", crv: "P-256", x: "x", y: "y" },
          name: "a",
          version: "1",
          platform: "test",
          domain: agent.domain,
          ...more,
        },
        { keyId, boot: "boot" },
      );
    return { cloud, agent, enrol };
  }

  it("a token enrols one agent; the same key again is an honest retry", async () => {
    const { enrol } = await scene();
    const first = await enrol("key-1");
    expect(first).toMatchObject({ ok: true, value: { status: "pending" } });
    expect(await enrol("key-1")).toEqual(first);
    expect(await enrol("key-2")).toMatchObject({
      ok: false,
      failure: { status: 401, message: expect.stringContaining("used before") },
    });
  });

  it("refuses a token that expired, that nobody made, or that is for another domain", async () => {
    const { cloud, agent, enrol } = await scene();
    const refusedWith = (text: string) => ({
      ok: false,
      failure: { status: 401, message: expect.stringContaining(text) },
    });
    expect(await enrol("k", { token: `${agent.configurationId}.nonsense-nonsense` })).toMatchObject(
      refusedWith("unknown"),
    );
    expect(await enrol("k", { token: "x.0123456789abcdef" })).toMatchObject(refusedWith("unknown"));
    expect(await enrol("k", { domain: { ...agent.domain, fqdn: "other.example" } })).toMatchObject(
      refusedWith("other.example"),
    );
    expect(await enrol("k", { domain: { ...agent.domain, objectGuid: guidOf("x") } })).toMatchObject(
      refusedWith("objectGUID"),
    );
    later(cloud, 31 * MINUTE);
    expect(await enrol("k")).toMatchObject(refusedWith("expired"));
  });

  it("two keys at the same moment: one of them is enrolled", async () => {
    const { enrol } = await scene();
    const both = await Promise.all([enrol("key-1"), enrol("key-2")]);
    expect(both.filter((own) => own.ok)).toHaveLength(1);
  });
});
