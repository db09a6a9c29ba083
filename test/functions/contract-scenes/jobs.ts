/** A job's schemas and what-ifs, its deletion, and the next one from the template. */
import { expect } from "vitest";
import { WHAT_IF_FILES } from "../../../shared/application/state/what-if-rows.ts";
import { aUser } from "../../support/cloud.ts";
import { type ContractRecord, openScene } from "../../support/contract-record.ts";
import { schemaWith } from "../../support/schema.ts";

export async function playJobs(record: ContractRecord): Promise<void> {
  const { cloud, corp, ask, codeOf, close } = await openScene(record);
  cloud.clock.set(cloud.clock.now() + 200_000);
  await corp.read("full", [aUser("ann")]);

  expect(await codeOf("GetSchema", { query: { version: "9" } })).toBe("schema-version-not-found");
  expect(await codeOf("DiffSchemas", { query: { from: "9" } })).toBe("schema-version-not-found");
  const broken = schemaWith({ user: { attributes: { Title: { source: { expression: "NoFunction([title])" } } } } });
  const forced = { params: { action: "restart" }, body: { criteria: { resetScope: "ForceDeletes" } } };
  expect(await codeOf("JobAction", forced)).toBe("reset-scope-unsupported");
  expect(await codeOf("RemoveExclusion")).toBe("exclusion-not-found");
  expect(await codeOf("PutSchema", { body: broken })).toBe("schema-invalid");
  expect(await codeOf("PutSchema", { query: { expectedVersion: "9" } })).toBe("schema-version-not-expected");
  expect(await codeOf("RunWhatIf", { body: { kind: "schema", schema: broken } })).toBe("schema-invalid");
  expect(await codeOf("RunWhatIf", { body: { kind: "schemaVersion", version: 9 } })).toBe("schema-version-not-found");
  const schema = schemaWith({ user: { attributes: { Title: { source: { expression: "[cn]" } } } } });
  const lost = await ask("RunWhatIf", { body: { kind: "schema", schema } });
  await cloud.run();
  const { digest: ofLost } = (await ask("GetWhatIf", { params: { id: lost.body.id } })).body;
  await cloud.blobs.delete(WHAT_IF_FILES.schema(corp.jobId, lost.body.id));
  expect(await codeOf("ApproveWhatIf", { body: { digest: ofLost } })).toBe("what-if-not-found");
  // Somebody else's schema comes in between.
  cloud.clock.set(cloud.clock.now() + 1_000);
  const raced = await ask("RunWhatIf", { body: { kind: "schema", schema } });
  await cloud.run();
  const { digest: ofRaced } = (await ask("GetWhatIf", { params: { id: raced.body.id } })).body;
  const { schemas } = cloud.cloud.routes;
  const { put } = schemas;
  schemas.put = async (...args) => {
    schemas.put = put;
    expect((await ask("PutSchema", { body: schemaWith({ user: { attributes: { Title: null } } }) })).status).toBe(200);
    return put(...args);
  };
  expect(await codeOf("ApproveWhatIf", { body: { digest: ofRaced } })).toBe("what-if-outdated");
  cloud.clock.set(cloud.clock.now() + 1_000);
  const tried = await ask("RunWhatIf");
  await cloud.run();
  const { digest } = (await ask("GetWhatIf", { params: { id: tried.body.id } })).body;
  expect(await codeOf("ApproveWhatIf", { body: { digest: "0".repeat(32) } })).toBe("what-if-not-newest");
  await ask("SetScope");
  expect(await codeOf("ApproveWhatIf", { body: { digest } })).toBe("what-if-outdated");

  const { configurationId } = corp;
  const remove = (objects?: string) =>
    codeOf("DeleteSynchronizationJob", objects === undefined ? {} : { query: { objects } });
  const make = (templateId = "AD2AADProvisioning") =>
    codeOf("CreateSynchronizationJob", { params: { configurationId }, body: { templateId } });
  expect(await make()).toBe("job-exists");
  expect(await make("Azure2Azure")).toBe("template-not-found");
  expect(await remove()).toBe("job-has-objects");
  await ask("JobAction", { params: { action: "pause" }, body: {} });
  expect(await remove("delete")).toBe("job-objects-not-deleted");
  expect(await remove("keep")).toBe(204);
  for (let tick = 0; tick < 3; tick++) {
    await cloud.tick();
    await cloud.run();
  }
  expect(await make()).toBe(201);
  await close();
}
