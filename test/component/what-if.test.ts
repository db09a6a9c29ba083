/** What-ifs: the real pipeline with nobody at its end. By saying what would be nothing changes. */
import { describe, expect, it } from "vitest";
import { REDACTED } from "../../shared/domain/redaction.ts";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, guidOf } from "../support/cloud.ts";
import { runSchema, schemaWith } from "../support/schema.ts";
import { allBlobs, allRows, mapped, names, onlyWhere, start } from "./what-if-world.ts";

const gone = (name: string) => ({ op: "delete" as const, objectGuid: guidOf(name) });

describe("a what-if", () => {
  it("says of another schema what it would change, for each attribute with examples", async () => {
    const { agent, tryOut } = await start({ quota: 10 });
    await agent.read(
      "full",
      names(30).map((name) => aUser(name, { title: "old" })),
    );
    const schema = mapped({ Title: 'Join("-", [title], "new")' });
    const { result, state, counts, base } = await tryOut({ kind: "schema", schema });
    expect(state).toBe("done");
    expect(base).toEqual({ schemaVersion: 1, scopeVersion: 1 });
    expect(counts).toEqual(result.counts);
    expect(result).toMatchObject({ objects: 30, counts: { update: 30, none: 0 }, guard: [], failures: [] });
    expect(result.attributes).toEqual([
      expect.objectContaining({ objectClass: "user", attribute: "jobTitle", changed: 30, cleared: 0, set: 0 }),
    ]);
    expect(result.attributes[0]?.samples).toHaveLength(5);
    expect(result.attributes[0]?.samples[0]).toMatchObject({ before: "old", after: "old-new" });
    expect(result.samples["update"]).toHaveLength(10);
    // Three windows of ten writes in 150 seconds.
    expect(result.estimate).toEqual({ writes: 30, minutes: 8 });
  });

  it("writes nothing in the target, and changes no row or blob but its own", async () => {
    const { cloud, agent, tryOut } = await start();
    await agent.read("full", [
      ...names(20).map((name) => aManagedUser(name, name === "user000" ? null : "user000", { title: "old" })),
      withMembers(names(20), aGroup("everybody")),
      aUser("user000b", { userPrincipalName: "user000@corp.example" }),
    ]);
    const [rows, blobs, writes] = [await allRows(cloud), await allBlobs(cloud), cloud.target.writes()];
    const escrowed = (await agent.status()).escrowed;
    expect(escrowed).toBe(1);
    await tryOut({ kind: "present" });
    await tryOut({ kind: "schemaVersion", version: 1 });
    await tryOut({ kind: "schema", schema: onlyWhere("title", "new") });
    await tryOut({ kind: "schema", schema: mapped({ UserPrincipalName: '"same@corp.example"' }) });
    await tryOut({ kind: "scope", scope: { organizationalUnits: [], groups: [guidOf("everybody")] } });
    expect(cloud.target.writes()).toBe(writes);
    expect(await allBlobs(cloud)).toEqual(blobs);
    expect(await allRows(cloud)).toEqual(rows);
    expect((await agent.status()).escrowed).toBe(escrowed);
  });

  it("says of a job that is in order that there is nothing to do", async () => {
    const { agent, tryOut } = await start();
    await agent.read("full", [
      ...names(10).map((name) => aManagedUser(name, name === "user000" ? null : "user000")),
      withMembers([...names(10), "stranger"], aGroup("everybody")),
    ]);
    const { result } = await tryOut({ kind: "present" });
    expect(result).toMatchObject({
      objects: 11,
      counts: { none: 11 },
      attributes: [],
      estimate: { writes: 0, minutes: null },
      memberships: { adds: 0, removes: 0, pending: 1 },
    });
  });

  it("counts members that are to be taken out, and none whose own object is deleted", async () => {
    const { cloud, agent, jobId, tryOut } = await start({ settings: { guard: { floor: 1, count: 500, percent: 10 } } });
    const people = names(12);
    await agent.read("full", [...people.map((name) => aUser(name)), withMembers(people, aGroup("everybody"))]);
    // Three of twelve are too many: they stay until somebody approves.
    await agent.read("delta", [withMembers(people.slice(3), aGroup("everybody"))]);
    await agent.read("delta", [gone(people[0] ?? "")]);
    const { result } = await tryOut({ kind: "present" });
    expect(result.memberships).toMatchObject({ groups: 1, adds: 0, removes: 2, pending: 0 });
    const [set] = await cloud.cloud.routes.staged
      .list(jobId, { members: false })
      .then((sets) => (sets.ok ? sets.value.filter((own) => own.class === "memberships") : []));
    const group = cloud.target.objects().find(({ values }) => values["displayName"] === "everybody")?.id ?? "";
    const before = cloud.target.membersOf(group).length;
    await cloud.cloud.routes.staged.approve(jobId, "memberships", set?.digest ?? "", "ann");
    await cloud.run();
    expect(before - cloud.target.membersOf(group).length).toBe(result.memberships.removes);
  });

  it("asks the guard over everybody, and leaves out of its writes what that would stage", async () => {
    const { agent, tryOut } = await start();
    await agent.read(
      "full",
      names(60).map((name, at) => aUser(name, { title: at < 30 ? "clerk" : "boss" })),
    );
    const many = await tryOut({ kind: "schema", schema: onlyWhere("title", "boss") });
    expect(many.staged).toEqual([
      { class: "deletes", count: 30, reason: "30 of 60 linked users in 24 hours are more than 10 %" },
    ]);
    expect(many.result).toMatchObject({ counts: { delete: 30, none: 30 }, estimate: { writes: 0 } });
    const few = await tryOut({ kind: "schema", schema: onlyWhere("displayName", "user00", "NOT REGEX MATCH") });
    expect(few.result.guard).toEqual([{ class: "deletes", of: "user", count: 10, isStaged: false, reason: null }]);
    expect(few.result.estimate.writes).toBe(10);
    // What was removed in the last 24 hours counts, too.
    await agent.read("delta", names(11, 40).map(gone));
    const later = await tryOut({ kind: "schema", schema: onlyWhere("displayName", "user00", "NOT REGEX MATCH") });
    expect(later.staged).toMatchObject([{ class: "deletes", count: 10, reason: expect.stringContaining("21 of 60") }]);
  });

  it("names disables and cleared attributes as what they are", async () => {
    const { agent, tryOut } = await start();
    await agent.read(
      "full",
      names(8).map((name) => aUser(name, { department: "Sales" })),
    );
    const schema = schemaWith({
      user: { attributes: { Department: { source: { expression: "[extensionAttribute1]" } } } },
    });
    const cleared = await tryOut({ kind: "schema", schema });
    expect(cleared.result).toMatchObject({
      counts: { update: 8 },
      guard: [{ class: "blanks", count: 8, isStaged: false }],
      attributes: [{ attribute: "department", changed: 0, cleared: 8 }],
    });
    expect(cleared.result.attributes[0]?.samples[0]).toMatchObject({ before: "Sales", after: null });
    const off = await tryOut({ kind: "schema", schema: mapped({ AccountEnabled: '"False"' }) });
    expect(off.result).toMatchObject({
      counts: { disable: 8, update: 0 },
      guard: [{ class: "disables", count: 8, isStaged: false }],
    });
  });

  it("finds two objects of different slices that want one value: the one with the smaller GUID has it", async () => {
    const { cloud, agent, tryOut } = await start({ chunkObjects: 1 });
    await agent.read(
      "full",
      names(12).map((name, at) => aUser(name, { title: `pair${Math.floor(at / 2)}` })),
    );
    const calls = cloud.driver.calls.length;
    const schema = mapped({ UserPrincipalName: 'Join("@", [title], "corp.example")' });
    const { result } = await tryOut({ kind: "schema", schema });
    expect(result).toMatchObject({
      counts: { update: 6, failed: 6 },
      failures: [{ code: "AttributeValueMustBeUnique", count: 6, inTurn: 0 }],
      attributes: [{ attribute: "userPrincipalName", changed: 6 }],
    });
    const losers = names(12)
      .map((name, at) => ({ guid: guidOf(name), pair: Math.floor(at / 2) }))
      .filter(({ guid, pair }) => guid !== [guidOf(names(12)[2 * pair]!), guidOf(names(12)[2 * pair + 1]!)].sort()[0]);
    expect(result.samples["failed"]).toEqual(losers.map(({ guid }) => guid).sort());
    const own = cloud.driver.calls.slice(calls);
    expect(own.filter(({ name }) => name === "SettleWhatIf")).toHaveLength(1);
  });

  it("says of a value that its holder gives up in the same run that it follows", async () => {
    const { agent, tryOut } = await start();
    await agent.read("full", [
      aUser("ann", { title: "bob" }),
      aUser("bob", { title: "cid" }),
      aUser("cid", { title: "dan" }),
      aUser("eve", { title: "ann" }),
    ]);
    const schema = mapped({ UserPrincipalName: 'Join("@", [title], "corp.example")' });
    const { result } = await tryOut({ kind: "schema", schema });
    expect(result.counts).toMatchObject({ update: 1, failed: 3 });
    // That bob goes on depends on cid, who does; the holders of what ann and eve want wait themselves.
    expect(result.failures).toMatchObject([{ code: "AttributeValueMustBeUnique", count: 3, inTurn: 1 }]);
  });

  it("tries another scope of the agents: who would leave is counted and judged", async () => {
    const { agent, tryOut } = await start();
    await agent.read("full", [
      ...names(10).map((name) => aUser(name)),
      withMembers(names(7), aGroup("staff")),
      withMembers(["staff"], aGroup("all")),
    ]);
    const scope = { organizationalUnits: [], groups: [guidOf("all")] };
    const { result } = await tryOut({ kind: "scope", scope });
    // The groups themselves count as in, nested ones with their members.
    expect(result).toMatchObject({ counts: { delete: 3, none: 9 }, guard: [{ class: "deletes", count: 3 }] });
    expect(result.samples["delete"]).toEqual(names(3, 7).map(guidOf).sort());
    const everything = await tryOut({ kind: "scope", scope: { organizationalUnits: [], groups: [] } });
    expect(everything.result.counts).toMatchObject({ none: 12, delete: 0 });
  });

  it("finds out places and groups that only the tried filter names, and notes nothing", async () => {
    const { cloud, agent, tryOut } = await start();
    await agent.read("full", [...names(6).map((name) => aUser(name)), withMembers(names(4), aGroup("staff"))]);
    const before = await allRows(cloud);
    const clause = {
      sourceOperandName: "objectGUID",
      operatorName: "IS_MEMBER_OF",
      targetOperand: { values: [guidOf("staff")] },
    };
    const schema = schemaWith({ user: { scope: { groups: [{ name: "staff", clauses: [clause] }] } } });
    const { result } = await tryOut({ kind: "schema", schema });
    expect(result).toMatchObject({ counts: { delete: 2, none: 5 }, undecided: 0 });
    expect(await allRows(cloud)).toEqual(before);
  });

  it("names what no agent was asked for yet", async () => {
    const { agent, tryOut } = await start();
    await agent.read("full", [aUser("ann")]);
    const { result } = await tryOut({ kind: "schema", schema: mapped({ Title: "[roomNumber]" }) });
    expect(result.notRead).toEqual(["roomNumber"]);
    expect((await tryOut({ kind: "present" })).result.notRead).toEqual([]);
  });

  it("shows no value that logs must not show", async () => {
    const { agent, tryOut, cloud, jobId } = await start({}, { redact: ["title"] });
    await agent.read("full", [aUser("ann", { title: "secret-title" })]);
    const asked = await tryOut({ kind: "schema", schema: mapped({ Title: 'Join("-", [title], "x")' }) });
    expect(asked.result.attributes).toMatchObject([
      { attribute: "jobTitle", changed: 1, samples: [{ before: REDACTED, after: REDACTED }] },
    ]);
    expect(JSON.stringify(asked)).not.toContain("secret-title");
    expect((await cloud.cloud.routes.whatIfs.list(jobId)).ok).toBe(true);
  });

  it("of a target object that nobody has links it, and says with what values", async () => {
    const { agent, tryOut, jobId, cloud } = await start();
    await agent.read(
      "full",
      names(3).map((name) => aUser(name)),
    );
    const unlinked = await cloud.cloud.routes.links.unlink(jobId, guidOf("user001"), "ann");
    expect(unlinked.ok).toBe(true);
    await cloud.run();
    const { result } = await tryOut({ kind: "present" });
    expect(result).toMatchObject({ counts: { none: 2, filtered: 1 }, filteredBy: { unlinked: 1 } });
  });

  it("is carried out behind what agents sent, and a paused job tries nothing", async () => {
    const { cloud, agent, jobId, configurations, ask, show } = await start();
    await agent.read("full", [aUser("ann")]);
    await configurations.setPaused(jobId, true);
    const id = await ask({ kind: "present" });
    await cloud.run();
    expect(await show(id)).toMatchObject({ state: "waiting", result: null, digest: null });
    await configurations.setPaused(jobId, false);
    await cloud.cloud.routes.wakeJob(jobId);
    await cloud.run();
    expect(await show(id)).toMatchObject({ state: "done" });
  });

  it("has one digest for the same, and another one when anything of it differs", async () => {
    const { agent, tryOut, cloud, jobId } = await start();
    await agent.read(
      "full",
      names(9).map((name) => aUser(name, { title: "old" })),
    );
    const schema = mapped({ Title: 'Join("-", [title], "new")' });
    const first = await tryOut({ kind: "schema", schema });
    expect(first.digest).toMatch(/^[0-9a-f]{32}$/);
    expect((await tryOut({ kind: "schema", schema })).digest).toBe(first.digest);
    const other = mapped({ Title: 'Join("-", [title], "newer")' });
    expect((await tryOut({ kind: "schema", schema: other })).digest).not.toBe(first.digest);
    await agent.read("delta", [aUser("user003", { title: "older" }, ["title"])]);
    const changed = await tryOut({ kind: "schema", schema });
    expect(changed.digest).not.toBe(first.digest);
    await runSchema(cloud, jobId, schema);
  });

  it("keeps the last twenty results of a job", async () => {
    const { agent, cloud, jobId, whatIfs, tryOut } = await start({ chunkObjects: 200 });
    await agent.read("full", [aUser("ann")]);
    const ids: string[] = [];
    for (let at = 0; at < 22; at++) ids.push((await tryOut({ kind: "present" })).id);
    const listed = await whatIfs.list(jobId);
    expect(listed.ok && listed.value.map(({ id }) => id)).toEqual(ids.slice(2).reverse());
    const kept: string[] = [];
    for await (const path of cloud.blobs.list("what-ifs/")) kept.push(path);
    expect(kept).toHaveLength(20);
  });
});
