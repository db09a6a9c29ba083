/**
 * Signing in as a person, by OAuth 2.0: in the browser (authorization code with PKCE, the answer taken on a loopback port) or by a code
 * that is typed on another machine; and new tokens by a refresh token. Microsoft Entra's addresses below an authority and a tenant.
 *
 * No client secret: a program that everybody may download has none. Nothing is written here; `login-file.ts` keeps what comes.
 */
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { AgentError } from "../agent/agent-error.ts";
import { rest } from "../agent/rest.ts";
import { type PlainFetch, reach } from "./service-call.ts";

export interface SignInTo {
  /** Without a slash at its end, such as https://login.microsoftonline.com. */
  readonly authority: string;
  readonly tenant: string;
  readonly clientId: string;
  /** What the token is for. */
  readonly audience: string;
}

export interface Tokens {
  readonly accessToken: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly refreshToken: string | null;
}

export interface SignInDeps {
  readonly fetch: PlainFetch;
  readonly now: () => number;
  readonly stop: AbortSignal;
  /** Tells the person what to do. */
  readonly say: (text: string) => void;
  /** Shows the address; false where there is no browser. */
  readonly open: (url: string) => boolean;
}

const Granted = z.object({
  access_token: z.string(),
  expires_in: z.coerce.number(),
  refresh_token: z.string().optional(),
});
const Refused = z.object({ error: z.string(), error_description: z.string().optional() });
const DeviceCode = z.object({
  device_code: z.string(),
  user_code: z.string(),
  verification_uri: z.string(),
  expires_in: z.coerce.number(),
  interval: z.coerce.number().default(5),
});
const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
/** How long somebody may take at the browser. */
const PATIENCE_MS = 300_000;
const REMEDY =
  "Check --tenant, --client-id and --audience; the application must allow public clients, with http://localhost as redirect address.";

/** Throws `AgentError`: service-refused, service-unreachable, interrupted. */
export async function signInByBrowser(to: SignInTo, deps: SignInDeps): Promise<Tokens> {
  const verifier = randomBytes(32).toString("base64url");
  const state = randomBytes(16).toString("base64url");
  const answer = await openLoopback(state, deps.stop);
  try {
    const address = `${endpoint(to, "authorize")}?${new URLSearchParams({
      client_id: to.clientId,
      response_type: "code",
      response_mode: "query",
      redirect_uri: answer.redirectUri,
      scope: scopeOf(to),
      state,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
    })}`;
    const isOpen = deps.open(address);
    deps.say(`${isOpen ? "Sign in in the browser. If it didn't open, go to" : "Sign in at"}\n${address}\n`);
    const code = await answer.code;
    return await grant(to, deps, {
      grant_type: "authorization_code",
      code,
      redirect_uri: answer.redirectUri,
      code_verifier: verifier,
    });
  } finally {
    answer.close();
  }
}

/** The same, where this machine has no browser. */
export async function signInByDeviceCode(to: SignInTo, deps: SignInDeps): Promise<Tokens> {
  const response = await post(to, deps, "devicecode", { scope: scopeOf(to) });
  const asked = DeviceCode.safeParse(response.json);
  if (!asked.success) throw refused(to, response);
  const { device_code, user_code, verification_uri, expires_in, interval } = asked.data;
  deps.say(`Sign in at ${verification_uri} with the code ${user_code}\n`);
  const until = deps.now() + expires_in * 1000;
  for (let wait = interval; deps.now() < until; ) {
    await rest(wait * 1000, deps.stop);
    if (deps.stop.aborted) throw interrupted();
    const given = await post(to, deps, "token", { grant_type: DEVICE_GRANT, device_code });
    const tokens = tokensOf(given.json, deps.now());
    if (tokens) return tokens;
    const why = Refused.safeParse(given.json);
    if (why.success && why.data.error === "slow_down") wait += 5;
    else if (!why.success || why.data.error !== "authorization_pending") throw refused(to, given);
  }
  throw new AgentError("service-refused", "Nobody signed in with the code in time.", "Run uplink login again.");
}

/** New tokens for old; the old refresh token stays where no new one came. Throws as `signInByBrowser` does. */
export async function refreshTokens(to: SignInTo, deps: SignInDeps, refreshToken: string): Promise<Tokens> {
  const given = await post(to, deps, "token", {
    grant_type: "refresh_token",
    refresh_token: refreshToken,
    scope: scopeOf(to),
  });
  const tokens = tokensOf(given.json, deps.now());
  if (tokens) return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
  throw new AgentError(
    "service-refused",
    `The sign-in can't be renewed: ${wordsOf(given)}`,
    "Sign in again: uplink login",
  );
}

async function grant(to: SignInTo, deps: SignInDeps, form: Record<string, string>): Promise<Tokens> {
  const given = await post(to, deps, "token", { ...form, scope: scopeOf(to) });
  const tokens = tokensOf(given.json, deps.now());
  if (tokens) return tokens;
  throw refused(to, given);
}

interface Given {
  readonly status: number;
  readonly json: unknown;
}

async function post(
  to: SignInTo,
  { fetch }: SignInDeps,
  what: "token" | "devicecode",
  form: Readonly<Record<string, string>>,
): Promise<Given> {
  const response = await reach(fetch, endpoint(to, what), {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    body: new URLSearchParams({ client_id: to.clientId, ...form }).toString(),
  });
  return { status: response.status, json: await response.json().catch(() => undefined) };
}

function tokensOf(json: unknown, now: number): Tokens | undefined {
  const granted = Granted.safeParse(json);
  if (!granted.success) return undefined;
  const { access_token, expires_in, refresh_token } = granted.data;
  return { accessToken: access_token, expiresAt: now + expires_in * 1000, refreshToken: refresh_token ?? null };
}

function refused({ authority }: SignInTo, given: Given): AgentError {
  return new AgentError("service-refused", `${authority} refused the sign-in: ${wordsOf(given)}`, REMEDY);
}

function wordsOf({ status, json }: Given): string {
  const why = Refused.safeParse(json);
  return why.success ? (why.data.error_description ?? why.data.error) : `status ${status}.`;
}

function interrupted(): AgentError {
  return new AgentError("interrupted", "The sign-in was interrupted.", "Run uplink login again.");
}

function endpoint({ authority, tenant }: SignInTo, what: string): string {
  return `${authority}/${encodeURIComponent(tenant)}/oauth2/v2.0/${what}`;
}

function scopeOf({ audience }: SignInTo): string {
  return `${audience}/.default offline_access`;
}

/** A port of this machine on which the browser brings the code. Whoever comes without `state` is somebody else. */
async function openLoopback(state: string, stop: AbortSignal) {
  let take: (code: string) => void = () => undefined;
  let fail: (error: AgentError) => void = () => undefined;
  const code = new Promise<string>((resolve, reject) => {
    take = resolve;
    fail = reject;
  });
  // It may fail before anybody waits for it.
  code.catch(() => undefined);
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? "/", "http://localhost").searchParams;
    const page = (status: number, text: string) =>
      response
        .writeHead(status, { "content-type": "text/html; charset=utf-8", connection: "close" })
        .end(`<!doctype html><title>Directory Uplink</title><p>${text}</p>`);
    if (query.get("state") !== state) return void page(400, "This is not the answer that was waited for.");
    const found = query.get("code");
    if (found !== null) {
      page(200, "You are signed in. This window may be closed.");
      return take(found);
    }
    page(400, "You are not signed in. The program says why.");
    const why = query.get("error_description") ?? query.get("error") ?? "no reason was given";
    fail(new AgentError("service-refused", `The sign-in was refused: ${why}`, REMEDY));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const late = setTimeout(
    () =>
      fail(
        new AgentError(
          "service-refused",
          "Nobody signed in for five minutes.",
          "Run uplink login again, or with --device-code.",
        ),
      ),
    PATIENCE_MS,
  );
  const onStop = () => fail(interrupted());
  stop.addEventListener("abort", onStop, { once: true });
  return {
    redirectUri: `http://localhost:${(server.address() as AddressInfo).port}`,
    code,
    close: () => {
      clearTimeout(late);
      stop.removeEventListener("abort", onStop);
      server.close();
      server.closeIdleConnections();
    },
  };
}
