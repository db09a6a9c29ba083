/** Signing in as a browser and as MSAL do it: the directory's token service, reached through the host's origin for browsers. */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LOCAL_CLIENT } from "../../local/directory/sign-in.ts";
import { createWebHandler } from "../../local/functions-host/web-origin.ts";
import { createSecureFetch } from "../../local/start/secure-fetch.ts";
import { applications, certificateDir, startTestDirectory, type TestDirectory, tenantId } from "./directory/support.ts";

let directory: TestDirectory;
let server: Server;
let web: string;
/** Who answers at the origin for browsers. */
const holder: { handle?: ReturnType<typeof createWebHandler> | undefined } = {};
let skipped = 0;
const now = () => Date.now() + skipped;

beforeAll(async () => {
  server = createServer((request, response) => {
    void holder.handle?.(request, response, new URL(request.url ?? "/", `http://${request.headers.host}`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  web = `http://localhost:${(server.address() as AddressInfo).port}`;
  directory = await startTestDirectory({ clock: now, publicClient: LOCAL_CLIENT, webOrigin: web });
  holder.handle = createWebHandler({
    signInUrl: directory.url,
    handle: async (_request, response) => void response.writeHead(200).end("the app's"),
    fetch: createSecureFetch(readFileSync(join(certificateDir, "ca.pem"), "utf8")),
  });
});
afterAll(async () => {
  server?.close();
  await directory?.close();
});

const redirectUri = "http://localhost:51234/signed-in";
const scope = "api://directory-uplink/.default openid profile offline_access";
const admin = LOCAL_CLIENT.person.userPrincipalName;

function asked(changes: Readonly<Record<string, string | null>> = {}) {
  const verifier = randomBytes(32).toString("base64url");
  const all: Record<string, string | null> = {
    ...{ client_id: LOCAL_CLIENT.clientId, response_type: "code", redirect_uri: redirectUri, scope, state: "s t&ate" },
    ...{ code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256" },
    ...{ login_hint: admin, nonce: "n-1" },
    ...changes,
  };
  const kept = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null);
  return { verifier, url: `${web}/${tenantId}/oauth2/v2.0/authorize?${new URLSearchParams(kept)}` };
}

const visit = (url: string, init: RequestInit = {}) => fetch(url, { redirect: "manual", ...init });
const locationOf = (reply: Response) => new URL(reply.headers.get("location") ?? "http://none.invalid");

async function redeem(fields: Readonly<Record<string, string>>) {
  const body = new URLSearchParams({ client_id: LOCAL_CLIENT.clientId, ...fields });
  const reply = await fetch(`${web}/${tenantId}/oauth2/v2.0/token`, { method: "POST", body });
  return { status: reply.status, headers: reply.headers, body: (await reply.json()) as Record<string, string> };
}

async function signIn() {
  const { url, verifier } = asked();
  const code = locationOf(await visit(url)).searchParams.get("code") ?? "";
  return { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: redirectUri };
}

describe("the sign-in page", () => {
  it("names the local admin, and its button goes on to the program that asked, with its state", async () => {
    const { url } = asked({ login_hint: null });
    const page = await visit(url);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(await page.text()).toContain(admin);
    const pressed = await visit(url, { method: "POST", headers: { "sec-fetch-site": "same-origin" } });
    expect(pressed.status).toBe(303);
    expect(locationOf(pressed).origin + locationOf(pressed).pathname).toBe(redirectUri);
    expect(locationOf(pressed).searchParams.get("state")).toBe("s t&ate");
    expect(locationOf(pressed).searchParams.get("code")).toMatch(/^[\w-]{43}$/);
    // Somebody else's form isn't our button.
    expect((await visit(url, { method: "POST", headers: { "sec-fetch-site": "cross-site" } })).status).toBe(200);
  });

  it("is passed over where the person is named, not where another is, or the page is asked for", async () => {
    expect((await visit(asked().url)).status).toBe(303);
    expect((await visit(asked({ prompt: "none" }).url)).status).toBe(303);
    expect((await visit(asked({ login_hint: "eve@other.example" }).url)).status).toBe(200);
    expect((await visit(asked({ prompt: "login" }).url)).status).toBe(200);
  });

  it.each([
    ["another machine", "http://uplink.example/"],
    ["a name that only begins so", "http://localhost.evil.example/"],
    ["credentials in it", "http://localhost@evil.example/"],
    ["another scheme", "javascript:alert(1)"],
    ["https", "https://localhost/"],
    ["a fragment", "http://localhost/#x"],
    ["nothing", ""],
  ])("sends nobody to a redirect address with %s", async (_, redirect_uri) => {
    const refused = await visit(asked({ redirect_uri }).url);
    expect([refused.status, refused.headers.get("location")]).toEqual([400, null]);
    expect(await refused.text()).toContain("AADSTS50011");
  });

  it("sends nobody anywhere for an unknown program, and shows nothing as markup", async () => {
    const refused = await visit(asked({ client_id: "<script>x</script>" }).url);
    expect([refused.status, refused.headers.get("location")]).toEqual([400, null]);
    expect(await refused.text()).not.toContain("<script>");
  });

  it.each([
    ["another response type", { response_type: "token" }, "unsupported_response_type"],
    ["another response mode", { response_mode: "fragment" }, "invalid_request"],
    ["no challenge", { code_challenge: null }, "invalid_request"],
    ["a plain challenge", { code_challenge_method: "plain" }, "invalid_request"],
    ["no scope", { scope: "" }, "invalid_scope"],
    ["scopes of two resources", { scope: "api://a/x api://b/y" }, "invalid_scope"],
    ["nobody signed in and no page wanted", { login_hint: null, prompt: "none" }, "login_required"],
  ])("tells the program of %s, with its state", async (_, changes, error) => {
    const told = locationOf(await visit(asked(changes).url)).searchParams;
    expect([told.get("error"), told.get("state"), told.get("code")]).toEqual([error, "s t&ate", null]);
    expect(told.get("error_description")).toMatch(/^AADSTS\d+: /);
  });
});

it("with a sign-in code lets nobody in without it: not by the person's name, not by another code, not by a form of another site", async () => {
  const own = await startTestDirectory({
    clock: now,
    publicClient: LOCAL_CLIENT,
    webOrigin: web,
    signInCode: "1234-5678-9012",
  });
  const { handle: before } = holder;
  holder.handle = createWebHandler({
    signInUrl: own.url,
    handle: async (_request, response) => void response.end(),
    fetch: createSecureFetch(readFileSync(join(certificateDir, "ca.pem"), "utf8")),
  });
  try {
    const { url } = asked();
    const page = await visit(url);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('name="code"')]);
    expect(locationOf(await visit(asked({ prompt: "none" }).url)).searchParams.get("error")).toBe("login_required");
    const press = (code: string, more: Record<string, string> = {}) =>
      visit(url, {
        method: "POST",
        body: new URLSearchParams({ code }),
        headers: { "sec-fetch-site": "same-origin", ...more },
      });
    for (const code of ["", "1234-5678-9013", "1234-5678-901", "x".repeat(10_000)]) {
      const refused = await press(code);
      expect([refused.status, await refused.text()]).toEqual([
        200,
        expect.stringContaining("not the code of this start"),
      ]);
    }
    expect((await press("1234-5678-9012", { "sec-fetch-site": "cross-site" })).status).toBe(200);
    for (const code of ["1234-5678-9012", " 123456789012 "])
      expect(locationOf(await press(code)).searchParams.get("code")).toMatch(/^[\w-]{43}$/);
  } finally {
    holder.handle = before;
    await own.close();
  }
});

describe("a code", () => {
  it("gives the admin API's token with its roles, who it is, and a token to refresh with", async () => {
    const { status, headers, body } = await redeem(await signIn());
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toMatchObject({ token_type: "Bearer", scope, expires_in: 3599 });
    expect(decodeJwt(body["access_token"] ?? "")).toMatchObject({
      ...{ iss: `${directory.authority}/v2.0`, aud: "api://directory-uplink", roles: [...LOCAL_CLIENT.roles] },
      ...{ oid: LOCAL_CLIENT.person.id, preferred_username: admin, azp: LOCAL_CLIENT.clientId, tid: tenantId },
    });
    expect(decodeJwt(body["id_token"] ?? "")).toMatchObject({
      aud: LOCAL_CLIENT.clientId,
      nonce: "n-1",
      name: "Local admin",
    });
    const again = await redeem({ grant_type: "refresh_token", refresh_token: body["refresh_token"] ?? "" });
    expect(again.status).toBe(200);
    expect(decodeJwt(again.body["access_token"] ?? "").aud).toBe("api://directory-uplink");
    expect(again.body["refresh_token"]).toMatch(/\./);
  });

  it("is good once, for a minute, at one address, and for who holds the verifier", async () => {
    const used = await signIn();
    expect((await redeem(used)).status).toBe(200);
    const refusals = [
      await redeem(used),
      await redeem({ ...(await signIn()), code: "x" }),
      await redeem({ ...(await signIn()), redirect_uri: "http://localhost:1/" }),
      await redeem({ ...(await signIn()), code_verifier: "v".repeat(43) }),
    ];
    const late = await signIn();
    skipped += 61_000;
    refusals.push(await redeem(late));
    for (const { status, body } of refusals) expect([status, body["error"]]).toEqual([400, "invalid_grant"]);
    // Who guessed wrong has no second try.
    const guessed = await signIn();
    expect((await redeem({ ...guessed, code_verifier: "v".repeat(43) })).status).toBe(400);
    expect((await redeem(guessed)).status).toBe(400);
    expect((await redeem({ ...(await signIn()), code_verifier: "short" })).body["error"]).toBe("invalid_request");
    expect((await redeem({ ...(await signIn()), client_id: "other" })).body["error"]).toBe("unauthorized_client");
  });

  it("has no token to refresh with that isn't one: no access token, no forged one, none that is too old", async () => {
    const { body } = await redeem(await signIn());
    const refresh = (refresh_token: string) => redeem({ grant_type: "refresh_token", refresh_token });
    expect(decodeProtectedHeader(body["refresh_token"] ?? "").typ).toBe("refresh+jwt");
    for (const token of [body["access_token"] ?? "", body["id_token"] ?? "", "", "a.b.c"])
      expect((await refresh(token)).body["error"]).toBe("invalid_grant");
    const wait = 25 * 3_600_000;
    skipped += wait;
    expect((await refresh(body["refresh_token"] ?? "")).body["error"]).toBe("invalid_grant");
    skipped -= wait;
  });
});

describe("the origin for browsers", () => {
  it("serves the app beside the sign-in, and nobody who calls it by another name", async () => {
    expect(await (await fetch(`${web}/api/health`)).text()).toBe("the app's");
    const configuration = (await (
      await fetch(`${web}/${tenantId}/v2.0/.well-known/openid-configuration`)
    ).json()) as Record<string, string>;
    expect(configuration["authorization_endpoint"]).toBe(`${web}/${tenantId}/oauth2/v2.0/authorize`);
    expect(configuration["issuer"]).toBe(`${directory.authority}/v2.0`);
    const { port } = new URL(web);
    const named = await new Promise<number>((resolve, reject) => {
      const child = spawn(process.execPath, [
        "-e",
        `require("http").get({port:${port},host:"127.0.0.1",path:"/api/health",headers:{host:"evil.example:${port}"}},(r)=>{console.log(r.statusCode);r.resume()})`,
      ]);
      child.stdout.on("data", (chunk) => resolve(Number(chunk)));
      child.on("error", reject);
    });
    expect(named).toBe(421);
    expect((await fetch(`${web}/${tenantId}/oauth2/v2.0/token`, { method: "PUT" })).status).toBe(405);
    expect(
      (await fetch(`${web}/${tenantId}/oauth2/v2.0/token`, { method: "POST", body: "x".repeat(70_000) })).status,
    ).toBe(413);
  });

  it("changes nothing for programs: client credentials work through it too", async () => {
    const { clientId, clientSecret } = applications.exporter;
    const fields = { client_id: clientId, client_secret: clientSecret, scope: "api://directory-uplink/.default" };
    expect((await redeem({ grant_type: "client_credentials", ...fields })).status).toBe(200);
  });
});

it("MSAL's public client signs in by code and refreshes, unmodified", async () => {
  const source = `
    import { CryptoProvider, PublicClientApplication } from "@azure/msal-node";
    const auth = { clientId: "${LOCAL_CLIENT.clientId}", authority: "${directory.authority}", knownAuthorities: ["${new URL(directory.url).host}"] };
    const client = new PublicClientApplication({ auth });
    const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
    const scopes = ["api://directory-uplink/.default"];
    const redirectUri = "http://localhost:4000";
    const url = await client.getAuthCodeUrl({ scopes, redirectUri, codeChallenge: challenge, codeChallengeMethod: "S256", loginHint: "${admin}", state: "x" });
    if (!url.startsWith("${web}/")) throw new Error("a browser would be sent to " + url);
    const reply = await fetch(url, { redirect: "manual" });
    const code = new URL(reply.headers.get("location")).searchParams.get("code");
    const first = await client.acquireTokenByCode({ code, scopes, redirectUri, codeVerifier: verifier });
    const second = await client.acquireTokenSilent({ account: first.account, scopes, forceRefresh: true });
    console.log(first.account.username, second.fromCache, first.accessToken !== second.accessToken);`;
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
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect(errors).toBe("");
  expect([code, output.trim()]).toEqual([0, `${admin} false true`]);
});
