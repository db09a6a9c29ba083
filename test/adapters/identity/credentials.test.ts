/** Credentials for real: the Azure SDK against the directory stand-in's token endpoint, Graph behind it, over TLS. */

import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import {
  ClientAssertionCredential,
  ClientCertificateCredential,
  DefaultAzureCredential,
  ManagedIdentityCredential,
} from "@azure/identity";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCredential, identityAssertion } from "../../../shared/adapters/identity/credentials.ts";
import { applications, certificateDir, startTestDirectory, type TestDirectory } from "../../local/directory/support.ts";

const run = promisify(execFile);
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const program = fileURLToPath(new URL("./client-secret-run.ts", import.meta.url));

describe("a client secret", () => {
  let directory: TestDirectory;
  let outcomes: readonly unknown[];
  beforeAll(async () => {
    directory = await startTestDirectory({ clock: Date.now });
    const { clientId, clientSecret } = applications.exporter;
    const tenantId = new URL(directory.authority).pathname.split("/")[1];
    const right = { host: directory.url, tenantId, clientId, clientSecret, baseUrl: directory.graphUrl };
    const cases = [right, { ...right, clientSecret: "wrong" }, { ...right, host: "https://localhost:1" }];
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(certificateDir, "ca.pem") };
    const { stdout } = await run(process.execPath, ["--import", tsx, program, JSON.stringify(cases)], { env });
    outcomes = JSON.parse(stdout) as readonly unknown[];
  });
  afterAll(() => directory.close());

  it("gets a token from an authority that nobody lists, and Graph takes it", () => {
    expect(outcomes[0]).toMatchObject({ initialDomain: "uplinkdemo.onmicrosoft.com" });
  });

  it("that is wrong is target-credentials", () => {
    expect(outcomes[1]).toMatchObject({ code: "target-credentials" });
  });

  it("can't be used where the token endpoint doesn't answer: target-unreachable", () => {
    expect(outcomes[2]).toMatchObject({ code: "target-unreachable" });
  });
});

describe("other kinds", () => {
  it("are the SDK's own", () => {
    const authority = { host: "https://login.microsoftonline.us" };
    const ids = { tenantId: "11111111-1111-4111-8111-111111111111", clientId: "22222222-2222-4222-8222-222222222222" };
    expect(createCredential({ kind: "default" })).toBeInstanceOf(DefaultAzureCredential);
    expect(createCredential({ kind: "managed-identity", clientId: ids.clientId })).toBeInstanceOf(
      ManagedIdentityCredential,
    );
    expect(createCredential({ kind: "federated", ...ids, assertion: async () => "", authority })).toBeInstanceOf(
      ClientAssertionCredential,
    );
    expect(
      createCredential({ kind: "certificate", ...ids, certificate: { path: "/none.pem" }, authority }),
    ).toBeInstanceOf(ClientCertificateCredential);
  });

  it("vouch for an application by a token of the managed identity for the exchange", async () => {
    const asked: (string | readonly string[])[] = [];
    const identity = (token: string | undefined) => ({
      async getToken(scopes: string | string[]) {
        asked.push(scopes);
        return token === undefined ? null : { token, expiresOnTimestamp: 0 };
      },
    });
    expect(await identityAssertion(identity("mine"), "api://AzureADTokenExchange")()).toBe("mine");
    expect(asked).toEqual(["api://AzureADTokenExchange/.default"]);
    await expect(identityAssertion(identity(undefined), "api://x")()).rejects.toThrow(/gave no token for api:\/\/x/);
  });
});
