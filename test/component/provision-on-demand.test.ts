/** One object on demand, from the command to the agent to what is told: through the real pipeline, with everything that holds it back. */
import { describe, expect, it } from "vitest";
import type { OnDemandObject } from "../../shared/contracts/admin/provision-on-demand.ts";
import { aUser, guidOf } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";
import { createOnDemand } from "../support/on-demand.ts";

const ADA = "CN=ada,OU=People,DC=corp,DC=example";

/** The ticks, by kind and status. */
function ticks({ provisioningSteps }: OnDemandObject): string[] {
  return provisioningSteps.map((step) => `${step.provisioningStepType} ${step.status}`);
}

function step(object: OnDemandObject, kind: string) {
  const found = object.provisioningSteps.find((own) => own.provisioningStepType === kind);
  if (!found) throw new Error(`There is no step ${kind}.`);
  return found;
}

describe("provisioning on demand", () => {
  it("makes somebody whom no read has brought yet, and tells import, scope, match, values and what was sent", async () => {
    const world = await createOnDemand();
    world.put(aUser("ada", { department: "R&D" }));
    const { key, subject } = await world.told(ADA);
    expect(key).toEqual({ result: "Success", details: { errorCode: "", errorMessage: "" } });
    expect(subject).toMatchObject({ action: "create", outcome: "exported", isDryRun: false, isSuperseded: false });
    expect(ticks(subject).slice(0, 3)).toEqual(["import success", "scoping success", "matching success"]);
    expect(ticks(subject).at(-1)).toBe("export success");
    expect(step(subject, "import").details.values).toMatchObject({ department: ["R&D"] });
    const clauses = (step(subject, "scoping").details.groups ?? []).flatMap((group) => group.clauses);
    expect(clauses.length).toBeGreaterThan(0);
    expect(clauses.every((clause) => clause.answer === "holds" && clause.clause !== "")).toBe(true);
    expect(step(subject, "processing").details.values).toMatchObject({ department: "R&D", displayName: "ada" });
    expect(subject.modifiedProperties).toContainEqual({ displayName: "department", oldValue: null, newValue: "R&D" });
    const [made] = world.target.objects();
    expect(made).toMatchObject({ values: expect.objectContaining({ department: "R&D" }) });
    expect(subject.targetIdentity.id).toBe(made?.id);
    expect(world.seen.map((command) => command.subject)).toEqual([{ by: "dn", value: ADA }]);
  });

  it.each([
    ["an objectGUID", `{${guidOf("ada").toUpperCase()}}`, { by: "guid", value: guidOf("ada") }],
    ["a UPN", "Ada@corp.example", { by: "upn", value: "Ada@corp.example" }],
  ])("takes %s", async (_what, objectId, name) => {
    const world = await createOnDemand();
    world.put(aUser("ada"));
    expect((await world.told(objectId)).subject.action).toBe("create");
    expect(world.seen[0]?.subject).toEqual(name);
  });

  it("writes nothing in a dry run, and tells what it would", async () => {
    const world = await createOnDemand();
    world.put(aUser("ada"));
    const before = await rowsOf(world);
    const { subject } = await world.told(ADA, { dryRun: true });
    expect(subject).toMatchObject({ action: "create", outcome: "none", isDryRun: true });
    expect(step(subject, "export")).toMatchObject({
      status: "skipped",
      description: expect.stringMatching(/^Dry run/),
    });
    expect(step(subject, "processing").details.values).toMatchObject({ displayName: "ada" });
    expect(world.target.objects()).toEqual([]);
    // Apart from the command itself, which is gone.
    expect(await rowsOf(world)).toEqual(before);
    const after = await world.told(ADA);
    expect(after.subject.modifiedProperties).toEqual(subject.modifiedProperties);
  });

  it("stands in the provisioning log with the admin, the agent and the server", async () => {
    const world = await createOnDemand();
    world.put(aUser("ada"));
    await world.told(ADA);
    const { jobId } = world.agent;
    const logged = await readLog(world.cloud.routes, { jobId, sinceDays: 2, top: 10 });
    expect(logged.filter((own) => own.sourceIdentity.id === guidOf("ada"))).toEqual([
      expect.objectContaining({
        provisioningAction: "create",
        initiatedBy: { id: "ann", displayName: "ann", initiatorType: "user" },
        sourceSystem: expect.objectContaining({
          details: expect.objectContaining({ AgentId: world.agent.proven.agent.agentId, DirectoryServer: "dc1" }),
        }),
      }),
    ]);
  });

  it("updates whom a read brought, blanks nothing that it was read without, and counts in no read", async () => {
    const world = await createOnDemand();
    await world.agent.read("full", [aUser("ada", { department: "Sales", company: "Corp" })]);
    const cycles = (await world.agent.status()).lastCycle;
    world.put(aUser("ada", { department: "R&D" }));
    const { subject } = await world.told(ADA);
    expect(subject).toMatchObject({ action: "update", outcome: "exported" });
    expect(subject.modifiedProperties).toEqual([{ displayName: "department", oldValue: "Sales", newValue: "R&D" }]);
    expect(world.target.objects()[0]?.values).toMatchObject({ department: "R&D", companyName: "Corp" });
    expect((await world.agent.status()).lastCycle).toEqual(cycles);
    expect((await world.told(ADA)).subject).toMatchObject({ action: "none", outcome: "no-op" });
  });

  it("is superseded by a delta that was accepted after it was asked for", async () => {
    const world = await createOnDemand();
    await world.agent.read("full", [aUser("ada", { department: "Sales" })]);
    world.put(aUser("ada", { department: "older" }));
    world.hooks.meanwhile = async () => {
      world.hooks.meanwhile = async () => undefined;
      await world.agent.read("delta", [aUser("ada", { department: "newer" }, ["department"])]);
    };
    const { subject } = await world.told(ADA);
    expect(subject).toMatchObject({ isSuperseded: true, action: "none" });
    expect(world.target.objects()[0]?.values).toMatchObject({ department: "newer" });
  });

  it("wins over what was accepted before it was asked for and comes to be mapped after it", async () => {
    const world = await createOnDemand();
    await world.agent.read("full", [aUser("ada", { department: "Sales" })]);
    // A full read waits in the other lane.
    world.clock.set(world.clock.now() + 1000);
    await world.agent.sendRead("full", [[aUser("ada", { department: "older", company: "Corp" })]], 1);
    world.bells.length = 0;
    world.put(aUser("ada", { department: "newer" }));
    await world.told(ADA);
    expect(world.target.objects()[0]?.values).toMatchObject({ department: "newer" });
    await world.wakeJob(world.agent.jobId, "bulk");
    await world.driver.settled();
    await world.run();
    // What it didn't say counts all the same.
    expect(world.target.objects()[0]?.values).toMatchObject({ department: "newer", companyName: "Corp" });
  });

  it("isn't taken for absent by a full read that had passed its place before it was made", async () => {
    const world = await createOnDemand();
    await world.agent.read("full", [aUser("bob")]);
    const order = await world.agent.order("full");
    await world.agent.send(world.agent.batch(order, 1, [aUser("bob")]));
    world.put(aUser("ada"));
    await world.told(ADA);
    expect(world.target.objects()).toHaveLength(2);
    await finish(world, order);
    expect(
      world.target
        .objects()
        .map((own) => own.values["displayName"])
        .sort(),
    ).toEqual(["ada", "bob"]);
  });

  it("tells who is out of the agent's scope, and out of the filter, and makes nobody", async () => {
    const world = await createOnDemand();
    world.people.set(guidOf("eve"), {
      op: "leave",
      objectGuid: guidOf("eve"),
      reason: "in none of the scope's groups",
    });
    const left = await world.told(guidOf("eve"));
    expect(left.key.result).toBe("Skipped");
    expect(step(left.subject, "scoping")).toMatchObject({
      status: "skipped",
      description: "in none of the scope's groups",
    });
    world.put(aUser("krb", { sAMAccountName: "krbtgt_1", isCriticalSystemObject: "TRUE" }));
    const out = await world.told(guidOf("krb"));
    expect(out.subject).toMatchObject({ action: "none", outcome: "filtered" });
    const failing = (step(out.subject, "scoping").details.groups ?? []).flatMap(({ clauses }) => clauses);
    expect(failing.some((clause) => clause.answer === "fails" && clause.isDecisive)).toBe(true);
    expect(world.target.objects()).toEqual([]);
  });

  it("lets the guard judge what it takes away", async () => {
    const world = await createOnDemand({ settings: { guard: { floor: 0, count: 1, percent: 1 } } });
    await world.agent.read("full", [aUser("ada"), aUser("bob")]);
    world.put(aUser("ada", { userAccountControl: "514" }));
    const dry = await world.told(ADA, { dryRun: true });
    expect(dry.subject).toMatchObject({ action: "disable", waitsFor: ["disables"] });
    const { subject } = await world.told(ADA);
    expect(subject.waitsFor).toEqual(["disables"]);
    expect(world.target.objects().map((own) => own.values["accountEnabled"])).toEqual([true, true]);
    expect((await world.agent.status()).staged).toBe(1);
  });

  it("carries out what the guard lets pass, and tells it", async () => {
    const world = await createOnDemand();
    await world.agent.read("full", [aUser("ada")]);
    world.put(aUser("ada", { userAccountControl: "514" }));
    const { subject } = await world.told(ADA);
    expect(subject).toMatchObject({ action: "disable", outcome: "exported" });
    expect(ticks(subject).at(-1)).toBe("export success");
    expect(world.target.objects()[0]?.values).toMatchObject({ accountEnabled: false });
  });

  it("says that exports are held", async () => {
    const world = await createOnDemand();
    const { jobId } = world.agent;
    await world.cloud.routes.heldExports.setMode(jobId, "staging", "ann");
    world.put(aUser("ada"));
    const { subject, key } = await world.told(ADA);
    expect(key.result).toBe("Skipped");
    expect(subject).toMatchObject({ action: "create", outcome: "staged" });
    expect(step(subject, "export").status).toBe("skipped");
    expect(world.target.objects()).toEqual([]);
  });

  it("tells what the target answered when it refuses", async () => {
    const world = await createOnDemand();
    await world.agent.read("full", [aUser("ada")]);
    world.put({
      ...aUser("bob"),
      ...{ attributes: { ...attributesOf("bob"), userPrincipalName: ["ada@corp.example"] } },
    } as never);
    const { key, subject } = await world.told(guidOf("bob"));
    expect(key.result).toBe("Failure");
    expect(key.details.errorCode).toBe("AttributeValueMustBeUnique");
    expect(subject.outcome).toBe("escrowed");
  });

  it("tells in a dry run, too, whom it matches that came to the target since the index was filled", async () => {
    const world = await createOnDemand();
    await world.agent.read("full", [aUser("bob")]);
    const [id = ""] = world.target.seed([{ values: { displayName: "Ada", userPrincipalName: "ada@corp.example" } }]);
    world.put(aUser("ada"));
    const dry = await world.told(ADA, { dryRun: true });
    const real = await world.told(ADA);
    for (const { subject } of [dry, real]) {
      expect(subject.action).toBe("match");
      expect(step(subject, "matching")).toMatchObject({ description: "Matched by userPrincipalName." });
    }
    expect(real.subject.targetIdentity.id).toBe(id);
    expect(world.target.objects()).toHaveLength(2);
  });

  it("brings a group with the members that are named, and no other", async () => {
    const world = await createOnDemand();
    const group = aGroup("staff");
    world.put(group, aUser("ada"), aUser("bob"), aUser("cy"));
    world.members.set(group.objectGuid, [guidOf("ada"), guidOf("bob")]);
    const { value, subject } = await world.told(group.objectGuid, { members: [ADA], type: "Group" });
    expect(value.map((own) => own.action)).toEqual(["create", "create"]);
    expect(subject.sourceIdentity.id).toBe(group.objectGuid);
    const made = world.target.objects().find((own) => own.type === "group");
    const ada = world.target.objects().find((own) => own.values["displayName"] === "ada");
    expect(world.target.membersOf(made?.id ?? "")).toEqual([ada?.id]);
    expect(subject.memberships).toMatchObject({ added: 1, removed: 0, pending: 0, failed: 0 });
    expect(await world.refusal(group.objectGuid, { members: [guidOf("cy")] })).toMatchObject({
      code: "member-refused",
    });
  });

  it("tells in a dry run who of the chosen members would come into the group, as the real run does then, and writes nothing", async () => {
    const world = await createOnDemand();
    const group = aGroup("staff");
    const all = ["ada", "bob", "cy"];
    world.put(group, ...all.map((name) => aUser(name)));
    world.members.set(group.objectGuid, all.map(guidOf));
    const chosen = (names: readonly string[]) => ({ members: names.map(guidOf), type: "Group" });
    const dry = (names: readonly string[]) => world.told(group.objectGuid, { ...chosen(names), dryRun: true });
    const before = await rowsOf(world);
    // Nobody is there yet, the group neither: all of it would be made, and the member brought in.
    const first = (await dry(["ada"])).subject.memberships;
    expect(first).toMatchObject({
      added: 1,
      removed: 0,
      pending: 0,
      would: { added: [guidOf("ada")], removed: [], pending: [] },
    });
    expect(await rowsOf(world)).toEqual(before);
    expect((await world.told(group.objectGuid, chosen(["ada"]))).subject.memberships).toMatchObject({
      added: 1,
      pending: 0,
    });
    world.clock.set(world.clock.now() + 60_000);
    // One is in it by now; one is out of scope, and has no object to be a member.
    world.put(aUser("cy", { adminDescription: "User_" }));
    const then = (await dry(["ada", "bob", "cy"])).subject.memberships;
    expect(then).toMatchObject({ added: 1, would: { added: [guidOf("bob")], removed: [], pending: [guidOf("cy")] } });
    const real = (await world.told(group.objectGuid, chosen(["ada", "bob", "cy"]))).subject.memberships;
    expect(real).toMatchObject({ added: 1, removed: 0, pending: 1 });
    expect(real?.would).toBeUndefined();
  });

  it.each([
    ["nobody", "CN=none,DC=corp,DC=example", {}, "object-not-found"],
    ["a text that is no name", "ada)(objectClass=*", {}, "subject-malformed"],
    ["a name of another making", "<GUID=1>", {}, "subject-malformed"],
    ["another type", ADA, { type: "group" }, "object-type-mismatch"],
    ["members of a user", ADA, { members: [guidOf("bob")] }, "member-refused"],
  ])("refuses %s", async (_what, objectId, more, code) => {
    const world = await createOnDemand();
    world.put(aUser("ada"), aUser("bob"));
    world.members.set(guidOf("ada"), [guidOf("bob")]);
    expect(await world.refusal(objectId, more)).toMatchObject({ code });
    expect(world.target.objects()).toEqual([]);
  });

  it("refuses the sixth request of ten seconds and says when to come again", async () => {
    const world = await createOnDemand();
    world.put(aUser("ada"));
    for (let request = 0; request < 5; request++) await world.told(ADA);
    world.clock.set(world.clock.now() + 4_000);
    expect(await world.refusal(ADA)).toMatchObject({ status: 429, code: "too-many-requests", retryAfterSeconds: 6 });
    world.clock.set(world.clock.now() + 6_000);
    expect((await world.told(ADA)).subject.action).toBe("none");
  });

  it("times out clearly where no agent answers, and nothing happens after that", async () => {
    let isListening = false;
    const world = await createOnDemand({ isListening: () => isListening });
    world.put(aUser("ada"));
    expect(await world.refusal(ADA)).toMatchObject({ status: 408, code: "provisioning-timeout" });
    isListening = true;
    await world.step();
    expect(world.seen).toEqual([]);
    expect(world.target.objects()).toEqual([]);
  });

  it("times out clearly while its work waits in the lane, which goes on", async () => {
    const world = await createOnDemand();
    world.put(aUser("ada"));
    world.hooks.runs = false;
    const refused = await world.refusal(ADA);
    expect(refused).toMatchObject({
      ...{ code: "provisioning-timeout", isUnderWay: true },
      message: expect.stringContaining("It goes on"),
    });
    await world.run();
    expect(world.target.objects()).toHaveLength(1);
  });

  it("doesn't take the answer of an agent that stands by, of a server that lags, or for a scope that changed", async () => {
    const world = await createOnDemand();
    await world.agent.read("full", [aUser("bob")]);
    world.put(aUser("ada"));
    world.hooks.said = (outcome) => ({ ...outcome, dsa: { ...outcome.dsa, invocationId: guidOf("dc2") } });
    expect(await world.refusal(ADA)).toMatchObject({ code: "directory-server-not-proven" });
    world.hooks.said = (outcome) => outcome;
    world.hooks.meanwhile = async () => {
      await world.cloud.routes.configurations.setScope(world.agent.jobId, {
        organizationalUnits: [guidOf("ou")],
        groups: [],
      });
    };
    expect(await world.refusal(ADA)).toMatchObject({ code: "changed-meanwhile" });
    expect(world.target.objects()).toHaveLength(1);
    // Another agent of the domain, which doesn't hold the lease.
    const other = await world.addAgent({ ...world.agent });
    const { agentCommands } = world.cloud.routes;
    const told = await agentCommands.await(other.proven, 1);
    expect(told).toMatchObject({ ok: true, value: { commands: [], pollSeconds: 30 } });
  });

  it("is refused while the job is paused, but for a dry run", async () => {
    const world = await createOnDemand();
    world.put(aUser("ada"));
    await world.cloud.routes.configurations.setPaused(world.agent.jobId, true);
    expect(await world.refusal(ADA)).toMatchObject({ status: 409, code: "job-stopped" });
    expect((await world.told(ADA, { dryRun: true })).subject.action).toBe("create");
  });

  it("shows no redacted value", async () => {
    const world = await createOnDemand({ settings: { redact: ["department"] } });
    world.put(aUser("ada", { department: "Secret Service" }));
    const dry = await world.ask(ADA, { dryRun: true });
    const real = await world.ask(ADA);
    expect(JSON.stringify([dry, real])).not.toContain("Secret Service");
    expect(JSON.stringify(real)).toContain("[Redact]");
  });

  it("leaves nothing behind", async () => {
    const world = await createOnDemand();
    world.put(aUser("ada"));
    await world.told(ADA);
    await world.told(ADA, { dryRun: true });
    const left: string[] = [];
    for await (const path of world.blobs.list("commands/")) left.push(path);
    for await (const path of world.blobs.list("plans/")) left.push(path);
    expect(left).toEqual([]);
  });
});

function attributesOf(name: string) {
  const change = aUser(name);
  return change.op === "upsert" ? change.attributes : {};
}

function aGroup(name: string) {
  return {
    op: "upsert" as const,
    objectGuid: guidOf(name),
    objectClass: "group",
    dn: `CN=${name},OU=Groups,DC=corp,DC=example`,
    attributes: { cn: [name], sAMAccountName: [name], displayName: [name], groupType: ["-2147483646"] },
  };
}

/** Rows of the commands themselves, and what heartbeats touch. */
const PASSING = /^(commands|lease|reads|agent:.*)$/;

/** All of storage but those. */
async function rowsOf(world: Awaited<ReturnType<typeof createOnDemand>>) {
  const found: string[] = [];
  for (const name of [...(await world.rows.listTables())].sort())
    for await (const rows of world.rows.table(name).scan())
      for (const row of rows) if (!PASSING.test(row.row)) found.push(`${name} ${row.partition} ${row.row} ${row.etag}`);
  return found.sort();
}

/** Ends an open full read after its first batch, as the agent would. */
async function finish(
  world: Awaited<ReturnType<typeof createOnDemand>>,
  order: Parameters<typeof world.agent.batch>[0],
): Promise<void> {
  const reads = await world.rows.table("jobs").get(world.agent.jobId, "reads");
  if (!reads) throw new Error("There is no read.");
  const { unpack } = await import("../../shared/application/state/job-rows.ts");
  const { digest } = unpack<{ digest: string }>(reads).value;
  const token = Buffer.from("the end").toString("base64");
  const { createHash } = await import("node:crypto");
  const last = world.agent.batch(order, 2, [], {
    isLast: true,
    end: { batches: 2, objects: 1, digest },
    watermarkAfter: {
      mode: "dirsync",
      id: createHash("sha256").update(token).digest("base64url"),
      token,
      invocationId: guidOf("dc"),
      dnsName: "dc1",
      usn: "9100",
      at: new Date(world.clock.now()).toISOString(),
    },
  });
  const sent = await world.agent.send(last);
  if (!sent.ok) throw new Error(sent.failure.message);
  await world.run();
}
