/** Secrets as admins write them and nobody reads them, and the check of credentials. */
import { expect, test } from "vitest";
import { createMemorySecretStore } from "../../shared/adapters/memory/secret-store.ts";
import { listDirectoryAudits } from "../../shared/contracts/admin/audit.ts";
import { listSecrets, putSecrets, validateCredentials } from "../../shared/contracts/admin/secrets.ts";
import { SecretsUnavailable } from "../../shared/ports/secret-store.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";
import { createAdminApi } from "../support/admin-api.ts";
import { type CloudOptions, createCloud } from "../support/cloud.ts";

const APP_KEY = "sup3r-Secret~value";
const DOMAIN = JSON.stringify({ domain: "CORP.example" });

async function start(options: CloudOptions = {}) {
  const secrets = createMemorySecretStore();
  const tried: (string | undefined)[] = [];
  const probeTarget = async (appKey: string | undefined) => {
    tried.push(appKey);
    if (appKey === "wrong")
      throw new TargetUnavailable("target-credentials", "No token: 'wrong' is no secret.", "Check it.", 0);
    if (appKey === "away") throw new TargetUnavailable("target-unreachable", "Nobody answers.", "Wait.", 0);
  };
  const cloud = await createCloud({ secrets, probeTarget, ...options });
  const { configurationId, jobId } = await cloud.addDomain("corp.example");
  const ask = createAdminApi(cloud.cloud);
  const params = { configurationId };
  const put = (...value: { key: "AppKey" | "Domain" | "SyncNotificationSettings"; value: string }[]) =>
    ask(putSecrets, { params, body: { value } });
  const keys = async () => (await ask(listSecrets, { params })).body.value;
  const validate = (body: object = {}) => ask(validateCredentials, { params: { configurationId, jobId }, body });
  return { ...cloud, ask, params, put, keys, validate, tried, secrets, configurationId };
}

test("what is written replaces all, is listed by key, and stands nowhere else", async () => {
  const { put, keys, ask, rows, logged, secrets, configurationId } = await start();
  expect(await keys()).toEqual([]);
  expect((await put({ key: "AppKey", value: APP_KEY }, { key: "Domain", value: DOMAIN })).status).toBe(204);
  expect(await keys()).toEqual([
    { key: "Domain", value: null },
    { key: "AppKey", value: null },
  ]);
  expect(await secrets.get(`uplink-${configurationId}`)).toContain(APP_KEY);
  const audits = (await ask(listDirectoryAudits, {})).body.value;
  expect(audits[0]).toMatchObject({ operationType: "PutSecrets" });
  const stored: string[] = [];
  for (const name of await rows.listTables())
    for await (const page of rows.table(name).scan())
      for (const { values } of page)
        for (const value of Object.values(values))
          stored.push(value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value));
  expect(stored.length).toBeGreaterThan(5);
  expect([stored.join(), JSON.stringify(logged), JSON.stringify(audits)].join()).not.toContain(APP_KEY);
  await put({ key: "Domain", value: DOMAIN });
  expect(await keys()).toEqual([{ key: "Domain", value: null }]);
});

test.each([
  ["Domain", "corp.example", "must be JSON"],
  ["Domain", '{"domain":"other.example"}', "corp.example"],
  ["SyncNotificationSettings", '{"Enabled":"yes"}', "Enabled, Recipients"],
] as const)("a %s of %s is refused, and nothing is replaced", async (key, value, told) => {
  const { put, keys } = await start();
  await put({ key: "AppKey", value: APP_KEY });
  const refused = await put({ key, value });
  expect(refused.failure).toMatchObject({ status: 422, code: "secret-invalid" });
  expect(refused.failure?.message).toContain(told);
  expect(await keys()).toEqual([{ key: "AppKey", value: null }]);
});

test("more than a key vault's secret can hold is refused before anything is written, by bytes", async () => {
  const { put, keys, secrets, configurationId } = await start();
  await put({ key: "AppKey", value: APP_KEY });
  const before = await secrets.get(`uplink-${configurationId}`);
  // 9,000 characters, three bytes each.
  const refused = await put({ key: "AppKey", value: "日".repeat(9_000) });
  expect(refused.failure).toMatchObject({ status: 422, code: "secret-invalid" });
  expect(refused.failure?.message).toContain("25000");
  expect(JSON.stringify(refused.failure)).not.toContain("日");
  expect([await secrets.get(`uplink-${configurationId}`), await keys()]).toEqual([
    before,
    [{ key: "AppKey", value: null }],
  ]);
  expect((await put({ key: "AppKey", value: "日".repeat(8_000) })).status).toBe(204);
});

test("settings of notifications are taken in Graph's shape", async () => {
  const { put, keys } = await start();
  const value = JSON.stringify({
    ...{ Enabled: true, Recipients: "a@corp.example", DeleteThresholdEnabled: true, DeleteThresholdValue: 50 },
  });
  expect((await put({ key: "SyncNotificationSettings", value })).status).toBe(204);
  expect(await keys()).toHaveLength(1);
});

test("credentials are tried as given, as saved, or as the service has them; what is wrong is told without them", async () => {
  const { validate, put, tried } = await start();
  expect((await validate()).status).toBe(204);
  expect((await validate({ credentials: [{ key: "AppKey", value: APP_KEY }] })).status).toBe(204);
  await put({ key: "AppKey", value: "wrong" });
  const refused = await validate({ useSavedCredentials: true });
  expect(refused.failure).toMatchObject({ status: 400, code: "target-credentials", remedy: "Check it." });
  expect(refused.failure?.message).toBe("No token: '[Redact]' is no secret.");
  const away = await validate({ credentials: [{ key: "AppKey", value: "away" }] });
  expect(away.failure).toMatchObject({ status: 503, code: "target-unreachable" });
  expect(tried).toEqual([undefined, APP_KEY, "wrong", "away"]);
});

test("without a place for secrets, and with one that is away, it says so", async () => {
  const { ask, params } = await start({ secrets: undefined as never });
  expect((await ask(listSecrets, { params })).failure).toMatchObject({ status: 409, code: "secrets-not-configured" });
  const away = () => Promise.reject(new SecretsUnavailable("The vault is away.", "Wait."));
  const other = await start({ secrets: { get: away, set: away } });
  expect((await other.put({ key: "AppKey", value: APP_KEY })).failure).toMatchObject({
    ...{ status: 503, code: "secrets-unreachable", message: "The vault is away." },
  });
  expect((await other.ask(listSecrets, { params: { configurationId: "x" } })).failure?.status).toBe(404);
});
