import { describe, expect, it } from "vitest";
import type { Change } from "../../shared/contracts/change.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";

type TestCloud = Awaited<ReturnType<typeof createCloud>>;

const upnsOf = (cloud: TestCloud) =>
  Object.fromEntries(
    cloud.target.objects().map((object) => [object.values["displayName"], object.values["userPrincipalName"]]),
  );
const renamed = (name: string, to: string, more: Readonly<Record<string, string>> = {}) =>
  aUser(name, { userPrincipalName: `${to}@corp.example`, ...more }, ["userPrincipalName", ...Object.keys(more)]);

async function withUsers(...names: string[]) {
  const cloud = await createCloud({ chunkObjects: 1 });
  const agent = await cloud.addDomain("corp.example");
  await agent.read(
    "full",
    names.map((name) => aUser(name)),
  );
  const writes = () => cloud.target.writes();
  const escrows = async () => {
    const found = await cloud.cloud.routes.queries.escrows(agent.jobId);
    return found.ok ? found.value : [];
  };
  return { cloud, agent, writes, escrows };
}

describe("people who take each other's names", () => {
  it("two swap: at the end of the read, with one write more than they have names", async () => {
    const { cloud, agent, writes, escrows } = await withUsers("ann", "bob");
    const before = writes();
    await agent.read("delta", [renamed("ann", "bob"), renamed("bob", "ann")]);
    expect(upnsOf(cloud)).toEqual({ ann: "bob@corp.example", bob: "ann@corp.example" });
    expect(writes() - before).toBe(3);
    expect(await escrows()).toEqual([]);
  });

  it("three in a ring, and somebody new who wants the name that is left over", async () => {
    const { cloud, agent, escrows } = await withUsers("ann", "bob", "cid");
    await agent.read("delta", [renamed("ann", "bob"), renamed("bob", "cid"), renamed("cid", "ann")]);
    expect(upnsOf(cloud)).toEqual({ ann: "bob@corp.example", bob: "cid@corp.example", cid: "ann@corp.example" });
    expect(await escrows()).toEqual([]);
  });

  it("a chain of three resolves from its end, and nobody is parked", async () => {
    const { cloud, agent, writes, escrows } = await withUsers("ann", "bob", "cid");
    const before = writes();
    await agent.read("delta", [renamed("ann", "bob"), renamed("bob", "cid"), renamed("cid", "dee")]);
    expect(upnsOf(cloud)).toEqual({ ann: "bob@corp.example", bob: "cid@corp.example", cid: "dee@corp.example" });
    expect(writes() - before).toBe(3);
    expect(await escrows()).toEqual([]);
  });

  it("a swap in two batches and two reads, mail and all", async () => {
    const { cloud, agent, escrows } = await withUsers("ann", "bob");
    const mails = (own: string) => ({ mail: `${own}@corp.example` });
    await agent.read("delta", [aUser("ann", mails("ann"), ["mail"]), aUser("bob", mails("bob"), ["mail"])]);
    await agent.read("delta", [renamed("ann", "bob", mails("bob"))]);
    expect((await escrows()).map((escrow) => escrow.code)).toEqual(["AttributeValueMustBeUnique"]);
    await agent.read("delta", [renamed("bob", "ann", mails("ann"))], 1);
    const values = Object.fromEntries(
      cloud.target.objects().map(({ values: own }) => [own["displayName"], own["mail"]]),
    );
    expect(upnsOf(cloud)).toEqual({ ann: "bob@corp.example", bob: "ann@corp.example" });
    expect(values).toEqual({ ann: "bob@corp.example", bob: "ann@corp.example" });
    expect(await escrows()).toEqual([]);
  });

  it("who waits for a holder that keeps its name is not parked, and both are named", async () => {
    const { cloud, agent, writes, escrows } = await withUsers("ann", "bob");
    const before = writes();
    await agent.read("delta", [renamed("ann", "bob")]);
    expect(upnsOf(cloud)).toEqual({ ann: "ann@corp.example", bob: "bob@corp.example" });
    expect(writes() - before).toBe(0);
    expect(await escrows()).toMatchObject([
      {
        code: "AttributeValueMustBeUnique",
        message: expect.stringMatching(new RegExp(`${guidOf("ann")}.*${guidOf("bob")}`)),
      },
    ]);
  });

  it("somebody deleted and made anew under the same name in one read: the new one gets the name", async () => {
    const { cloud, agent, escrows } = await withUsers("ann");
    const again = { ...aUser("ann"), objectGuid: guidOf("ann the second") };
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("ann") }, again]);
    expect(cloud.target.objects().filter((object) => !object.deleted)).toMatchObject([
      { values: { userPrincipalName: "ann@corp.example" } },
    ]);
    expect(cloud.target.objects().filter((object) => object.deleted)).toHaveLength(1);
    expect(await escrows()).toEqual([]);
  });

  describe("who waits for a name that its holder keeps", () => {
    async function waiting() {
      const { cloud, agent, escrows } = await withUsers("ann", "bob", "cid");
      await agent.read("delta", [renamed("ann", "bob")]);
      const rowsOf = async (name: string) =>
        readLog(cloud.cloud.routes, { jobId: agent.jobId, objectGuid: guidOf(name), sinceDays: 40, top: 50 });
      return { cloud, agent, escrows, rowsOf };
    }
    const busy = (at: number) => [aUser("cid", { department: `d${at}` }, ["department"])];

    it("isn't tried again, nor told of, by what others export", async () => {
      const { agent, escrows, rowsOf } = await waiting();
      const [rows, before] = [(await rowsOf("ann")).length, await escrows()];
      expect(before).toMatchObject([{ code: "AttributeValueMustBeUnique" }]);
      for (let at = 0; at < 3; at++) await agent.read("delta", busy(at));
      expect((await agent.status()).lastCycle).toMatchObject({ outcomes: { exported: 1 } });
      expect(await rowsOf("ann")).toHaveLength(rows);
      expect(await escrows()).toEqual(before);
    });

    it("isn't tried again while another of its values is free, for it needs all of them to be made", async () => {
      const cloud = await createCloud({ chunkObjects: 1 });
      cloud.target.seed([
        { values: { userPrincipalName: "x@corp.example", mail: "dan@mail.example", displayName: "x" } },
      ]);
      const agent = await cloud.addDomain("corp.example");
      await agent.read("full", [aUser("bob"), aUser("cid")]);
      await agent.read("delta", [aUser("dan", { userPrincipalName: "bob@corp.example", mail: "dan@mail.example" })]);
      const rowsOf = () =>
        readLog(cloud.cloud.routes, { jobId: agent.jobId, objectGuid: guidOf("dan"), sinceDays: 40, top: 50 });
      const rows = (await rowsOf()).length;
      for (let at = 0; at < 3; at++) await agent.read("delta", busy(at));
      expect(await rowsOf()).toHaveLength(rows);
      await agent.read("delta", [renamed("bob", "dee")]);
      expect(upnsOf(cloud)).toMatchObject({ dan: "bob@corp.example", bob: "dee@corp.example" });
    });

    it.each<[string, Change]>([
      ["gives it up", renamed("bob", "dee")],
      ["is deleted", { op: "delete", objectGuid: guidOf("bob") }],
      ["leaves the scope", aUser("bob", { isCriticalSystemObject: "TRUE" }, ["isCriticalSystemObject"])],
    ])("has it in the cycle in which its holder %s", async (_, change) => {
      const { cloud, agent, escrows } = await waiting();
      await agent.read("delta", busy(0));
      await agent.read("delta", [change]);
      expect(upnsOf(cloud)).toMatchObject({ ann: "bob@corp.example" });
      expect(await escrows()).toEqual([]);
    });

    it("is tried again by the clock, with a row each time", async () => {
      const { cloud, escrows, rowsOf } = await waiting();
      const rows = (await rowsOf("ann")).length;
      const [before] = await escrows();
      cloud.clock.set(Date.parse(String(before?.nextAttemptAt)) + 1);
      await cloud.tick();
      await cloud.driver.settled();
      await cloud.run();
      expect(await rowsOf("ann")).toHaveLength(rows + 1);
      expect(await escrows()).toMatchObject([{ attempts: (before?.attempts ?? 0) + 1 }]);
    });

    it("swaps with it when its holder begins to want its own, though others were exported in between", async () => {
      const { cloud, agent, escrows } = await waiting();
      await agent.read("delta", busy(0));
      await agent.read("delta", [renamed("bob", "ann")]);
      expect(upnsOf(cloud)).toMatchObject({ ann: "bob@corp.example", bob: "ann@corp.example" });
      expect(await escrows()).toEqual([]);
    });
  });
});
