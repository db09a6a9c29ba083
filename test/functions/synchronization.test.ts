/** Graph's synchronization API over a cloud in memory: configurations, jobs with their status, templates, schemas under an ETag. */
import { describe, expect, test } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { actOnJob, jobStatus } from "../../shared/contracts/admin/jobs.ts";
import { getSchema, putSchema } from "../../shared/contracts/admin/schemas.ts";
import {
  getJob,
  getServicePrincipal,
  getTemplate,
  listFilterOperators,
  listJobs,
  listMappingFunctions,
  listServicePrincipals,
  listTemplates,
  NEVER,
} from "../../shared/contracts/admin/synchronization.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { createAdminApi } from "../support/admin-api.ts";
import { aUser, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";

async function start(options: CloudOptions = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  const ask = createAdminApi(cloud.cloud);
  const { configurationId, jobId } = agent;
  const job = async () => (await ask(getJob, { params: { configurationId, jobId } })).body;
  return { ...cloud, agent, ask, job, params: { configurationId, jobId }, configurationId };
}

describe("configurations and templates", () => {
  test("are listed and told one by one; others are 404", async () => {
    const { ask, configurationId } = await start();
    const own = { id: configurationId, displayName: "corp.example", servicePrincipalType: "Application" };
    expect((await ask(listServicePrincipals, {})).body.value).toMatchObject([own]);
    expect((await ask(getServicePrincipal, { params: { configurationId } })).body).toMatchObject(own);
    const [template] = (await ask(listTemplates, { params: { configurationId } })).body.value;
    expect(template).toMatchObject({ id: "AD2AADProvisioning", default: true });
    expect(template?.schema).toBeUndefined();
    const whole = await ask(getTemplate, { params: { configurationId, templateId: "AD2AADProvisioning" } });
    expect(whole.body.schema).toEqual(defaultSchema());
    const other = { configurationId: "other" };
    for (const refused of [
      await ask(getServicePrincipal, { params: other }),
      await ask(listTemplates, { params: other }),
      await ask(listJobs, { params: other }),
    ])
      expect(refused.failure).toMatchObject({ status: 404, code: "configuration-not-found" });
    expect((await ask(getTemplate, { params: { configurationId, templateId: "Azure2Azure" } })).failure?.code).toBe(
      "template-not-found",
    );
  });

  test("filters and mappings may use what is listed, and everything that the engine knows is", async () => {
    const { ask, params } = await start();
    const operators = (await ask(listFilterOperators, { params })).body.value;
    expect(operators).toContainEqual(expect.objectContaining({ name: "IS NULL", arity: "Unary" }));
    expect(operators).toContainEqual(
      expect.objectContaining({ name: "GREATER THAN", arity: "Binary", supportedAttributeTypes: ["Integer"] }),
    );
    const functions = (await ask(listMappingFunctions, { params })).body.value;
    expect(functions.find((own) => own.name === "Join")?.parameters.at(-1)).toMatchObject({
      allowMultipleOccurrences: true,
    });
  });
});

describe("a job", () => {
  test("isn't told under another configuration", async () => {
    const { ask, agent } = await start();
    const wrong = await ask(getJob, { params: { configurationId: "other", jobId: agent.jobId } });
    expect(wrong.failure).toMatchObject({ status: 404, code: "job-not-found" });
  });

  test("tells in Graph's words that it never ran, ran, had failures, was paused", async () => {
    const { agent, job, ask, params } = await start();
    expect(await job()).toMatchObject({
      id: agent.jobId,
      templateId: "AD2AADProvisioning",
      schedule: { state: "Active", interval: "PT60S" },
      status: { code: "NotRun", lastExecution: null, steadyStateFirstAchievedTime: NEVER, progress: [] },
    });
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    const first = await job();
    expect(first.status).toMatchObject({
      code: "Active",
      countSuccessiveCompleteFailures: 0,
      lastExecution: { state: "Succeeded", countImported: 2, countImportedDeltas: 0, countExported: 2 },
    });
    expect(first.status.steadyStateFirstAchievedTime).not.toBe(NEVER);
    await agent.read("delta", [aUser("eve", { userPrincipalName: "ann@corp.example" })]);
    const second = await job();
    expect(second.status.lastExecution).toMatchObject({
      state: "EntryLevelErrors",
      countEscrowed: 1,
      countImportedDeltas: 1,
    });
    expect(second.status.lastSuccessfulExecutionWithExports).toEqual(first.status.lastExecution);
    await ask(actOnJob, { params: { ...params, action: "pause" } });
    expect(await job()).toMatchObject({ schedule: { state: "Paused" }, status: { code: "Paused" } });
    expect(
      Object.fromEntries((await job()).synchronizationJobSettings.map(({ name, value }) => [name, value])),
    ).toEqual(expect.objectContaining({ DomainFQDN: "corp.example", QuarantineTooManyDeletesThreshold: "500" }));
  });

  test("tells how much of what was accepted is done", async () => {
    const { agent, job } = await start();
    await agent.sendRead("full", [[aUser("ann")], [aUser("bob"), aUser("eve")]], 2);
    expect((await job()).status.progress).toMatchObject([{ completedUnits: 0, totalUnits: 3, units: "changes" }]);
  });

  test("counts what is through for as long as the read goes on, and shrinks no total", async () => {
    const seen: (readonly [completed: number, total: number])[] = [];
    let look = async () => {};
    const { agent, job, ask, run, params } = await start({
      aroundActivity: async (name, _input, run) => {
        const done = await run();
        if (name === ACTIVITY.commitBatch) await look();
        return done;
      },
    });
    look = async () => {
      const [{ completedUnits: completed = 0, totalUnits: total = 0 } = {}] = (await job()).status.progress;
      seen.push([completed, total]);
      const { waiting } = (await ask(jobStatus, { params: { jobId: params.jobId } })).body;
      expect([waiting.processed, waiting.changes]).toEqual([completed, total]);
    };
    // Two of three batches: the read is still open when they are through.
    await agent.sendRead("full", [[aUser("ann")], [aUser("bob"), aUser("eve")]], 3);
    await run();
    await look();
    expect(seen).toEqual([
      [1, 3],
      [3, 3],
      [3, 3],
    ]);
    // The read after gives up the one that never ended.
    await agent.read("full", [aUser("ann"), aUser("bob")]);
    expect((await job()).status.progress).toEqual([]);
  });

  test("counts its linked objects when some were made, an hour later again, and never because of a reader", async () => {
    const { agent, job, tick, clock } = await start();
    const counts = async () => (await job()).status.synchronizedEntryCountByType;
    await tick();
    expect(await counts()).toEqual([]);
    await agent.read("full", [aUser("ann"), aUser("bob"), aUser("out", { isCriticalSystemObject: "TRUE" })]);
    expect(await counts()).toEqual([]);
    await tick();
    const two = [
      { key: "user to User", value: 2 },
      { key: "group to Group", value: 0 },
    ];
    expect(await counts()).toEqual(two);
    await agent.read("delta", [aUser("eve")]);
    await tick();
    expect(await counts()).toEqual(two);
    clock.set(clock.now() + 3_600_000);
    await tick();
    expect((await counts())[0]).toEqual({ key: "user to User", value: 3 });
    await agent.read("delta", [{ op: "delete", objectGuid: guidOf("ann") }]);
    clock.set(clock.now() + 3_600_000);
    await tick();
    expect((await counts())[0]?.value).toBe(2);
  });

  test("counts what a full read made that is closed after the deltas behind it", async () => {
    const { agent, job, tick, clock, bells, wakeJob, driver, run } = await start();
    const users = async () => (await job()).status.synchronizedEntryCountByType[0]?.value;
    await agent.read("full", [aUser("ann")]);
    await agent.sendRead("full", [[aUser("ann"), aUser("bob"), aUser("cid")]], 1);
    await agent.sendRead("delta", [[aUser("eve")]], 1);
    const rung = bells.splice(0);
    await wakeJob(agent.jobId, "live");
    await driver.settled();
    await tick();
    expect(await users()).toBe(2);
    bells.push(...rung);
    await run();
    clock.set(clock.now() + 3_600_000);
    await tick();
    expect(await users()).toBe(4);
  });
});

describe("a schema's ETag", () => {
  test("is its version: another one by now is 412, and nothing changes", async () => {
    const { ask, params } = await start();
    const read = await ask(getSchema, { params });
    expect(read.etag).toBe('W/"1"');
    const [rule] = read.body.synchronizationRules;
    const body = { ...read.body, synchronizationRules: [{ ...rule, name: "Renamed" }] } as typeof read.body;
    const written = await ask(putSchema, { params, body, ifMatch: 'W/"1"' });
    expect([written.status, written.etag, written.body.version]).toEqual([200, 'W/"2"', 2]);
    for (const ifMatch of ['W/"1"', '"1"', "1", '"nonsense"']) {
      const refused = await ask(putSchema, { params, body: read.body, ifMatch });
      expect(refused.failure).toMatchObject({ status: 412, code: "etag-mismatch" });
    }
    expect((await ask(putSchema, { params, body: read.body, query: { expectedVersion: "1" } })).failure?.status).toBe(
      409,
    );
    expect((await ask(getSchema, { params })).etag).toBe('W/"2"');
    expect((await ask(getSchema, { params, query: { version: "1" } })).etag).toBe('W/"1"');
    expect((await ask(putSchema, { params, body: read.body, ifMatch: "*" })).status).toBe(200);
  });
});
