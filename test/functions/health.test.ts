/** What an admin is told is wrong, over the real routes. */
import { expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { HealthReply, serviceHealth } from "../../shared/contracts/admin/health.ts";
import { health } from "../../shared/contracts/service.ts";
import { StorageError } from "../../shared/ports/row-store.ts";
import { aUser } from "../support/cloud.ts";
import { createService } from "../support/service.ts";

it("tells an admin what is wrong, for whom and what to do, and nobody else", async () => {
  const service = await createService();
  const first = await service.ask(serviceHealth, { as: "admin" });
  expect(first.status).toBe(200);
  expect((await service.ask(serviceHealth, { as: "nobody" })).status).toBe(401);
  const silent = (body: { findings: { code: string }[] }) =>
    body.findings.filter(({ code }) => code === "agent-silent");
  expect(silent(first.body)).toEqual([]);
  service.cloud.clock.set(service.cloud.clock.now() + 3_600_000);
  const { body } = await service.ask(serviceHealth, { as: "admin" });
  expect(body.status).toBe("needs-attention");
  // The domain's own agent, and the one that was enrolled.
  expect(silent(body).length).toBe(2);
  for (const finding of silent(body))
    expect(finding).toMatchObject({
      jobId: service.corp.jobId,
      message: expect.stringContaining("last heard"),
      remedy: expect.stringContaining("uplink agent check"),
    });
});

it("tells all of it at /api/health too, to who may read; anybody else is told that it runs, and where there is more", async () => {
  const service = await createService();
  service.cloud.clock.set(service.cloud.clock.now() + 3_600_000);
  const told = (await service.ask(serviceHealth)).body;
  expect(HealthReply.parse(told)).toMatchObject({ status: "needs-attention" });
  for (const as of ["admin", "reader"] as const) expect((await service.ask(health, { as })).body, as).toEqual(told);
  const anybody = await service.ask(health, { as: "nobody" });
  expect(anybody).toMatchObject({
    status: 200,
    body: { status: "running", more: expect.stringContaining("/api/v1.0/health") },
  });
  // Of what is wrong: neither whether, nor how much, nor for whom.
  service.cloud.clock.set(service.cloud.clock.now() + 3_600_000_000);
  expect((await service.ask(health, { as: "nobody" })).body).toEqual(anybody.body);
  expect(JSON.stringify(anybody.body)).not.toMatch(/corp|silent|needs-attention/);
});

it("answers who may not read, and brings a token all the same, with the refusal", async () => {
  const service = await createService();
  const statusWith = async (authorization: string) => {
    const { status, code } = await service.ask(health, { as: "nobody", headers: { authorization } });
    return [status, code];
  };
  expect(await statusWith("Bearer garbage")).toEqual([401, "token-refused"]);
  expect(await statusWith("")).toEqual([401, "token-refused"]);
  expect(await statusWith(`Bearer ${await service.issuer.token([])}`)).toEqual([403, "role-missing"]);
});

it("says that it runs while its storage is out of reach: nothing is looked up for anybody", async () => {
  let isAway = false;
  const service = await createService({
    wrapRows: (rows) => ({
      ...rows,
      table(name) {
        if (isAway) throw new StorageError("storage-unreachable", "It is away.");
        return rows.table(name);
      },
    }),
  });
  isAway = true;
  expect((await service.ask(health, { as: "nobody" })).status).toBe(200);
  expect(await service.ask(health, { as: "reader" })).toMatchObject({ status: 503, code: "storage-unreachable" });
});

it("tells of work that was set aside, with what its last attempt said, until a full read made up for it", async () => {
  let isBroken = true;
  const service = await createService({
    aroundActivity: async (name, _input, run) => {
      if (isBroken && name === ACTIVITY.commitBatch)
        throw new Error("Batch b of CN=Ann,DC=corp received 2 changes; 1 has an outcome.");
      return run();
    },
  });
  const { corp } = service;
  const told = async () =>
    (await service.ask(serviceHealth)).body.findings.filter(({ code }: { code: string }) => code === "work-set-aside");
  await corp.read("full", [aUser("ann"), aUser("bob")]);
  const [finding, ...others] = await told();
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    ...{ jobId: corp.jobId, agentId: null, runbook: "docs/runbook.md#work-was-set-aside" },
    message: expect.stringMatching(/set aside.*: .*Batch b of \[name\] received 2 changes; 1 has an outcome/s),
    remedy: expect.stringContaining("uplink job show corp.example"),
  });
  isBroken = false;
  service.cloud.clock.set(service.cloud.clock.now() + 60_000);
  await corp.sendRead("full", [[aUser("ann"), aUser("bob")]], 1);
  // Accepted, and nobody knows yet what becomes of it.
  expect(await told()).toEqual([finding]);
  await service.cloud.run();
  expect(await told()).toEqual([]);
});

it("doesn't forget what was set aside because a full read came that was under way, or whose own work is set aside", async () => {
  let broken = /none/;
  const service = await createService({
    aroundActivity: async (name, input, run) => {
      if (name === ACTIVITY.commitBatch && broken.test(JSON.stringify(input))) throw new Error("a defect");
      return run();
    },
  });
  const { corp, cloud } = service;
  const told = async () =>
    (await service.ask(serviceHealth)).body.findings.filter(({ code }: { code: string }) => code === "work-set-aside");
  const pass = () => cloud.clock.set(cloud.clock.now() + 60_000);
  const everybody = [aUser("ann"), aUser("bob")];
  await corp.read("full", [aUser("ann")]);
  // The full read may have looked before what the delta would have brought: it doesn't make up for it.
  broken = /"lane":"live"/;
  await corp.sendRead("delta", [[aUser("bob")]], 1);
  pass();
  await corp.sendRead("full", [everybody], 1);
  pass();
  await cloud.run();
  expect(await told()).toHaveLength(1);
  broken = /lane/;
  pass();
  await corp.read("full", everybody);
  expect(await told()).toHaveLength(1);
  broken = /none/;
  pass();
  await corp.read("full", everybody);
  expect(await told()).toEqual([]);
});
