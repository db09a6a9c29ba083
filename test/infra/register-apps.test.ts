/** The registration scripts as a person runs them, against a stand-in of Graph, with an `az` and an `azd` on the path that note calls. */
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { NEEDS } from "../../shared/needs.ts";
import { type GraphStandIn, startGraphStandIn } from "./graph-stand-in.ts";

const SCRIPT = join(import.meta.dirname, "..", "..", "infra", "scripts", "register-apps.mjs");
const TENANT = "11111111-1111-4111-8111-111111111111";
const BASE = ["--environment", "test", "--tenant", TENANT];

let graph: GraphStandIn;
let folder: string;
beforeEach(async () => {
  graph = await startGraphStandIn();
  folder = await mkdtemp(join(tmpdir(), "uplink-az-"));
  await program("az", 'echo "token-of-az"');
  await program("azd", 'case "$1" in auth) echo \'{"token":"token-of-azd"}\';; esac');
});
afterEach(async () => {
  await graph.close();
  await rm(folder, { recursive: true, force: true });
});

/** A program on the path that notes how it was called. */
async function program(name: string, does: string): Promise<void> {
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\necho "${name} $*" >> "${folder}/calls"\n${does}\n`);
  await chmod(file, 0o755);
}

const calls = () => readFile(join(folder, "calls"), "utf8").catch(() => "");

function register(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  // Neither the machine's own az nor anything else that could reach Azure.
  const env = { PATH: `${folder}:${dirname(process.execPath)}:/bin:/usr/bin`, ...more };
  return new Promise<{ readonly code: number; readonly out: string; readonly said: string }>((resolve) => {
    execFile(process.execPath, [SCRIPT, ...args, "--graph-url", graph.url], { env }, (error, out, said) =>
      resolve({ code: error ? Number(error.code) : 0, out, said }),
    );
  });
}

it("grants the writing application exactly the permissions of the table", async () => {
  const { code, out, said } = await register(["apps", ...BASE]);
  expect(code, said).toBe(0);
  const { targetClientId } = JSON.parse(out) as { targetClientId: string };
  const application = graph.applications.get("directory-uplink-test-export");
  expect(application?.["appId"]).toBe(targetClientId);
  const wanted = NEEDS.graphPermissions.map(({ appRoleId }) => appRoleId).toSorted();
  expect(application?.["requiredResourceAccess"]).toEqual([
    {
      resourceAppId: NEEDS.graphAppId,
      resourceAccess: NEEDS.graphPermissions.map(({ appRoleId: id }) => ({ id, type: "Role" })),
    },
  ]);
  expect(graph.assignments.map((own) => own["appRoleId"]).toSorted()).toEqual(wanted);
  expect(await calls()).toContain(
    `az account get-access-token --tenant ${TENANT} --resource ${new URL(graph.url).origin}`,
  );
  expect([...graph.authorizations]).toEqual(["Bearer token-of-az"]);
  expect(out + said).not.toContain("token-of-az");
});

it("makes the admin API with its two roles and the command line's client, which needs no consent and has no secret", async () => {
  const { out } = await register(["apps", ...BASE, "--assign-me"]);
  const told = JSON.parse(out) as { adminClientId: string; commandLineClientId: string; signIn: string };
  const { roles, scope } = NEEDS.adminApplication;
  expect(graph.applications.get("directory-uplink-test-api")).toMatchObject({
    identifierUris: [`api://${told.adminClientId}`],
    appRoles: roles.map(({ id, value }) => ({
      id,
      value,
      isEnabled: true,
      allowedMemberTypes: ["User", "Application"],
    })),
    api: {
      requestedAccessTokenVersion: 2,
      oauth2PermissionScopes: [{ id: scope.id, value: scope.value }],
      preAuthorizedApplications: [{ appId: told.commandLineClientId, delegatedPermissionIds: [scope.id] }],
    },
  });
  expect(graph.applications.get("directory-uplink-test-cli")).toMatchObject({
    isFallbackPublicClient: true,
    publicClient: { redirectUris: ["http://localhost"] },
    requiredResourceAccess: [{ resourceAppId: told.adminClientId, resourceAccess: [{ id: scope.id, type: "Scope" }] }],
  });
  expect(graph.assignments).toContainEqual(expect.objectContaining({ principalId: "me", appRoleId: roles[1].id }));
  expect(told.signIn).toContain(`--client-id ${told.commandLineClientId} --audience ${told.adminClientId}`);
  expect(graph.requests.join("\n")).not.toMatch(/addPassword|passwordCredentials/);
});

it("does nothing twice, and tells what an application holds beyond the table", async () => {
  const first = await register(["apps", ...BASE, "--assign-me"]);
  const made = [graph.applications.size, graph.assignments.length];
  const one = graph.assignments[0];
  graph.assignments.push({ ...one, id: "more", appRoleId: "beyond" });
  const second = await register(["apps", ...BASE, "--assign-me"]);
  expect(second.code, second.said).toBe(0);
  expect([graph.applications.size, graph.assignments.length - 1]).toEqual(made);
  expect(JSON.parse(second.out)).toEqual({ ...(JSON.parse(first.out) as object), heldBeyondTheTable: ["beyond"] });
});

it("lets the managed identity speak for the application, once, by its cloud's audience", async () => {
  await register(["apps", ...BASE]);
  const identity = ["--identity-tenant", TENANT, "--identity-principal", "principal"];
  expect((await register(["federate", ...BASE, ...identity])).code).toBe(0);
  const again = await register(["federate", ...BASE, ...identity.with(-1, "another"), "--cloud", "usgov"]);
  expect(again.code, again.said).toBe(0);
  expect(graph.federated.get("directory-uplink-test-export")).toEqual([
    expect.objectContaining({
      issuer: `https://login.microsoftonline.us/${TENANT}/v2.0`,
      subject: "another",
      audiences: ["api://AzureADTokenExchangeUSGov"],
    }),
  ]);
});

it("refuses a managed identity of another tenant than the application's, and names the certificate instead", async () => {
  await register(["apps", ...BASE]);
  const before = graph.requests.length;
  const identity = ["--identity-tenant", TENANT.replaceAll("1", "2"), "--identity-principal", "principal"];
  const { code, said } = await register(["federate", ...BASE, ...identity]);
  expect([code, said]).toEqual([1, expect.stringMatching(/within one tenant only. Give the target a certificate/)]);
  expect(graph.requests.length).toBe(before);
});

it("sends the certificate alone, beside those that are there, and never a private key", async () => {
  await register(["apps", ...BASE]);
  const file = join(folder, "c.pem");
  const certificate = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
  for (const body of ["QUFB", "QkJC", "QkJC"]) {
    await writeFile(file, certificate(body));
    expect((await register(["certificate", ...BASE, "--file", file])).code).toBe(0);
  }
  const keys = graph.applications.get("directory-uplink-test-export")?.["keyCredentials"] as { key: string }[];
  expect(keys.map(({ key }) => key)).toEqual(["QUFB", "QkJC"]);
  await writeFile(file, `-----BEGIN PRIVATE KEY-----\nQUFB\n-----END PRIVATE KEY-----\n${certificate("Q0ND")}`);
  const before = graph.requests.length;
  const refused = await register(["certificate", ...BASE, "--file", file]);
  expect(refused).toMatchObject({ code: 1, said: expect.stringContaining("holds a private key") });
  expect(graph.requests.length).toBe(before);
});

it("serves azd: takes its environment and its token, and keeps the ids there", async () => {
  await program("az", "exit 1");
  const env = { AZURE_ENV_NAME: "test", AZURE_TENANT_ID: TENANT };
  const { code, out, said } = await register(["apps", "--azd"], env);
  expect(code, said).toBe(0);
  const { targetClientId, adminClientId, commandLineClientId } = JSON.parse(out) as Record<string, string>;
  const noted = await calls();
  expect(noted).toContain(`azd auth token --tenant-id ${TENANT}`);
  for (const [name, value] of [
    ["UPLINK_TARGET_CLIENT_ID", targetClientId],
    ["UPLINK_ADMIN_CLIENT_ID", adminClientId],
    ["UPLINK_CLIENT_ID", commandLineClientId],
  ])
    expect(noted).toContain(`azd env set ${name} ${value}`);
  expect([...graph.authorizations]).toEqual(["Bearer token-of-azd"]);
  const other = await register(["federate", "--azd"], { ...env, UPLINK_TARGET_CERTIFICATE_NAME: "target" });
  expect(JSON.parse(other.out)).toMatchObject({ federated: false });
});

it("finds the tenant where azd has none in its environment yet: the subscription's, else that of who is signed in", async () => {
  const payload = Buffer.from(JSON.stringify({ tid: TENANT })).toString("base64url");
  await program("azd", `case "$1" in auth) echo '{"token":"e30.${payload}.x"}';; esac`);
  await program(
    "az",
    `case "$*" in *"account show --subscription sub"*) echo ${TENANT.replaceAll("1", "3")};; *) exit 1;; esac`,
  );
  const ofSubscription = await register(["apps", "--azd"], { AZURE_ENV_NAME: "test", AZURE_SUBSCRIPTION_ID: "sub" });
  expect(ofSubscription.code, ofSubscription.said).toBe(0);
  expect(await calls()).toContain(`azd auth token --tenant-id ${TENANT.replaceAll("1", "3")}`);
  const ofToken = await register(["apps", "--azd"], { AZURE_ENV_NAME: "test" });
  expect(ofToken.code, ofToken.said).toBe(0);
  expect(JSON.parse(ofToken.out)).toMatchObject({ signIn: expect.stringContaining(`--tenant ${TENANT} `) });
  expect(ofToken.out + ofToken.said).not.toContain(payload);
  // Whoever calls it by hand says which tenant: another one's may be signed in to.
  expect((await register(["apps"], { AZURE_ENV_NAME: "test" })).said).toContain("--tenant is missing");
  await program("azd", 'case "$1" in auth) exit 1;; esac');
  await program(
    "az",
    `case "$*" in "account show --query"*) echo ${TENANT};; account\\ show*) exit 1;; *) echo token-of-az;; esac`,
  );
  expect((await register(["apps", "--azd"], { AZURE_ENV_NAME: "test" })).code).toBe(0);
  await program("az", "exit 1");
  expect((await register(["apps", "--azd"], { AZURE_ENV_NAME: "test" })).said).toMatch(
    /--tenant is missing.*azd auth login/s,
  );
});

it("waits until a new application is known everywhere, and says what is missing", async () => {
  graph.lag = 1;
  expect((await register(["apps", ...BASE])).code).toBe(0);
  expect((await register(["apps", "--environment", "test"])).said).toContain("--tenant is missing");
  expect((await register(["apps", ...BASE, "--cloud", "moon"])).said).toContain("public, usgov, china");
  expect((await register(["dance", ...BASE])).said).toContain("apps, federate, certificate");
  await program("az", "exit 1");
  await program("azd", "exit 1");
  expect((await register(["apps", ...BASE])).said).toMatch(/Nobody is signed in to the tenant .*az login --tenant/);
});
