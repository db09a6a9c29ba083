import { describe, expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { aGroup, aManagedUser, managedBy, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";
import { changing, namesIn } from "../support/links.ts";
import { readLog } from "../support/log.ts";
import { runSchema, schemaWith } from "../support/schema.ts";
import { immutableIdOf } from "./directory.ts";
import { createWorld } from "./world.ts";

const STEP = Number(process.env["UPLINK_TEST_CRASH_STEP"] ?? 12);

async function start(changes: Parameters<typeof schemaWith>[0] = {}) {
  const cloud = await createCloud();
  const agent = await cloud.addDomain("corp.example");
  if (Object.keys(changes).length > 0) await runSchema(cloud, agent.jobId, schemaWith(changes));
  return { cloud, agent, become: (next: typeof changes) => runSchema(cloud, agent.jobId, schemaWith(next)) };
}

const asPerson = (change: ReturnType<typeof aUser>) => ({ ...change, objectClass: "inetOrgPerson" });
const gone = (name: string) => ({ op: "delete" as const, objectGuid: guidOf(name) });
const left = (name: string) => ({ op: "leave" as const, objectGuid: guidOf(name), reason: "out of the units" });
const upns = (cloud: Cloud) =>
  cloud.target
    .objects()
    .filter((object) => !object.deleted && object.type !== "group")
    .map((object) => String(object.values["userPrincipalName"]).split("@")[0])
    .sort();
const valuesOf = (cloud: Cloud, name: string) =>
  cloud.target.objects().find((object) => object.values["userPrincipalName"] === `${name}@corp.example`)?.values;

async function logOf(cloud: Cloud, jobId: string, name: string) {
  return readLog(cloud.cloud.routes, { jobId, objectGuid: guidOf(name), sinceDays: 400, top: 20 });
}
const reasonOf = (entry: Awaited<ReturnType<typeof logOf>>[number] | undefined) => entry?.provisioningStatusInfo;

describe("a class whose creations are switched off", () => {
  const NO_ADD = { user: { flowTypes: "Update, Delete" } };

  it("brings nobody new, says why once, and takes no name from anybody", async () => {
    const { cloud, agent } = await start(NO_ADD);
    await agent.read("full", [aUser("ann"), asPerson(aUser("other", { userPrincipalName: "ann@corp.example" }))]);
    expect(upns(cloud)).toEqual(["ann"]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ displayName: "other" });
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
    await agent.read("full", [aUser("ann"), asPerson(aUser("other", { userPrincipalName: "ann@corp.example" }))]);
    const log = await logOf(cloud, agent.jobId, "ann");
    expect(log).toHaveLength(1);
    expect(reasonOf(log[0])).toMatchObject({
      status: "skipped",
      errorInformation: {
        errorCode: "add-switched-off",
        reason: expect.stringContaining("The mapping of user has Add switched off"),
      },
    });
  });

  it("takes over who is there, updates and deletes whom it has, and brings nobody back", async () => {
    const { cloud, agent, become } = await start();
    await agent.read("full", [aUser("ann")]);
    await become(NO_ADD);
    cloud.target.seed([{ values: { userPrincipalName: "bob@corp.example", displayName: "Bob" } }]);
    await agent.read("full", [aUser("ann", { department: "Sales" }), aUser("bob", { department: "Sales" })]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ department: "Sales" });
    expect(valuesOf(cloud, "bob")).toMatchObject({ department: "Sales" });
    await agent.read("delta", [gone("ann")]);
    expect(upns(cloud)).toEqual(["bob"]);
    await agent.read("delta", [aUser("ann")]);
    expect(upns(cloud)).toEqual(["bob"]);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
  });
});

describe("a class whose updates are switched off", () => {
  const NO_UPDATE = { user: { flowTypes: "Add, Delete" }, group: { flowTypes: "Add, Delete" } };

  it("is made, and left as it was made: no change, no disable, no blank, no manager", async () => {
    const { cloud, agent } = await start(NO_UPDATE);
    await agent.read("full", [aUser("boss"), aUser("ann", { department: "Sales", title: "Clerk" })]);
    const before = valuesOf(cloud, "ann");
    const writes = cloud.target.writes();
    const after = aUser("ann", { department: "Finance", title: [], userAccountControl: "514" });
    await agent.read("delta", [managedBy("boss", after)]);
    await agent.read("full", [aUser("boss"), after]);
    expect(cloud.target.writes()).toBe(writes);
    expect(valuesOf(cloud, "ann")).toEqual(before);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
    const told = (await logOf(cloud, agent.jobId, "ann")).map((entry) => reasonOf(entry)?.errorInformation?.errorCode);
    expect(told).toContain("update-switched-off");
    await agent.read("delta", [gone("ann")]);
    expect(upns(cloud)).toEqual(["boss"]);
  });

  it("takes nobody over, and makes no second one of him", async () => {
    const { cloud, agent } = await start(NO_UPDATE);
    cloud.target.seed([{ values: { userPrincipalName: "bob@corp.example", displayName: "Bob" } }]);
    await agent.read("full", [aUser("bob", { department: "Sales" })]);
    expect(cloud.target.writes()).toBe(0);
    expect(cloud.target.objects()).toHaveLength(1);
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
  });

  it("takes nobody over who came to the target after it was read", async () => {
    const { cloud, agent, become } = await start(NO_UPDATE);
    await agent.read("full", [aUser("zoe")]);
    const seeded = cloud.target.seed([
      { values: { userPrincipalName: "bob@corp.example", displayName: "Bob" } },
      { values: { userPrincipalName: "c@corp.example", onPremisesImmutableId: immutableIdOf("cid") } },
    ]);
    const before = seeded.map((id) => cloud.target.object(id));
    const people = [aUser("zoe"), aUser("bob", { department: "Sales" }), aUser("cid")];
    await agent.read("full", people);
    await agent.read("full", people);
    expect(seeded.map((id) => cloud.target.object(id))).toEqual(before);
    expect(cloud.target.objects()).toHaveLength(3);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
    for (const name of ["bob", "cid"]) {
      const told = (await logOf(cloud, agent.jobId, name)).map(reasonOf);
      expect(told, name).toMatchObject([{ status: "skipped", errorInformation: { errorCode: "update-switched-off" } }]);
    }
    await agent.read("delta", [gone("bob")]);
    expect(cloud.target.objects().filter((object) => object.deleted)).toEqual([]);
    await agent.read("delta", [asPerson(aUser("other", { userPrincipalName: "bob@corp.example" }))]);
    expect(cloud.target.object(seeded[0] ?? "")?.values).toMatchObject({ displayName: "other" });
    await become({});
    await agent.read("full", [aUser("zoe"), aUser("cid", { department: "Sales" })]);
    expect(cloud.target.object(seeded[1] ?? "")?.values).toMatchObject({ department: "Sales" });
  });

  it("says so once, and leaves him alone, wherever the activity that met him is killed", async () => {
    const play = async (at?: number) => {
      const world = await createWorld();
      await runSchema(world.cloud, world.agent.jobId, schemaWith(NO_UPDATE));
      world.take({ do: "create", name: "zoe" });
      await world.send("full", 2);
      await world.run();
      const [id = ""] = world.cloud.target.seed([{ values: { userPrincipalName: "bob@corp.example" } }]);
      const before = world.cloud.target.object(id);
      world.take({ do: "create", name: "bob" });
      await world.send("delta", 2);
      const writes = world.writes();
      if (at !== undefined) world.crashAt(at);
      await world.run();
      expect(world.cloud.target.object(id), `killed at ${at}`).toEqual(before);
      expect(await world.agent.status(), `killed at ${at}`).toMatchObject({ escrowed: 0, staged: 0 });
      const told = await logOf(world.cloud, world.agent.jobId, "bob");
      expect(told.map((entry) => [entry.provisioningAction, reasonOf(entry)?.errorInformation?.errorCode])).toEqual([
        ["other", "update-switched-off"],
      ]);
      return world.writes() - writes;
    };
    const most = await play();
    for (let at = 1; at <= most; at += STEP) await play(at);
  });

  it.each([
    ["", {}],
    [", of somebody without mail who has a primary address", { proxyAddresses: "SMTP:ann@mail.example" }],
  ])("has whom it made, also where the answer was lost%s", async (_, more) => {
    const { cloud, agent } = await start(NO_UPDATE);
    await agent.read("full", [aUser("zoe")]);
    cloud.target.order({ kind: "lose-answer" });
    await agent.read("delta", [aUser("ann", { department: "Sales", ...more })]);
    expect(upns(cloud)).toEqual(["ann", "zoe"]);
    cloud.clock.set(cloud.clock.now() + 3_600_000);
    await cloud.tick();
    await cloud.run();
    await cloud.driver.settled();
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
    await agent.read("delta", [gone("ann")]);
    expect(upns(cloud)).toEqual(["zoe"]);
  });

  it("has whom one of two runs of a chunk made, though the other one met him first", async () => {
    const world = await createWorld({ atOnce: [ACTIVITY.exportChunk] });
    await runSchema(world.cloud, world.agent.jobId, schemaWith(NO_UPDATE));
    const run = async () => {
      await world.send("delta", 2);
      await world.run();
    };
    world.take({ do: "create", name: "zoe" });
    await world.send("full", 2);
    await world.run();
    const { target, clock } = world.cloud;
    const { apply } = target;
    const turns = async (most: number, until = () => false) => {
      for (let turn = 0; turn < most && !until(); turn++) await new Promise((resolve) => setImmediate(resolve));
    };
    let calls = 0;
    target.apply = async (actions, more) => {
      const call = ++calls;
      // The first one is slow to ask, the second one slow to hear.
      if (call === 1) await turns(500, () => target.objects().length > 1);
      const answers = await apply(actions, more);
      if (call === 2) await turns(300);
      return answers;
    };
    world.take({ do: "create", name: "bob" });
    await run();
    expect(calls).toBe(2);
    clock.set(clock.now() + 3_600_000);
    await world.cloud.tick();
    await world.run();
    expect(await world.agent.status()).toMatchObject({ escrowed: 0 });
    world.take({ do: "delete", name: "bob" });
    await run();
    expect(upns(world.cloud)).toEqual(["zoe"]);
  });

  it("waits for no name that it won't be given, and keeps nobody else from it", async () => {
    const { cloud, agent } = await start(NO_UPDATE);
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    await agent.read("delta", [aUser("ann", { userPrincipalName: "bob@corp.example" })]);
    await agent.read("delta", [aUser("bob", { userPrincipalName: "eve@corp.example" })]);
    await agent.read("delta", [asPerson(aUser("eve", { cn: "eve" }))]);
    expect(await agent.status()).toMatchObject({ escrowed: 0 });
    expect(upns(cloud)).toEqual(["ann", "bob", "eve"]);
  });

  it("leaves the members of a group as they were, until updates are switched on again", async () => {
    const { cloud, agent, become } = await start();
    await agent.read("full", [withMembers(["ann"], aGroup("team")), aUser("ann"), aUser("bob")]);
    expect(namesIn(cloud, "team")).toEqual(["ann"]);
    await become({ group: { flowTypes: "Add, Delete" } });
    const people = [aUser("ann"), aUser("bob"), aUser("cid")];
    await agent.read("full", [withMembers(["bob"], aGroup("team")), ...people]);
    await agent.read("delta", [changing("team", { add: ["cid"] })]);
    expect(namesIn(cloud, "team")).toEqual(["ann"]);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
    await become({});
    await agent.read("full", [withMembers(["bob", "cid"], aGroup("team")), ...people]);
    expect(namesIn(cloud, "team")).toEqual(["bob", "cid"]);
  });
});

describe("a class whose deletions are switched off", () => {
  const NO_DELETE = { user: { flowTypes: "Add, Update" } };
  const crowd = Array.from({ length: 40 }, (_, at) => `user${at}`);

  it("loses nobody who is deleted, left the scope or is absent, and still gets its updates", async () => {
    const { cloud, agent } = await start(NO_DELETE);
    const all = ["ann", "bob", "cid", "dan"];
    await agent.read(
      "full",
      all.map((name) => aUser(name)),
    );
    await agent.read("delta", [gone("ann"), left("bob"), aUser("cid", { adminDescription: "User_1" })]);
    await agent.read("full", [aUser("eve")]);
    expect(upns(cloud)).toEqual([...all, "eve"]);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
    for (const name of all) {
      const told = (await logOf(cloud, agent.jobId, name)).filter(
        (entry) => reasonOf(entry)?.errorInformation?.errorCode === "delete-switched-off",
      );
      expect(told, name).not.toEqual([]);
    }
    const writes = cloud.target.writes();
    await agent.read("full", [aUser("eve")]);
    expect(cloud.target.writes()).toBe(writes);
    await agent.read("delta", [aUser("ann", { department: "Back" })]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ department: "Back" });
  });

  it("counts for nobody's bound: others go as ever", async () => {
    const { cloud, agent } = await start(NO_DELETE);
    const person = asPerson(aUser("person"));
    await agent.read("full", [...crowd.map((name) => aUser(name)), person, asPerson(aUser("stays"))]);
    await agent.read("full", [asPerson(aUser("stays"))]);
    expect(upns(cloud)).toEqual([...crowd, "stays"].sort());
    expect(await agent.status()).toMatchObject({ staged: 0 });
  });

  it("is removed by a later read once they are switched on", async () => {
    const { cloud, agent, become } = await start(NO_DELETE);
    await agent.read("full", [aUser("ann"), aUser("bob"), aUser("eve")]);
    await agent.read("delta", [gone("ann")]);
    await agent.read("full", [aUser("eve")]);
    await become({});
    await agent.read("full", [aUser("eve")]);
    expect(upns(cloud)).toEqual(["eve"]);
  });
});

describe("a class whose mapping is disabled", () => {
  it("keeps also whom a lost answer left without a link", async () => {
    const { cloud, agent, become } = await start();
    await agent.read("full", [asPerson(aUser("bob"))]);
    cloud.target.order({ kind: "lose-answer" });
    await agent.read("delta", [aUser("ann")]);
    expect(upns(cloud)).toEqual(["ann", "bob"]);
    await become({ user: { enabled: false } });
    await agent.read("full", [asPerson(aUser("bob"))]);
    for (let round = 0; round < 3; round++) {
      cloud.clock.set(cloud.clock.now() + 48 * 3_600_000);
      await cloud.tick();
      await cloud.run();
      await cloud.driver.settled();
    }
    expect(upns(cloud)).toEqual(["ann", "bob"]);
  });
  it("is read no more, and what it brought stays, whatever becomes of it", async () => {
    const { cloud, agent, become } = await start();
    await agent.read("full", [aUser("ann"), aUser("bob"), asPerson(aUser("eve"))]);
    await become({ user: { enabled: false } });
    const writes = cloud.target.writes();
    await agent.read("full", [asPerson(aUser("eve"))]);
    await agent.read("delta", [gone("ann")]);
    expect(cloud.target.writes()).toBe(writes);
    expect(upns(cloud)).toEqual(["ann", "bob", "eve"]);
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
    await become({});
    await agent.read("full", [aUser("bob", { department: "Back" }), asPerson(aUser("eve"))]);
    expect(upns(cloud)).toEqual(["bob", "eve"]);
    expect(valuesOf(cloud, "bob")).toMatchObject({ department: "Back" });
  });
});

describe("flow types of attributes", () => {
  it("fill, add and keep, and a second read writes nothing", async () => {
    const { cloud, agent } = await start({
      user: {
        attributes: {
          City: { flowType: "AttributeAddOnly" },
          Title: { flowType: "ValueAddOnly" },
          Department: { flowType: "ObjectAddOnly" },
          Company: { defaultValue: "Contoso" },
          Manager: { flowType: "ValueAddOnly" },
        },
      },
    });
    const bosses = [aUser("boss"), aUser("chief")];
    const first = [...bosses, aManagedUser("ann", "boss", { title: "Clerk", department: "Sales" })];
    await agent.read("full", first);
    const writes = cloud.target.writes();
    await agent.read("full", first);
    expect(cloud.target.writes()).toBe(writes);
    expect(valuesOf(cloud, "ann")).toMatchObject({ companyName: "Contoso", jobTitle: "Clerk" });
    await agent.read("full", [...bosses, aManagedUser("ann", "chief", { l: "Bern", department: "Finance" })]);
    await agent.read("full", [...bosses, aManagedUser("ann", null, { l: "Rome", department: "Finance" })]);
    const chief = cloud.target.objects().find((own) => own.values["displayName"] === "chief")?.id;
    expect(valuesOf(cloud, "ann")).toMatchObject({
      city: "Bern",
      jobTitle: "Clerk",
      department: "Sales",
      companyName: "Contoso",
      manager: chief,
    });
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
  });

  it("leave alone what somebody else may have given to a target object that is taken over", async () => {
    const { cloud, agent } = await start({ user: { attributes: { City: { flowType: "AttributeAddOnly" } } } });
    cloud.target.seed([{ values: { userPrincipalName: "ann@corp.example", city: "Oslo", department: "Old" } }]);
    await agent.read("full", [aUser("ann", { l: "Rome", department: "New" })]);
    await agent.read("full", [aUser("ann", { l: "Paris", department: "New" })]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ city: "Oslo", department: "New" });
  });

  it("leave it alone too on one who came to the target after it was read, by name or anchor", async () => {
    const { cloud, agent } = await start({
      user: { attributes: { City: { flowType: "AttributeAddOnly" }, Title: { flowType: "MultiValueAddOnly" } } },
    });
    await agent.read("full", [aUser("zoe")]);
    const held = { city: "Oslo", jobTitle: "Judge", department: "Old" };
    cloud.target.seed([
      { values: { userPrincipalName: "ann@corp.example", ...held } },
      { values: { userPrincipalName: "b@corp.example", onPremisesImmutableId: immutableIdOf("bob"), ...held } },
    ]);
    for (const l of ["Rome", "Paris"]) {
      const given = { l, title: "Clerk", department: l };
      await agent.read("full", [aUser("zoe"), aUser("ann", given), aUser("bob", given)]);
      for (const name of ["ann", "bob"])
        expect(valuesOf(cloud, name), name).toMatchObject({ city: "Oslo", jobTitle: "Judge", department: l });
    }
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
  });

  it("give a new one its values, also where the answer to its creation was lost", async () => {
    const { cloud, agent } = await start({ user: { attributes: { City: { flowType: "AttributeAddOnly" } } } });
    await agent.read("full", [aUser("zoe")]);
    cloud.target.order({ kind: "lose-answer" });
    await agent.read("delta", [aUser("ann", { department: "Sales" })]);
    await agent.read("full", [aUser("zoe"), aUser("ann", { l: "Rome" })]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ city: "Rome" });
    await agent.read("full", [aUser("zoe"), aUser("ann", { l: "Paris" })]);
    expect(valuesOf(cloud, "ann")).toMatchObject({ city: "Rome" });
    expect(await agent.status()).toMatchObject({ escrowed: 0, staged: 0 });
  });
});

describe("what the target can't hold of a schema", () => {
  const leftOutOf = async (cloud: Cloud, jobId: string) => {
    const log = await readLog(cloud.cloud.routes, { jobId, sinceDays: 400, top: 100 });
    return log.filter((entry) => reasonOf(entry)?.errorInformation?.errorCode === "MappingLeftOut");
  };

  it("is in the log once for each version and class, with names and reasons", async () => {
    const { cloud, agent, become } = await start();
    await agent.read("full", [aUser("ann"), aGroup("team")]);
    await agent.read("full", [aUser("ann"), aGroup("team")]);
    const rows = await leftOutOf(cloud, agent.jobId);
    expect(rows.map((row) => row.sourceIdentity.identityType).sort()).toEqual(["group", "inetOrgPerson", "user"]);
    const user = rows.find((row) => row.sourceIdentity.identityType === "user");
    expect(reasonOf(user)?.status).toBe("warning");
    expect(reasonOf(user)?.errorInformation?.reason).toMatch(
      /^\d+ mappings of user to User are left out, for the target can't hold them: AltRecipient, /,
    );
    expect(user?.provisioningSteps.map((step) => step.description)).toContain(
      "ChangeDate, LastPasswordChangeTimestamp: No public API takes it.",
    );
    await become({ group: { enabled: false }, inetOrgPerson: { enabled: false } });
    await agent.read("full", [aUser("ann")]);
    expect(await leftOutOf(cloud, agent.jobId)).toHaveLength(4);
  });
});

describe("a mapping that fails for one object", () => {
  it("is named in the log with its expression, and concerns that object alone", async () => {
    const failing = 'IIF([employeeType]="x", Error("No such type"), [employeeType])';
    const { cloud, agent } = await start({
      user: { attributes: { EmployeeType: { source: { expression: failing } } } },
    });
    await agent.read("full", [aUser("ann", { employeeType: "x" }), aUser("bob", { employeeType: "y" })]);
    expect(upns(cloud)).toEqual(["bob"]);
    const [entry] = await logOf(cloud, agent.jobId, "ann");
    expect(reasonOf(entry)).toMatchObject({
      status: "failure",
      errorInformation: {
        errorCode: "AttributeMappingFailed",
        reason: `Attribute EmployeeType of object ${guidOf("ann")}: No such type. It is mapped by ${failing}.`,
      },
    });
  });
});
