/**
 * The built service and the built agent over a directory with passwords, hashes and keys in it, with secrets saved, tokens made and
 * requests refused: afterwards everything that was left or told is searched for all of them.
 *
 * Two kinds are told apart. What nobody needs (passwords, hashes, tokens, keys) stands nowhere outside of its owner's file. What a job
 * redacts flows to the target, so it stands in the object's row and in the payload that brought it, and nowhere else. Messages on the bus
 * aren't kept by it; `test/adapters/service-bus/doorbell.test.ts` says what they hold.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { collectRows } from "../../local/releases/collect.ts";
import { recordedBytes } from "../../local/releases/recorded-bytes.ts";
import { SECRET_FORMS, secretsIn } from "../../local/releases/secrets.ts";
import { sampleLdif } from "../../local/samples/generate.ts";
import { type Runtime, startRuntime } from "../../local/start/runtime.ts";
import { createBlobStore } from "../../shared/adapters/blobs/blob-store.ts";
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
const APP_KEY = "planted~App.Key-77";
const FORGED_TOKEN = "eyJwbGFudGVk.eyJwbGFudGVk.c2lnbmF0dXJl";
const FORGED_ENROLMENT = "planted-enrolment-token-0123456789abcdef";
/** Mapped, and redacted by the job: `employeeID`. */
const REDACTED_VALUE = "PlantedNote-9";

let home: string;
let runtime: Runtime;
let token: string;
const answers: string[] = [];
const places = new Map<string, string>();

async function asked(path: string, init: Parameters<Runtime["adminFetch"]>[1] = {}): Promise<string> {
  const response = await runtime.adminFetch(path, init);
  const text = await response.text();
  answers.push(text);
  return text;
}
const json = (method: string, body: unknown, headers: Readonly<Record<string, string>> = {}) => ({
  method,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

async function collect(): Promise<void> {
  for (const [table, rows] of Object.entries(await collectRows(runtime.storageConnection)))
    places.set(`rows of ${table}`, JSON.stringify(rows));
  const blobs = createBlobStore({ connectionString: runtime.storageConnection, container: "uplink" });
  for await (const path of blobs.list("")) {
    const content = await blobs.get(path);
    if (content) places.set(`blob ${path}`, JSON.stringify(recordedBytes(content)));
  }
  for (const folder of [runtime.paths.logs, runtime.paths.host])
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      // Keys of the local host itself: the runtime's own secrets, which are what is looked for.
      if (!entry.isFile() || entry.name === "keys.json") continue;
      places.set(`file ${entry.name}`, await readFile(join(entry.parentPath, entry.name), "utf8"));
    }
  places.set("answers", answers.join("\n"));
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "uplink-planted-"));
  const settings = { UPLINK_HEARTBEAT_SECONDS: "1" };
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
  const text = sampleLdif({ name: "small", plan })
    .replace(/^employeeID:.*\n/gm, "")
    .replace(/^givenName:.*$/gm, (line) => [line, ...planted, `employeeID: ${REDACTED_VALUE}`].join("\n"));
  expect(text.split("unicodePwd").length).toBeGreaterThan(5);
  await writeFile(file, text);
  const agent = { name: "small", configurationId: id, source: ["--source", "ldif", "--file", file] };
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

  const own = `v1.0/servicePrincipals/${id}/synchronization`;
  await asked(`${own}/secrets`, json("PUT", { value: [{ key: "AppKey", value: APP_KEY }] }));
  await asked(`${own}/secrets`);
  await asked(
    `${own}/secrets`,
    json("PUT", {
      value: [
        { key: "AppKey", value: APP_KEY },
        { key: "Domain", value: APP_KEY },
      ],
    }),
  );
  await asked(
    `${own}/jobs/${jobId}/validateCredentials`,
    json("POST", { credentials: [{ key: "AppKey", value: APP_KEY }] }),
  );
  ({ token } = await runtime.admin.createToken(id));
  await asked(`v1.0/uplink/configurations/${id}/enrolmentTokens`);
  await asked(
    "agent/v1/enrol",
    json("POST", { token: FORGED_ENROLMENT, publicKey: { kty: "EC", d: "planted-private-half" } }),
  );
  await asked(`v1.0/uplink/jobs/${jobId}/status`, { headers: { authorization: `Bearer ${FORGED_TOKEN}` } });
  await asked("v1.0/auditLogs/provisioning?$top=100");
  await asked("v1.0/auditLogs/directoryAudits");
  await collect();
}, 240_000);
afterAll(async () => {
  await runtime?.stop();
  await rm(home, { recursive: true, force: true });
});

/** Where the text stands, in any case, plain, in base64 and in hexadecimal. */
function whereIs(secret: string): string[] {
  const forms = [secret, base64(secret).replace(/=+$/, ""), Buffer.from(secret).toString("hex")].map((form) =>
    form.toLowerCase(),
  );
  return [...places]
    .filter(([, text]) => forms.some((form) => text.toLowerCase().includes(form)))
    .map(([place]) => place);
}

test("were planted, and every kind of place was looked at", () => {
  const kinds = [...places.keys()].join("\n");
  for (const kind of [
    "rows of objects",
    "rows of log",
    "rows of audit",
    "rows of agents",
    "blob batches/",
    "file host.log",
  ])
    expect(kinds).toContain(kind);
  expect(kinds).toMatch(/file .*\.jsonl/);
  expect(token.length).toBeGreaterThan(20);
  // People are there, so what stands beside them in the directory would be.
  expect(whereIs("fabrikam.example").length).toBeGreaterThan(5);
});

test("stand in no row, blob, history, log or answer", async () => {
  const secrets = [
    ...Object.values(IN_DIRECTORY),
    APP_KEY,
    FORGED_TOKEN,
    FORGED_ENROLMENT,
    "planted-private-half",
    token,
  ];
  for (const secret of secrets) expect(whereIs(secret), secret).toEqual([]);
  const runtimes = await secretsIn(home);
  expect(runtimes.size).toBeGreaterThan(2);
  for (const [secret, file] of runtimes) expect(whereIs(secret), `a secret of ${file}`).toEqual([]);
  for (const [place, text] of places)
    for (const [what, form] of SECRET_FORMS) expect(form.test(text), `${place}: ${what}`).toBe(false);
});

test("that a job redacts stand with their object and in what brought it, and are told nowhere", async () => {
  const target = await (await runtime.control("objects?kind=user")).text();
  expect(target).toContain(REDACTED_VALUE);
  const found = whereIs(REDACTED_VALUE);
  expect(found).toContain("rows of objects");
  expect(found.filter((place) => !/^(rows of objects$|blob (batches|plans)\/)/.test(place))).toEqual([]);
});
