import { describe, expect, it } from "vitest";
import { createMemoryTargetDirectory } from "../../shared/adapters/memory/target-directory.ts";
import { ProvisioningLogReply } from "../../shared/contracts/provisioning-log.ts";
import type { TargetDirectory } from "../../shared/ports/target-directory.ts";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud, guidOf, START } from "../support/cloud.ts";
import { readLog } from "../support/log.ts";

async function logOf(cloud: Cloud, jobId: string, name?: string) {
  const all = await readLog(cloud.cloud.routes, {
    jobId,
    ...(name === undefined ? {} : { objectGuid: guidOf(name) }),
    sinceDays: 400,
    top: 500,
  });
  // Strictly: nothing more than Graph's fields, nothing less.
  return all.map((entry) => ProvisioningLogReply.strict().parse(entry));
}

const stepTypes = (entry: ProvisioningLogReply | undefined) =>
  entry?.provisioningSteps.map((step) => step.provisioningStepType);

describe("a row of the provisioning log", () => {
  it("tells all that Graph's does: who, where, what, in which steps, how long", async () => {
    let now = START;
    const set = (to: number) => {
      now = to;
    };
    const clock = { now: () => now, set };
    const memory = createMemoryTargetDirectory({ verifiedDomains: ["corp.example"] });
    // The target takes a quarter of a second for a call.
    const slow: TargetDirectory = {
      ...memory,
      apply: (actions, options) => {
        now += 250;
        return memory.apply(actions, options);
      },
    };
    const cloud = await createCloud({
      targetDirectory: slow,
      time: { clock, sleepUntil: async (at) => set(Math.max(now, at)) },
    });
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("boss"), aManagedUser("ann", "boss", { title: "Clerk" })]);
    await agent.read("delta", [aManagedUser("ann", "boss", { title: "Head clerk" })]);
    const [update, ...older] = await logOf(cloud, agent.jobId, "ann");
    expect(update).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/),
      activityDateTime: expect.stringMatching(/^2026-01-05T08:00:0.*Z$/),
      tenantId: "tenant",
      jobId: agent.jobId,
      cycleId: `${agent.jobId}-2`,
      changeId: `${agent.jobId}-2-1:0`,
      provisioningAction: "update",
      durationInMilliseconds: 250,
      initiatedBy: { id: "", displayName: "Directory Uplink", initiatorType: "system" },
      servicePrincipal: { id: agent.configurationId, displayName: "corp.example" },
      sourceSystem: {
        id: agent.domain.objectGuid,
        displayName: "corp.example",
        details: expect.objectContaining({ ServicePrincipalId: agent.configurationId, DirectoryServer: "dc1" }),
      },
      targetSystem: { id: "tenant", displayName: "Microsoft Entra ID", details: expect.anything() },
      sourceIdentity: {
        id: guidOf("ann"),
        displayName: "CN=ann,OU=People,DC=corp,DC=example",
        identityType: "user",
        details: { SchemaVersion: "1", Outcome: "exported" },
      },
      targetIdentity: {
        id: memory.objects().find(({ values }) => values["displayName"] === "ann")?.id,
        displayName: null,
        identityType: "user",
        details: {},
      },
      provisioningStatusInfo: { status: "success", errorInformation: null },
      provisioningSteps: [
        expect.objectContaining({ name: "EntryImport", provisioningStepType: "import", status: "success" }),
        expect.objectContaining({ name: "EntrySynchronizationScoping", provisioningStepType: "scoping" }),
        expect.objectContaining({ provisioningStepType: "referenceResolution", status: "success" }),
        expect.objectContaining({ name: "EntrySynchronizationUpdate", provisioningStepType: "processing" }),
        {
          name: "EntryExportUpdate",
          provisioningStepType: "export",
          status: "success",
          description: "update in the target.",
          details: { DurationInMilliseconds: "250" },
        },
      ],
      modifiedProperties: [{ displayName: "jobTitle", oldValue: "Clerk", newValue: "Head clerk" }],
    });
    expect(new Set([update, ...older].map((entry) => entry?.id)).size).toBe(1 + older.length);
    expect((await logOf(cloud, agent.jobId, "ann"))[0]?.id).toBe(update?.id);
  });

  it("has the code's category, meaning and what to do, and no export where nothing was sent", async () => {
    const cloud = await createCloud({ settings: { suffixPolicy: "escrow" } });
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann", { userPrincipalName: "ann@other.example" })]);
    const [entry] = await logOf(cloud, agent.jobId, "ann");
    expect(entry).toMatchObject({
      provisioningAction: "other",
      provisioningStatusInfo: {
        status: "failure",
        errorInformation: {
          errorCode: "InvalidDomain",
          reason: expect.stringContaining("other.example"),
          additionalDetails: "A domain is not verified in the target.",
          errorCategory: "nonServiceFailure",
          recommendedAction: expect.stringMatching(/^Verify the domain/),
        },
      },
      targetIdentity: { id: null, identityType: null },
    });
    expect(stepTypes(entry)).toEqual(["import", "scoping", "processing"]);
    expect(entry?.provisioningSteps.at(-1)).toMatchObject({ status: "failure" });
  });

  it("is there for every outcome but a no-op: exported, filtered, escrowed, and staged by name", async () => {
    const cloud = await createCloud({ settings: { guard: { floor: 1, count: 2, percent: 1 } } });
    const agent = await cloud.addDomain("corp.example");
    const people = ["ann", "bob", "cid", "dan"];
    await agent.read("full", [...people.map((name) => aUser(name)), aUser("out", { isCriticalSystemObject: "TRUE" })]);
    await agent.read("delta", [aUser("ann")]);
    expect(await logOf(cloud, agent.jobId, "ann")).toHaveLength(1);
    expect((await logOf(cloud, agent.jobId, "out"))[0]).toMatchObject({
      provisioningAction: "other",
      provisioningStatusInfo: { status: "skipped" },
    });
    const gone = ["bob", "cid", "dan"].map((name) => ({ op: "delete" as const, objectGuid: guidOf(name) }));
    cloud.clock.set(cloud.clock.now() + 60_000);
    await agent.read("delta", [...gone, aUser("eve")]);
    expect((await agent.status()).lastCycle).toMatchObject({ outcomes: { staged: 3, exported: 1 } });
    for (const name of ["bob", "cid", "dan"]) {
      const [entry] = await logOf(cloud, agent.jobId, name);
      expect(entry).toMatchObject({
        provisioningAction: "stagedDelete",
        changeId: expect.stringMatching(/-3-1:\d$/),
        sourceIdentity: { displayName: expect.stringContaining(`CN=${name}`), details: { Outcome: "staged" } },
        targetIdentity: { id: expect.any(String) },
        provisioningStatusInfo: { status: "warning", errorInformation: { errorCode: "StagedDelete" } },
      });
    }
    // Approved: the row names who ordered it.
    const sets = await cloud.cloud.routes.staged.list(agent.jobId, { members: false });
    if (!sets.ok || !sets.value[0]) throw new Error("Nothing is staged.");
    const { class: name, digest } = sets.value[0];
    cloud.clock.set(cloud.clock.now() + 60_000);
    await cloud.cloud.routes.staged.approve(agent.jobId, name, digest, "admin@corp.example");
    await cloud.run();
    expect((await logOf(cloud, agent.jobId, "bob"))[0]).toMatchObject({
      provisioningAction: "delete",
      initiatedBy: { displayName: "admin@corp.example", initiatorType: "user" },
    });
  });

  it("of a delete tells what the target object had, and nothing of what is redacted", async () => {
    const cloud = await createCloud({ settings: { redact: ["department"] } });
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann", { department: "Secret Service" })]);
    cloud.clock.set(cloud.clock.now() + 60_000);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("ann") }]);
    const [entry] = await logOf(cloud, agent.jobId, "ann");
    expect(entry).toMatchObject({ provisioningAction: "delete" });
    const told = new Map(entry?.modifiedProperties.map((own) => [own.displayName, own]));
    expect(told.get("userPrincipalName")).toMatchObject({ oldValue: "ann@corp.example", newValue: null });
    expect(told.get("department")).toMatchObject({ oldValue: "[Redact]", newValue: null });
    expect(JSON.stringify(entry)).not.toContain("Secret Service");
  });

  it("of a group's members says how many, in a step of its own", async () => {
    const cloud = await createCloud();
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann"), aGroup("team")]);
    cloud.clock.set(cloud.clock.now() + 60_000);
    await agent.read("delta", [withMembers(["ann", "nobody"], aGroup("team"))]);
    const [entry] = await logOf(cloud, agent.jobId, "team");
    expect(entry).toMatchObject({
      provisioningAction: "update",
      sourceIdentity: { identityType: "group" },
      targetIdentity: { identityType: "group" },
      provisioningStatusInfo: {
        status: "warning",
        errorInformation: { errorCode: "UnableToResolveReferenceAttributeValue" },
      },
    });
    expect(stepTypes(entry)).toEqual(["import", "referenceResolution", "export"]);
    expect(entry?.provisioningSteps[1]).toMatchObject({ status: "warning" });
  });

  it("of a group names whose call was not answered, for his target object may be gone before it is repeated", async () => {
    const cloud = await createCloud({ settings: { trustVisibility: null } });
    const agent = await cloud.addDomain("corp.example");
    const everybody = [aUser("ann"), aUser("bob"), aUser("cid")];
    await agent.read("full", [...everybody, withMembers(["ann"], aGroup("team"))]);
    const bob = cloud.target.objects().find(({ values }) => values["displayName"] === "bob")?.id;
    cloud.clock.set(cloud.clock.now() + 60_000);
    cloud.target.orderMembers({
      kind: "lose-answer",
      count: 2,
      matches: (id, { op }) => op === "remove" || id === bob,
    });
    await agent.read("delta", [withMembers(["bob", "cid"], aGroup("team"))]);
    const [entry] = await logOf(cloud, agent.jobId, "team");
    expect(entry?.provisioningStatusInfo.status).toBe("failure");
    expect(entry?.modifiedProperties).toEqual([
      {
        displayName: "members",
        oldValue: JSON.stringify(["-0, 1 in doubt", guidOf("ann")]),
        newValue: JSON.stringify(["+1, 1 in doubt", guidOf("cid"), guidOf("bob")]),
      },
    ]);
    cloud.clock.set(cloud.clock.now() + 60_000);
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("ann") }]);
    cloud.clock.set(cloud.clock.now() + 24 * 3_600_000);
    await cloud.tick();
    await cloud.run();
    const told = (await logOf(cloud, agent.jobId, "team")).filter(({ modifiedProperties }) =>
      modifiedProperties.some(({ oldValue }) => oldValue?.includes(guidOf("ann"))),
    );
    expect(told.map((own) => own.provisioningStatusInfo.status)).toEqual(["failure"]);
    expect((await logOf(cloud, agent.jobId, "ann")).map((own) => own.provisioningAction)).toContain("delete");
  });
});
