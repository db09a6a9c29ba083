/** Every object mapped anew from its image: by hand, and when another schema asks for nothing that wasn't read. */
import { describe, expect, it } from "vitest";
import type { ChangeBatch } from "../../shared/contracts/change.ts";
import type { JobSettings } from "../../shared/contracts/configuration.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import type { AttributeMapping, ScopeFilterClause } from "../../shared/domain/synchronization-schema.ts";
import { aUser, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";

const BY = "admin ann";
type Edit = (mapping: AttributeMapping) => AttributeMapping;

/** The default schema with titles of users from elsewhere, and with one clause for them. */
function schemaOf({ title, clause }: { readonly title?: string; readonly clause?: ScopeFilterClause }) {
  const base = defaultSchema();
  const edit: Edit = (one) =>
    one.targetAttributeName === "Title" && title !== undefined ? { ...one, source: { expression: title } } : one;
  return {
    ...base,
    synchronizationRules: base.synchronizationRules.map((rule) => ({
      ...rule,
      objectMappings: rule.objectMappings.map((mapping) =>
        mapping.targetObjectName === "User"
          ? {
              ...mapping,
              attributeMappings: mapping.attributeMappings.map(edit),
              ...(clause ? { scope: { groups: [{ name: "some", clauses: [clause] }] } } : {}),
            }
          : mapping,
      ),
    })),
  };
}

const SALES: ScopeFilterClause = {
  sourceOperandName: "department",
  operatorName: "EQUALS",
  targetOperand: { values: ["Sales"] },
};

async function aJob(settings: Partial<JobSettings> = {}, options: CloudOptions = {}) {
  const cloud = await createCloud({ ...options, settings });
  const agent = await cloud.addDomain("corp.example");
  const { jobId } = agent;
  const { schemas, heldExports } = cloud.cloud.routes;
  const put = async (schema: ReturnType<typeof schemaOf>) => {
    const done = await schemas.put(jobId, schema, BY);
    if (!done.ok) throw new Error(JSON.stringify(done.failure));
    return done.value;
  };
  const own = (name: string) =>
    cloud.target.objects().find(({ values }) => values["userPrincipalName"] === `${name}@corp.example`);
  const titleOf = (name: string) => own(name)?.values["jobTitle"];
  const isThere = (name: string) => own(name)?.deleted === false;
  /** The last batch of a read, which brings these. */
  const last = (order: Parameters<typeof agent.batch>[0], sequence: number, changes: ChangeBatch["changes"]) =>
    agent.send(
      agent.batch(order, sequence, changes, {
        isLast: true,
        end: { batches: sequence, objects: changes.length, digest: "" },
        watermarkAfter: {
          mode: "dirsync",
          id: `after ${order.readNo}`,
          token: "AAAA",
          invocationId: guidOf("dc"),
          dnsName: "dc1",
          usn: "77777",
          at: "2026-01-05T08:00:00.000Z",
        },
      }),
    );
  return { cloud, agent, jobId, schemas, heldExports, put, titleOf, isThere, last };
}

const STAFF = [
  aUser("ann", { title: "Chief", department: "Sales" }),
  aUser("bob", { title: "Clerk", department: "Law" }),
  aUser("cid", { title: "Clerk", department: "Sales" }),
];

describe("another schema that asks for nothing new", () => {
  it("has every object mapped by it, without a read", async () => {
    const { cloud, agent, put, titleOf } = await aJob();
    await agent.read("full", STAFF);
    await put(schemaOf({ title: 'Join(" ", [title], [department])' }));
    await cloud.run();
    expect(["ann", "bob"].map(titleOf)).toEqual(["Chief Sales", "Clerk Law"]);
    expect(await agent.order("delta")).toMatchObject({ kind: "delta", schemaVersion: 2 });
    expect(await agent.status()).toMatchObject({ waiting: { work: 0 }, fullReadWanted: null });
    const writes = cloud.target.writes();
    await agent.read("full", STAFF);
    expect(cloud.target.writes()).toBe(writes);
  });

  it("and for less, too; for what that left out, everything is read", async () => {
    const { cloud, agent, put, titleOf } = await aJob();
    await agent.read("full", STAFF);
    await put(schemaOf({ title: "[department]" }));
    await cloud.run();
    expect(titleOf("bob")).toBe("Law");
    const order = await agent.order("delta");
    expect(order).toMatchObject({ kind: "delta" });
    expect(order.attributes).not.toContain("title");
    await agent.read("delta", [aUser("bob", { department: "Tax" }, ["department"])]);
    expect(titleOf("bob")).toBe("Tax");
    await put(schemaOf({}));
    expect(await agent.order("delta")).toMatchObject({ kind: "full", reason: "schema", schemaVersion: 3 });
  });

  it("lets go who is out of its scope, under the guard and all in one, and takes in who is in it", async () => {
    const { cloud, agent, put, isThere } = await aJob({ guard: { floor: 1, count: 500, percent: 40 } });
    await agent.read("full", STAFF);
    await put(schemaOf({ clause: SALES }));
    await cloud.run();
    expect(["ann", "bob", "cid"].map(isThere)).toEqual([true, false, true]);
    expect(await agent.status()).toMatchObject({ staged: 0 });
    await put(schemaOf({ clause: { ...SALES, operatorName: "NOT EQUALS" } }));
    await cloud.run();
    // Two of three: held back, all of them; and bob is back.
    expect(["ann", "bob", "cid"].map(isThere)).toEqual([true, true, true]);
    expect(await agent.status()).toMatchObject({ staged: 2 });
  });

  it("twice in a row ends by the second, whatever was still to be done by the first", async () => {
    const { cloud, agent, put, titleOf } = await aJob();
    await agent.read("full", STAFF);
    await put(schemaOf({ title: 'Join("-", [title], [department])' }));
    await put(schemaOf({ title: 'Join("+", [title], [department])' }));
    const writes = cloud.target.writes();
    await cloud.run();
    expect(["ann", "bob"].map(titleOf)).toEqual(["Chief+Sales", "Clerk+Law"]);
    expect(cloud.target.writes() - writes).toBe(3);
    expect(await agent.order("delta")).toMatchObject({ kind: "delta", schemaVersion: 3 });
  });

  it("maps what a read for the one before still brings, in whatever order", async () => {
    for (const putFirst of [true, false]) {
      const { cloud, agent, put, titleOf, last } = await aJob();
      await agent.read("full", STAFF);
      const order = await agent.order("full");
      const [ann, ...others] = STAFF;
      if (!ann) throw new Error("Nobody is there.");
      expect(await agent.send(agent.batch(order, 1, [ann]))).toMatchObject({ ok: true });
      if (putFirst) await put(schemaOf({ title: 'Join(" ", [title], [department])' }));
      if (putFirst) await cloud.run();
      const batch = last(order, 2, [...others, aUser("dee", { title: "Cook", department: "Law" })]);
      expect(await batch).toMatchObject({ ok: true });
      if (!putFirst) await put(schemaOf({ title: 'Join(" ", [title], [department])' }));
      for (let round = 0; round < 3; round++) await cloud.run();
      expect(["ann", "bob", "dee"].map(titleOf)).toEqual(["Chief Sales", "Clerk Law", "Cook Law"]);
      expect(await agent.order("delta")).toMatchObject({ kind: "delta", schemaVersion: 2 });
      expect(await agent.status()).toMatchObject({ waiting: { work: 0, batches: 0, readsEnding: 0 } });
    }
  });

  it.each(["MapChunk", "ExportChunk", "CommitBatch", "DecideRemovals"])(
    "that comes before or after the %s of a delta leaves nobody mapped by the one before",
    async (name) => {
      for (const at of ["before", "after"] as const) {
        let isDone = true;
        const own = await aJob(
          {},
          {
            aroundActivity: async (activity, _input, run) => {
              const isIt = activity === name && !isDone;
              if (isIt) isDone = true;
              // Everybody is mapped anew in the other lane before this activity goes on.
              const change = async () => {
                await own.put(schemaOf({ title: 'Join(" ", [title], [department])' }));
                await own.cloud.wakeJob(own.jobId, "bulk");
                for (let look = 0; look < 500 && (await own.agent.status()).waiting.work > 0; look++)
                  await new Promise((resolve) => setImmediate(resolve));
              };
              if (isIt && at === "before") await change();
              const answer = await run();
              if (isIt && at === "after") await change();
              return answer;
            },
          },
        );
        await own.agent.read("full", STAFF);
        isDone = false;
        await own.agent.read("delta", [
          aUser("bob", { title: "Judge", department: "Law" }, ["title"]),
          aUser("eve", { title: "Cook", department: "Law" }),
        ]);
        expect(isDone).toBe(true);
        await own.cloud.run();
        expect(["ann", "bob", "eve"].map(own.titleOf), `${at} ${name}`).toEqual([
          "Chief Sales",
          "Judge Law",
          "Cook Law",
        ]);
      }
    },
  );

  it("has its work with it: whoever dies right after has everybody mapped by the next tick", async () => {
    const { cloud, agent, put, titleOf } = await aJob();
    await agent.read("full", STAFF);
    await put(schemaOf({ title: "[department]" }));
    cloud.bells.splice(0);
    cloud.clock.set(cloud.clock.now() + 3_600_000);
    await cloud.tick();
    await cloud.driver.settled();
    expect(titleOf("bob")).toBe("Law");
  });

  it("is read for where units or groups are named that nobody asked about", async () => {
    const { agent, put } = await aJob();
    await agent.read("full", STAFF);
    await put(
      schemaOf({
        clause: {
          sourceOperandName: "distinguishedName",
          operatorName: "IS_DESCENDANT_OF",
          targetOperand: { values: [guidOf("people")] },
        },
      }),
    );
    expect(await agent.order("delta")).toMatchObject({ kind: "full", reason: "schema" });
  });
});

describe("By hand", () => {
  it("everybody is mapped anew, and deltas overtake", async () => {
    const { cloud, agent, jobId, heldExports, titleOf } = await aJob();
    await agent.read("full", STAFF);
    const writes = cloud.target.writes();
    expect(await heldExports.reevaluate(jobId, BY)).toMatchObject({ ok: true });
    await agent.read("delta", [aUser("ann", { title: "Head", department: "Sales" }, ["title"])]);
    expect(titleOf("ann")).toBe("Head");
    expect(cloud.target.writes()).toBe(writes + 1);
    expect(await heldExports.reevaluate("none", BY)).toMatchObject({ ok: false, failure: { code: "job-not-found" } });
  });

  it("domains that were verified meanwhile show", async () => {
    const { cloud, agent, jobId, heldExports } = await aJob({}, { target: { verifiedDomains: [] } });
    await agent.read("full", STAFF);
    const upns = () => cloud.target.objects().map(({ values }) => String(values["userPrincipalName"]));
    expect(upns().filter((upn) => upn.endsWith("@corp.example"))).toEqual([]);
    const { verifiedDomains } = await cloud.target.describe();
    (verifiedDomains as string[]).push("corp.example");
    cloud.clock.set(cloud.clock.now() + 3_600_000);
    await heldExports.reevaluate(jobId, BY);
    await cloud.run();
    expect(upns().filter((upn) => upn.endsWith("@corp.example"))).toHaveLength(3);
  });
});
