import { spawn } from "node:child_process";
import { join } from "node:path";
import { createRemoteJWKSet, customFetch, decodeJwt, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  applications,
  certificateDir,
  refusalOf,
  refusedBy,
  rule,
  startTestDirectory,
  type TestDirectory,
  tenantId,
} from "./support.ts";

let directory: TestDirectory;
// The clients under test read the machine's clock, so this directory does too.
beforeAll(async () => {
  directory = await startTestDirectory({ clock: Date.now });
});
afterAll(() => directory.close());

const { clientId, clientSecret } = applications.exporter;
const formHeaders = { "content-type": "application/x-www-form-urlencoded" };
const askToken = (fields: Record<string, string>, tenant = tenantId) =>
  directory.call("POST", `/${tenant}/oauth2/v2.0/token`, {
    ...{ token: undefined, headers: formHeaders },
    body: new URLSearchParams({
      ...{ grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret },
      ...{ scope: "https://graph.microsoft.com/.default", ...fields },
    }).toString(),
  });

// NODE_EXTRA_CA_CERTS is read at process start only, so the unmodified clients run in a process of their own.
function runClient(source: string): Promise<string> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    env: { PATH: process.env["PATH"] ?? "", NODE_EXTRA_CA_CERTS: join(certificateDir, "ca.pem") },
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve, reject) =>
    child.on("close", (code) => (code === 0 ? resolve(output.trim()) : reject(new Error(errors)))),
  );
}

const callGraph = `
  const reply = await fetch("GRAPH/users?$top=1", { headers: { authorization: "Bearer " + token } });
  console.log(reply.status, (await reply.json()).value.length);`;

describe("unmodified clients", () => {
  it("@azure/msal-node gets a token that Graph's routes take", async () => {
    const host = new URL(directory.url).host;
    const output = await runClient(`
      import { ConfidentialClientApplication } from "@azure/msal-node";
      const auth = { clientId: "${clientId}", clientSecret: "${clientSecret}", authority: "${directory.authority}", knownAuthorities: ["${host}"] };
      const client = new ConfidentialClientApplication({ auth });
      const { accessToken: token } = await client.acquireTokenByClientCredential({ scopes: ["https://graph.microsoft.com/.default"] });
      ${callGraph.replace("GRAPH", directory.graphUrl)}`);
    expect(output).toBe("200 0");
  });

  it("@azure/identity gets a token that Graph's routes take", async () => {
    const output = await runClient(`
      import { ClientSecretCredential } from "@azure/identity";
      const options = { authorityHost: "${directory.url}", disableInstanceDiscovery: true };
      const credential = new ClientSecretCredential("${tenantId}", "${clientId}", "${clientSecret}", options);
      const { token } = await credential.getToken("https://graph.microsoft.com/.default");
      ${callGraph.replace("GRAPH", directory.graphUrl)}`);
    expect(output).toBe("200 0");
  });
});

describe("token endpoint", () => {
  it("issues a token for any resource, verifiable with the published keys", async () => {
    const configuration = (await directory.call("GET", `/${tenantId}/v2.0/.well-known/openid-configuration`)).body;
    expect(configuration.token_endpoint).toBe(`${directory.authority}/oauth2/v2.0/token`);
    const token = await directory.token("exporter", "api://directory-uplink/.default");
    const keys = createRemoteJWKSet(new URL(configuration.jwks_uri), {
      [customFetch]: async (url) => Response.json((await directory.call("GET", String(url))).body),
    });
    const { payload } = await jwtVerify(token, keys, {
      issuer: configuration.issuer,
      audience: "api://directory-uplink",
    });
    expect(payload).toMatchObject({
      tid: tenantId,
      appid: clientId,
      azp: clientId,
      roles: applications.exporter.roles,
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3599);
  });

  it("takes the credentials as HTTP Basic too", async () => {
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
    const answer = await directory.call("POST", `/${tenantId}/oauth2/v2.0/token`, {
      ...{ token: undefined, headers: { ...formHeaders, authorization: `Basic ${basic}` } },
      body: "grant_type=client_credentials&scope=api%3A%2F%2Fdirectory-uplink%2F.default",
    });
    expect(decodeJwt(answer.body.access_token).aud).toBe("api://directory-uplink");
  });

  it.each([
    ["a wrong secret", { client_secret: "guess" }, 401, "invalid_client", 7000215],
    ["an unknown application", { client_id: "nobody" }, 400, "unauthorized_client", 700016],
    ["a scope that is no resource", { scope: "User.Read" }, 400, "invalid_scope", 1002012],
    ["another grant", { grant_type: "password" }, 400, "unsupported_grant_type", 70003],
  ])("refuses %s", async (_, fields, status, error, code) => {
    const answer = await askToken(fields);
    expect(answer).toMatchObject({ status, body: { error, error_codes: [code] } });
    expect(answer.body.error_description).toMatch(`AADSTS${code}`);
    expect(JSON.stringify(answer.body)).not.toContain(clientSecret);
  });

  it("knows the tenant by its domain, and no other tenant", async () => {
    expect((await askToken({}, "contoso.example")).status).toBe(200);
    expect((await askToken({}, "fabrikam.example")).body.error_codes).toEqual([90002]);
  });
});

describe("callers of Graph", () => {
  it(rule("token-required"), async () => {
    expect(refusalOf(await directory.call("GET", "users", { token: undefined }))).toBe(refusedBy("token-required"));
  });

  it(rule("token-invalid"), async () => {
    const foreign = await directory.token("exporter", "api://directory-uplink/.default");
    const good = await directory.token();
    const [head, , signature] = good.split(".");
    const claims = { ...decodeJwt(good), roles: ["Directory.ReadWrite.All"] };
    const forged = [head, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
    for (const token of [foreign, forged, "nonsense"]) {
      expect(refusalOf(await directory.call("GET", "users", { token }))).toBe(refusedBy("token-invalid"));
    }
    const old = await startTestDirectory();
    const token = await old.token();
    expect((await old.call("GET", "users", { token })).status).toBe(200);
    old.clock.ms += 3600_000;
    expect(refusalOf(await old.call("GET", "users", { token }))).toBe(refusedBy("token-invalid"));
    await old.close();
  });

  it(rule("permission-required"), async () => {
    const write = await directory.call("POST", "users", { as: "reader", body: {} });
    expect(refusalOf(write)).toBe(refusedBy("permission-required"));
    expect(write.body.error.message).toBe("Insufficient privileges to complete the operation.");
    expect(refusalOf(await directory.call("GET", "groups", { as: "reader" }))).toBe(refusedBy("permission-required"));
    expect((await directory.call("GET", "users", { as: "reader" })).status).toBe(200);
  });
});
