/** Approving a what-if: by its digest, the newest one, and only while what it stands on is as it was. */
import { describe, expect, it } from "vitest";
import { jobTable } from "../../shared/application/state/job-rows.ts";
import { changeWhatIf } from "../../shared/application/state/what-if-rows.ts";
import type { JobSettingsChange } from "../../shared/contracts/admin/job-settings.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, guidOf } from "../support/cloud.ts";
import { runSchema } from "../support/schema.ts";
import { mapped, names, onlyWhere, start } from "./what-if-world.ts";

const BY = "admin ann";
const WATERMARK = {
  mode: "dirsync" as const,
  id: "after 1",
  token: "AAAA",
  invocationId: guidOf("dc"),
  dnsName: "dc1",
  usn: "77777",
  at: "2026-01-05T08:00:00.000Z",
};
const schema = mapped({ Title: 'Join("-", [title], "new")' });

describe("the approval of a what-if", () => {
  it("brings the schema that was tried into effect, as an import would, and tells who it was", async () => {
    const { agent, jobId, tryOut, approve, schemas, show, cloud } = await start();
    await agent.read("full", [aUser("ann", { title: "boss" })]);
    const { digest, id } = await tryOut({ kind: "schema", schema });
    const done = await approve(digest);
    expect(done).toMatchObject({ ok: true, value: { jobId, id, digest, by: BY, effect: "schema", schemaVersion: 2 } });
    expect(await schemas.get(jobId)).toEqual({ ok: true, value: schema });
    const versions = await schemas.versions(jobId);
    expect(versions.ok && versions.value[0]).toMatchObject({ version: 2, by: BY, isInEffect: true });
    expect((await show(id)).approved).toMatchObject({ by: BY });
    expect(cloud.logged).toContainEqual(
      expect.objectContaining({ event: "what-if-approved", fields: expect.objectContaining({ digest, by: BY }) }),
    );
    // Asked again it is the same, and makes no version more.
    expect(await approve(digest)).toEqual(done);
    expect((await schemas.versions(jobId)).ok && (await schemas.get(jobId, 3)).ok).toBe(false);
    await agent.read("full", [aUser("ann", { title: "boss" })]);
    expect(cloud.target.objects().map(({ values }) => values["jobTitle"])).toEqual(["boss-new"]);
  });

  it("brings an older version of the schema back", async () => {
    const { agent, cloud, jobId, tryOut, approve, schemas } = await start();
    await runSchema(cloud, jobId, schema);
    await agent.read("full", [aUser("ann", { title: "boss" })]);
    const { digest, result } = await tryOut({ kind: "schemaVersion", version: 1 });
    expect(result.attributes).toMatchObject([
      { attribute: "jobTitle", samples: [{ before: "boss-new", after: "boss" }] },
    ]);
    expect(await approve(digest)).toMatchObject({ ok: true, value: { effect: "schema", schemaVersion: 3 } });
    expect(JSON.stringify(await schemas.get(jobId, 3))).toBe(JSON.stringify(await schemas.get(jobId, 1)));
  });

  it("brings the scope that was tried into effect", async () => {
    const { agent, tryOut, approve } = await start();
    await agent.read("full", [...names(4).map((name) => aUser(name)), withMembers(names(3), aGroup("staff"))]);
    const scope = { organizationalUnits: [], groups: [guidOf("staff")] };
    const { digest } = await tryOut({ kind: "scope", scope });
    expect(await approve(digest)).toMatchObject({ ok: true, value: { effect: "scope", schemaVersion: null } });
    expect(await agent.status()).toMatchObject({ scope, scopeVersion: 2 });
  });

  it("of a job as it is, of which nothing waits, is noted and does nothing", async () => {
    const { agent, tryOut, approve, cloud } = await start();
    await agent.read("full", [aUser("ann")]);
    const writes = cloud.target.writes();
    const { digest } = await tryOut({ kind: "present" });
    expect(await approve(digest)).toMatchObject({ ok: true, value: { effect: "none" } });
    await cloud.run();
    expect(cloud.target.writes()).toBe(writes);
  });

  it("is refused to another digest than that of the newest result, which is named", async () => {
    const { agent, tryOut, approve, schemas, jobId } = await start();
    await agent.read("full", [aUser("ann", { title: "boss" })]);
    expect(await approve("0".repeat(32))).toMatchObject({
      ok: false,
      failure: { status: 409, code: "what-if-not-newest" },
    });
    const first = await tryOut({ kind: "schema", schema });
    const second = await tryOut({ kind: "schema", schema: onlyWhere("title", "boss") });
    const refused = await approve(first.digest);
    expect(refused).toMatchObject({ ok: false, failure: { message: expect.stringContaining(second.digest) } });
    expect((await schemas.get(jobId, 2)).ok).toBe(false);
  });

  it("is refused when another schema or scope is in effect since, or objects were read for another one", async () => {
    const { agent, cloud, jobId, tryOut, approve, configurations } = await start();
    await agent.read("full", [aUser("ann", { title: "boss" })]);
    const outdated = { ok: false, failure: { status: 409, code: "what-if-outdated" } };
    const tried = await tryOut({ kind: "schema", schema });
    await configurations.setScope(jobId, { organizationalUnits: [guidOf("People")], groups: [] });
    expect(await approve(tried.digest)).toMatchObject(outdated);
    const again = await tryOut({ kind: "schema", schema });
    await runSchema(cloud, jobId, onlyWhere("title", "boss"));
    expect(await approve(again.digest)).toMatchObject({
      ...outdated,
      failure: { message: expect.stringContaining("schema version 1, and version 2 is in effect") },
    });
  });

  it("that was interrupted right before or after it took effect is carried out by the next one", async () => {
    const { agent, cloud, jobId, tryOut, approve, schemas } = await start();
    await agent.read("full", [aUser("ann", { title: "boss" })]);
    const { digest, id } = await tryOut({ kind: "schema", schema });
    const at = cloud.clock.now();
    // What an attempt leaves behind that died after its first write.
    const interrupted = () =>
      changeWhatIf(jobTable(cloud.rows), jobId, id, (row) => ({
        ...row,
        approved: { by: "admin bob", at, applied: null },
      }));
    await interrupted();
    const done = await approve(digest);
    expect(done).toMatchObject({ ok: true, value: { by: "admin bob", effect: "schema", schemaVersion: 2 } });
    // And one that died before its last.
    await interrupted();
    expect(await approve(digest)).toEqual(done);
    expect((await schemas.get(jobId, 3)).ok).toBe(false);
  });

  it("that is refused by somebody else's change at the same moment is none", async () => {
    const { agent, cloud, jobId, tryOut, approve, show } = await start();
    await agent.read("full", [aUser("ann", { title: "boss" })]);
    const { digest, id } = await tryOut({ kind: "schema", schema });
    await changeWhatIf(jobTable(cloud.rows), jobId, id, (row) => ({
      ...row,
      approved: { by: BY, at: cloud.clock.now(), applied: null },
    }));
    const { jobSettings } = cloud.cloud.routes;
    await jobSettings.change(jobId, { defaultUsageLocation: "FR" }, BY);
    expect(await approve(digest)).toMatchObject({ ok: false, failure: { code: "what-if-outdated" } });
    await jobSettings.change(jobId, { defaultUsageLocation: null }, BY);
    await runSchema(cloud, jobId, onlyWhere("title", "boss"));
    expect(await approve(digest)).toMatchObject({ ok: false, failure: { code: "what-if-outdated" } });
    expect((await show(id)).approved).toBeNull();
    expect(await approve(digest)).toMatchObject({ ok: false, failure: { code: "what-if-outdated" } });
  });

  it("knows no job and no what-if that isn't there", async () => {
    const { whatIfs, jobId } = await start();
    expect(await whatIfs.run("none", { kind: "present" }, BY)).toMatchObject({ ok: false, failure: { status: 404 } });
    expect(await whatIfs.list("none")).toMatchObject({ ok: false, failure: { status: 404 } });
    expect(await whatIfs.get(jobId, "../../x")).toMatchObject({ ok: false, failure: { code: "what-if-not-found" } });
    expect(await whatIfs.approve("none", "d", BY)).toMatchObject({ ok: false, failure: { status: 404 } });
    expect(await whatIfs.run(jobId, { kind: "schemaVersion", version: 9 }, BY)).toMatchObject({
      ok: false,
      failure: { code: "schema-version-not-found" },
    });
  });
});

describe("a new job's first export", () => {
  const people = (title: string) => [
    ...names(12).map((name) => aUser(name, { title })),
    withMembers(names(12), aGroup("staff")),
  ];

  async function held() {
    const world = await start({ quota: 100 }, { firstExport: "approval" });
    await world.agent.read("full", people("boss"));
    expect(world.cloud.target.objects()).toEqual([]);
    expect((await world.agent.status()).exportsHeld).toMatchObject({ because: "first-export" });
    return world;
  }

  it("waits for the approval of its what-if, which says what it does", async () => {
    const { cloud, agent, tryOut, approve } = await held();
    const { result, digest } = await tryOut({ kind: "present" });
    expect(result).toMatchObject({
      objects: 13,
      counts: { create: 13 },
      failures: [],
      memberships: { groups: 1, adds: 0, pending: 12 },
      estimate: { writes: 13, minutes: 1 },
    });
    expect(result.attributes.find((own) => own.attribute === "jobTitle")).toMatchObject({ changed: 0, set: 12 });
    expect(cloud.target.objects()).toEqual([]);
    expect(await approve(digest)).toMatchObject({ ok: true, value: { effect: "exports", by: BY } });
    await cloud.run();
    expect(cloud.target.objects()).toHaveLength(13);
    expect(cloud.target.writes()).toBe(result.estimate.writes);
    expect((await agent.status()).exportsHeld).toBeNull();
    expect(await approve(digest)).toMatchObject({ ok: true, value: { effect: "exports", by: BY } });
    const after = await tryOut({ kind: "present" });
    expect(after.result).toMatchObject({ counts: { none: 13 }, memberships: { adds: 0, pending: 0 } });
  });

  it("is released by no what-if of before another schema, of another kind, or without the digest", async () => {
    const { cloud, agent, jobId, tryOut, approve } = await held();
    const old = await tryOut({ kind: "present" });
    expect(await approve("0".repeat(32))).toMatchObject({ ok: false, failure: { code: "what-if-not-newest" } });
    await runSchema(cloud, jobId, schema);
    expect(await approve(old.digest)).toMatchObject({ ok: false, failure: { code: "what-if-outdated" } });
    await agent.read("full", people("boss"));
    expect(await approve(old.digest)).toMatchObject({ ok: false, failure: { code: "what-if-outdated" } });
    const other = await tryOut({ kind: "schema", schema: onlyWhere("title", "boss") });
    expect(await approve(other.digest)).toMatchObject({ ok: true, value: { effect: "schema" } });
    expect((await agent.status()).exportsHeld).not.toBeNull();
    expect(cloud.target.objects()).toEqual([]);
  });

  it("isn't released by a what-if of other settings, which are named", async () => {
    const { cloud, agent, jobId, tryOut, approve } = await start(
      { quota: 100 },
      { firstExport: "approval", suffixPolicy: "escrow" },
    );
    await agent.read("full", [
      aUser("ann"),
      ...names(3).map((name) => aUser(name, { userPrincipalName: `${name}@elsewhere.test` })),
    ]);
    const seen = await tryOut({ kind: "present" });
    expect(seen.result).toMatchObject({ counts: { create: 1, failed: 3 }, failures: [{ code: "InvalidDomain" }] });
    const { jobSettings } = cloud.cloud.routes;
    const changes: readonly [string, JobSettingsChange, JobSettingsChange][] = [
      ["suffixPolicy", { suffixPolicy: "replace" }, { suffixPolicy: "escrow" }],
      ["defaultUsageLocation", { defaultUsageLocation: "DE" }, { defaultUsageLocation: null }],
      ["lifecycle", { lifecycle: { expiredAccounts: "disable" } }, { lifecycle: { expiredAccounts: "ignore" } }],
      [
        "guard",
        { guard: { floor: 20, count: 5_000, percent: 100 } },
        { guard: { floor: 20, count: 500, percent: 10 } },
      ],
      ["trustVisibility", { trustVisibility: false }, { trustVisibility: true }],
    ];
    for (const [name, change, back] of changes) {
      await jobSettings.change(jobId, change, BY);
      expect(await approve(seen.digest)).toMatchObject({
        ok: false,
        failure: { status: 409, code: "what-if-outdated", message: expect.stringContaining(name) },
      });
      await jobSettings.change(jobId, back, BY);
    }
    await cloud.run();
    expect(cloud.target.objects()).toEqual([]);
    expect((await agent.status()).exportsHeld).not.toBeNull();
    // What decides nothing of it, and what was changed back, is nothing new.
    await jobSettings.change(jobId, { redact: ["jobTitle"] }, BY);
    expect(await approve(seen.digest)).toMatchObject({ ok: true, value: { effect: "exports" } });
    await cloud.run();
    expect(cloud.target.objects()).toHaveLength(1);
  });

  it("is released by a what-if that a release of before settings were kept stored", async () => {
    const { cloud, jobId, tryOut, approve } = await held();
    const { digest, id } = await tryOut({ kind: "present" });
    await changeWhatIf(jobTable(cloud.rows), jobId, id, (row) => {
      const { schemaVersion, scopeVersion, mappedVersion } = row.base;
      return { ...row, base: { schemaVersion, scopeVersion, mappedVersion } };
    });
    await cloud.cloud.routes.jobSettings.change(jobId, { defaultUsageLocation: "FR" }, BY);
    expect(await approve(digest)).toMatchObject({ ok: true, value: { effect: "exports" } });
  });

  it("comes to nothing when settings change while it is tried, and says which", async () => {
    const { cloud, jobId, ask, show } = await held();
    const id = await ask({ kind: "present" });
    await cloud.cloud.routes.jobSettings.change(jobId, { suffixPolicy: "escrow" }, BY);
    await cloud.run();
    expect(await show(id)).toMatchObject({ state: "failed", failure: "Changed meanwhile: the job's suffixPolicy." });
  });

  it("isn't released by a what-if of before somebody was put on the exclusion list, or taken off", async () => {
    const { cloud, agent, tryOut, approve } = await start({ quota: 100 }, { firstExport: "approval" });
    const { exclusions } = cloud.cloud.routes;
    await exclusions.add(guidOf("user000"), "not he", BY);
    await agent.read("full", people("boss"));
    const seen = await tryOut({ kind: "present" });
    expect(seen.result.counts).toMatchObject({ create: 12 });
    const refusal = {
      ok: false,
      failure: { code: "what-if-outdated", message: expect.stringContaining("exclusion list") },
    };
    await exclusions.remove(guidOf("user000"), BY);
    expect(await approve(seen.digest)).toMatchObject(refusal);
    expect(cloud.target.objects()).toEqual([]);
  });

  it("isn't released by an approval that was interrupted, once the job is another than it was shown", async () => {
    const { cloud, agent, jobId, tryOut, approve, show } = await held();
    const { digest, id } = await tryOut({ kind: "present" });
    // What an attempt leaves behind that died after its first write.
    await changeWhatIf(jobTable(cloud.rows), jobId, id, (row) => ({
      ...row,
      approved: { by: "admin bob", at: cloud.clock.now(), applied: null },
    }));
    await runSchema(cloud, jobId, schema);
    expect(await approve(digest)).toMatchObject({ ok: false, failure: { code: "what-if-outdated" } });
    await cloud.run();
    expect(cloud.target.objects()).toEqual([]);
    expect((await agent.status()).exportsHeld).not.toBeNull();
    expect((await show(id)).approved).toBeNull();
    const again = await tryOut({ kind: "present" });
    expect(await approve(again.digest)).toMatchObject({ ok: true, value: { effect: "exports", by: BY } });
  });

  it("isn't released once more than a few came whom its what-if doesn't show", async () => {
    const { cloud, agent, tryOut, approve } = await held();
    const { digest } = await tryOut({ kind: "present" });
    const come = (from: number, count: number) =>
      agent.read(
        "delta",
        names(count, from).map((name) => aUser(name)),
      );
    await come(12, 21);
    expect(await approve(digest)).toMatchObject({
      ok: false,
      failure: { status: 409, code: "what-if-outdated", message: expect.stringContaining("21 objects more") },
    });
    await cloud.run();
    expect(cloud.target.objects()).toEqual([]);
    expect((await agent.status()).exportsHeld).not.toBeNull();
    const again = await tryOut({ kind: "present" });
    await come(33, 20);
    expect(await approve(again.digest)).toMatchObject({ ok: true, value: { effect: "exports" } });
    await cloud.run();
    expect(cloud.target.objects()).toHaveLength(54);
  });

  it("isn't released by a what-if of half of the first read", async () => {
    const { cloud, agent, tryOut, approve } = await start({}, { firstExport: "approval" });
    const [some, others] = [names(3), names(3, 3)];
    const order = await agent.order("full");
    await agent.send(
      agent.batch(
        order,
        1,
        some.map((name) => aUser(name)),
      ),
    );
    await cloud.run();
    const half = await tryOut({ kind: "present" });
    expect(half.result.counts).toMatchObject({ create: 3 });
    const refusal = {
      ok: false,
      failure: { code: "what-if-outdated", message: expect.stringContaining("first full") },
    };
    expect(await approve(half.digest)).toMatchObject(refusal);
    await agent.send(
      agent.batch(
        order,
        2,
        others.map((name) => aUser(name)),
        {
          isLast: true,
          end: { batches: 2, objects: 6, digest: "" },
          watermarkAfter: WATERMARK,
        },
      ),
    );
    await cloud.run();
    expect(await approve(half.digest)).toMatchObject(refusal);
    expect(cloud.target.objects()).toEqual([]);
    const whole = await tryOut({ kind: "present" });
    expect(whole.result.counts).toMatchObject({ create: 6 });
    expect(await approve(whole.digest)).toMatchObject({ ok: true, value: { effect: "exports" } });
    await cloud.run();
    expect(cloud.target.objects()).toHaveLength(6);
  });

  it("finds who is in the target already, and says of two of one name that one fails", async () => {
    const { cloud, agent, tryOut } = await start({}, { firstExport: "approval" });
    cloud.target.seed([{ values: { userPrincipalName: "user000@corp.example", displayName: "was here" } }]);
    await agent.read("full", [...people("boss"), aUser("twin", { userPrincipalName: "user001@corp.example" })]);
    const { result } = await tryOut({ kind: "present" });
    expect(result).toMatchObject({
      counts: { create: 12, adopt: 1, failed: 1 },
      failures: [{ code: "AttributeValueMustBeUnique", count: 1 }],
    });
  });
});
