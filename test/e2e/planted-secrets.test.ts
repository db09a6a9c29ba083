/**
 * The built service and the built agent, with an OTLP endpoint, over a directory with passwords, hashes and keys in it: people are
 * synchronised, one write fails, secrets are saved, tokens made, requests refused, a broken file read and the nightly backup made.
 * Afterwards everything that was left or told is searched.
 *
 * Planted are: in the directory a password, an NT hash and a history of hashes, and a private key, mapped by nobody, and a password in a
 * line that is no LDIF; a password for the directory in the agent's surroundings; an application's key, saved, tried, refused and sent as
 * no JSON; a bearer token, an enrolment token and a key's private half, each made up and refused; an enrolment token that is good; the key
 * of the OTLP endpoint. Looked for as well is what the runtime made itself: keys of agents, secrets of applications, and whatever looks like a
 * connection string, a private key or a signed token.
 *
 * What nobody needs stands nowhere outside of its owner's file. What a job redacts flows to the target, so it stands in the object's row,
 * in the row's backup and in the payload that brought it, and nowhere else. Names of people stand in rows and payloads, and in no telemetry. Messages on the
 * bus aren't kept by it; `test/adapters/service-bus/doorbell.test.ts` says what they hold.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SECRET_FORMS, secretsIn } from "../../local/releases/secrets.ts";
import { sampleLdif } from "../../local/samples/generate.ts";
import { type Runtime, startRuntime } from "../../local/start/runtime.ts";
import { namesInLdif } from "../support/names-in-ldif.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../support/otlp-receiver.ts";
import { collectPlaces, type Places, placesOf } from "../support/places.ts";
import { runtimeAt } from "../support/start-command.ts";
import { until } from "../support/until.ts";

const FQDN = "fabrikam.example";
const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64");

/** In the directory, and mapped by nobody. */
const IN_DIRECTORY = {
  userPassword: "Planted-Word-1",
  unicodePwd: "8846F7EAEE8FB117AD06BDD830B7586C",
  ntPwdHistory: "0CB6948805F797BF2A82807973B89537",
  supplementalCredentials: "-----BEGIN PRIVATE KEY----- planted-key-material",
};
const BROKEN_LINE = "Planted-Broken-Word-2";
const LDAP_PASSWORD = "Planted-Bind-Word-3";
const OTLP_KEY = "planted-otlp-key-4";
const APP_KEY = "planted~App.Key-77";
const FORGED_TOKEN = "eyJwbGFudGVk.eyJwbGFudGVk.c2lnbmF0dXJl";
const PRIVATE_HALF = "planted-private-half";
const FORGED_ENROLMENT = "planted-enrolment-token-0123456789abcdef";
/** Mapped, and redacted by the job: `employeeID`. */
const REDACTED_VALUE = "PlantedNote-9";

let home: string;
let runtime: Runtime;
let token: string;
let receiver: OtlpReceiver;
let ldif: string;
let job: string;
let places: Places;
type Backup = { readonly id: string; readonly objects: number; readonly claims: number };
let backups: readonly Backup[];
let preview: { readonly code: number; readonly out: string };
const answers: string[] = [];
const printed: string[] = [];

async function asked(path: string, init: Parameters<Runtime["adminFetch"]>[1] = {}): Promise<string> {
  const response = await runtime.adminFetch(path, init);
  const text = await response.text();
  answers.push(text);
  return text;
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "uplink-planted-"));
  receiver = await startOtlpReceiver();
  const settings = {
    UPLINK_HEARTBEAT_SECONDS: "1",
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_HEADERS: `x-key=${OTLP_KEY}`,
  };
  runtime = await startRuntime({ home, inMemory: true, quota: "off", verifiedDomains: [FQDN], settings });
  const { id, jobId } = await runtime.admin.createConfiguration({
    ...{ displayName: "fabrikam", domainFqdn: FQDN, domainNetBios: "FABRIKAM" },
    settings: {
      ...{ signIn: "ownProcess" as const, firstExport: "automatic" as const, redact: ["employeeId"] },
      trustVisibility: { by: "test", at: "2026-01-01T00:00:00.000Z" },
    },
  });
  const file = join(home, "people.ldif");
  const alsoElsewhere = { given: "Maya", family: "Lindqvist", consistencyGuid: "0b5f6a52-6c1d-4a7e-8f4b-5d2e8c9a1f37" };
  const plan = { ...{ fqdn: FQDN, netBios: "FABRIKAM", company: "Fabrikam", people: 6, offset: 0 }, alsoElsewhere };
  const planted = Object.entries(IN_DIRECTORY).map(([name, value]) => `${name}:: ${base64(value)}`);
  ldif = sampleLdif({ name: "small", plan })
    .replace(/^employeeID:.*\n/gm, "")
    .replace(/^givenName:.*$/gm, (line) => [line, ...planted, `employeeID: ${REDACTED_VALUE}`].join("\n"));
  expect(ldif.split("unicodePwd").length).toBeGreaterThan(5);
  await writeFile(file, ldif);
  const failWrites = { count: 1, status: 400, code: "Request_BadRequest", match: { contains: alsoElsewhere.family } };
  await runtime.control("faults", { method: "POST", body: JSON.stringify({ failWrites }) });
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_HEADERS: settings.OTEL_EXPORTER_OTLP_HEADERS,
    UPLINK_LDAP_PASSWORD: LDAP_PASSWORD,
  };
  const agent = { name: "small", configurationId: id, source: ["--source", "ldif", "--file", file], environment };
  await runtime.agents.enrol(agent);
  expect((await runtime.agents.once(agent)).result?.objects).toBeGreaterThan(6);
  await until(
    "the end of the sync",
    async () => {
      const { openRead, waiting } = await runtime.admin.status(jobId);
      return openRead === null && waiting.batches + waiting.readsEnding + waiting.work === 0;
    },
    60_000,
  );

  job = jobId;
  await writeFile(file, `${ldif}dn: CN=broken\nunicodePwd:: ${BROKEN_LINE}!\n${BROKEN_LINE}\n\n`);
  expect((await runtime.agents.once(agent)).exitCode).not.toBe(0);

  const own = `v1.0/servicePrincipals/${id}/synchronization`;
  const saved = (...keys: string[]) => ({ value: keys.map((key) => ({ key, value: APP_KEY })) });
  expect(await asked(`${own}/secrets`, { method: "PUT", body: saved("AppKey") })).toBe("");
  await asked(`${own}/secrets`);
  await asked(`${own}/secrets`, { method: "PUT", body: saved("AppKey", "AppKey") });
  await asked(`${own}/secrets`, { method: "PUT", body: saved("AppKey", "Planted") });
  await asked(`${own}/secrets`, { method: "PUT", body: { AppKey: APP_KEY } });
  const credentials = [{ key: "AppKey", value: APP_KEY }];
  await asked(`${own}/jobs/${jobId}/validateCredentials`, { method: "POST", body: { credentials } });
  ({ token } = await runtime.admin.createToken(id));
  await asked(`v1.0/uplink/configurations/${id}/enrolmentTokens`);
  const publicKey = { kty: "EC", d: PRIVATE_HALF };
  await asked("agent/v1/enrol", { method: "POST", body: { token: FORGED_ENROLMENT, publicKey } });
  await asked(`v1.0/uplink/jobs/${jobId}/status`, { headers: { authorization: `Bearer ${FORGED_TOKEN}` } });
  const { fetch, uplink: command } = await runtimeAt(home);
  const uplink = async (line: string): Promise<{ readonly code: number; readonly out: string }> => {
    const told = await command(...line.split(" "));
    printed.push(told.out, told.err);
    return told;
  };
  const headers = { "content-type": "application/json" };
  const body = `${FORGED_ENROLMENT} is no JSON`;
  answers.push(
    await (await fetch(`${runtime.urls.service}/api/agent/v1/enrol`, { method: "POST", headers, body })).text(),
  );
  await asked("v1.0/auditLogs/provisioning?$top=100");
  await asked("v1.0/auditLogs/directoryAudits");
  const keyFile = join(home, "app-key");
  await writeFile(keyFile, APP_KEY);
  for (const line of [
    `secret set fabrikam --file AppKey=${keyFile}`,
    "secret list",
    `job validate-credentials fabrikam --file AppKey=${keyFile}`,
    "status",
    "audit",
    `agent status --state ${runtime.agents.stateOf("small")}`,
  ])
    await uplink(line);
  const run = { method: "POST", headers, body: "{}" };
  expect((await fetch(`${runtime.urls.service}/admin/functions/Backup`, run)).status).toBe(202);
  backups = await until("the backup to be whole", async () => {
    const { out } = await uplink("backup list --json");
    const found = JSON.parse(out) as Backup[];
    return found.length > 0 && found;
  });
  preview = await uplink("link rebuild fabrikam --from backup");
  // What is measured is sent when an invocation ends, one export at a time.
  const arrived = (signal: keyof OtlpReceiver["told"], text: string) =>
    until(`${text} at the endpoint`, () => receiver.told[signal].some((told) => told.includes(text)));
  await Promise.all([
    arrived("traces", "CommitBatch"),
    arrived("metrics", "uplink.objects"),
    arrived("logs", "cycle-closed"),
  ]);
  places = await collectPlaces(runtime, receiver, { "the service": answers, "the command line": printed });
}, 240_000);
afterAll(async () => {
  await runtime?.stop();
  await receiver?.stop();
  await rm(home, { recursive: true, force: true });
});

/** By kind of place: what stands in it, so that a secret beside it would be seen. */
const STANDS_IN: Readonly<Record<string, () => string>> = {
  "rows of objects": () => FQDN,
  "rows of log": () => FQDN,
  "rows of audit": () => "secrets",
  "rows of agents": () => "small",
  "rows of jobs": () => job,
  "blob batches/": () => FQDN,
  "blob plans/": () => FQDN,
  "blob backups/": () => FQDN,
  "history ": () => `sync-${job}`,
  "log host.log": () => "batch-committed",
  "log agent-small.log": () => "not base64",
  "telemetry traces": () => "target.apply",
  "telemetry metrics": () => "uplink.objects",
  "telemetry logs": () => "objects-escrowed",
  "answers of the service": () => "AppKey",
  "answers of the command line": () => "AppKey",
};

test.each(Object.entries(STANDS_IN))("were planted beside what stands in %s", (kind, text) => {
  expect(placesOf(text(), places).filter((place) => place.startsWith(kind))).not.toEqual([]);
});

test("stand in no row, blob, history, log, trace, metric or answer", async () => {
  expect(token.length).toBeGreaterThan(20);
  const secrets = new Map(
    [
      ...Object.values(IN_DIRECTORY),
      ...[BROKEN_LINE, LDAP_PASSWORD, OTLP_KEY],
      ...[APP_KEY, FORGED_TOKEN, FORGED_ENROLMENT, PRIVATE_HALF, token],
    ].map((planted) => [planted, planted]),
  );
  const own = await secretsIn(home);
  expect(own.size).toBeGreaterThan(2);
  for (const [secret, file] of own) secrets.set(secret, `a secret of ${file}`);
  const found = [...secrets].flatMap(([secret, what]) => placesOf(secret, places).map((place) => `${place}: ${what}`));
  for (const { name, text } of places)
    for (const [what, form] of SECRET_FORMS) if (form.test(text)) found.push(`${name}: ${what}`);
  expect(found).toEqual([]);
});

test("that a job redacts stand with their object and in what brought it, and are told nowhere", async () => {
  const target = await (await runtime.control("objects?kind=user")).text();
  expect(target).toContain(REDACTED_VALUE);
  const found = placesOf(REDACTED_VALUE, places);
  expect(found).toContain("rows of objects");
  const inBackup = /^blob backups\/[^/]+\/parts\/[^/]+\/objects-/;
  expect(found.some((place) => inBackup.test(place))).toBe(true);
  const elsewhere = found.filter((place) => !inBackup.test(place));
  expect(elsewhere.filter((place) => !/^(rows of objects$|blob (batches|plans)\/)/.test(place))).toEqual([]);
});

test("the nightly backup, run by the host, has every row and is what lost rows would come back from", () => {
  const rows = (table: string) =>
    JSON.parse(places.find(({ name }) => name === `rows of ${table}`)?.text ?? "[]").length;
  expect(rows("objects")).toBeGreaterThan(6);
  expect(backups).toEqual([
    expect.objectContaining({ id: expect.any(String), objects: rows("objects"), claims: rows("claims") }),
  ]);
  expect(preview.code).toBe(0);
  expect(preview.out).toContain(`from backup ${backups[0]?.id}`);
  expect(preview.out).toMatch(new RegExp(`rows in it +${rows("objects")}\n.*are there +${rows("objects")} stay`));
  expect(preview.out).toContain("Nothing was written.");
});

test("are not the only thing that isn't told: no person's name is in any trace, metric or log line", () => {
  const names = namesInLdif(ldif);
  expect(names.length).toBeGreaterThan(30);
  expect(names.flatMap((name) => placesOf(name, places))).toContain("rows of objects");
  for (const name of names)
    expect(
      placesOf(name, places).filter((place) => /^(telemetry|log (host|agent))/.test(place)),
      name,
    ).toEqual([]);
});
