/**
 * How a person signs in here: OAuth 2.0's authorization code with PKCE, for one public client, as a browser and MSAL do it.
 *
 * There is one person, the local admin. Who it is proves so by the sign-in code that the runtime makes at each start and shows to who
 * started it alone: every other user of the machine reaches its loopback, too. A directory that was given none (in tests) lets in by a
 * button, or at once where the request names the person (`login_hint`). OAuth's codes go to loopback addresses alone, are good once and for a minute, and only for who
 * holds the verifier. Refresh tokens are signed and kept nowhere: there is no sign-out that takes one back.
 */
import { createHash, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import type { JsonObject } from "./types.ts";

export type Person = { id: string; name: string; userPrincipalName: string };
/** `roles`: what the person's tokens say, whatever their audience. */
export type PublicClient = { clientId: string; roles: readonly string[]; person: Person };
/** Of the page: its button was pressed, with what was typed. */
export type Pressed = { code: string };

/** The one that the local runtime's directory serves. */
export const LOCAL_CLIENT: PublicClient = {
  clientId: "04f0c124-2bc4-4f59-8241-bf6df9866bbd",
  roles: ["Synchronization.Read.All", "Synchronization.ReadWrite.All"],
  person: {
    id: "9c1d7a52-5c0e-4d0a-9f43-2f6d3a0b7e11",
    name: "Local admin",
    userPrincipalName: "admin@uplinkdemo.onmicrosoft.com",
  },
};

export type Fault = { status: number; error: string; code: number; text: string };
export type Page = { status: number; headers: Record<string, string>; html: string };
export type Signer = (claims: JsonObject, audience: string, seconds: number, type: string) => Promise<string>;
/** The claims of a token that was signed here; undefined: it wasn't, or is too old. */
export type Reader = (token: string, audience: string, type: string) => Promise<JsonObject | undefined>;

type Asked = {
  clientId: string;
  redirectUri: string;
  scope: string;
  challenge: string;
  nonce: string | undefined;
  until: number;
};

const CODE_MS = 60_000;
const ACCESS_SECONDS = 3599;
const REFRESH_SECONDS = 24 * 3600;
const MAX_CODES = 1_000;
const REFRESH = "refresh+jwt";
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
const OPENID = new Set(["openid", "profile", "email", "offline_access"]);

export function createSignIn(deps: {
  readonly client: PublicClient;
  readonly tenantId: string;
  readonly issuer: () => string;
  readonly now: () => number;
  readonly sign: Signer;
  readonly read: Reader;
  /** Has to be typed; undefined: nothing has to. */
  readonly signInCode?: string | undefined;
}) {
  const { client, tenantId, now, signInCode } = deps;
  const codes = new Map<string, Asked>();

  /** `pressed`: undefined where nobody pressed the page's button yet. */
  function authorize(query: URLSearchParams, pressed: Pressed | undefined): Page {
    const one = (name: string) => query.get(name) ?? "";
    if ([...query.keys()].some((name) => query.getAll(name).length > 1))
      return errorPage("AADSTS90014: A parameter is given twice.");
    if (one("client_id") !== client.clientId)
      return errorPage(`AADSTS700016: Application with identifier '${one("client_id")}' was not found.`);
    const redirectUri = one("redirect_uri");
    if (!isLoopback(redirectUri))
      return errorPage(
        `AADSTS50011: The redirect URI '${redirectUri}' is not registered: it must be http://localhost or http://127.0.0.1, with any port and path.`,
      );
    const state = one("state");
    const refuse = (error: string, text: string) =>
      redirect(redirectUri, { error, error_description: text, ...(state === "" ? {} : { state }) });
    if (one("response_type") !== "code")
      return refuse("unsupported_response_type", "AADSTS700054: Only the response type 'code' is supported.");
    const mode = one("response_mode");
    if (mode !== "" && mode !== "query")
      return refuse("invalid_request", "AADSTS70007: Only the response mode 'query' is supported.");
    if (one("code_challenge_method") !== "S256" || !CHALLENGE.test(one("code_challenge")))
      return refuse("invalid_request", "AADSTS9002325: Proof Key for Code Exchange with S256 is required.");
    if (audienceOf(one("scope")) === undefined && !one("scope").split(" ").includes("openid"))
      return refuse(
        "invalid_scope",
        `AADSTS70011: The scope '${one("scope")}' is not valid: name a resource's scopes.`,
      );
    const isNamed = signInCode === undefined && one("login_hint").toLowerCase() === client.person.userPrincipalName;
    const prompt = one("prompt");
    if (prompt === "none" && !isNamed)
      return refuse("login_required", "AADSTS50058: Nobody is signed in: ask without prompt=none.");
    const isAtOnce = isNamed && (prompt === "" || prompt === "none");
    const isProven = pressed !== undefined && (signInCode === undefined || sameCode(pressed.code, signInCode));
    if (!isProven && !isAtOnce) return signInPage(client.person, signInCode !== undefined, pressed !== undefined);
    const code = randomBytes(32).toString("base64url");
    // Codes that nobody redeems must not pile up.
    for (const [old, { until }] of codes) if (until < now() || codes.size >= MAX_CODES) codes.delete(old);
    codes.set(code, {
      ...{ clientId: client.clientId, redirectUri, scope: one("scope"), challenge: one("code_challenge") },
      nonce: query.get("nonce") ?? undefined,
      until: now() + CODE_MS,
    });
    return redirect(redirectUri, { code, ...(state === "" ? {} : { state }) });
  }

  /** Of the grants `authorization_code` and `refresh_token`. */
  async function grant(form: URLSearchParams): Promise<Fault | { body: JsonObject }> {
    if (form.get("client_id") !== client.clientId)
      return fault(400, "unauthorized_client", 700016, `Application '${form.get("client_id")}' was not found.`);
    return form.get("grant_type") === "refresh_token" ? refresh(form) : redeem(form);
  }

  async function redeem(form: URLSearchParams): Promise<Fault | { body: JsonObject }> {
    const code = form.get("code") ?? "";
    const verifier = form.get("code_verifier") ?? "";
    if (code === "" || !VERIFIER.test(verifier))
      return fault(
        400,
        "invalid_request",
        900144,
        "The request must hold 'code' and a 'code_verifier' of 43 to 128 characters.",
      );
    const asked = codes.get(code);
    // Tried is used, whatever came of it.
    codes.delete(code);
    if (!asked || asked.until < now())
      return fault(400, "invalid_grant", 70008, "The code is unknown, was used before, or expired. Sign in again.");
    if (form.get("redirect_uri") !== asked.redirectUri)
      return fault(400, "invalid_grant", 500112, "The redirect URI is not the one that the code was asked with.");
    if (createHash("sha256").update(verifier).digest("base64url") !== asked.challenge)
      return fault(400, "invalid_grant", 501481, "The code_verifier does not match the code_challenge.");
    return { body: await answer(asked.scope, asked.nonce) };
  }

  async function refresh(form: URLSearchParams): Promise<Fault | { body: JsonObject }> {
    const claims = await deps.read(form.get("refresh_token") ?? "", deps.issuer(), REFRESH);
    if (claims?.["azp"] !== client.clientId)
      return fault(
        400,
        "invalid_grant",
        700082,
        "The refresh token is not one of this service's, or expired. Sign in again.",
      );
    return { body: await answer(form.get("scope") ?? String(claims["scope"]), undefined) };
  }

  async function answer(scope: string, nonce: string | undefined): Promise<JsonObject> {
    const { person, clientId, roles } = client;
    const words = scope.split(" ");
    const who = {
      oid: person.id,
      sub: person.id,
      tid: tenantId,
      name: person.name,
      preferred_username: person.userPrincipalName,
    };
    const granted = words.filter((word) => !OPENID.has(word)).map((word) => word.slice(word.lastIndexOf("/") + 1));
    const access = {
      ...{ ...who, azp: clientId, appid: clientId, azpacr: "0", roles: [...roles], ver: "2.0", uti: randomUUID() },
      scp: granted.filter((word) => word !== ".default").join(" ") || "access_as_user",
    };
    return {
      ...{ token_type: "Bearer", scope, expires_in: ACCESS_SECONDS, ext_expires_in: ACCESS_SECONDS },
      access_token: await deps.sign(access, audienceOf(scope) ?? clientId, ACCESS_SECONDS, "JWT"),
      ...(words.includes("offline_access")
        ? { refresh_token: await deps.sign({ ...who, azp: clientId, scope }, deps.issuer(), REFRESH_SECONDS, REFRESH) }
        : {}),
      ...(words.includes("openid")
        ? {
            id_token: await deps.sign(
              { ...who, ver: "2.0", ...(nonce === undefined ? {} : { nonce }) },
              clientId,
              ACCESS_SECONDS,
              "JWT",
            ),
          }
        : {}),
      client_info: Buffer.from(JSON.stringify({ uid: person.id, utid: tenantId })).toString("base64url"),
    };
  }

  return { authorize, grant };
}

function fault(status: number, error: string, code: number, text: string): Fault {
  return { status, error, code, text };
}

/** The resource that a scope's words name: `api://x/.default` and `api://x/read` are of `api://x`. One at most. */
function audienceOf(scope: string): string | undefined {
  const named = scope.split(" ").filter((word) => word !== "" && !OPENID.has(word));
  const resources = new Set(named.map((word) => word.slice(0, Math.max(0, word.lastIndexOf("/")))));
  const [only] = resources;
  return resources.size === 1 && only !== undefined && /^[a-z]+:\/\/./.test(only) ? only : undefined;
}

function isLoopback(text: string): boolean {
  if (text.length > 2_000 || /[\s\\#@]/.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "http:" && (hostname === "localhost" || hostname === "127.0.0.1");
}

function redirect(to: string, more: Readonly<Record<string, string>>): Page {
  const url = new URL(to);
  for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value);
  return { status: 303, headers: { location: url.href }, html: "" };
}

/** As it is typed: case and hyphens don't matter. */
function sameCode(typed: string, wanted: string): boolean {
  const digestOf = (text: string) => createHash("sha256").update(text.toUpperCase().replaceAll(/[\s-]/g, "")).digest();
  return timingSafeEqual(digestOf(typed), digestOf(wanted));
}

function signInPage({ name, userPrincipalName }: Person, asksCode: boolean, isRefused: boolean): Page {
  const fault = asksCode && isRefused ? "<p><strong>That is not the code of this start.</strong></p>" : "";
  const field = asksCode
    ? `<p><label>The sign-in code that npm start shows: <input name="code" autocomplete="off" required autofocus></label></p>`
    : "";
  return page(
    200,
    "Sign in",
    `<h1>Directory Uplink, on this machine</h1><p>This is the local runtime: there is one person.</p>${fault}
<form method="post">${field}<button type="submit"${asksCode ? "" : " autofocus"}>Continue as ${escapeHtml(name)}<br><small>${escapeHtml(userPrincipalName)}</small></button></form>`,
  );
}

function errorPage(text: string): Page {
  return page(400, "Sign-in refused", `<h1>Sign-in refused</h1><p>${escapeHtml(text.slice(0, 500))}</p>`);
}

function page(status: number, title: string, body: string): Page {
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title><meta name="viewport" content="width=device-width">
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}button{font:inherit;padding:.75rem 1.5rem}</style></head><body>${body}</body></html>`;
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'self' http://localhost:* http://127.0.0.1:*";
  return { status, headers: { "content-security-policy": policy, "x-frame-options": "DENY" }, html };
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
