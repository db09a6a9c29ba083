/** `uplink status` and `uplink job create` over the service's own routes: what needs somebody, with the command that deals with it. */
import { beforeEach, expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerJobCreateCommands } from "../../cli/job-create-commands.ts";
import { registerStatusCommands } from "../../cli/status-commands.ts";
import { foundBy, needsOf, syncStateOf } from "../../cli/status-needs.ts";
import { adminRoutes } from "../../functions/admin-routes.ts";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { FINDINGS, type FindingCode } from "../../shared/contracts/admin/health.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { aUser, type Cloud, createCloud } from "../support/cloud.ts";

let cloud: Cloud;
beforeEach(async () => {
  cloud = await createCloud();
});
const { uplink } = serveInTests([registerStatusCommands, registerAdminCommands, registerJobCreateCommands], (asked) =>
  answerByRoutes(() => adminRoutes(cloud.cloud.routes))(asked),
);

test("says that all is well when it is, and with what it is not", async () => {
  const agent = await cloud.addDomain("corp.example");
  await agent.read("full", [aUser("ann"), aUser("bob")]);
  const well = await uplink("status", "--check");
  expect(well).toMatchObject({ code: 0, err: "" });
  expect(well.out).toMatch(/^Everything is in sync\. Nothing needs anybody\.\nService http/);
  expect(well.out).toMatch(/^corp\.example +\d{4}-.*Z +- +0 +0 +in sync$/m);
  await cloud.cloud.routes.configurations.requestFullRead(agent.jobId, "asked");
  const behind = await uplink("status", "--check");
  expect(behind).toMatchObject({ code: 1 });
  expect(behind.out).toMatch(
    /0 of 1 jobs are in sync\. Nothing needs anybody\.[\s\S]* +\d+ days +0 +0 +a full read is wanted \(asked\)/,
  );
});

test("lists a configuration whose job was deleted, beside those that have one", async () => {
  const gone = await cloud.addDomain("emea.example");
  await cloud.addDomain("corp.example");
  const { configurationId, jobId } = gone;
  await cloud.cloud.routes.jobDeletion.remove({ configurationId, jobId }, "keep", "ann");
  for (let tick = 0; tick < 3; tick++) {
    await cloud.tick();
    await cloud.run();
  }
  const { out } = await uplink("status");
  expect(out).toMatch(/^emea\.example +never +- +0 +0 +no job: it was deleted \(uplink job create\)$/m);
  expect(out).toMatch(/^corp\.example +never/m);
  expect(out).toMatch(/^0 of 1 jobs are in sync\./);
  const told = JSON.parse((await uplink("status", "--json")).out);
  expect(told.withoutJob).toEqual([{ id: configurationId, displayName: "emea.example" }]);
});

test("names the command for everything that needs somebody", async () => {
  const agent = await cloud.addDomain("corp.example", {
    trustVisibility: null,
    firstExport: "approval",
    mode: "staging",
  });
  const mail = { mail: "shared@corp.example" };
  await agent.read("full", [aUser("ann", mail), aUser("bob", mail), aUser("cid")]);
  await agent.read("full", [aUser("ann", mail), aUser("bob", mail)]);
  await cloud.cloud.routes.configurations.setPaused(agent.jobId, true);
  const { code, out } = await uplink("status", "--check", "--json");
  expect(code).toBe(10);
  const told = JSON.parse(out) as { isInSync: boolean; needs: { what: string; command: string }[] };
  expect(told.isInSync).toBe(false);
  const commands = told.needs.map(({ command }) => command);
  expect(commands).toEqual(
    expect.arrayContaining(["uplink whatif run corp.example --wait", "uplink job start corp.example"]),
  );
  const { out: csv } = await uplink("status", "--csv");
  expect(csv.split("\r\n")[0]).toBe("job,what,command");
  expect(csv.split("\r\n")).toHaveLength(told.needs.length + 2);
});

test("tells held sets, escrows, agents, quarantine and trouble, the most pressing first", async () => {
  const agent = await cloud.addDomain("corp.example");
  const status = await agent.status();
  const at = "2026-01-05T08:00:00.000Z";
  const error = { code: "Unauthorized", message: "No.", remedy: "Mend." };
  const aSet = {
    class: "deletes" as const,
    cycleId: "c",
    count: 25,
    reason: "above 20",
    digest: "d",
    since: at,
    isApproved: false,
    sample: [],
  };
  const escrow = {
    objectGuid: "o",
    code: "InvalidDomain",
    message: "m",
    remedy: "r",
    attempts: 1,
    firstAt: at,
    nextAttemptAt: at,
  };
  const anAgent = {
    agentId: "0123456789ab",
    name: "dc1",
    version: "1",
    platform: "p",
    lastSeenAt: at,
    holdsLease: false,
    isCloned: false,
  };
  const needs = needsOf({
    configuration: { id: "c", jobId: "j", displayName: "Head Office", domainFqdn: "corp.example" },
    status: {
      ...status,
      quarantine: {
        reason: "EncounteredQuarantineException",
        currentBegan: at,
        nextAttempt: at,
        seriesBegan: at,
        seriesCount: 1,
        error,
      },
      exportsHeld: { because: "staging", at, by: "ann" },
    },
    agents: [
      { ...anAgent, status: "pending" },
      { ...anAgent, status: "active", isCloned: true },
      { ...anAgent, status: "inactive" },
    ],
    staged: [aSet, { ...aSet, isApproved: true }],
    escrows: [escrow, escrow],
  });
  expect(needs.map(({ what, command }) => `${what} → ${command}`)).toEqual([
    "stopped (EncounteredQuarantineException): No. → uplink quarantine clear 'Head Office'",
    "agent dc1 (01234567) waits to be let in → uplink agent approve 0123456789ab",
    "agent dc1 (01234567) is cloned: two processes used its key → uplink agent unlock 0123456789ab",
    "agent dc1 (01234567) is silent since 2026-01-05 08:00:00Z → uplink agent check   (on its machine)",
    "25 deletes held back: above 20 → uplink staged list 'Head Office' --members",
    "mode staging: nothing is exported → uplink job mode 'Head Office' normal",
    "2 objects wait: 2 × InvalidDomain → uplink escrow list 'Head Office'",
  ]);
});

test("a job that was never read isn't in sync, and one that loads says how far it is", async () => {
  const agent = await cloud.addDomain("corp.example");
  const fresh = await uplink("status", "--check");
  expect(fresh).toMatchObject({ code: 1 });
  expect(fresh.out).toMatch(/^0 of 1 jobs are in sync\.[\s\S]*^corp\.example +never +- .* never read in full yet$/m);
  await agent.read("full", [aUser("ann")]);
  const configuration = { id: "c", jobId: "j", displayName: "Corp", domainFqdn: "corp.example" };
  const status = await agent.status();
  const openRead = { readNo: 2, kind: "full" as const, batches: 2, objects: 700 };
  const loading = {
    ...status,
    ...{ openRead, steadyStateAt: null, committedWatermarkAt: "2026-01-05T07:59:00.000Z" },
    waiting: { ...status.waiting, batches: 2, changes: 400, processed: 150 },
  };
  const [anAgent] = await cloud.cloud.routes.queries.agents(status.configurationId, status.jobId);
  const agents = anAgent ? [anAgent] : [];
  const facts = { configuration, status: loading, agents, staged: [], escrows: [] };
  expect(syncStateOf(facts, Date.parse("2026-01-05T08:01:00.000Z"))).toEqual({
    job: "Corp",
    inSync: false,
    state: "reading (full, 700 objects so far); 150 of 400 changes processed",
    asOf: "2026-01-05T07:59:00.000Z",
    behindSeconds: 120,
  });
  // Escrows keep a job that has nothing left to do from being in sync.
  const aFailure = { objectGuid: "o", code: "InvalidDomain", message: "m", remedy: "r", attempts: 1 };
  const escrow = { ...aFailure, firstAt: "2026-01-05T07:00:00.000Z", nextAttemptAt: "2026-01-05T09:00:00.000Z" };
  expect(syncStateOf({ ...facts, status }, 0)).toMatchObject({ inSync: true, state: "in sync" });
  expect(syncStateOf({ ...facts, status, escrows: [escrow] }, 0)).toMatchObject({
    inSync: false,
    state: "waits for somebody",
  });
});

test.each(["its only agent is silent", "no agent is left", "it is paused", "it is in quarantine", "it is disabled"])(
  "a job says how far behind it is while %s, though nothing waits",
  async (why) => {
    const agent = await cloud.addDomain("corp.example");
    await agent.read("full", [aUser("ann")]);
    const status = { ...(await agent.status()), committedWatermarkAt: "2026-01-05T08:00:00.000Z" };
    const configuration = { id: "c", jobId: "j", displayName: "Corp", domainFqdn: "corp.example" };
    const agents = await cloud.cloud.routes.queries.agents(status.configurationId, status.jobId);
    const facts = { configuration, status, agents, staged: [], escrows: [] };
    const now = Date.parse("2026-01-08T08:00:00.000Z");
    expect(syncStateOf(facts, now)).toMatchObject({ inSync: true, behindSeconds: null });
    const at = status.committedWatermarkAt;
    const quarantine = {
      ...{ reason: "EncounteredQuarantineException" as const, currentBegan: at, seriesBegan: at, seriesCount: 1 },
      ...{ nextAttempt: why === "it is disabled" ? null : at, error: { code: "c", message: "m", remedy: "r" } },
    };
    const stopped = {
      ...facts,
      status: {
        ...status,
        ...(why === "it is paused" ? { state: "paused" as const } : {}),
        ...(/quarantine|disabled/.test(why) ? { quarantine } : {}),
      },
      agents: why.includes("silent")
        ? agents.map((own) => ({ ...own, status: "inactive" as const }))
        : agents.filter(() => !why.startsWith("no agent")),
    };
    expect(syncStateOf(stopped, now)).toMatchObject({
      ...{ inSync: false, state: "waits for somebody", behindSeconds: 3 * 86_400 },
    });
  },
);

test("a job is made once, with what it was asked to be like", async () => {
  expect((await uplink("status")).out).toContain("There is no job yet: uplink job create.");
  const made = await uplink("job", "create", "New.example", "--sign-in", "federated", "--staging");
  expect(made).toMatchObject({ code: 0, out: expect.stringContaining("uplink agent token new.example") });
  const [entry] = await cloud.cloud.routes.configurations.list();
  expect(await cloud.cloud.routes.configurations.job(entry?.jobId ?? "")).toMatchObject({
    ...{ domainNetBios: "NEW", displayName: "New.example" },
    settings: { signIn: "federated", mode: "staging", firstExport: "approval" },
  });
  const again = await uplink("job", "create", "new.example", "--sign-in", "certificate", "--json");
  expect(JSON.parse(again.out)).toMatchObject({ jobId: entry?.jobId, isNew: false });
  expect((await uplink("job", "create", "new.example")).code).toBe(2);
  expect((await uplink("status")).out).toContain("no agent reads new.example");
});

test("a start that waits ends when nothing is left to do, or with what somebody has to do first", async () => {
  const agent = await cloud.addDomain("corp.example");
  await agent.read("full", [aUser("ann")]);
  const over = await uplink("job", "start", "corp.example", "--wait");
  expect(over).toMatchObject({ code: 0, out: "corp.example has nothing more to do by itself.\n" });
  await cloud.cloud.routes.heldExports.setMode(agent.jobId, "staging", "ann");
  const held = await uplink("job", "start", "corp.example", "--wait", "--json");
  expect(held.code).toBe(10);
  expect(JSON.parse(held.out)).toMatchObject({
    isOver: true,
    needs: [{ command: "uplink job mode corp.example normal" }],
  });
});

test("asks for the service's health: what was set aside needs somebody, a batch that waits is good to know", async () => {
  cloud = await createCloud({
    aroundActivity: async (name, _input, run) => {
      if (name === ACTIVITY.commitBatch) throw new Error("The accounts lack one.");
      return run();
    },
  });
  const agent = await cloud.addDomain("corp.example");
  await agent.read("full", [aUser("ann")]);
  const { code, out } = await uplink("status", "--check", "--json");
  const told = JSON.parse(out) as { isInSync: boolean; needs: unknown[]; health: { findings: { code: string }[] } };
  expect(code).toBe(10);
  expect(told.isInSync).toBe(false);
  expect(told.needs).toEqual([
    {
      job: "corp.example",
      what: expect.stringContaining("The accounts lack one."),
      command: "uplink job show corp.example",
    },
  ]);
  expect(told.health.findings.map((finding) => finding.code)).toEqual(["work-set-aside"]);
});

test("a job that nobody reads isn't in sync, though nothing waits and an agent lives: it needs somebody", async () => {
  const agent = await cloud.addDomain("corp.example");
  await agent.read("full", [aUser("ann")]);
  await (await cloud.addDomain("emea.example")).read("full", [aUser("bob")]);
  cloud.clock.set(cloud.clock.now() + 3 * 3_600_000);
  await agent.heartbeat({ want: "none" });
  await agent.read("delta", []);
  const emea = (await cloud.cloud.routes.configurations.all()).find(({ domainFqdn }) => domainFqdn === "emea.example");
  const told = await uplink("status", "--check");
  expect(told.code).toBe(10);
  expect(told.out).toMatch(/^1 of 2 jobs are in sync\. \w+ (?:thing needs|things need) somebody\./);
  expect(told.out).toMatch(/^emea\.example +No batch was accepted for 3 hours.* uplink job show emea\.example$/m);
  expect(told.out).toMatch(/^emea\.example +\S+ \S+ +\d+ days +0 +0 +waits for somebody$/m);
  expect(told.out).toMatch(/^corp\.example +\S+ \S+ +- +0 +0 +in sync$/m);
  const { isInSync, needs, health } = JSON.parse((await uplink("status", "--json")).out);
  expect(isInSync).toBe(false);
  expect(needs).toContainEqual({
    job: "emea.example",
    what: expect.stringMatching(/^No batch was accepted for 3 hours/),
    command: "uplink job show emea.example",
  });
  expect(health.findings).toContainEqual(expect.objectContaining({ code: "job-behind", jobId: emea?.jobId }));
});

test("what the service finds is told once, by job or by the command that tells more", () => {
  const finding = { jobId: null, agentId: null, message: "m", remedy: "r" };
  const of = (code: FindingCode, jobId: string | null = null) => ({
    ...finding,
    ...{ code, jobId, runbook: `docs/runbook.md#${FINDINGS[code]}` },
  });
  const codes = Object.keys(FINDINGS) as FindingCode[];
  const { needs, notes } = foundBy(
    codes.map((code) => of(code, ["batch-waiting", "job-behind"].includes(code) ? "j-1" : null)),
    new Map([["j-1", "Head Office"]]),
  );
  expect(needs).toEqual([
    { job: "Head Office", what: "m", command: "uplink job show 'Head Office'" },
    { job: "all jobs", what: "m", command: "uplink status --json" },
    { job: "all jobs", what: "m", command: "uplink status --json" },
  ]);
  expect(notes).toEqual([
    { job: "Head Office", what: "m", command: "uplink job show 'Head Office'" },
    { job: "all jobs", what: "m", command: "uplink status --json" },
    { job: "all jobs", what: "m", command: "uplink status --json" },
  ]);
});
