/** What an admin is told is wrong, over the real routes. */
import { expect, it } from "vitest";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { serviceHealth } from "../../shared/contracts/admin/health.ts";
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
  await corp.read("full", [aUser("ann"), aUser("bob")]);
  expect(await told()).toEqual([]);
});
