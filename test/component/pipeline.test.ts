import { describe, expect, it } from "vitest";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";

const names = (count: number) => Array.from({ length: count }, (_, index) => `user${String(index).padStart(3, "0")}`);

describe("from batch to target, in memory", () => {
  it("creates each user of a first full read once, and a second one writes nothing", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read(
      "full",
      names(450).map((name) => aUser(name)),
      200,
    );
    expect(cloud.target.objects()).toHaveLength(450);
    expect(cloud.target.writes()).toBe(450);
    const first = await agent.status();
    expect(first.lastCycle).toMatchObject({
      received: 450,
      created: 450,
      // The account of the run, summed over chunks that wrote side by side.
      writes: 450,
      outcomes: { exported: 450, "no-op": 0 },
      complete: true,
    });
    expect(first.waiting).toEqual({ batches: 0, changes: 0, processed: 0, readsEnding: 0, work: 0 });

    await agent.read(
      "full",
      names(450).map((name) => aUser(name)),
      200,
    );
    expect(cloud.target.writes()).toBe(450);
    expect((await agent.status()).lastCycle).toMatchObject({ received: 450, outcomes: { exported: 0, "no-op": 450 } });
  });

  it("sends an update with the changed property only", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann", { department: "Sales" }), aUser("bob")]);
    await agent.read("delta", [aUser("ann", { department: "Finance" }, ["department"])]);
    expect(cloud.target.received.at(-1)).toMatchObject({ kind: "update", values: { department: "Finance" } });
    expect(Object.keys((cloud.target.received.at(-1) as { values: object }).values)).toEqual(["department"]);
  });

  it("disables at the end of the read, deletes on a tombstone, restores the same object when it comes back", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const before = cloud.target.objects().find((object) => object.values["userPrincipalName"] === "ann@corp.example");
    await agent.read("delta", [aUser("ann", { userAccountControl: "514" }, ["userAccountControl"])]);
    expect(cloud.target.object(before?.id ?? "")?.values["accountEnabled"]).toBe(false);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("ann") }]);
    expect(cloud.target.object(before?.id ?? "")?.deleted).toBe(true);
    await agent.read("delta", [aUser("ann")]);
    expect(cloud.target.object(before?.id ?? "")).toMatchObject({ deleted: false, values: { accountEnabled: true } });
    expect(cloud.target.objects()).toHaveLength(2);
    expect((await agent.status()).lastCycle).toMatchObject({ restored: 1 });
  });

  it("removes what is absent from a complete full read, within the guard", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read(
      "full",
      names(60).map((name) => aUser(name)),
    );
    await agent.read(
      "full",
      names(58).map((name) => aUser(name)),
    );
    expect(cloud.target.objects().filter((object) => !object.deleted)).toHaveLength(58);
    expect((await agent.status()).lastCycle).toMatchObject({ received: 58, deleted: 2, absent: { exported: 2 } });
  });

  it("stages a class of removals that passes the bound, and deletes nobody", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read(
      "full",
      names(60).map((name) => aUser(name)),
    );
    await agent.read(
      "full",
      names(30).map((name) => aUser(name)),
    );
    expect(cloud.target.objects().filter((object) => !object.deleted)).toHaveLength(60);
    const status = await agent.status();
    expect(status.staged).toBe(30);
    expect(status.lastCycle).toMatchObject({ absent: { staged: 30 }, staged: [{ class: "deletes", count: 30 }] });
  });

  it("stages absences when nobody vouches for the account's sight", async () => {
    const cloud = await createCloud({ settings: { trustVisibility: null } });
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    await agent.read("full", [aUser("ann")]);
    expect(cloud.target.objects().filter((object) => !object.deleted)).toHaveLength(2);
    expect((await agent.status()).staged).toBe(1);
  });

  it("does not create a person who lives in two forests twice, and names both", async () => {
    const cloud = await createCloud();
    const hq = await cloud.addDomain("corp.example");
    const branch = await cloud.addDomain("branch.example");
    const anchor = { "ms-DS-ConsistencyGuid": guidOf("the person") };
    const { attributes, ...rest } = aUser("ann") as Extract<ReturnType<typeof aUser>, { op: "upsert" }>;
    const consistency = [
      { base64: Buffer.from(anchor["ms-DS-ConsistencyGuid"].replaceAll("-", ""), "hex").toString("base64") },
    ];
    await hq.read("full", [{ ...rest, attributes: { ...attributes, "ms-DS-ConsistencyGuid": consistency } }]);
    await branch.read("full", [
      {
        ...rest,
        objectGuid: guidOf("ann of branch"),
        attributes: { ...attributes, userPrincipalName: ["ann2@corp.example"], "ms-DS-ConsistencyGuid": consistency },
      },
    ]);
    expect(cloud.target.objects()).toHaveLength(1);
    const escrows = await cloud.cloud.routes.queries.escrows(branch.jobId);
    expect(escrows).toMatchObject({ ok: true, value: [{ code: "DuplicateSourceEntries" }] });
    if (escrows.ok) expect(escrows.value[0]?.message).toContain(guidOf("ann"));
  });

  it("lets a name move from one user to another in one read", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    await agent.read("delta", [
      aUser("bob", { userPrincipalName: "ann@corp.example" }, ["userPrincipalName"]),
      aUser("ann", { userPrincipalName: "ann.old@corp.example" }, ["userPrincipalName"]),
    ]);
    const byName = new Map(
      cloud.target.objects().map((object) => [object.values["displayName"], object.values["userPrincipalName"]]),
    );
    await cloud.tick();
    await cloud.run();
    await cloud.driver.settled();
    const after = new Map(
      cloud.target.objects().map((object) => [object.values["displayName"], object.values["userPrincipalName"]]),
    );
    expect(byName.get("ann")).toBe("ann.old@corp.example");
    expect(after.get("bob")).toBe("ann@corp.example");
    expect((await agent.status()).escrowed).toBe(0);
  });
});
