/** Schemas of jobs: what is taken, kept and compared, and what another one does to reads and to what is in the target. */
import { describe, expect, it } from "vitest";
import { SchemaDiffReply, SchemaReply, SchemaVersionReply } from "../../shared/contracts/admin/schemas.ts";
import type { ChangeBatch } from "../../shared/contracts/change.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import type {
  AttributeMapping,
  ScopeFilterClause,
  SynchronizationSchema,
} from "../../shared/domain/synchronization-schema.ts";
import { aUser, createCloud } from "../support/cloud.ts";
import { tenantSchema } from "../support/tenant-schema.ts";

type Edit = (mapping: AttributeMapping) => AttributeMapping | undefined;

/** The default schema with the mappings of users changed. */
function edited(edit: Edit, base: SynchronizationSchema = defaultSchema()): SynchronizationSchema {
  return {
    ...base,
    synchronizationRules: base.synchronizationRules.map((rule) => ({
      ...rule,
      objectMappings: rule.objectMappings.map((mapping) =>
        mapping.sourceObjectName === "user"
          ? { ...mapping, attributeMappings: mapping.attributeMappings.flatMap((one) => edit(one) ?? []) }
          : mapping,
      ),
    })),
  };
}

/** That with one clause for users. */
function scopedTo(clause: ScopeFilterClause, edit: Edit): SynchronizationSchema {
  const base = edited(edit);
  const groups = [{ name: "some", clauses: [clause] }];
  return {
    ...base,
    synchronizationRules: base.synchronizationRules.map((rule) => ({
      ...rule,
      objectMappings: rule.objectMappings.map((mapping) =>
        mapping.sourceObjectName === "user" ? { ...mapping, scope: { groups } } : mapping,
      ),
    })),
  };
}

const toTitle =
  (expression: string): Edit =>
  (one) =>
    one.targetAttributeName === "Title" ? { ...one, source: { expression } } : one;

async function aJob(options: Parameters<typeof createCloud>[0] = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  const { schemas } = cloud.cloud.routes;
  const put = async (schema: SynchronizationSchema, expectedVersion?: number) => {
    const done = await schemas.put(agent.jobId, schema, "ann", expectedVersion);
    if (!done.ok) throw new Error(JSON.stringify(done.failure));
    return SchemaReply.parse(done.value);
  };
  const titleOf = (name: string) =>
    cloud.target.objects().find(({ values }) => values["userPrincipalName"] === `${name}@corp.example`)?.values[
      "jobTitle"
    ];
  return { cloud, agent, schemas, put, titleOf };
}

describe("the schema of a job", () => {
  it("is the default one first, and then what was put, as it was put", async () => {
    const { agent, schemas, put } = await aJob();
    expect(await schemas.get(agent.jobId)).toEqual({ ok: true, value: defaultSchema() });
    const schema = tenantSchema();
    expect(await put(schema)).toMatchObject({ version: 2, changed: true });
    const read = await schemas.get(agent.jobId);
    expect(read.ok && JSON.stringify(read.value)).toBe(JSON.stringify(schema));
    expect(await schemas.get(agent.jobId, 1)).toEqual({ ok: true, value: defaultSchema() });
    expect(await schemas.get(agent.jobId, 3)).toMatchObject({ ok: false, failure: { status: 404 } });
    expect(await schemas.get("none")).toMatchObject({ ok: false, failure: { code: "job-not-found" } });
  });

  it("gets no version from what is there already, whatever the order of its keys", async () => {
    const { agent, schemas, put } = await aJob();
    expect(await put(defaultSchema())).toMatchObject({ version: 1, changed: false });
    const [rule] = defaultSchema().synchronizationRules;
    const turned = {
      ...Object.fromEntries(Object.entries(rule ?? {}).reverse()),
      objectMappings: rule?.objectMappings ?? [],
    };
    expect(await put({ synchronizationRules: [turned] })).toMatchObject({ version: 1, changed: false });
    const versions = await schemas.versions(agent.jobId);
    expect(versions).toMatchObject({ value: [{ version: 1, by: null, isInEffect: true }] });
  });

  it("keeps every version, with who brought it, and goes back by a new one", async () => {
    const { agent, schemas, put } = await aJob();
    await put(edited(toTitle("[employeeType]")));
    await put(defaultSchema());
    const versions = await schemas.versions(agent.jobId);
    expect(versions.ok && versions.value.map((one) => SchemaVersionReply.parse(one))).toMatchObject([
      { version: 3, by: "ann", isInEffect: true },
      { version: 2, by: "ann", isInEffect: false },
      { version: 1, by: null, isInEffect: false },
    ]);
    const diff = await schemas.diff(agent.jobId, 1, 2);
    expect(diff.ok && SchemaDiffReply.parse(diff.value).objectMappings).toMatchObject([
      { objectMapping: "user → User", attributes: [{ targetAttribute: "Title", kind: "changed" }] },
    ]);
    expect(await schemas.diff(agent.jobId, 1, 3)).toEqual({ ok: true, value: { changes: [], objectMappings: [] } });
    expect(await schemas.diff(agent.jobId, 1, 9)).toMatchObject({ failure: { code: "schema-version-not-found" } });
  });

  it("is refused with every error at once, and nothing changes", async () => {
    const { agent, schemas } = await aJob();
    const faulty = edited((one) =>
      one.targetAttributeName === "DisplayName" ? undefined : toTitle("Jion([title], )")(one),
    );
    const refused = await schemas.put(agent.jobId, faulty, "ann");
    expect(refused).toMatchObject({ ok: false, failure: { status: 422, code: "schema-invalid" } });
    const details = refused.ok ? [] : (refused.failure.details ?? []);
    expect(details.map(({ message }) => message).join("\n")).toMatch(/Title.*Jion[\s\S]*DisplayName/);
    expect(await schemas.versions(agent.jobId)).toMatchObject({ value: [{ version: 1 }] });
  });

  it("is replaced only where it is what was expected", async () => {
    const { agent, schemas, put } = await aJob();
    await put(edited(toTitle("[employeeType]")), 1);
    const late = await schemas.put(agent.jobId, edited(toTitle("[info]")), "bob", 1);
    expect(late).toMatchObject({ ok: false, failure: { status: 409, code: "schema-version-not-expected" } });
    expect(await put(edited(toTitle("[info]")), 2)).toMatchObject({ version: 3 });
  });

  it("takes two admins at once one after the other", async () => {
    const { agent, schemas } = await aJob();
    const both = await Promise.all(
      ["[info]", "[employeeType]"].map((text) => schemas.put(agent.jobId, edited(toTitle(text)), text)),
    );
    expect(both.map((one) => one.ok && one.value.version).sort()).toEqual([2, 3]);
    const versions = await schemas.versions(agent.jobId);
    for (const { version, by } of versions.ok ? versions.value.filter((one) => one.version > 1) : []) {
      const found = await schemas.get(agent.jobId, version);
      const mapping = found.ok ? found.value.synchronizationRules[0]?.objectMappings[0] : undefined;
      const title = mapping?.attributeMappings.find((one) => one.targetAttributeName === "Title");
      expect(title?.source?.expression).toBe(by);
    }
  });
});

/** What a batch of one object carries that is a whole read. */
const END: Partial<ChangeBatch> = {
  isLast: true,
  end: { batches: 1, objects: 1, digest: "" },
  watermarkAfter: {
    mode: "dirsync",
    id: "after",
    token: "AAAA",
    invocationId: "00000000-0000-4000-8000-0000000000dc",
    dnsName: "dc1",
    usn: "77",
    at: "2026-01-05T08:00:00.000Z",
  },
};

describe("another schema", () => {
  it("has everything read in full, and every object mapped by it", async () => {
    const { agent, put, titleOf } = await aJob();
    await agent.read("full", [aUser("ann", { title: "Chief", info: "Boss" }), aUser("bob", { title: "Clerk" })]);
    expect(titleOf("ann")).toBe("Chief");
    await put(edited(toTitle("Coalesce([info], [title])")));
    const order = await agent.read("delta", [
      aUser("ann", { title: "Chief", info: "Boss" }),
      aUser("bob", { title: "Clerk" }),
    ]);
    expect(order).toMatchObject({ kind: "full", reason: "schema", schemaVersion: 2 });
    expect(order.attributes).toContain("info");
    expect([titleOf("ann"), titleOf("bob")]).toEqual(["Boss", "Clerk"]);
    expect(await agent.order("delta")).toMatchObject({ kind: "delta", schemaVersion: 2 });
  });

  it("ends a read for the one before, and doesn't map by itself what that read brought", async () => {
    const { agent, cloud, put, titleOf } = await aJob();
    await agent.read("full", [aUser("ann", { title: "Chief" })]);
    const order = await agent.order("delta");
    expect(await agent.send(agent.batch(order, 1, [aUser("ann", { title: "Head" }, ["title"])]))).toMatchObject({
      ok: true,
    });
    // What it maps from now wasn't asked for by that read: by the new schema the title would be blanked.
    await put(edited(toTitle("[employeeType]")));
    await cloud.run();
    expect(titleOf("ann")).toBe("Head");
    expect(await agent.heartbeat({ want: "continue" })).toMatchObject({ value: { order: null } });
    expect(await agent.order("delta")).toMatchObject({ kind: "full", reason: "schema", readNo: order.readNo + 1 });
  });

  it("isn't asked of objects before they were read for it: a retry in between removes nobody", async () => {
    const { agent, cloud, put, titleOf } = await aJob();
    await agent.read("full", [aUser("ann", { title: "Chief" }), aUser("bob")]);
    const ann = aUser("ann", { title: "x".repeat(300), employeeType: "Staff" }, ["title"]);
    await agent.read("delta", [ann]);
    expect(await agent.status()).toMatchObject({ escrowed: 1 });
    // Nobody's employeeType was read so far.
    await put(
      scopedTo({ sourceOperandName: "employeeType", operatorName: "IS NOT NULL" }, toTitle("Left([title], 10)")),
    );
    cloud.clock.set(cloud.clock.now() + 48 * 3_600_000);
    await cloud.tick();
    await cloud.run();
    await cloud.driver.settled();
    expect(cloud.target.objects().map(({ deleted }) => deleted)).toEqual([false, false]);
    expect(await agent.status()).toMatchObject({ escrowed: 1, waiting: { work: 1 } });
    await agent.read("full", [ann, aUser("bob", { employeeType: "Staff" })]);
    cloud.clock.set(cloud.clock.now() + 3_600_000);
    await cloud.tick();
    await cloud.run();
    await cloud.driver.settled();
    expect(cloud.target.objects().map(({ deleted }) => deleted)).toEqual([false, false]);
    expect(titleOf("ann")).toBe("x".repeat(10));
    expect(await agent.status()).toMatchObject({ escrowed: 0, waiting: { work: 0 } });
  });

  it("isn't asked of who was missing from the first read for it: neither removed nor blanked by what nobody read", async () => {
    const { agent, cloud, put, titleOf } = await aJob({ settings: { trustVisibility: null } });
    const bob = aUser("bob", { employeeType: "Staff" });
    await agent.read("full", [aUser("ann", { title: "Chief" }), aUser("bob")]);
    await agent.read("delta", [aUser("ann", { title: "x".repeat(300), employeeType: "Staff" }, ["title"])]);
    expect(await agent.status()).toMatchObject({ escrowed: 1 });
    await put(scopedTo({ sourceOperandName: "employeeType", operatorName: "IS NOT NULL" }, toTitle("[employeeType]")));
    // An account that may not see everything: ann is there, and her absence proves nothing.
    const order = await agent.order("full");
    expect(order).toMatchObject({ reason: "schema" });
    expect(await agent.send({ ...agent.batch(order, 1, [bob], END), visibility: "partial" })).toMatchObject({
      ok: true,
    });
    const later = async () => {
      await cloud.run();
      await cloud.driver.settled();
      cloud.clock.set(cloud.clock.now() + 48 * 3_600_000);
      await cloud.tick();
      await cloud.run();
      await cloud.driver.settled();
    };
    await later();
    await later();
    expect(cloud.target.objects().map(({ deleted }) => deleted)).toEqual([false, false]);
    expect([titleOf("ann"), titleOf("bob")]).toEqual(["Chief", "Staff"]);
    expect(await agent.status()).toMatchObject({ escrowed: 1, waiting: { work: 0 } });
    await agent.read("delta", [aUser("ann", { employeeType: "Boss" })]);
    expect(titleOf("ann")).toBe("Boss");
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
  });

  it("has no part in the end of a read for the one before: nothing is blanked that it alone leaves empty", async () => {
    const { agent, cloud, put, titleOf } = await aJob();
    await agent.read("full", [aUser("ann", { title: "Chief", department: "Sales" })]);
    const order = await agent.order("delta");
    const last = agent.batch(order, 1, [aUser("ann", { department: "Sales" }, ["title"])], END);
    expect(await agent.send(last)).toMatchObject({ ok: true });
    await put(
      edited((one) => (one.targetAttributeName === "Department" ? { ...one, source: { expression: "[info]" } } : one)),
    );
    await cloud.run();
    await cloud.driver.settled();
    expect(titleOf("ann") ?? null).toBeNull();
    expect(cloud.target.objects()[0]?.values["department"]).toBe("Sales");
  });

  it("makes nobody absent from a full read that had begun before it", async () => {
    const { agent, cloud, put } = await aJob();
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const order = await agent.order("full");
    await put(edited(toTitle("[employeeType]")));
    expect(await agent.send(agent.batch(order, 1, [aUser("ann")], END))).toMatchObject({ ok: true });
    await cloud.run();
    await cloud.driver.settled();
    expect((await agent.status()).lastCycle).toMatchObject({
      kind: "full",
      complete: false,
      incompleteBecause: "the schema changed while it was read",
    });
    expect(cloud.target.objects().map(({ deleted }) => deleted)).toEqual([false, false]);
  });

  it("removes nobody by not asking for their class any more", async () => {
    const { agent, cloud, put } = await aJob();
    const people = [aUser("ann"), aUser("bob")];
    const eve = { ...aUser("eve"), objectClass: "inetOrgPerson" };
    await agent.read("full", [...people, eve]);
    expect(cloud.target.objects()).toHaveLength(3);
    const base = defaultSchema();
    const [rule] = base.synchronizationRules;
    if (!rule) throw new Error("The default schema has no rule.");
    await put({
      synchronizationRules: [
        {
          ...rule,
          objectMappings: rule.objectMappings.map((one) => ({
            ...one,
            enabled: one.sourceObjectName !== "inetOrgPerson",
          })),
        },
      ],
    });
    const order = await agent.read("full", people);
    expect(order.objectClasses).not.toContain("inetOrgPerson");
    expect((await agent.status()).lastCycle).toMatchObject({ complete: true, deleted: 0, absent: { exported: 0 } });
    expect(cloud.target.objects()).toHaveLength(3);
  });
});

describe("units that a schema names by distinguished name", () => {
  it("let in only who is below, and let nobody go who leaves", async () => {
    const { agent, cloud, put, titleOf } = await aJob();
    const { synchronizationRules } = defaultSchema();
    const containerFilter = { includedContainers: ["OU=People,DC=corp,DC=example"] };
    const reply = await put({
      synchronizationRules: synchronizationRules.map((rule) => ({ ...rule, containerFilter })),
    });
    expect(reply.warnings.map(({ code }) => code)).toContain("container-filter");
    const elsewhere = (name: string, title: string) => ({
      ...aUser(name, { title }),
      dn: `CN=${name},OU=Other,DC=corp,DC=example`,
    });
    await agent.read("full", [aUser("ann", { title: "Chief" }), elsewhere("bob", "Clerk")]);
    expect(cloud.target.objects()).toHaveLength(1);
    expect(titleOf("ann")).toBe("Chief");
    await agent.read("full", [elsewhere("ann", "Head"), aUser("bob", { title: "Clerk" })]);
    expect(cloud.target.objects().map(({ deleted }) => deleted)).toEqual([false, false]);
    expect([titleOf("ann"), titleOf("bob")]).toEqual(["Chief", "Clerk"]);
  });

  it("and groups so named are refused", async () => {
    const { agent, schemas } = await aJob();
    const groupFilter = { includedGroups: ["CN=Cloud,DC=corp,DC=example"] };
    const filtered = defaultSchema().synchronizationRules.map((rule) => ({ ...rule, groupFilter }));
    expect(await schemas.put(agent.jobId, { synchronizationRules: filtered }, "ann")).toMatchObject({
      ok: false,
      failure: { status: 422, code: "schema-invalid" },
    });
  });
});

describe("a tenant's export", () => {
  it("starts a job as it is, with warnings, and maps by it", async () => {
    const { agent, cloud, put } = await aJob();
    const reply = await put(tenantSchema());
    expect(reply.warnings.length).toBeGreaterThan(50);
    expect(new Set(reply.warnings.map(({ code }) => code))).toContain("pattern-wants-nul");
    await agent.read("full", [
      aUser("ann", { mail: "ann@corp.example", employeeID: "4711", title: " Chief ", mailNickname: "ann" }),
      aUser("MSOL_robot", { mail: "robot@corp.example", employeeID: "1" }),
    ]);
    expect(cloud.target.objects().map(({ values }) => values)).toMatchObject([
      { userPrincipalName: "ann@corp.example", jobTitle: "Chief", onPremisesImmutableId: "4711", accountEnabled: true },
    ]);
  });
});
