/** A job deleted with its objects kept, and made anew from the template, over a cloud in memory. */
import { expect, test } from "vitest";
import { type AgentRow, agentTable } from "../../shared/application/state/agent-rows.ts";
import { listRows, pack } from "../../shared/application/state/job-rows.ts";
import { changeJobSettings } from "../../shared/contracts/admin/job-settings.ts";
import { actOnJob, setJobMode, setLifecycle } from "../../shared/contracts/admin/jobs.ts";
import {
  createJob,
  deleteJob,
  getJob,
  listJobs,
  listServicePrincipals,
} from "../../shared/contracts/admin/synchronization.ts";
import { createAdminApi } from "../support/admin-api.ts";
import { aGroup, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, type CloudOptions, createCloud, guidOf } from "../support/cloud.ts";
import { namesIn } from "../support/links.ts";

async function start(options: CloudOptions = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  const ask = createAdminApi(cloud.cloud);
  const params = { configurationId: agent.configurationId, jobId: agent.jobId };
  const remove = (objects?: "keep" | "delete") =>
    ask(deleteJob, { params, ...(objects ? { query: { objects } } : {}) });
  const pass = async (ticks = 3) => {
    for (let tick = 0; tick < ticks; tick++) {
      await cloud.tick();
      await cloud.run();
    }
  };
  const jobs = async () => (await ask(listJobs, { params })).body.value;
  return { ...cloud, agent, ask, params, remove, pass, jobs };
}

test("deleting a job asks what becomes of its objects, names how many there are, and never deletes them itself", async () => {
  const { agent, remove, jobs, pass, ask, params, target } = await start();
  await agent.read("full", [aUser("ann"), aUser("bob")]);
  const asked = await remove();
  expect(asked.failure).toMatchObject({ status: 409, code: "job-has-objects" });
  expect(asked.failure?.message).toContain("2 users and 0 groups");
  await ask(actOnJob, { params: { ...params, action: "pause" } });
  expect((await remove("delete")).failure).toMatchObject({ status: 409, code: "job-objects-not-deleted" });
  await ask(actOnJob, { params: { ...params, action: "start" } });
  expect((await remove("delete")).status).toBe(204);
  await pass();
  expect(await jobs()).toHaveLength(1);
  expect(target.objects().filter(({ deleted }) => deleted)).toEqual([]);
});

test("one without objects needs no answer", async () => {
  const { remove, pass, jobs, agent } = await start();
  await agent.read("full", [aUser("out", { isCriticalSystemObject: "TRUE" })]);
  expect((await remove()).status).toBe(204);
  await pass();
  expect(await jobs()).toEqual([]);
});

test("kept, the target stays as it is, nobody can go on with the job, and nothing of it is left", async () => {
  const { agent, remove, pass, jobs, ask, params, target, rows, blobs, cloud } = await start();
  await agent.read("full", [aUser("ann"), aUser("bob"), withMembers(["ann", "bob"], aGroup("staff"))]);
  await agent.read("delta", [aUser("eve", { userPrincipalName: "ann@corp.example" })]);
  const before = JSON.stringify(target.objects());
  const writes = target.writes();
  await blobs.put(`commands/${params.jobId}/asked/answer.json`, Buffer.from("{}"));
  expect((await remove("keep")).status).toBe(204);
  for (const refused of [
    await remove("keep"),
    await ask(getJob, { params }),
    await ask(actOnJob, { params: { ...params, action: "start" } }),
    await ask(changeJobSettings, { params, body: { signIn: "certificate" } }),
    await ask(setLifecycle, { params, body: { outOfScope: "keep" } }),
  ])
    expect(refused.failure).toMatchObject({ status: 404, code: "job-not-found" });
  await pass();
  expect([JSON.stringify(target.objects()), target.writes()]).toEqual([before, writes]);
  expect(await jobs()).toEqual([]);
  expect((await ask(listServicePrincipals, {})).body.value).toHaveLength(1);
  expect(await cloud.routes.configurations.list()).toEqual([]);
  const left: string[] = [];
  for (const name of ["jobs", "objects", "escrows", "staged", "expiries", "dirtylinks", "scopenotes"])
    for await (const page of rows.table(name).scan())
      left.push(...page.map(({ partition, row }) => `${name} ${partition} ${row}`));
  expect(left.filter((own) => !own.startsWith("jobs catalogue "))).toEqual([]);
  for await (const path of blobs.list("")) left.push(path);
  expect(left.filter((own) => own.includes(params.jobId))).toEqual([]);
  expect(await agent.heartbeat()).toMatchObject({
    value: { order: null, message: expect.stringContaining("deleted") },
  });
});

test("it is done in pieces: killed at any write it goes on, and ends the same", async () => {
  let writes = 0;
  let isArmed = false;
  const world = await start({
    wrapRows: (rows) => ({
      ...rows,
      table: (name) => {
        const table = rows.table(name);
        const transact: typeof table.transact = async (...args) => {
          const isLast = isArmed && ++writes % 31 === 0;
          const done = isLast && writes % 2 === 0 ? undefined : await table.transact(...args);
          if (isLast || !done) throw new Error("The tick died here.");
          return done;
        };
        return { ...table, transact };
      },
    }),
  });
  const { agent, remove, pass, jobs, target, ask, params, rows, logged } = world;
  await agent.read(
    "full",
    Array.from({ length: 60 }, (_, at) => aUser(`user${at}`)),
  );
  await ask(setJobMode, { params, body: { mode: "staging" } });
  await agent.sendRead("delta", [[aUser("late")]], 1);
  await remove("keep");
  isArmed = true;
  await pass(40);
  isArmed = false;
  await pass(2);
  expect(logged.filter((line) => line.event === "tick-duty-failed").length).toBeGreaterThan(3);
  expect(await jobs()).toEqual([]);
  const left: string[] = [];
  for await (const page of rows.table("objects").scan()) left.push(...page.map(({ row }) => row));
  for await (const page of rows.table("claims").scan())
    left.push(...page.flatMap(({ row, values }) => (values["owner"] === "" ? [] : [row])));
  expect(left).toEqual([]);
  expect(target.objects().filter(({ deleted }) => !deleted)).toHaveLength(60);
  expect((await ask(createJob, { params, body: { templateId: "AD2AADProvisioning" } })).status).toBe(201);
});

test("the next job finds its people and groups again, by the same agent, once its first export is approved", async () => {
  const { agent, addAgent, clock, remove, pass, ask, params, target, cloud, rows } = await start();
  const everybody = [aUser("ann"), aUser("bob"), withMembers(["ann", "bob"], aGroup("staff"))];
  await agent.read("full", everybody);
  expect((await ask(createJob, { params, body: { templateId: "AD2AADProvisioning" } })).failure).toMatchObject({
    ...{ status: 409, code: "job-exists" },
  });
  await remove("keep");
  expect((await ask(createJob, { params, body: { templateId: "AD2AADProvisioning" } })).failure?.code).toBe(
    "job-exists",
  );
  await pass();
  expect((await ask(createJob, { params, body: { templateId: "Azure2Azure" } })).failure?.code).toBe(
    "template-not-found",
  );
  const made = await ask(createJob, { params, body: { templateId: "AD2AADProvisioning" } });
  expect([made.status, made.body.status.code]).toEqual([201, "NotRun"]);
  const jobId = made.body.id;
  expect(jobId).not.toBe(params.jobId);
  // As if the service had been stopped before the agent was told: asked again, that is made good.
  const agents = agentTable(rows);
  const [own] = await listRows<AgentRow>(agents, params.configurationId, "agent:");
  if (!own) throw new Error("No agent is enrolled.");
  const values = pack({ ...own.value, jobId: params.jobId } satisfies AgentRow);
  await agents.transact(params.configurationId, [{ op: "replace", row: own.row, values, etag: own.etag }]);
  const again = await ask(createJob, { params, body: { templateId: "AD2AADProvisioning" } });
  expect(again.failure?.code).toBe("job-exists");
  expect(await cloud.routes.configurations.list()).toMatchObject([{ jobId }]);
  expect(await cloud.routes.queries.status(jobId)).toMatchObject({
    value: { exportsHeld: { because: "first-export" } },
  });
  expect(await cloud.routes.heldExports.releaseExports(jobId, "ann")).toMatchObject({ ok: true });
  const before = target.objects();
  const beat = await agent.heartbeat({ want: "full" });
  expect(beat).toMatchObject({ value: { lease: { held: true }, order: { jobId, kind: "full" } } });
  // Another one reads to the end: the first one's hands are bound to the job that it had.
  clock.set(clock.now() + 4 * 60_000);
  const second = await addAgent({ ...agent, jobId });
  const order = await second.read("full", everybody);
  expect(order.readNo).toBeGreaterThan(2);
  expect(target.objects().map(({ id, deleted }) => [id, deleted])).toEqual(before.map(({ id }) => [id, false]));
  expect(namesIn({ target } as Cloud, "staff")).toEqual(["ann", "bob"]);
  const link = await cloud.routes.links.show(jobId, guidOf("ann"));
  expect(link).toMatchObject({ value: { link: { targetId: before[0]?.id, deletedAt: null } } });
  // What it says of memberships counts, though the last job knew of them already.
  await second.read("full", [...everybody.slice(0, 2), withMembers(["bob"], aGroup("staff"))]);
  expect(namesIn({ target } as Cloud, "staff")).toEqual(["bob"]);
  expect((await ask(getJob, { params: { ...params, jobId } })).body.status.code).toBe("Active");
});
