/** What a heartbeat in the middle of a read does to reads, and what it leaves alone. */
import { describe, expect, it } from "vitest";
import { createHeartbeat } from "../../shared/application/agents/heartbeat.ts";
import { aUser, createCloud } from "../support/cloud.ts";

describe("a heartbeat in the middle of a read", () => {
  it("opens no read when its own has just ended", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    expect(await agent.heartbeat({ want: "continue" })).toMatchObject({ value: { order: null } });
    expect((await agent.status()).openRead).toBeNull();
  });

  it("keeps a delta open that is wanted still", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    const { readNo } = await agent.order("delta");
    expect(await agent.order("continue")).toMatchObject({ readNo, kind: "delta" });
  });

  it("lets a delta that has sent nothing yet make place for a full read", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    const { readNo } = await agent.order("delta");
    await cloud.cloud.routes.configurations.requestFullRead(agent.jobId, "asked");
    expect(await agent.order("continue")).toMatchObject({ readNo: readNo + 1, kind: "full", reason: "asked" });
  });

  it("lets a delta that is being sent end first", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    const order = await agent.order("delta");
    expect(await agent.send(agent.batch(order, 1, [aUser("bob")]))).toMatchObject({ ok: true });
    await cloud.cloud.routes.configurations.requestFullRead(agent.jobId, "asked");
    expect(await agent.order("continue")).toMatchObject({ readNo: order.readNo, kind: "delta" });
  });
});

describe("a full read that is forced", () => {
  it("is asked for again when it was aborted, until one was accepted to its end", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    /** As if the schema had come to need another attribute. */
    const heartbeat = createHeartbeat({
      rows: cloud.rows,
      clock: cloud.clock,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      times: { leaseMs: 180_000, heartbeatMs: 60_000, watermarkMaxAgeMs: 90 * 86_400_000 },
      needsOf: async () => ({ attributes: ["pager"], attributeSetHash: "wider", objectClasses: ["user"] }),
      ring: async () => {},
    });
    const ask = async (more: { readonly abortReadNo?: number; readonly reason?: string } = {}) => {
      const reply = await heartbeat(agent.proven, { version: "1", domain: agent.domain, want: "delta", ...more });
      if (!reply.ok || !reply.value.order) throw new Error("The heartbeat gave no read order.");
      return reply.value.order;
    };
    const first = await ask();
    expect(first).toMatchObject({ kind: "full", reason: "attributes" });
    const second = await ask({ abortReadNo: first.readNo, reason: "source-unreachable" });
    expect(second).toMatchObject({ kind: "full", reason: "attributes" });
    const sent = await agent.send(
      agent.batch(second, 1, [aUser("ann")], {
        isLast: true,
        end: { batches: 1, objects: 1, digest: "" },
        watermarkAfter: { mode: "ldif", id: "w2", token: "t", at: new Date(cloud.clock.now()).toISOString() },
      }),
    );
    expect(sent).toMatchObject({ ok: true });
    expect(await ask()).toMatchObject({ kind: "delta" });
  });
});
