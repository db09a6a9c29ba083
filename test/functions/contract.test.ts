/**
 * The document tells the truth: every operation and every refusal that it declares is called, and each answer is held against the document
 * by a validator of JSON Schema. What any operation is refused with follows from its declaration and is asked here; codes of its own are
 * asked here or by the test of what they are about.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMemorySecretStore } from "../../shared/adapters/memory/secret-store.ts";
import type { AgentRow } from "../../shared/application/state/agent-rows.ts";
import { pack, readRow } from "../../shared/application/state/job-rows.ts";
import { commonRefusals, type Operation, paramsOf } from "../../shared/contracts/operation.ts";
import { StorageError } from "../../shared/ports/row-store.ts";
import { aUser, guidOf } from "../support/cloud.ts";
import { createContractRecord } from "../support/contract-record.ts";
import { type Sample, samplesOf, withoutSample } from "../support/samples.ts";
import { type AskedHow, createService, type Service } from "../support/service.ts";
import { playAgents } from "./contract-scenes/agents.ts";
import { playBackups } from "./contract-scenes/backups.ts";
import { playJobs } from "./contract-scenes/jobs.ts";
import { playLinks } from "./contract-scenes/links.ts";
import { playOnDemand } from "./contract-scenes/on-demand.ts";
import { playSecrets } from "./contract-scenes/secrets.ts";
import { playStaged } from "./contract-scenes/staged.ts";

let service: Service;
let samples: Readonly<Record<string, Sample>>;
let storage: "works" | "away" | "broken" = "works";
const record = createContractRecord();
const { seen, lies } = record;

const named = (id: string): Operation => {
  const found = service.operations.find((own) => own.id === id);
  if (!found) throw new Error(`There is no operation ${id}.`);
  return found;
};
const ask = (id: string, how: AskedHow = {}) => service.ask(named(id), { ...sampleOf(id), ...how });
const sampleOf = (id: string): AskedHow => {
  const { body, query } = samples[id] ?? {};
  if (id === "AcceptBatch") return { body: service.zipped(body), headers: { "content-encoding": "gzip" } };
  return { ...(body === undefined ? {} : { body }), ...(query ? { query } : {}) };
};

beforeAll(async () => {
  const failing = () => {
    if (storage === "away") throw new StorageError("storage-unreachable", "It is away.");
    if (storage === "broken") throw new Error("It is broken.");
  };
  service = await createService({
    secrets: createMemorySecretStore(),
    wrapRows: (rows) => ({
      ...rows,
      table(name) {
        const table = rows.table(name);
        return {
          ...table,
          async get(...args) {
            failing();
            return table.get(...args);
          },
          async getMany(...args) {
            failing();
            return table.getMany(...args);
          },
          range(...args) {
            failing();
            return table.range(...args);
          },
          scan(...args) {
            failing();
            return table.scan(...args);
          },
          async transact(...args) {
            failing();
            return table.transact(...args);
          },
        };
      },
      async listTables() {
        failing();
        return rows.listTables();
      },
    }),
    wrapBlobs: (blobs) => ({
      ...blobs,
      list(prefix) {
        failing();
        return blobs.list(prefix);
      },
    }),
  });
  samples = await samplesOf(service);
  await record.listen(service);
});
afterAll(() => service?.close());

test("what any operation may be refused with, each is", { timeout: 120_000 }, async () => {
  expect(withoutSample(service.operations, samples)).toEqual([]);
  for (const operation of service.operations) {
    const { id, guard, query } = operation;
    await ask(id, { query: { nonsense: "1" } });
    await ask(id, { headers: { "content-length": "99999999" } });
    if (query) for (const name of Object.keys(query.shape)) await ask(id, { query: { [name]: "\u0000" } });
    for (const { name } of paramsOf(operation.path)) await ask(id, { params: { [name]: "a/b" } });
    if (operation.method !== "GET") {
      const headers = {};
      await ask(id, { body: Buffer.from("{"), headers });
      await ask(id, { body: Buffer.from("[1]"), headers });
    }
    if (operation.mindsExisting) for (const _ of [1, 2]) await ask(id, { headers: { "if-none-match": "*" } });
    if (operation.mindsExisting) await ask(id, { headers: { "if-none-match": '"other"' } });
    if (operation.method !== "GET") await ask(id, { headers: { "if-match": '"other"' } });
    if (guard !== "public" || operation.tellsAdmins) {
      const as = operation.tellsAdmins ? "admin" : "guard";
      await ask(id, { as: "nobody" });
      if (guard.startsWith("admin") || operation.tellsAdmins)
        for (const token of ["", await service.issuer.token([])])
          await ask(id, { as: "nobody", headers: { authorization: `Bearer ${token}` } });
      storage = "away";
      await ask(id, { as });
      storage = "broken";
      await ask(id, { as });
      storage = "works";
    }
  }
  // Of somebody else's agent and job.
  for (const { id, path } of service.operations)
    for (const { name, pattern } of paramsOf(path)) {
      const unknown = /guid$/i.test(name) ? "11111111-2222-4333-8444-555555555555" : "none-such";
      if (pattern === undefined) await ask(id, { params: { [name]: unknown } });
    }
});

test("an agent that is revoked or locked is refused by every operation of agents", async () => {
  const { cloud, agent, corp, client } = service;
  const table = cloud.rows.table("agents");
  const operations = service.operations.filter(({ guard }) => guard === "agent");
  for (const status of ["locked", "revoked"] as const) {
    const row = `agent:${agent.agentId}`;
    const found = await readRow<AgentRow>(table, corp.configurationId, row);
    if (!found) throw new Error("The agent has no row.");
    const write = async (own: AgentRow) => {
      await table.transact(corp.configurationId, [{ op: "upsert", row, values: pack(own) }]);
      cloud.cloud.routes.proofs.forget(client.key.kid);
    };
    await write({ ...found.value, status });
    for (const { id } of operations) expect((await ask(id)).code, id).toBe(`agent-${status}`);
    await ask("AgentAction", { params: { action: "approve" } });
    await write(found.value);
    await ask("Heartbeat");
    // It is remembered for a while although it is gone.
    await table.transact(corp.configurationId, [{ op: "delete", row }]);
    expect((await ask("Heartbeat")).code).toBe("agent-unknown");
    await write(found.value);
  }
});

test("a life of a configuration: what succeeds is answered as it is told", { timeout: 120_000 }, async () => {
  const { cloud, corp } = service;
  const params = { objectGuid: guidOf("ann") };
  expect([(await ask("AcceptBatch")).status, (await ask("AcceptBatch")).status]).toEqual([202, 200]);
  await ask("AcceptBatch", { body: Buffer.from("{}") });
  await ask("AnswerCommand", { body: { ...(samples["AnswerCommand"]?.body as object), leaseEpoch: 99 } });
  // The other agent's turn, once the first one's lease is over.
  cloud.clock.set(cloud.clock.now() + 200_000);
  await corp.read("full", [aUser("ann"), aUser("bob"), aUser("eve", { userPrincipalName: "ann@corp.example" })]);
  await cloud.tick();
  for (const { id, method, guard } of service.operations) if (method === "GET" || guard === "public") await ask(id);
  await ask("ShowLink", { params });
  await ask("Enrol");
  await ask("Enrol", { body: service.enrolment("none.0123456789abcdef") });
  const made = await ask("CreateConfiguration");
  await ask("CreateConfiguration");
  await ask("ProvisionOnDemand", { params: { configurationId: made.body?.id ?? "", jobId: made.body?.jobId ?? "" } });
  await ask("ProvisionOnDemand", {
    body: { parameters: [{ ruleId: "none", subjects: [{ objectId: guidOf("ann"), objectTypeName: "user" }] }] },
  });
  const enrolment = await ask("CreateEnrolmentToken");
  await ask("RevokeEnrolmentToken", { params: { tokenId: enrolment.body?.id ?? "" } });
  await ask("AgentAction", { params: { action: "approve" } });
  for (const id of ["SetJobMode", "Reevaluate", "SetLifecycle", "ChangeJobSettings", "ClearQuarantine", "WakeJobAnew"])
    await ask(id);
  await ask("JobAction", { params: { action: "restart" } });
  await ask("PutSchema");
  await ask("PutSecrets");
  await ask("ListSecrets");
  await ask("ValidateCredentials");
  await ask("RebuildLinks");
  await ask("RetryEscrows", { body: {} });
  await ask("AddExclusion", { params: { guid: guidOf("nobody") } });
  await ask("ListExclusions");
  await ask("GetExclusion", { params: { guid: guidOf("nobody") } });
  await ask("RemoveExclusion", { params: { guid: guidOf("nobody") }, headers: { "if-match": '"other"' } });
  await ask("RemoveExclusion", { params: { guid: guidOf("nobody") } });
  await cloud.run();
  const tried = await ask("RunWhatIf");
  const reconcile = await ask("AskReconcile");
  await ask("AskReconcile");
  await cloud.run();
  const found = await ask("GetWhatIf", { params: { id: tried.body?.id ?? "" } });
  await ask("ApproveWhatIf", { body: { digest: found.body?.digest ?? "x" } });
  await ask("ListWhatIfs");
  const reconcileId = reconcile.body?.id ?? "";
  for (const id of ["ListReconciles", "ShowReconcile", "ListFindings"]) await ask(id, { params: { reconcileId } });
  await ask("ListFindings", { params: { reconcileId }, query: { $skiptoken: "zzz" } });
  const shown = await ask("ShowLink", { params });
  await ask("JoinLink", {
    params: { objectGuid: guidOf("eve") },
    body: { targetId: shown.body?.link?.targetId ?? "" },
  });
  await ask("Unlink", { params });
  await ask("JoinLink", { params, body: { targetId: shown.body?.link?.targetId ?? "" } });
  await ask("MoveLink", { params, body: { toObjectGuid: guidOf("eve") } });
  await cloud.run();
  await corp.read("delta", [{ op: "delete", objectGuid: guidOf("bob") }]);
  await ask("JoinLink", {
    params: { objectGuid: guidOf("bob") },
    body: { targetId: shown.body?.link?.targetId ?? "" },
  });
  await ask("SetScope");
  await ask("Heartbeat");
  await ask("AwaitCommands");
  await ask("ListAgents");
  await ask("GetSynchronizationTemplate", { params: { templateId: "AD2AADProvisioning" } });
  await ask("ProvisioningLog");
  const gone = { configurationId: made.body?.id ?? "", jobId: made.body?.jobId ?? "" };
  await ask("DeleteSynchronizationJob", { params: gone, query: { objects: "keep" } });
});

test.each([
  ["agents", playAgents],
  ["objects on demand", playOnDemand],
  ["links", playLinks],
  ["rows that were lost", playBackups],
  ["staged sets", playStaged],
  ["secrets", playSecrets],
  ["jobs", playJobs],
] as const)("a scene of %s: each refusal of its own is called", { timeout: 120_000 }, async (_, play) => play(record));

test("no answer was another one than the document tells", () => {
  expect([...lies].sort()).toEqual([]);
});

test("nothing was answered that isn't declared", () => {
  const undeclared = [...seen].filter((entry) => {
    const [id = "", status, code] = entry.split(" ");
    const operation = named(id);
    if (code === undefined) {
      const usual = operation.statuses ?? [operation.reply === null ? 204 : 200];
      return !usual.some((own) => String(own) === status);
    }
    const declared: Readonly<Record<string, number>> = { ...commonRefusals(operation), ...operation.refusals };
    return String(declared[code]) !== status;
  });
  expect(undeclared).toEqual([]);
});

test("every refusal that any operation may have was seen of each", () => {
  const missing = service.operations.flatMap((operation) =>
    Object.entries(commonRefusals(operation))
      .map(([code, status]) => `${operation.id} ${status} ${code}`)
      .filter((entry) => !seen.has(entry)),
  );
  expect(missing).toEqual([]);
});

test("every code of an operation's own was seen of each operation that declares it", () => {
  const missing = service.operations.flatMap(({ id, refusals }) =>
    Object.entries(refusals ?? {})
      .map(([code, status]) => `${id} ${status} ${code}`)
      .filter((entry) => !seen.has(entry)),
  );
  expect(missing).toEqual([]);
});

test("every operation succeeded, with each status that it declares", () => {
  const missing = service.operations.flatMap(({ id, statuses, reply }) =>
    (statuses ?? [reply === null ? 204 : 200]).map((status) => `${id} ${status}`).filter((entry) => !seen.has(entry)),
  );
  expect(missing).toEqual([]);
});
