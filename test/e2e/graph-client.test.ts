/**
 * Microsoft's own JavaScript client for Graph, unmodified, over HTTPS against the built service: what an admin's scripts do with
 * Graph's synchronization API they do here by another base address.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  Client,
  type GraphError,
  type PageCollection,
  PageIterator,
  ResponseType,
  RetryHandlerOptions,
} from "@microsoft/microsoft-graph-client";
import type {
  DirectoryAudit,
  ProvisioningObjectSummary,
  SynchronizationJob,
  SynchronizationTemplate,
} from "@microsoft/microsoft-graph-types";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { sampleLdif } from "../../local/samples/generate.ts";
import { createSecureFetch, type SecureInit } from "../../local/start/secure-fetch.ts";
import { OnDemandKey, OnDemandValue } from "../../shared/contracts/admin/provision-on-demand.ts";
import { type AdRuntime, startAdRuntime } from "../support/ad-runtime.ts";
import { createAgent, type TestAgent } from "../support/runtime/agent.ts";
import { applications } from "../support/runtime/services.ts";
import { until } from "../support/until.ts";

const FQDN = "fabrikam.example";

let runtime: AdRuntime;
let client: Client;
let configurationId: string;
let jobId: string;
let jobs: string;
let agent: TestAgent;
/** What its agent reads: people of a company. */
let describeCompany: (company: string) => Promise<void>;
/** What the client sent and got last, by header. */
let last: { sent: Headers; got: Headers };

beforeAll(async () => {
  runtime = await startAdRuntime({ verifiedDomains: [FQDN] });
  const job = await runtime.createConfiguration(FQDN, "FABRIKAM");
  ({ configurationId, jobId } = job);
  jobs = `/servicePrincipals/${configurationId}/synchronization/jobs`;
  const file = join(runtime.home, "small.ldif");
  const alsoElsewhere = { given: "Maya", family: "Lindqvist", consistencyGuid: "0b5f6a52-6c1d-4a7e-8f4b-5d2e8c9a1f37" };
  describeCompany = async (company) => {
    const plan = { ...{ fqdn: FQDN, netBios: "FABRIKAM", company, people: 6, offset: 0 }, alsoElsewhere };
    await writeFile(file, sampleLdif({ name: "small", plan }));
  };
  await describeCompany("Fabrikam");
  agent = await createAgent(runtime, "small", { kind: "ldif", file });
  await agent.mustEnrol(job);
  await agent.mustRead();
  await runtime.settled(job);
  // The client calls the global `fetch`, which learns of a private authority at process start only.
  const secure = createSecureFetch(await readFile(runtime.caFile, "utf8"));
  vi.stubGlobal("fetch", async (address: string | URL | Request, init: RequestInit = {}) => {
    const request = new Request(address, init);
    const body = request.body === null ? {} : { body: new Uint8Array(await request.arrayBuffer()) };
    const sent: SecureInit = { method: request.method, headers: Object.fromEntries(request.headers), ...body };
    const response = await secure(request.url, sent);
    last = { sent: request.headers, got: response.headers };
    return response;
  });
  client = Client.init({
    baseUrl: `${runtime.url}/api/`,
    customHosts: new Set(["localhost"]),
    authProvider: (done) =>
      void runtime.adminToken().then(
        (token) => done(null, token),
        (error) => done(error, null),
      ),
  });
}, 240_000);
afterAll(async () => {
  vi.unstubAllGlobals();
  await runtime?.destroy();
});

const failureOf = (call: Promise<unknown>): Promise<GraphError> =>
  call.then(
    () => expect.fail("was not refused"),
    (error: GraphError) => error,
  );
const jobOf = async (): Promise<SynchronizationJob> => client.api(`${jobs}/${jobId}`).get();
const everyRow = async (page: PageCollection): Promise<ProvisioningObjectSummary[]> => {
  const rows: ProvisioningObjectSummary[] = [];
  await new PageIterator(client, page, (row: ProvisioningObjectSummary) => rows.push(row) > 0).iterate();
  return rows;
};

describe("Microsoft's Graph client", { timeout: 120_000 }, () => {
  test("lists configurations, their templates and jobs, and tells a job's status", async () => {
    const { value } = (await client.api("/servicePrincipals").get()) as PageCollection;
    expect(value).toMatchObject([{ id: configurationId, displayName: FQDN }]);
    const templates = await client.api(`/servicePrincipals/${configurationId}/synchronization/templates`).get();
    expect((templates.value as SynchronizationTemplate[]).map(({ id }) => id)).toEqual(["AD2AADProvisioning"]);
    expect((await client.api(jobs).get()).value).toMatchObject([{ id: jobId, templateId: "AD2AADProvisioning" }]);
    expect((await jobOf()).status).toMatchObject({
      ...{ code: "Active", quarantine: null, progress: [] },
      lastSuccessfulExecution: { state: "Succeeded" },
    });
    const countOf = async (key: string) =>
      (await jobOf()).status?.synchronizedEntryCountByType?.find((own) => own.key === key)?.value;
    const users = (await runtime.users()).length;
    await until("the objects to be counted", async () => (await countOf("user to User")) === users);
    expect(await countOf("group to Group")).toBe((await runtime.objects()).length - users);
  });

  test("pauses, starts and restarts a job", async () => {
    await client.api(`${jobs}/${jobId}/pause`).post({});
    expect(await jobOf()).toMatchObject({ schedule: { state: "Paused" }, status: { code: "Paused" } });
    await client.api(`${jobs}/${jobId}/start`).post({});
    expect((await jobOf()).status?.code).toBe("Active");
    await client.api(`${jobs}/${jobId}/restart`).post({ criteria: { resetScope: "Watermark, Escrows" } });
    expect(await runtime.status({ configurationId, jobId })).toMatchObject({ fullReadWanted: "watermark-reset" });
  });

  test("gets a schema and puts it under its ETag; somebody else's change in between is 412", async () => {
    const address = `${jobs}/${jobId}/schema`;
    const raw: Response = await client.api(address).responseType(ResponseType.RAW).get();
    const etag = raw.headers.get("etag") ?? "";
    const schema = (await raw.json()) as { synchronizationRules: { name: string }[] };
    const [rule] = schema.synchronizationRules;
    if (rule) rule.name = "Renamed";
    await client.api(address).header("If-Match", etag).put(schema);
    expect((await client.api(address).get()).synchronizationRules[0].name).toBe("Renamed");
    const refused = await failureOf(client.api(address).header("If-Match", etag).put(schema));
    expect(refused).toMatchObject({ statusCode: 412, code: "etag-mismatch" });
  });

  test("lists a schema's versions, gets an older one, and tells what differs", async () => {
    const own = `/uplink/jobs/${jobId}`;
    const versions: PageCollection = await client.api(`${own}/schemaVersions`).get();
    expect(versions.value.map(({ version, isInEffect }) => ({ version, isInEffect }))).toEqual([
      { version: 2, isInEffect: true },
      { version: 1, isInEffect: false },
    ]);
    const older = await client.api(`${jobs}/${jobId}/schema`).query({ version: "1" }).get();
    expect(older.synchronizationRules[0].name).not.toBe("Renamed");
    const differs = await client.api(`${own}/schemaDiff`).query({ from: "1", to: "2" }).get();
    expect(differs.changes).toContainEqual({
      ...{ what: "synchronizationRules.Renamed", before: null },
      after: expect.stringContaining("Renamed"),
    });
    expect(differs.objectMappings).toEqual([]);
    const unknown = await failureOf(client.api(`${own}/schemaDiff`).query({ from: "1", to: "9" }).get());
    expect(unknown).toMatchObject({ statusCode: 404, code: "schema-version-not-found" });
  });

  test("writes secrets that nobody reads, and tries credentials", async () => {
    const secrets = `/servicePrincipals/${configurationId}/synchronization/secrets`;
    await client.api(secrets).put({ value: [{ key: "AppKey", value: applications.exporter.clientSecret }] });
    expect((await client.api(secrets).get()).value).toEqual([{ key: "AppKey", value: null }]);
    const validate = (body: object) => client.api(`${jobs}/${jobId}/validateCredentials`).post(body);
    await validate({ useSavedCredentials: true });
    const refused = await failureOf(validate({ credentials: [{ key: "AppKey", value: "not-the-secret" }] }));
    expect(refused).toMatchObject({ statusCode: 400, code: "target-credentials" });
    expect(JSON.stringify(refused)).not.toContain("not-the-secret");
  });

  test("provisions one object on demand, dry and for good, every step told; the sixth of ten seconds is 429", async () => {
    const startedAt = Date.now();
    const running = agent.start("run");
    try {
      await until("everybody to be read anew", async () => {
        const { fullReadWanted, openRead, waiting } = await runtime.status({ configurationId, jobId });
        return (
          fullReadWanted === null && openRead === null && waiting.batches + waiting.readsEnding + waiting.work === 0
        );
      });
      await until("its agent to hold the lease", async () => {
        const { value } = (await client
          .api(`/uplink/configurations/${configurationId}/agents`)
          .get()) as PageCollection;
        const { holdsLease, lastSeenAt } = value[0] as { holdsLease: boolean; lastSeenAt: string };
        return holdsLease && Date.parse(lastSeenAt) >= startedAt;
      });
      const log: PageCollection = await client.api("/auditLogs/provisioning").filter(`jobId eq '${jobId}'`).get();
      const made = (log.value as ProvisioningObjectSummary[]).find((row) => row.provisioningAction === "create");
      const objectId = made?.sourceIdentity?.id ?? "";
      const ask = (more: object = {}) =>
        client
          .api(`${jobs}/${jobId}/provisionOnDemand`)
          // Else it waits and asks again by itself.
          .middlewareOptions([new RetryHandlerOptions(0, 0)])
          .post({ parameters: [{ subjects: [{ objectId, ...more }] }] });
      const told = (reply: { key: string; value: string }) => ({
        key: OnDemandKey.parse(JSON.parse(reply.key)),
        value: OnDemandValue.parse(JSON.parse(reply.value)),
      });
      const { key, value } = told(await ask());
      expect(key).toEqual({ result: "Success", details: { errorCode: "", errorMessage: "" } });
      expect(value).toMatchObject([{ action: "none", outcome: "no-op", sourceIdentity: { id: objectId } }]);
      const kinds = value[0]?.provisioningSteps.map((step) => `${step.provisioningStepType} ${step.status}`);
      expect(kinds).toEqual(expect.arrayContaining(["import success", "scoping success", "matching success"]));
      const refused = await failureOf(ask({ objectTypeName: "printer" }));
      expect(refused).toMatchObject({ statusCode: 409, code: "object-type-mismatch" });
      const dry = await client
        .api(`${jobs}/${jobId}/provisionOnDemand`)
        .post({ parameters: [{ subjects: [{ objectId }] }], dryRun: true });
      expect(told(dry).value).toMatchObject([{ isDryRun: true, outcome: "none" }]);
      const others = await Promise.allSettled(Array.from({ length: 4 }, () => ask()));
      const late = others.flatMap((own) => (own.status === "rejected" ? [own.reason as GraphError] : []));
      expect(late.length).toBeGreaterThan(0);
      for (const own of late) expect(own).toMatchObject({ statusCode: 429, code: "too-many-requests" });
      expect(Number(late[0]?.headers?.get("retry-after"))).toBeGreaterThan(0);
    } finally {
      await running.end("SIGTERM");
    }
  });

  test("sees a job in quarantine, with reason and next attempt, and takes it out by a restart", async () => {
    await runtime.orderFaults({ failWrites: { count: 1_000, status: 401 } });
    await describeCompany("Fabrikam & Sons");
    await agent.mustRead();
    const stopped = await until("the quarantine", async () => {
      const job = await jobOf();
      return job.status?.code === "Quarantine" ? job : undefined;
    });
    expect(stopped.status?.quarantine).toMatchObject({
      ...{ reason: "EncounteredQuarantineException", seriesCount: 0 },
      error: { code: "target-credentials", tenantActionable: true },
    });
    const { currentBegan = "", nextAttempt = "" } = stopped.status?.quarantine ?? {};
    expect(Date.parse(String(nextAttempt)) - Date.parse(String(currentBegan))).toBe(6 * 3_600_000);
    expect(stopped.status?.progress).toMatchObject([{ units: "changes", totalUnits: expect.any(Number) }]);
    await runtime.clearFaults();
    await client.api(`${jobs}/${jobId}/restart`).post({ criteria: { resetScope: "QuarantineState" } });
    const well = await until("the quarantine to end", async () => {
      const job = await jobOf();
      return job.status?.quarantine === null && job.status?.progress?.length === 0 ? job : undefined;
    });
    expect(well.status).toMatchObject({ code: "Active", lastExecution: { state: "Succeeded" } });
    expect((await runtime.users()).map(({ properties }) => properties["companyName"])).toContain("Fabrikam & Sons");
  });

  test("reads the provisioning log, and the audit log page by page", async () => {
    const log = client.api("/auditLogs/provisioning").filter(`jobId eq '${jobId}'`).orderby("activityDateTime desc");
    const whole: PageCollection = await log.top(1_000).get();
    const logFrom: PageCollection = await log.top(5).get();
    expect(logFrom["@odata.nextLink"]).toContain("$skiptoken");
    const rows = await everyRow(logFrom);
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.map(({ id }) => id)).toEqual(whole.value.map(({ id }) => id));
    const times = rows.map(({ activityDateTime }) => String(activityDateTime));
    expect(times).toEqual([...times].sort().reverse());
    const first: PageCollection = await client.api("/auditLogs/directoryAudits").top(2).get();
    expect(first["@odata.nextLink"]).toContain("$skiptoken");
    const seen: DirectoryAudit[] = [];
    const pages = new PageIterator(client, first, (entry: DirectoryAudit) => seen.push(entry) > 0);
    await pages.iterate();
    expect(seen.length).toBeGreaterThan(4);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
    expect(seen.map(({ operationType }) => operationType)).toEqual(
      expect.arrayContaining(["CreateConfiguration", "JobAction", "PutSchema", "PutSecrets"]),
    );
  });

  test("goes through lists that are short by nature page by page, where it asks for pages", async () => {
    const path = `/uplink/jobs/${jobId}/schemaVersions`;
    const { value: whole, "@odata.nextLink": more }: PageCollection = await client.api(path).get();
    expect([whole.length > 1, more]).toEqual([true, undefined]);
    const first: PageCollection = await client.api(path).top(1).get();
    expect(first.value).toEqual(whole.slice(0, 1));
    const seen: unknown[] = [];
    await new PageIterator(client, first, (version: unknown) => seen.push(version) > 0).iterate();
    expect(seen).toEqual(whole);
    const principals: PageCollection = await client.api("/servicePrincipals").top(1).get();
    expect([principals.value.length, principals["@odata.nextLink"]]).toEqual([1, undefined]);
  });

  test("asks the provisioning log for one object, failures and a time range; what it can't answer says what it can", async () => {
    const ask = (filter: string) => client.api("/auditLogs/provisioning").filter(filter).top(3).get();
    const all = await everyRow(await ask(`jobId eq '${jobId}'`));
    const [newest, older] = [all[0], all.at(-1)];
    const idsOf = (rows: readonly ProvisioningObjectSummary[]) => rows.map(({ id }) => id);
    const guid = older?.sourceIdentity?.id;
    const ofOne = await everyRow(await ask(`jobId eq '${jobId}' and sourceIdentity/id eq '${guid}'`));
    expect(idsOf(ofOne)).toEqual(idsOf(all.filter((row) => row.sourceIdentity?.id === guid)));
    expect(ofOne.length).toBeGreaterThan(1);
    const failed = await everyRow(await ask(`jobId eq '${jobId}' and provisioningStatusInfo/status eq 'failure'`));
    expect(idsOf(failed)).toEqual(idsOf(all.filter((row) => row.provisioningStatusInfo?.status === "failure")));
    const since = String(newest?.activityDateTime);
    const late = await everyRow(await ask(`jobId eq '${jobId}' and activityDateTime ge ${since}`));
    expect(idsOf(late)).toEqual(idsOf(all.filter((row) => String(row.activityDateTime) >= since)));
    expect(late.length).toBeLessThan(all.length);
    const refused = await failureOf(ask("provisioningAction eq 'create'"));
    expect(refused).toMatchObject({ statusCode: 400, code: "query-unsupported" });
    expect(JSON.stringify(refused.body)).toContain("sourceIdentity/id eq");
  });

  test("gets its own request's id back beside the service's, and refusals as GraphError", async () => {
    await jobOf();
    const id = last.sent.get("client-request-id") ?? "none was sent";
    expect(last.got.get("client-request-id")).toBe(id);
    expect(last.got.get("request-id")).toMatch(/^[0-9a-f-]{36}$/);
    const refused = await failureOf(client.api(`${jobs}/nobody`).get());
    expect(refused).toMatchObject({ statusCode: 404, code: "job-not-found", message: "There is no job nobody." });
    expect(refused.requestId).toBe(last.got.get("request-id"));
    const unknown = await failureOf(client.api(jobs).select("id").get());
    expect(unknown).toMatchObject({ statusCode: 400, code: "query-unsupported" });
  });

  test("is told as GraphError of a path that nobody serves, and of a method that a path doesn't take", async () => {
    for (const [method, call] of [
      ["POST", () => client.api(`${jobs}/${jobId}/stop`).post({})],
      ["PATCH", () => client.api(`${jobs}/${jobId}`).patch({})],
      ["GET", () => client.api(`${jobs}/${jobId}/schemata`).get()],
    ] as const) {
      const refused = await failureOf(call());
      expect(refused).toMatchObject({ statusCode: 404, code: "path-unknown" });
      expect(refused.message).toContain(`${method} /api/v1.0/servicePrincipals/`);
      expect(refused.requestId).toBe(last.got.get("request-id"));
    }
  });

  test("deletes a job once it says what becomes of its objects, and makes the next one from the template", async () => {
    const users = async () => (await runtime.users()).filter(({ deleted }) => !deleted).map(({ id }) => id);
    const before = await users();
    expect(before.length).toBeGreaterThan(3);
    const asked = await failureOf(client.api(`${jobs}/${jobId}`).delete());
    expect(asked).toMatchObject({ statusCode: 409, code: "job-has-objects" });
    await client.api(`${jobs}/${jobId}`).query({ objects: "keep" }).delete();
    expect((await client.api(jobs).get()).value).toEqual([]);
    const create = () => client.api(jobs).post({ templateId: "AD2AADProvisioning" });
    // Its rows go in the service's own time; until then there is one.
    const made: SynchronizationJob = await until(
      "the job to be gone",
      () => create().catch(() => undefined),
      60_000,
      500,
    );
    expect(made).toMatchObject({ templateId: "AD2AADProvisioning", status: { code: "NotRun" } });
    expect((await client.api(jobs).get()).value).toMatchObject([{ id: made.id }]);
    expect(made.id).not.toBe(jobId);
    expect(await users()).toEqual(before);
  });
});
