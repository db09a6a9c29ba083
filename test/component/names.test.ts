import { describe, expect, it } from "vitest";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";

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
});
