import { describe, expect, it } from "vitest";
import { createObjectStore } from "../../shared/application/state/object-store.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";
import { immutableIdOf } from "./directory.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const upnsOf = (cloud: Cloud) =>
  cloud.target
    .objects()
    .filter((object) => !object.deleted)
    .map((object) => object.values["userPrincipalName"])
    .sort();

async function passTime(cloud: Cloud, ms: number): Promise<void> {
  cloud.clock.set(cloud.clock.now() + ms);
  await cloud.tick();
  await cloud.driver.settled();
}

async function escrowsOf(cloud: Cloud, jobId: string) {
  const found = await cloud.cloud.routes.queries.escrows(jobId);
  if (!found.ok) throw new Error(found.failure.message);
  return found.value;
}

const refused = { code: "UnprocessableEntity" as const, message: "no", remedy: "Mend it.", retriable: false };

describe("escrow", () => {
  it("tries a failing create again with growing gaps, and clears it when it succeeds", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    cloud.target.order({ kind: "fail", count: 4, failure: refused });
    await agent.read("full", [aUser("ann")]);
    const gaps: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt++) {
      const [escrow] = await escrowsOf(cloud, agent.jobId);
      expect(escrow).toMatchObject({ code: "UnprocessableEntity", message: "no", attempts: attempt });
      const gap = Date.parse(escrow?.nextAttemptAt ?? "") - cloud.clock.now();
      gaps.push(gap / MINUTE);
      await passTime(cloud, gap - 1);
      expect(cloud.target.received).toHaveLength(attempt);
      await passTime(cloud, 1);
    }
    expect(gaps).toEqual([2, 10, 50, 250]);
    expect(upnsOf(cloud)).toEqual(["ann@corp.example"]);
    expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
  });

  it("counts an attempt once, and keeps its message, when the chunk is repeated for another object's sake", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const keyOf = (name: string) => guidOf(name);
    cloud.target.order({ kind: "fail", failure: refused, matches: (action) => action.key === keyOf("ann") });
    cloud.target.order({ kind: "throttle", count: 2, matches: (action) => action.key === keyOf("bob") });
    await agent.read("full", [aUser("ann"), aUser("bob"), aUser("cid")]);
    expect(await escrowsOf(cloud, agent.jobId)).toMatchObject([{ attempts: 1, message: "no", remedy: "Mend it." }]);
    // Only what was throttled is sent again.
    const sent = cloud.target.received.map((action) => action.key);
    expect(sent.filter((key) => key === keyOf("ann"))).toHaveLength(1);
    expect(sent.filter((key) => key === keyOf("bob"))).toHaveLength(3);
    expect(sent.filter((key) => key === keyOf("cid"))).toHaveLength(1);
    expect((await agent.status()).lastCycle).toMatchObject({ outcomes: { exported: 2, escrowed: 1 }, created: 2 });
    const log = await readLog(cloud.cloud.routes, {
      jobId: agent.jobId,
      objectGuid: keyOf("ann"),
      sinceDays: 1,
      top: 10,
    });
    expect(log).toMatchObject([{ provisioningStatusInfo: { errorInformation: { reason: "no" } } }]);
  });

  it("waits for a target that is away, and marks nobody as failed", async () => {
    const cloud = await createCloud({
      beforeActivity: () => {
        if (calls-- === 0) cloud.target.setUnavailable(undefined);
      },
    });
    let calls = 12;
    const agent = await cloud.addDomain("corp.example");
    cloud.target.setUnavailable(new TargetUnavailable("target-unreachable", "away", "Wait.", 5_000));
    await agent.read("full", [aUser("ann")]);
    expect(upnsOf(cloud)).toEqual(["ann@corp.example"]);
    expect((await agent.status()).lastCycle).toMatchObject({ outcomes: { exported: 1, escrowed: 0 } });
    expect(cloud.logged.filter((line) => line.event === "target-unavailable").length).toBeGreaterThan(3);
  });

  it("makes no twin of somebody whose create was answered by silence", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    cloud.target.order({ kind: "lose-answer" });
    await agent.read("full", [aUser("ann", { department: "Sales" })]);
    expect(await escrowsOf(cloud, agent.jobId)).toMatchObject([{ code: "Timeout" }]);
    await passTime(cloud, 3 * MINUTE);
    expect(cloud.target.objects()).toHaveLength(1);
    expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
    await agent.read("delta", [aUser("ann", { department: "Finance" }, ["department"])]);
    expect(cloud.target.objects()).toMatchObject([{ values: { department: "Finance" } }]);
  });

  it("resolves a chain of names from its end", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const names = ["ann", "bob", "cid", "dee"];
    await agent.read(
      "full",
      names.map((name) => aUser(name)),
    );
    const chain = names.map((name, at) => {
      const next = names[at + 1] ?? "eve";
      return aUser(name, { userPrincipalName: `${next}@corp.example` }, ["userPrincipalName"]);
    });
    await agent.read("delta", chain, 1);
    for (let round = 0; round < 4; round++) await passTime(cloud, 6 * 60 * MINUTE);
    expect(upnsOf(cloud)).toEqual(["bob", "cid", "dee", "eve"].map((name) => `${name}@corp.example`));
    expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
  });

  it("tries who waited for a name as soon as a full read frees it, without waiting for the tick", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const wish = aUser("bob", { userPrincipalName: "ann@corp.example" }, ["userPrincipalName"]);
    await agent.read("delta", [wish]);
    expect(await escrowsOf(cloud, agent.jobId)).toHaveLength(1);
    await agent.read("full", [
      aUser("ann", { userPrincipalName: "eve@corp.example" }),
      aUser("bob", { userPrincipalName: "ann@corp.example" }),
    ]);
    expect(upnsOf(cloud)).toEqual(["ann@corp.example", "eve@corp.example"]);
  });

  it("a name that was claimed, never exported and given up is free for others", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    cloud.target.order({ kind: "fail", failure: refused });
    await agent.read("full", [aUser("ann", { userPrincipalName: "boss@corp.example" })]);
    await agent.read("delta", [
      aUser("ann", {}, ["userPrincipalName"]),
      aUser("bob", { userPrincipalName: "boss@corp.example" }),
    ]);
    await passTime(cloud, 60 * MINUTE);
    expect(upnsOf(cloud)).toEqual(["ann@corp.example", "boss@corp.example"]);
  });

  it("the name of somebody who was deleted before anything was exported is free for others", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    cloud.target.order({ kind: "fail", failure: refused });
    await agent.read("full", [aUser("ann")]);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("ann") }]);
    await agent.read("delta", [{ ...aUser("ann"), objectGuid: guidOf("ann the second") }]);
    expect(upnsOf(cloud)).toEqual(["ann@corp.example"]);
  });

  it("a name that a cloud user gave up since the index was filled is free for a linked user", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const [id] = cloud.target.seed([
      { values: { userPrincipalName: "boss@corp.example", onPremisesImmutableId: "Zm9yZWlnbg==" } },
    ]);
    await agent.read("full", [aUser("ann")]);
    const boss = aUser("ann", { userPrincipalName: "boss@corp.example" }, ["userPrincipalName"]);
    await agent.read("delta", [boss]);
    expect(await escrowsOf(cloud, agent.jobId)).toMatchObject([
      { code: "AttributeValueMustBeUnique", message: expect.stringContaining(id ?? "?") },
    ]);
    await cloud.target.apply(
      [{ kind: "update", key: "x", type: "user", id: id ?? "", values: { userPrincipalName: "old@corp.example" } }],
      { priority: "normal" },
    );
    await passTime(cloud, 3 * MINUTE);
    expect(upnsOf(cloud)).toEqual(["boss@corp.example", "old@corp.example"]);
  });

  it("what a role holder's target object refuses waits; plain values go out", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    const [object] = cloud.target.objects();
    cloud.target.setPrivileged(object?.id ?? "", true);
    const renamed = { userPrincipalName: "anna@corp.example", department: "Sales" };
    await agent.read("delta", [aUser("ann", renamed, ["userPrincipalName", "department"])]);
    expect(cloud.target.objects()).toMatchObject([
      { values: { userPrincipalName: "ann@corp.example", department: "Sales" } },
    ]);
    expect(await escrowsOf(cloud, agent.jobId)).toMatchObject([{ code: "InsufficientRights" }]);
    cloud.target.setPrivileged(object?.id ?? "", false);
    await passTime(cloud, 3 * MINUTE);
    expect(upnsOf(cloud)).toEqual(["anna@corp.example"]);
    expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
  });

  it("somebody whose source anchor changed waits, both values told, and goes on when it is set back", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const anchorOf = (name: string) => [{ base64: immutableIdOf(name) }];
    const withAnchor = (anchor: string, department: string) => {
      const change = aUser("ann", { department }, ["department", "ms-DS-ConsistencyGuid"]);
      if (change.op !== "upsert") throw new Error("Not an upsert.");
      return { ...change, attributes: { ...change.attributes, "ms-DS-ConsistencyGuid": anchorOf(anchor) } };
    };
    await agent.read("full", [aUser("ann")]);
    await agent.read("delta", [withAnchor("somebody else", "Sales")]);
    const [escrow] = await escrowsOf(cloud, agent.jobId);
    expect(escrow).toMatchObject({ code: "SourceAnchorChanged" });
    for (const name of ["ann", "somebody else"]) expect(escrow?.message).toContain(immutableIdOf(name));
    expect(cloud.target.writes()).toBe(1);
    await agent.read("delta", [withAnchor("ann", "Finance")]);
    expect(cloud.target.objects()).toMatchObject([
      { values: { department: "Finance", onPremisesImmutableId: immutableIdOf("ann") } },
    ]);
    expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
  });

  it("a source anchor is taken as it is, whatever its length, and fixed then", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const anchored = (base64: string | undefined, changed?: readonly string[]) => {
      const change = aUser("ann", {}, changed);
      if (change.op !== "upsert") throw new Error("Not an upsert.");
      const own = base64 === undefined ? {} : { "ms-DS-ConsistencyGuid": [{ base64 }] };
      return { ...change, attributes: { ...change.attributes, ...own } };
    };
    const short = Buffer.from("ten bytes!").toString("base64");
    await agent.read("full", [anchored(short)]);
    expect(cloud.target.objects()).toMatchObject([{ values: { onPremisesImmutableId: short } }]);
    // Cleared, the object's own GUID would take its place.
    await agent.read("delta", [anchored(undefined, ["ms-DS-ConsistencyGuid"])]);
    expect(await escrowsOf(cloud, agent.jobId)).toMatchObject([{ code: "SourceAnchorChanged" }]);
    await agent.read("delta", [anchored(short, ["ms-DS-ConsistencyGuid"])]);
    expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
    expect(cloud.target.writes()).toBe(1);
  });

  it("says what the directory emptied and the target can't clear", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann", { mail: "ann@corp.example" })]);
    cloud.clock.set(cloud.clock.now() + MINUTE);
    await agent.read("delta", [aUser("ann", {}, ["mail"])]);
    expect(cloud.target.objects()).toMatchObject([{ values: { mail: "ann@corp.example" } }]);
    expect((await agent.status()).lastCycle).toMatchObject({ outcomes: { "no-op": 1 }, writes: 0 });
    await agent.read("full", [aUser("ann")]);
    const log = await readLog(cloud.cloud.routes, {
      jobId: agent.jobId,
      objectGuid: guidOf("ann"),
      sinceDays: 1,
      top: 9,
    });
    expect(log.map((entry) => entry.provisioningStatusInfo)).toMatchObject([
      {
        status: "warning",
        errorInformation: { errorCode: "AttributeNotCleared", reason: expect.stringContaining("mail") },
      },
      { status: "success" },
    ]);
  });
});

describe("matching with what the target holds", () => {
  const anchor = immutableIdOf("ann");

  it.each<[string, Record<string, string>, string]>([
    [
      "its anchor (hard match)",
      { onPremisesImmutableId: anchor, userPrincipalName: "old@corp.example" },
      "immutableId",
    ],
    ["its name (soft match)", { userPrincipalName: "Ann@corp.example" }, "userPrincipalName"],
    ["its mail (soft match)", { userPrincipalName: "other@corp.example", mail: "ann@mail.example" }, "mail"],
  ])("takes over the user with %s; what only a new user gets is left alone", async (_, values, by) => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const [id] = cloud.target.seed([
      {
        values: {
          mailNickname: "own",
          department: "Own",
          city: "Own",
          accountEnabled: true,
          displayName: "x",
          ...values,
        },
      },
    ]);
    await agent.read("full", [aUser("ann", { mail: "ann@mail.example", department: "Sales" })]);
    expect(cloud.target.objects()).toMatchObject([
      {
        id,
        values: {
          onPremisesImmutableId: anchor,
          userPrincipalName: "ann@corp.example",
          displayName: "ann",
          department: "Sales",
          mailNickname: "own",
          city: "Own",
        },
      },
    ]);
    const [entry] = await readLog(cloud.cloud.routes, {
      jobId: agent.jobId,
      objectGuid: guidOf("ann"),
      sinceDays: 1,
      top: 1,
    });
    expect(entry?.provisioningSteps).toContainEqual(
      expect.objectContaining({ name: "EntryMatching", description: `Matched by ${by}.` }),
    );
    // Linked from now on, like any other.
    await agent.read("delta", [aUser("ann", { department: "Finance" }, ["department"])]);
    expect(cloud.target.object(id ?? "")?.values["department"]).toBe("Finance");
  });

  it("takes over a user that appeared after the index was filled, and leaves what only a new user gets alone", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("bob")]);
    const [id] = cloud.target.seed([
      {
        values: { userPrincipalName: "ann@corp.example", mailNickname: "own", accountEnabled: true, displayName: "x" },
      },
    ]);
    await agent.read("delta", [aUser("ann")]);
    expect(cloud.target.object(id ?? "")?.values).toMatchObject({ onPremisesImmutableId: anchor, mailNickname: "own" });
    expect(cloud.target.objects()).toHaveLength(2);
  });

  it.each<[string, object, object, string]>([
    ["a role holder", { privileged: true }, { userPrincipalName: "ann@corp.example" }, "ExistingAdminRoleConflict"],
    [
      "a role holder with its anchor",
      { privileged: true },
      { onPremisesImmutableId: anchor },
      "ExistingAdminRoleConflict",
    ],
    [
      "an object that another sync masters",
      { synchronized: true },
      { onPremisesImmutableId: anchor },
      "InvalidHardMatch",
    ],
    [
      "one with another anchor",
      {},
      { userPrincipalName: "ann@corp.example", onPremisesImmutableId: "b3RoZXI=" },
      "InvalidSoftMatch",
    ],
  ])("refuses %s, and touches it not", async (_, flags, values, code) => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const seeded = { department: "Own", ...values };
    cloud.target.seed([{ ...flags, values: seeded }]);
    await agent.read("full", [aUser("ann", { department: "Sales" })]);
    expect(cloud.target.objects()).toMatchObject([{ values: seeded }]);
    expect(await escrowsOf(cloud, agent.jobId)).toMatchObject([{ code }]);
  });

  it("takes nobody over who became a role holder after he was looked up, not with his plain values either", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const seeded = { department: "Own", userPrincipalName: "ann@corp.example" };
    cloud.target.seed([{ privileged: true, values: seeded }]);
    const { privileged } = cloud.target;
    Object.assign(cloud.target, { privileged: async () => new Set() });
    await agent.read("full", [aUser("ann", { department: "Sales" })]);
    expect(cloud.target.objects()).toMatchObject([{ values: seeded }]);
    expect(await escrowsOf(cloud, agent.jobId)).toMatchObject([{ code: "InsufficientRights" }]);
    Object.assign(cloud.target, { privileged });
    await agent.read("full", [aUser("ann", { department: "Sales" })]);
    expect(cloud.target.objects()).toMatchObject([{ values: seeded }]);
    expect(await escrowsOf(cloud, agent.jobId)).toMatchObject([{ code: "ExistingAdminRoleConflict" }]);
  });

  it("names several candidates, and takes none", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    const ids = cloud.target.seed([
      { values: { userPrincipalName: "a@corp.example", mail: "ann@mail.example" } },
      { values: { userPrincipalName: "b@corp.example", mail: "ann@mail.example" } },
    ]);
    await agent.read("full", [aUser("ann", { mail: "ann@mail.example" })]);
    const [escrow] = await escrowsOf(cloud, agent.jobId);
    expect(escrow?.code).toBe("DuplicateTargetEntries");
    for (const id of ids) expect(escrow?.message).toContain(id);
    expect(cloud.target.objects()).toHaveLength(2);
  });

  describe("by the primary address of somebody without mail", () => {
    const SMTP = { proxyAddresses: ["smtp:second@mail.example", "SMTP:ann@mail.example"] };

    it.each([
      ["was there before the first read", false],
      ["came later", true],
    ])("takes over the user whose mail it is, who %s", async (_, isLate) => {
      const cloud = await createCloud();
      const agent = await cloud.addDomain("corp.example");
      if (isLate) await agent.read("full", [aUser("bob")]);
      const [id = ""] = cloud.target.seed([
        { values: { userPrincipalName: "other@corp.example", mail: "Ann@mail.example", displayName: "x" } },
      ]);
      await agent.read(isLate ? "delta" : "full", [aUser("ann", SMTP)]);
      expect(cloud.target.objects()).toHaveLength(isLate ? 2 : 1);
      expect(cloud.target.object(id)?.values).toMatchObject({
        onPremisesImmutableId: anchor,
        userPrincipalName: "ann@corp.example",
        mail: "Ann@mail.example",
      });
    });

    it.each<[string, object, object, string]>([
      ["a role holder", { privileged: true }, {}, "ExistingAdminRoleConflict"],
      ["one with another anchor", {}, { onPremisesImmutableId: "b3RoZXI=" }, "InvalidSoftMatch"],
    ])("refuses %s with it, and touches it not", async (_, flags, more, code) => {
      const cloud = await createCloud();
      const agent = await cloud.addDomain("corp.example");
      const values = { userPrincipalName: "other@corp.example", mail: "ann@mail.example", ...more };
      cloud.target.seed([{ ...flags, values }]);
      await agent.read("full", [aUser("ann", SMTP)]);
      expect(cloud.target.objects()).toMatchObject([{ values }]);
      expect(await escrowsOf(cloud, agent.jobId)).toMatchObject([{ code }]);
    });

    it("names the one with the name and the one with the address, and takes neither", async () => {
      const cloud = await createCloud();
      const agent = await cloud.addDomain("corp.example");
      const ids = cloud.target.seed([
        { values: { userPrincipalName: "ann@corp.example" } },
        { values: { userPrincipalName: "b@corp.example", mail: "ann@mail.example" } },
      ]);
      await agent.read("full", [aUser("ann", SMTP)]);
      const [escrow] = await escrowsOf(cloud, agent.jobId);
      expect(escrow?.code).toBe("DuplicateTargetEntries");
      for (const id of ids) expect(escrow?.message).toContain(id);
    });

    it("claims it for nobody: whose mail it is in the directory gets it, and all are made", async () => {
      const cloud = await createCloud();
      const agent = await cloud.addDomain("corp.example");
      await agent.read("full", [aUser("ann", SMTP)]);
      await agent.read("delta", [aUser("bob", { mail: "ann@mail.example" })]);
      await agent.read("delta", [aUser("cid", SMTP)]);
      expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
      expect(cloud.target.objects().map(({ values }) => [values["displayName"], values["mail"]])).toEqual([
        ["ann", undefined],
        ["bob", "ann@mail.example"],
        ["cid", undefined],
      ]);
    });

    it.each([200, 1])(
      "gives the target object to one of two who have it, %i a chunk, and makes another one",
      async (chunkObjects) => {
        const cloud = await createCloud({ chunkObjects });
        const agent = await cloud.addDomain("corp.example");
        const values = { userPrincipalName: "x@corp.example", mail: "ann@mail.example" };
        const [id = ""] = cloud.target.seed([{ values }]);
        await agent.read("full", [aUser("ann", SMTP), aUser("bob", SMTP)]);
        cloud.clock.set(cloud.clock.now() + 3_600_000);
        await cloud.tick();
        await cloud.driver.settled();
        await cloud.run();
        expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
        const anchorOf = (own: { values: Record<string, unknown> }) => own.values["onPremisesImmutableId"];
        expect(
          cloud.target
            .objects()
            .map((own) => anchorOf(own))
            .sort(),
        ).toEqual([immutableIdOf("ann"), immutableIdOf("bob")].sort());
        expect(anchorOf({ values: { ...cloud.target.object(id)?.values } })).toBeDefined();
      },
    );
  });

  it("lets go of a target object that it was refused, for the one whose it is", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("zoe")]);
    const [id = ""] = cloud.target.seed([
      { values: { userPrincipalName: "x@corp.example", mail: "bob@mail.example", displayName: "x" } },
    ]);
    cloud.target.order({ kind: "fail", failure: refused });
    // By somebody else's mail.
    await agent.read("delta", [aUser("ann", { proxyAddresses: "SMTP:bob@mail.example" })]);
    expect(await escrowsOf(cloud, agent.jobId)).toMatchObject([{ code: refused.code }]);
    await agent.read("delta", [aUser("ann", {}, ["proxyAddresses"])]);
    expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
    await agent.read("delta", [aUser("bob", { proxyAddresses: "SMTP:bob@mail.example" })]);
    expect(cloud.target.object(id)?.values).toMatchObject({
      displayName: "bob",
      userPrincipalName: "bob@corp.example",
    });
    expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
  });

  it.each([200, 1])(
    "gives one target object to one of two whose name and mail it has, %i a chunk",
    async (chunkObjects) => {
      const cloud = await createCloud({ chunkObjects });
      const agent = await cloud.addDomain("corp.example");
      const [id] = cloud.target.seed([
        { values: { userPrincipalName: "ann@corp.example", mail: "bob@mail.example", displayName: "x" } },
      ]);
      await agent.read("full", [aUser("ann"), aUser("bob", { mail: "bob@mail.example" })]);
      const objects = createObjectStore({ rows: cloud.rows, targetKey: "tenant" });
      const rows = await objects.getMany(agent.configurationId, [guidOf("ann"), guidOf("bob")]);
      const linked = [...rows.values()].filter(({ record }) => record.link?.targetId === id);
      expect(linked).toHaveLength(1);
      const escrows = await escrowsOf(cloud, agent.jobId);
      expect(escrows).toMatchObject([
        { code: "AttributeValueMustBeUnique", message: expect.stringContaining(id ?? "") },
      ]);
      expect(escrows[0]?.objectGuid).not.toBe(linked[0]?.record.objectGuid);
    },
  );

  it.each([200, 1])(
    "gives it to one of the two also where a third one's deletion took it, and somebody restored it by hand, %i a chunk",
    async (chunkObjects) => {
      const cloud = await createCloud({ chunkObjects });
      const agent = await cloud.addDomain("corp.example");
      await agent.read("full", [aUser("cid"), aUser("zoe")]);
      const id = cloud.target.objects().find(({ values }) => values["displayName"] === "cid")?.id ?? "";
      await agent.read("delta", [{ op: "delete", objectGuid: guidOf("cid") }]);
      expect(cloud.target.object(id)?.deleted).toBe(true);
      cloud.target.setDeleted(id, false);
      const names = { userPrincipalName: "ann@corp.example", mail: "bob@mail.example" };
      cloud.target.edit(id, { ...names, onPremisesImmutableId: null });
      await agent.read("delta", [aUser("ann"), aUser("bob", { mail: "bob@mail.example" })]);
      const objects = createObjectStore({ rows: cloud.rows, targetKey: "tenant" });
      const rows = await objects.getMany(agent.configurationId, ["ann", "bob", "cid"].map(guidOf));
      const linked = [...rows.values()].filter(({ record }) => record.link?.targetId === id);
      expect(linked.map(({ record }) => record.link?.deletedAt)).toEqual([undefined]);
      const escrows = await escrowsOf(cloud, agent.jobId);
      expect(escrows).toMatchObject([{ code: "AttributeValueMustBeUnique", message: expect.stringContaining(id) }]);
      expect(escrows[0]?.objectGuid).not.toBe(linked[0]?.record.objectGuid);
      // Who had it before comes back as somebody new.
      await agent.read("delta", [aUser("cid")]);
      const cid = (await objects.get(agent.configurationId, guidOf("cid")))?.record.link?.targetId;
      expect([cid === undefined, cid === id]).toEqual([false, false]);
    },
  );

  it("taking over an account that is disabled at the source disables it at the end of the read, past the guard", async () => {
    const cloud = await createCloud({ settings: { guard: { floor: 2, count: 500, percent: 10 } } });
    const agent = await cloud.addDomain("corp.example");
    const names = Array.from({ length: 6 }, (_, at) => `user${at}`);
    cloud.target.seed(
      names.map((name) => ({
        values: {
          userPrincipalName: `${name}@corp.example`,
          accountEnabled: true,
          displayName: name,
          mailNickname: name,
        },
      })),
    );
    await agent.read(
      "full",
      names.map((name) => aUser(name, { userAccountControl: "514" })),
    );
    expect(cloud.target.objects().every((object) => object.values["accountEnabled"] === true)).toBe(true);
    expect((await agent.status()).lastCycle).toMatchObject({
      received: 6,
      outcomes: { staged: 6 },
      staged: [{ class: "disables", count: 6 }],
    });
    // One that is disabled already is no disable.
    const two = await createCloud();
    const other = await two.addDomain("corp.example");
    two.target.seed([{ values: { userPrincipalName: "ann@corp.example", accountEnabled: false, displayName: "x" } }]);
    await other.read("full", [aUser("ann", { userAccountControl: "514" })]);
    expect((await other.status()).lastCycle).toMatchObject({ outcomes: { exported: 1 } });
  });
});

describe("who comes back (N9)", () => {
  const gone = { op: "delete" as const, objectGuid: guidOf("ann") };

  it("within thirty days is the same target object, brought to what the directory says now", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann", { department: "Sales", title: "Boss" })]);
    await agent.read("delta", [gone]);
    const [before] = cloud.target.objects();
    expect(before?.deleted).toBe(true);
    cloud.clock.set(cloud.clock.now() + 29 * DAY);
    await agent.read("delta", [aUser("ann", { department: "Finance" }, ["department", "title"])]);
    expect(cloud.target.objects()).toMatchObject([
      { id: before?.id, deleted: false, values: { department: "Finance" } },
    ]);
    expect(cloud.target.objects()[0]?.values).not.toHaveProperty("title");
  });

  it("after thirty days is a new target object, with all that a new one gets and nothing of the old one's account", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann", { department: "Sales" })]);
    await agent.read("delta", [gone]);
    const [before] = cloud.target.objects();
    // The target let it go for good.
    cloud.target.seed([{ id: before?.id ?? "", values: {}, deleted: true }]);
    cloud.clock.set(cloud.clock.now() + 31 * DAY);
    await agent.read("delta", [aUser("ann", {}, ["department"])]);
    const living = cloud.target.objects().filter((object) => !object.deleted);
    expect(living).toMatchObject([{ values: { userPrincipalName: "ann@corp.example", mailNickname: "ann" } }]);
    expect(living[0]?.id).not.toBe(before?.id);
    await agent.read("delta", [aUser("ann", { department: "Sales" }, ["department"])]);
    expect(cloud.target.object(living[0]?.id ?? "")?.values["department"]).toBe("Sales");
  });

  it("and was purged by somebody meanwhile is made anew", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    await agent.read("delta", [gone]);
    const [before] = cloud.target.objects();
    cloud.target.seed([{ id: before?.id ?? "", type: "group", values: {}, deleted: true }]);
    await agent.read("delta", [aUser("ann", {}, ["cn"])]);
    await passTime(cloud, 3 * MINUTE);
    expect(upnsOf(cloud)).toEqual(["ann@corp.example"]);
    expect(await escrowsOf(cloud, agent.jobId)).toEqual([]);
  });

  it("and whose name a cloud user has taken comes back all the same, and gets its name when it is free", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    await agent.read("delta", [gone]);
    const [id = ""] = cloud.target.seed([{ values: { userPrincipalName: "ann@corp.example" } }]);
    await agent.read("delta", [aUser("ann", { department: "Sales" }, ["department"])]);
    const [own] = cloud.target.objects();
    expect(own).toMatchObject({ deleted: false, values: { department: "Sales" } });
    expect(own?.values["userPrincipalName"]).not.toBe("ann@corp.example");
    expect(await escrowsOf(cloud, agent.jobId)).toHaveLength(1);
    cloud.target.seed([{ id, values: { userPrincipalName: "free@corp.example" } }]);
    await passTime(cloud, 12 * 60 * MINUTE);
    expect(cloud.target.object(own?.id ?? "")?.values["userPrincipalName"]).toBe("ann@corp.example");
  });

  it("a restore whose values are refused is alive in the row, so that a later delete finds it", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    await agent.read("delta", [gone]);
    cloud.target.order({ kind: "fail", failure: refused, matches: (action) => action.kind === "update" });
    await agent.read("delta", [aUser("ann", { department: "Sales" }, ["department"])]);
    expect(cloud.target.objects()).toMatchObject([{ deleted: false }]);
    await agent.read("delta", [gone]);
    expect(cloud.target.objects()).toMatchObject([{ deleted: true }]);
  });

  it("another forest's account with the same anchor takes the target object over once its holder is gone", async () => {
    const cloud = await createCloud();
    const hq = await cloud.addDomain("corp.example");
    const branch = await cloud.addDomain("branch.example");
    const shared = (name: string, guid: string) => {
      const change = aUser(name);
      if (change.op !== "upsert") throw new Error("Not an upsert.");
      const attributes = { ...change.attributes, "ms-DS-ConsistencyGuid": [{ base64: immutableIdOf("the person") }] };
      return { ...change, objectGuid: guidOf(guid), attributes };
    };
    await hq.read("full", [shared("ann", "ann")]);
    await branch.read("full", [shared("ann", "ann of branch")]);
    expect(await escrowsOf(cloud, branch.jobId)).toMatchObject([{ code: "DuplicateSourceEntries" }]);
    await hq.read("delta", [gone]);
    expect(cloud.target.objects()).toMatchObject([{ deleted: true }]);
    await passTime(cloud, 3 * MINUTE);
    expect(cloud.target.objects()).toMatchObject([
      { deleted: false, values: { userPrincipalName: "ann@corp.example" } },
    ]);
    expect(cloud.target.objects()).toHaveLength(1);
  });
});
