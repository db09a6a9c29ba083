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
import { type AdRuntime, startAdRuntime } from "../support/ad-runtime.ts";
import { createAgent } from "../support/runtime/agent.ts";
import { applications } from "../support/runtime/services.ts";
import { until } from "../support/until.ts";

const FQDN = "fabrikam.example";

let runtime: AdRuntime;
let client: Client;
let configurationId: string;
let jobId: string;
let jobs: string;
/** What the client sent and got last, by header. */
let last: { sent: Headers; got: Headers };

beforeAll(async () => {
  runtime = await startAdRuntime({ verifiedDomains: [FQDN] });
  const job = await runtime.createConfiguration(FQDN, "FABRIKAM");
  ({ configurationId, jobId } = job);
  jobs = `/servicePrincipals/${configurationId}/synchronization/jobs`;
  const file = join(runtime.home, "small.ldif");
  const alsoElsewhere = { given: "Maya", family: "Lindqvist", consistencyGuid: "0b5f6a52-6c1d-4a7e-8f4b-5d2e8c9a1f37" };
  const plan = { ...{ fqdn: FQDN, netBios: "FABRIKAM", company: "Fabrikam", people: 6, offset: 0 }, alsoElsewhere };
  await writeFile(file, sampleLdif({ name: "small", plan }));
  const agent = await createAgent(runtime, "small", { kind: "ldif", file });
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

  test("reads the provisioning log, and the audit log page by page", async () => {
    const log = client.api("/auditLogs/provisioning").filter(`jobId eq '${jobId}'`);
    const whole: PageCollection = await log.top(1_000).get();
    const rows: ProvisioningObjectSummary[] = [];
    const logFrom: PageCollection = await log.top(5).get();
    expect(logFrom["@odata.nextLink"]).toContain("$skiptoken");
    await new PageIterator(client, logFrom, (row: ProvisioningObjectSummary) => rows.push(row) > 0).iterate();
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.map(({ id }) => id)).toEqual(whole.value.map(({ id }) => id));
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
