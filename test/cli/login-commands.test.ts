/** `uplink login|logout` against an authority that keeps OAuth's rules: PKCE, one use of a code, refresh tokens that turn. */
import { createHash } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { connect } from "../../cli/connection.ts";
import { registerLoginCommands } from "../../cli/login-commands.ts";
import { Login, readLogin, writeLogin } from "../../cli/login-file.ts";
import { LOCAL_CLIENT } from "../../local/directory/sign-in.ts";
import { createWebHandler } from "../../local/functions-host/web-origin.ts";
import { createSecureFetch } from "../../local/start/secure-fetch.ts";
import { certificateDir, startTestDirectory, tenantId } from "../local/directory/support.ts";
import { type AdminService, type Asked, startAdminService } from "../support/admin-service.ts";
import { runCommand } from "../support/command-line.ts";

let service: AdminService;
let folder: string;
/** Of the one code that is out; undefined: none is. */
let challenge: string | undefined;
let refresh: string;
let issued: number;
let lifetime: number;
let pending: number;
const CODE = "the-code";

beforeAll(async () => {
  service = await startAdminService(authority);
});
afterAll(() => service.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-login-"));
  challenge = undefined;
  refresh = "";
  issued = 0;
  lifetime = 3600;
  pending = 0;
  service.asked.length = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function authority({ url, body, authorization }: Asked): unknown {
  const form = new URLSearchParams(body);
  if (url === "/contoso.example/oauth2/v2.0/devicecode")
    return { device_code: "d", user_code: "ABC", verification_uri: "https://go.example", expires_in: 60, interval: 0 };
  if (url === "/contoso.example/oauth2/v2.0/token") {
    if (form.get("client_id") !== "app" || form.get("scope")?.startsWith("api://uplink/.default ") === false)
      return refusal("invalid_client", "AADSTS700016: no such application.");
    const type = form.get("grant_type");
    if (type === "authorization_code") {
      const given = createHash("sha256")
        .update(form.get("code_verifier") ?? "")
        .digest("base64url");
      if (form.get("code") !== CODE || given !== challenge) return refusal("invalid_grant", "The code is wrong.");
      challenge = undefined;
    } else if (type === "refresh_token") {
      if (form.get("refresh_token") !== refresh) return refusal("invalid_grant", "AADSTS700082: it has expired.");
    } else if (pending-- > 0) return refusal("authorization_pending", "Wait.");
    refresh = `refresh-${++issued}`;
    return { access_token: `token-${issued}`, expires_in: lifetime, refresh_token: refresh, token_type: "Bearer" };
  }
  if (authorization !== `Bearer token-${issued}`)
    return Response.json({ error: { code: "token-refused", message: `No: ${authorization}.` } }, { status: 401 });
  return { value: [] };
}

function refusal(error: string, error_description: string): Response {
  return Response.json({ error, error_description }, { status: 400 });
}

/** Somebody who signs in, or answers otherwise. */
const browser = (answer: (redirect: string, state: string) => string) => (address: string) => {
  const { searchParams: asked } = new URL(address);
  expect(asked.get("code_challenge_method")).toBe("S256");
  challenge = asked.get("code_challenge") ?? "";
  void fetch(answer(asked.get("redirect_uri") ?? "", asked.get("state") ?? ""));
  return true;
};
const signsIn = browser((redirect, state) => `${redirect}/?code=${CODE}&state=${state}`);

const uplink = (openBrowser: (url: string) => boolean, environment: Record<string, string>, ...args: string[]) =>
  runCommand(args, [registerLoginCommands, registerAdminCommands], {
    environment: { UPLINK_CONFIG_HOME: folder, ...environment },
    openBrowser,
  });
const TO = () => [
  "--url",
  service.url,
  "--authority",
  service.url,
  "--tenant",
  "contoso.example",
  "--client-id",
  "app",
];
const login = (open = signsIn, ...more: string[]) =>
  uplink(open, {}, "login", ...TO(), "--audience", "api://uplink", ...more);
const file = () => join(folder, "login.json");

test("a person signs in by the browser, and commands go to that service from then on", async () => {
  const done = await login();
  expect(done).toMatchObject({ code: 0, out: expect.stringContaining(`Signed in to ${service.url}`) });
  expect(done.err).toContain(`${service.url}/contoso.example/oauth2/v2.0/authorize?`);
  expect((await stat(file())).mode & 0o777).toBe(0o600);
  expect(await uplink(signsIn, {}, "job", "list", "--json")).toMatchObject({ code: 0, out: "[]\n" });
  expect(await uplink(signsIn, { UPLINK_URL: `${service.url}/` }, "job", "list", "--json")).toMatchObject({ code: 0 });
  // Asked again, it knows where.
  expect(await uplink(signsIn, {}, "login")).toMatchObject({ code: 0 });
  expect(await uplink(signsIn, {}, "logout")).toMatchObject({ code: 0, out: expect.stringContaining("Signed out") });
  await expect(stat(file())).rejects.toThrow();
  const alone = await uplink(signsIn, { UPLINK_URL: service.url }, "job", "list");
  expect(alone).toMatchObject({ code: 2, err: expect.stringContaining("uplink login") });
});

test("a token that ran out is renewed and kept; a sign-in that can't be says what to do", async () => {
  lifetime = 30;
  await login();
  lifetime = 3600;
  expect(await uplink(signsIn, {}, "job", "list", "--json")).toMatchObject({ code: 0 });
  expect(issued).toBe(2);
  expect(JSON.parse(await readFile(file(), "utf8"))).toMatchObject({
    accessToken: "token-2",
    refreshToken: "refresh-2",
  });
  await uplink(signsIn, {}, "job", "list", "--json");
  expect(issued).toBe(2);
  const kept = JSON.parse(await readFile(file(), "utf8"));
  await writeFile(file(), JSON.stringify({ ...kept, expiresAt: 0, refreshToken: "stale" }));
  const over = await uplink(signsIn, {}, "job", "list");
  expect(over).toMatchObject({ code: 5, err: expect.stringMatching(/AADSTS700082.*\nSign in again: uplink login/) });
});

test("calls at once that meet a token that ran out renew it once", async () => {
  lifetime = 30;
  await login();
  lifetime = 3600;
  const { admin } = await connect({
    ...{ environment: { UPLINK_CONFIG_HOME: folder }, stop: new AbortController().signal, fetch },
    ...{ out: { write: () => true }, err: { write: () => true } },
  });
  expect(await Promise.all([admin.configurations(), admin.configurations(), admin.configurations()])).toEqual([
    [],
    [],
    [],
  ]);
  expect(issued).toBe(2);
  expect(JSON.parse(await readFile(file(), "utf8"))).toMatchObject({ refreshToken: "refresh-2" });
});

test("sign-ins that are kept at the same moment don't get in each other's way", async () => {
  await login();
  const environment = { UPLINK_CONFIG_HOME: folder };
  const kept = Login.parse(JSON.parse(await readFile(file(), "utf8")));
  await Promise.all(Array.from({ length: 8 }, (_, at) => writeLogin(environment, { ...kept, expiresAt: at })));
  expect(await readLogin(environment)).toMatchObject({ accessToken: "token-1" });
  expect(await readdir(folder)).toEqual(["login.json"]);
});

test("where there is no browser, a code does it", async () => {
  pending = 2;
  const done = await login(() => false, "--device-code");
  expect(done).toMatchObject({ code: 0, err: "Sign in at https://go.example with the code ABC\n" });
  expect(service.asked.filter(({ body }) => body.includes("device_code=d"))).toHaveLength(3);
});

test("an answer that nobody asked for is none, and a refusal is told in the authority's words", async () => {
  const forged = browser((redirect, state) => {
    void fetch(`${redirect}/?code=${CODE}&state=other`).then(() => fetch(`${redirect}/?code=${CODE}&state=${state}`));
    return `${redirect}/favicon.ico`;
  });
  expect(await login(forged)).toMatchObject({ code: 0 });
  const denied = browser(
    (redirect, state) => `${redirect}/?error=access_denied&error_description=Not+today.&state=${state}`,
  );
  const refused = await login(denied);
  expect(refused).toMatchObject({
    code: 5,
    err: expect.stringMatching(/The sign-in was refused: Not today\.\nCheck --tenant/),
  });
  const wrong = browser((redirect, state) => `${redirect}/?code=other&state=${state}`);
  expect(await login(wrong)).toMatchObject({ code: 5, err: expect.stringContaining("The code is wrong.") });
});

test("what is missing is named, and tokens are sent nowhere in the clear", async () => {
  expect(await uplink(signsIn, {}, "login")).toMatchObject({
    code: 2,
    err: expect.stringMatching(/--url .*--tenant .*--client-id/),
  });
  const clear = await uplink(signsIn, {}, "login", ...TO(), "--url", "http://uplink.example");
  expect(clear).toMatchObject({ code: 2, err: expect.stringContaining("is no https address") });
});

test.skipIf(process.platform === "win32")("a file that others may read isn't used", async () => {
  await login();
  await chmod(file(), 0o644);
  const exposed = await uplink(signsIn, { HOME: folder }, "job", "list");
  expect(exposed).toMatchObject({
    code: 2,
    err: expect.stringMatching(/others than its owner may read it.*\n.*chmod 600/),
  });
});

test("a file that can't be looked at isn't one that is missing: nobody is told that he isn't signed in", async () => {
  await login();
  const below = { UPLINK_CONFIG_HOME: join(file(), "below"), HOME: folder };
  for (const args of [["job", "list"], ["logout"]])
    expect(await uplink(signsIn, below, ...args)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/login\.json can't be looked at: ENOTDIR/),
    });
});

test("the local runtime's own sign-in takes it as Entra does", async () => {
  let handle: ReturnType<typeof createWebHandler> | undefined;
  const web = createServer((request, response) => {
    void handle?.(request, response, new URL(request.url ?? "/", `http://${request.headers.host}`));
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const url = `http://localhost:${(web.address() as AddressInfo).port}`;
  const directory = await startTestDirectory({ publicClient: LOCAL_CLIENT, webOrigin: url });
  try {
    handle = createWebHandler({
      signInUrl: directory.url,
      handle: async (_request, response) => void response.end('{"value":[]}'),
      fetch: createSecureFetch(await readFile(join(certificateDir, "ca.pem"), "utf8")),
    });
    const hint = `&login_hint=${encodeURIComponent(LOCAL_CLIENT.person.userPrincipalName)}`;
    const open = (address: string) => {
      void fetch(`${address}${hint}`);
      return true;
    };
    const to = ["--url", url, "--authority", url, "--tenant", tenantId, "--client-id", LOCAL_CLIENT.clientId];
    expect(await uplink(open, {}, "login", ...to)).toMatchObject({ code: 0 });
    const kept = JSON.parse(await readFile(file(), "utf8"));
    expect(decodeJwt(kept.accessToken)).toMatchObject({
      aud: "api://directory-uplink",
      roles: [...LOCAL_CLIENT.roles],
    });
    await writeFile(file(), JSON.stringify({ ...kept, expiresAt: 0 }));
    expect(await uplink(open, {}, "job", "list", "--json")).toMatchObject({ code: 0 });
    expect(JSON.parse(await readFile(file(), "utf8")).expiresAt).toBeGreaterThan(Date.now());
  } finally {
    web.close();
    await directory.close();
  }
});
