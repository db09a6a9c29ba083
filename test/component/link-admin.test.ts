import { describe, expect, it } from "vitest";
import { REDACTED } from "../../shared/domain/redaction.ts";
import { SHARDS } from "../../shared/domain/shard.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";
import { aGroup } from "../support/changes.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";

const BY = "an admin";

async function aCloud(options: Parameters<typeof createCloud>[0] = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  const { links } = cloud.cloud.routes;
  const seeded = (
    name: string,
    values: Record<string, string> = {},
    flags: { synchronized?: boolean; privileged?: boolean } = {},
  ) => {
    const own = { userPrincipalName: `${name}@corp.example`, accountEnabled: true, displayName: name, ...values };
    return cloud.target.seed([{ values: own, ...flags }])[0] ?? "";
  };
  const byName = (name: string) => cloud.target.objects().find((own) => own.values["displayName"] === name);
  const link = async (guid: string) => {
    const shown = await links.show(agent.jobId, guid);
    if (!shown.ok) throw new Error(shown.failure.message);
    return shown.value;
  };
  return { cloud, agent, links, seeded, byName, link, jobId: agent.jobId };
}

describe("links mended by hand", () => {
  it("shows link and values, and who has them", async () => {
    const { agent, link, byName, links, jobId } = await aCloud();
    await agent.read("full", [aUser("ann")]);
    const owner = `${agent.configurationId}:${guidOf("ann")}`;
    expect(await link(guidOf("ann").toUpperCase())).toMatchObject({
      state: "live",
      link: { targetId: byName("ann")?.id, origin: "created", deletedAt: null },
      values: expect.arrayContaining([{ kind: "userPrincipalName", value: "ann@corp.example", heldBy: owner }]),
    });
    expect(await links.show(jobId, guidOf("nobody"))).toMatchObject({
      failure: { status: 404, code: "object-not-found" },
    });
    expect(await links.show("no job", guidOf("ann"))).toMatchObject({
      failure: { status: 404, code: "job-not-found" },
    });
  });

  it("joins an object to an account that nothing else would have matched, and brings it to what the directory says", async () => {
    const { cloud, agent, links, seeded, jobId, link } = await aCloud();
    const id = seeded("old name");
    await agent.read("full", [aUser("ann", { userPrincipalName: "ann@corp.example" })]);
    expect(await links.unlink(jobId, guidOf("ann"), BY)).toMatchObject({ ok: true });
    expect(await links.join(jobId, guidOf("ann"), id, BY)).toMatchObject({
      ok: true,
      value: { link: { targetId: id } },
    });
    await cloud.run();
    // The name is still that of the account that was let go: it waits for it.
    expect(await link(guidOf("ann"))).toMatchObject({ link: { targetId: id }, lastOutcome: { outcome: "escrowed" } });
    expect(cloud.target.objects().find((own) => own.id === id)?.values).toMatchObject({ displayName: "ann" });
  });

  it("refuses to join what must not be touched, each with its reason", async () => {
    const { cloud, agent, links, seeded, jobId } = await aCloud();
    const admin = seeded("admin", {}, { privileged: true });
    const synced = seeded("synced", {}, { synchronized: true });
    const anchored = seeded("anchored", { onPremisesImmutableId: "AAAAAAAAAAAAAAAAAAAAAA==" });
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const bobs = cloud.target.objects().find((own) => own.values["displayName"] === "bob")?.id ?? "";
    expect(await links.join(jobId, guidOf("ann"), admin, BY)).toMatchObject({ failure: { code: "object-linked" } });
    await links.unlink(jobId, guidOf("ann"), BY);
    const refusals = [
      [admin, "target-refused", /directory role/],
      [synced, "target-refused", /another directory synchronisation/],
      [anchored, "target-refused", /carries the anchor/],
      [bobs, "target-refused", /carries the anchor/],
      ["00000000-0000-4000-8000-00000000ffff", "target-not-found", /is no user/],
    ] as const;
    for (const [id, code, message] of refusals)
      expect(await links.join(jobId, guidOf("ann"), id, BY)).toMatchObject({
        failure: { code, message: expect.stringMatching(message) },
      });
  });

  it("knows a target object by its id in capitals: who holds a role, or belongs to somebody, is refused all the same", async () => {
    const { agent, links, seeded, jobId } = await aCloud();
    const lettered = (name: string, flags?: { privileged: boolean }): string => {
      const id = seeded(name, {}, flags);
      return id === id.toUpperCase() ? lettered(`${name}x`, flags) : id;
    };
    const [admin, held, free] = [lettered("admin", { privileged: true }), lettered("held"), lettered("free")];
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    for (const name of ["ann", "bob"]) await links.unlink(jobId, guidOf(name), BY);
    expect(await links.join(jobId, guidOf("bob"), held, BY)).toMatchObject({ ok: true });
    const join = (id: string) => links.join(jobId, guidOf("ann"), id.toUpperCase(), BY);
    expect(await join(admin)).toMatchObject({
      failure: { code: "target-refused", message: expect.stringMatching(/directory role/) },
    });
    expect(await join(held)).toMatchObject({ failure: { code: "target-linked" } });
    expect(await join(free)).toMatchObject({ ok: true, value: { link: { targetId: free } } });
  });

  it("lets go of an account, which stays whatever becomes of the object, until it is joined again", async () => {
    const { cloud, agent, links, byName, jobId, link } = await aCloud();
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const id = byName("ann")?.id ?? "";
    await links.unlink(jobId, guidOf("ann"), BY);
    const writes = cloud.target.writes();
    await agent.read("delta", [aUser("ann", { department: "x" }, ["department"])]);
    await agent.read("full", [aUser("ann", { department: "x" }), aUser("bob")]);
    await agent.read("full", [aUser("bob")]);
    expect(cloud.target.writes()).toBe(writes);
    expect(byName("ann")).toMatchObject({ id, deleted: false });
    await agent.read("full", [aUser("ann", { department: "x" }), aUser("bob")]);
    expect(await link(guidOf("ann"))).toMatchObject({ link: null, unlinked: { by: BY } });
    await links.join(jobId, guidOf("ann"), id, BY);
    await cloud.run();
    expect(byName("ann")).toMatchObject({ id, values: { department: "x", userPrincipalName: "ann@corp.example" } });
    expect(await link(guidOf("ann"))).toMatchObject({ link: { targetId: id }, unlinked: null });
    expect(await links.unlink(jobId, guidOf("bob"), BY)).toMatchObject({ ok: true });
    expect(await links.unlink(jobId, guidOf("bob"), BY)).toMatchObject({ failure: { code: "object-not-linked" } });
  });

  it("moves an account to another object of another forest, anchor and all", async () => {
    const { cloud, agent, links, jobId } = await aCloud();
    const other = await cloud.addDomain("other.example");
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const cid = (upn: string, changed?: readonly string[]) => ({
      ...aUser("cid", { userPrincipalName: `${upn}@corp.example` }, changed),
      objectGuid: guidOf("cid of other"),
    });
    // Without an account of its own: it wants a name that is taken.
    await other.read("full", [cid("bob")]);
    const id = cloud.target.objects().find((own) => own.values["displayName"] === "ann")?.id ?? "";
    const to = { jobId: other.jobId, objectGuid: guidOf("cid of other") };
    expect(await links.move(jobId, guidOf("ann"), { jobId, objectGuid: guidOf("bob") }, BY)).toMatchObject({
      failure: { code: "object-linked" },
    });
    expect(await links.move(jobId, guidOf("ann"), to, BY)).toMatchObject({
      ok: true,
      value: { link: { targetId: id } },
    });
    await cloud.run();
    await other.read("delta", [cid("cid", ["userPrincipalName"])]);
    const moved = cloud.target.objects().find((own) => own.id === id);
    expect(moved?.values).toMatchObject({ displayName: "cid" });
    // Ann is still there, and gets an account of her own, once the other one bears her name no more.
    cloud.clock.set(cloud.clock.now() + 5 * 60_000);
    await cloud.tick();
    await cloud.driver.settled();
    const anns = cloud.target.objects().filter((own) => own.values["displayName"] === "ann");
    expect(anns).toHaveLength(1);
    expect(anns[0]?.id).not.toBe(id);
    // Her deletion takes hers, not the one that was moved.
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("ann") }]);
    expect(cloud.target.objects().find((own) => own.id === id)?.deleted).toBe(false);
  });

  it("moves nothing to who isn't provisioned, or is something else: the account would be deleted", async () => {
    const { cloud, agent, links, byName, jobId } = await aCloud();
    const outside = aUser("bob", { isCriticalSystemObject: "TRUE" });
    await agent.read("full", [aUser("ann"), outside, aGroup("team", { isCriticalSystemObject: "TRUE" })]);
    const id = byName("ann")?.id;
    for (const [name, code] of [
      ["bob", "object-out-of-scope"],
      ["team", "object-out-of-scope"],
    ] as const)
      expect(await links.move(jobId, guidOf("ann"), { jobId, objectGuid: guidOf(name) }, BY), name).toMatchObject({
        failure: { status: 422, code },
      });
    await agent.read("delta", [aGroup("crew")]);
    const crew = { jobId, objectGuid: guidOf("crew") };
    await links.unlink(jobId, guidOf("crew"), BY);
    expect(await links.move(jobId, guidOf("ann"), crew, BY)).toMatchObject({ failure: { code: "target-not-found" } });
    await cloud.run();
    expect(byName("ann")).toMatchObject({ id, deleted: false });
  });

  it("a move that ended half-way goes on when it is repeated, and can be taken back", async () => {
    let refuse = "";
    const cloud = await createCloud({
      wrapRows: (rows) => ({
        ...rows,
        table: (name) => {
          const table = rows.table(name);
          return {
            ...table,
            transact: async (partition, operations) => {
              const isHit = name === "objects" && refuse !== "" && operations.some((own) => own.row.includes(refuse));
              if (!isHit) return table.transact(partition, operations);
              refuse = "";
              return { ok: false, reason: "changed", index: 0 };
            },
          };
        },
      }),
    });
    const agent = await cloud.addDomain("corp.example");
    const { links } = cloud.cloud.routes;
    const { jobId } = agent;
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const id = cloud.target.objects().find((own) => own.values["displayName"] === "ann")?.id ?? "";
    await links.unlink(jobId, guidOf("bob"), BY);
    const toBob = { jobId, objectGuid: guidOf("bob") };
    const halfWay = async () => {
      refuse = guidOf("bob");
      expect(await links.move(jobId, guidOf("ann"), toBob, BY)).toMatchObject({ failure: { code: "object-busy" } });
    };
    await halfWay();
    expect(await links.join(jobId, guidOf("ann"), id, BY)).toMatchObject({
      ok: true,
      value: { link: { targetId: id } },
    });
    await halfWay();
    expect(await links.move(jobId, guidOf("ann"), toBob, BY)).toMatchObject({
      ok: true,
      value: { link: { targetId: id } },
    });
    await cloud.run();
    expect(cloud.target.objects().find((own) => own.id === id)).toMatchObject({ deleted: false });
  });

  it("rebuilds the index and the links that were lost, and names what others hold", async () => {
    const { cloud, agent, links, byName, jobId, link } = await aCloud();
    await agent.read("full", [aUser("ann"), aUser("bob"), aUser("cid")]);
    const ids = ["ann", "bob", "cid"].map((name) => byName(name)?.id);
    const claims = cloud.rows.table("claims");
    for await (const rows of claims.scan())
      for (const row of rows) await claims.transact(row.partition, [{ op: "delete", row: row.row }]);
    const objects = cloud.rows.table("objects");
    for await (const rows of objects.scan())
      for (const row of rows) {
        if (!row.row.endsWith(guidOf("bob"))) continue;
        const { link: _, linked: __, ...values } = row.values;
        await objects.transact(row.partition, [{ op: "replace", row: row.row, values: { ...values, linked: false } }]);
      }
    const writes = cloud.target.objects().length;
    const done = await Promise.all(SHARDS.map((shard) => links.rebuild(jobId, { shard, seeks: true }, BY)));
    await cloud.run();
    const sum = (of: "linked" | "sought") => done.reduce((all, one) => all + (one.ok ? one.value[of] : 0), 0);
    expect([sum("linked"), sum("sought")]).toEqual([2, 1]);
    expect(cloud.target.objects()).toHaveLength(writes);
    for (const [at, name] of ["ann", "bob", "cid"].entries()) {
      const shown = await link(guidOf(name));
      expect(shown.link?.targetId, name).toBe(ids[at]);
      expect(
        shown.values.map((value) => value.heldBy),
        name,
      ).toEqual(shown.values.map(() => `${agent.configurationId}:${guidOf(name)}`));
    }
  });

  it("rebuilds the index without telling what the job redacts: whose value it is, and who has it", async () => {
    const { cloud, agent, links, jobId } = await aCloud({ settings: { redact: ["userPrincipalName"] } });
    await agent.read("full", [aUser("ann")]);
    const claims = cloud.rows.table("claims");
    const own = `${agent.configurationId}:${guidOf("ann")}`;
    for await (const rows of claims.scan())
      for (const { partition, row, values } of rows.filter(({ values: { owner } }) => owner === own))
        await claims.transact(partition, [{ op: "replace", row, values: { ...values, owner: "other:one" } }]);
    const done = await Promise.all(SHARDS.map((shard) => links.rebuild(jobId, { shard, seeks: false }, BY)));
    const conflicts = done.flatMap((one) => (one.ok ? one.value.conflicts : []));
    const told = { objectGuid: guidOf("ann"), heldBy: "other:one" };
    expect(conflicts).toContainEqual({ ...told, kind: "userPrincipalName", value: REDACTED });
    expect(conflicts.map(({ kind }) => kind)).toContain("sourceAnchor");
    expect(JSON.stringify(conflicts.filter(({ kind }) => kind !== "mail"))).not.toContain("ann@");
  });
});

describe("a link of which the target can't be asked", () => {
  it.each([
    ["target-unreachable", 503, 503],
    ["target-credentials", 409, 409],
    ["target-refused", 422, 409],
  ] as const)("is refused with what the target said, and stays as it is: %s", async (code, status, ofPage) => {
    const { cloud, agent, links, seeded, jobId, link } = await aCloud();
    const id = seeded("free");
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    expect(await links.unlink(jobId, guidOf("bob"), BY)).toMatchObject({ ok: true });
    const before = [await link(guidOf("ann")), await link(guidOf("bob"))];
    cloud.target.setUnavailable(new TargetUnavailable(code, "It says why.", "Mend that.", 4_001));
    const said = { code, message: "It says why.", remedy: "Mend that." };
    const later = code === "target-unreachable" ? { retryAfterSeconds: 5 } : {};
    const refused = { failure: { status, ...said, ...later } };
    expect(await links.join(jobId, guidOf("bob"), id, BY)).toMatchObject(refused);
    const to = { jobId, objectGuid: guidOf("bob") };
    expect(await links.move(jobId, guidOf("ann"), to, BY)).toMatchObject(refused);
    const page = { type: "user", page: 0, apply: false } as const;
    expect(await cloud.cloud.routes.seekTargets.page(jobId, page, BY)).toMatchObject({
      failure: { status: ofPage, ...said, ...later },
    });
    cloud.target.setUnavailable(undefined);
    expect([await link(guidOf("ann")), await link(guidOf("bob"))]).toEqual(before);
  });
});
