/** What a heartbeat in the middle of a read does to reads, and what it leaves alone. */
import { describe, expect, it } from "vitest";
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
