/** What an admin's restart does, by Graph's `resetScope`, over a cloud in memory. */
import { beforeEach, expect, test } from "vitest";
import { actOnJob } from "../../shared/contracts/admin/jobs.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";
import { createAdminApi } from "../support/admin-api.ts";
import { aUser, type Cloud, createCloud } from "../support/cloud.ts";

let cloud: Cloud;
let agent: Awaited<ReturnType<Cloud["addDomain"]>>;
/** A job with somebody in escrow, in quarantine. */
beforeEach(async () => {
  cloud = await createCloud();
  agent = await cloud.addDomain("corp.example");
  await agent.read("full", [aUser("ann"), aUser("eve", { userPrincipalName: "ann@corp.example" })]);
  const fault = new TargetUnavailable("target-credentials", "The secret has expired.", "Give it another.", 0);
  await cloud.cloud.routes.quarantines.noteFault(agent.jobId, fault);
});

const restart = (resetScope?: string) =>
  createAdminApi(cloud.cloud)(actOnJob, {
    params: { configurationId: agent.configurationId, jobId: agent.jobId, action: "restart" },
    body: resetScope === undefined ? {} : { criteria: { resetScope } },
  });
const became = async () => {
  const { fullReadWanted, quarantine, escrowed } = await agent.status();
  const isRetried = cloud.logged.some(({ event }) => event === "escrows-retried");
  expect(escrowed).toBe(1);
  return { fullReadWanted, isRetried, isLifted: quarantine === null };
};

test.each([
  [undefined, { fullReadWanted: "asked", isRetried: true, isLifted: true }],
  ["None", { fullReadWanted: "asked", isRetried: false, isLifted: false }],
  ["Escrows", { fullReadWanted: "asked", isRetried: true, isLifted: false }],
  ["QuarantineState", { fullReadWanted: "asked", isRetried: false, isLifted: true }],
  ["Watermark", { fullReadWanted: "watermark-reset", isRetried: false, isLifted: false }],
  ["Escrows, QuarantineState", { fullReadWanted: "asked", isRetried: true, isLifted: true }],
  ["Watermark,Escrows", { fullReadWanted: "watermark-reset", isRetried: true, isLifted: false }],
  ["Full", { fullReadWanted: "watermark-reset", isRetried: true, isLifted: true }],
])("a restart with the reset scope %s reads everything again, and does just that beside it", async (scope, what) => {
  expect((await restart(scope)).status).toBe(204);
  expect(await became()).toEqual(what);
});

test.each(["ConnectorDataStore", "ForceDeletes", "Escrows, ForceDeletes"])(
  "a restart with the reset scope %s is refused, says which there are and the way, and does nothing",
  async (scope) => {
    const { failure } = await restart(scope);
    expect(failure).toMatchObject({ status: 400, code: "reset-scope-unsupported" });
    expect(failure?.remedy).toMatch(/None, Escrows, QuarantineState, Watermark and Full.*uplink (link|staged)/);
    expect(await became()).toEqual({ fullReadWanted: null, isRetried: false, isLifted: false });
  },
);

test("a word that Graph doesn't have is refused by the contract", async () => {
  expect((await restart("Everything")).failure).toMatchObject({ status: 422, code: "invalid-body" });
});

test.each<[unknown, string]>([
  [{ criteria: { ResetScope: "None" } }, "criteria.ResetScope"],
  [{ criteria: { resetscope: "None" } }, "criteria.resetscope"],
  [{ resetScope: "None" }, "resetScope"],
  [{ Criteria: { resetScope: "None" } }, "Criteria"],
])("a restart by %j is refused at that field: else it would lift the quarantine", async (body, target) => {
  const params = { configurationId: agent.configurationId, jobId: agent.jobId, action: "restart" };
  const { failure } = await createAdminApi(cloud.cloud)(actOnJob, { params, body: body as object });
  expect(failure).toMatchObject({ status: 422, code: "invalid-body", details: [{ target }] });
  expect(failure?.message).toContain(`'${target}'`);
  expect(failure?.remedy).toContain("Mend the named fields");
  expect(await became()).toEqual({ fullReadWanted: null, isRetried: false, isLifted: false });
});

test("annotations that Graph's clients may send with a restart pass, and mean nothing", async () => {
  const criteria = { "@odata.type": "#microsoft.graph.synchronizationJobRestartCriteria", resetScope: "None" };
  const params = { configurationId: agent.configurationId, jobId: agent.jobId, action: "restart" };
  const body = { "criteria@odata.type": "#x", criteria } as object;
  expect((await createAdminApi(cloud.cloud)(actOnJob, { params, body })).status).toBe(204);
  expect(await became()).toEqual({ fullReadWanted: "asked", isRetried: false, isLifted: false });
});
