/** Credentials for real: the Azure SDK against the directory stand-in's token endpoint, Graph behind it, over TLS. */

import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { ClientCertificateCredential, DefaultAzureCredential, ManagedIdentityCredential } from "@azure/identity";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCredential } from "../../../shared/adapters/identity/credentials.ts";
import { applications, certificateDir, startTestDirectory, type TestDirectory } from "../../local/directory/support.ts";

const run = promisify(execFile);
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const program = fileURLToPath(new URL("./client-secret-run.ts", import.meta.url));

describe("a client secret", () => {
  let directory: TestDirectory;
  beforeAll(async () => {
    directory = await startTestDirectory({ clock: Date.now });
  });
  afterAll(() => directory.close());

  const describeTarget = async (overrides: { host?: string; secret?: string; trusted?: boolean } = {}) => {
    const { clientId, clientSecret } = applications.exporter;
    const tenant = new URL(directory.authority).pathname.split("/")[1] ?? "";
    const values = [overrides.host ?? directory.url, tenant, clientId, overrides.secret ?? clientSecret];
    const env = {
      ...process.env,
      ...(overrides.trusted === false ? {} : { NODE_EXTRA_CA_CERTS: join(certificateDir, "ca.pem") }),
    };
    const { stdout } = await run(process.execPath, ["--import", tsx, program, ...values, directory.graphUrl], { env });
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  it("gets a token from an authority that nobody lists, and Graph takes it", async () => {
    expect(await describeTarget()).toMatchObject({ initialDomain: "uplinkdemo.onmicrosoft.com" });
  });

  it("that is wrong is target-credentials", async () => {
    expect(await describeTarget({ secret: "wrong" })).toMatchObject({ code: "target-credentials" });
  });

  it("can't be used where the token endpoint doesn't answer: target-unreachable", async () => {
    expect(await describeTarget({ host: "https://localhost:1" })).toMatchObject({ code: "target-unreachable" });
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
    expect(
      createCredential({ kind: "certificate", ...ids, certificate: { path: "/none.pem" }, authority }),
    ).toBeInstanceOf(ClientCertificateCredential);
  });
});
