/**
 * The token endpoint and the check of what it issued.
 *
 * Client credentials: a client id, a secret, a scope `<resource>/.default`; and the code of who signed in (`sign-in.ts`). Tokens
 * are RS256 JWTs for whatever resource was asked, so that the same endpoint serves the directory and the project's own API.
 * Resources aren't registered here: a token names all roles of its application, whatever its audience. No certificates.
 */
import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from "jose";
import { findRole } from "./roles.ts";
import { type Refusal, refuse } from "./rules.ts";
import { createSignIn, type Page, type Pressed, type PublicClient } from "./sign-in.ts";
import type { Caller, JsonObject } from "./types.ts";

/** `roles` are application permissions; `directoryRoles` names of roles that the application itself holds. */
export type Application = { clientId: string; clientSecret: string; roles: string[]; directoryRoles?: string[] };

export type TokenService = {
  openIdConfiguration(tenant: string): JsonObject;
  keys(): JsonObject;
  /** Answers a token request; `form` is the body, `authorization` the header of HTTP Basic, if any. */
  issue(
    tenant: string,
    form: URLSearchParams,
    authorization: string | undefined,
  ): Promise<{ status: number; body: JsonObject }>;
  /** The sign-in page or its redirect; undefined where nobody signs in. */
  authorize(tenant: string, query: URLSearchParams, pressed: Pressed | undefined): Page | undefined;
  /** The application behind an Authorization header, when its token is for Graph. */
  verify(authorization: string | undefined): Promise<Caller | Refusal>;
};

const LIFETIME_SECONDS = 3599;
const MAX_CACHED = 200;
const GRAPH_AUDIENCES = [
  "https://graph.microsoft.com",
  "https://graph.microsoft.us",
  "https://dod-graph.microsoft.us",
  "https://microsoftgraph.chinacloudapi.cn",
  "00000003-0000-0000-c000-000000000000",
];

export async function createTokenService(deps: {
  tenantId: string;
  /** Other names of the tenant that may stand in an address. */
  tenantNames: ReadonlySet<string>;
  applications: readonly Application[];
  /** Where the signing key is kept; without it a new one is made at each start. */
  keyFile: string | undefined;
  now: () => number;
  /** The root of this server, such as https://localhost:7080. */
  url: () => string;
  /** For people; without it none can sign in. */
  publicClient: PublicClient | undefined;
  /** What the person has to type; undefined: nothing. */
  signInCode?: string | undefined;
  /** Where a browser finds the sign-in page; default: here. */
  webOrigin: string | undefined;
}): Promise<TokenService> {
  const { applications, now } = deps;
  const { privateKey, publicKey, jwk } = await loadKey(deps.keyFile);
  const verified = new Map<string, { caller: Caller; expires: number }>();
  const isTenant = (name: string) => name === deps.tenantId || deps.tenantNames.has(name.toLowerCase());
  const issuer = () => `${deps.url()}/${deps.tenantId}/v2.0`;

  const sign = (claims: JsonObject, audience: string, seconds: number, type: string): Promise<string> => {
    const issuedAt = Math.floor(now() / 1000);
    return new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", typ: type, kid: jwk.kid ?? "" })
      .setIssuer(issuer())
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setExpirationTime(issuedAt + seconds)
      .sign(privateKey);
  };
  const signIn =
    deps.publicClient &&
    createSignIn({
      ...{ client: deps.publicClient, tenantId: deps.tenantId, issuer, now, sign },
      signInCode: deps.signInCode,
      async read(token, audience, typ) {
        const expected = { algorithms: ["RS256"], issuer: issuer(), audience, typ, currentDate: new Date(now()) };
        return jwtVerify(token, publicKey, expected).then(
          ({ payload }) => payload,
          () => undefined,
        );
      },
    });

  return {
    authorize: (tenant, query, pressed) => (isTenant(tenant) ? signIn?.authorize(query, pressed) : undefined),
    openIdConfiguration(tenant) {
      const base = `${deps.url()}/${isTenant(tenant) ? deps.tenantId : tenant}`;
      return {
        issuer: issuer(),
        authorization_endpoint: `${base.replace(deps.url(), deps.webOrigin ?? deps.url())}/oauth2/v2.0/authorize`,
        token_endpoint: `${base}/oauth2/v2.0/token`,
        jwks_uri: `${base}/discovery/v2.0/keys`,
        token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic", "none"],
        grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
        code_challenge_methods_supported: ["S256"],
        response_types_supported: ["code"],
        subject_types_supported: ["pairwise"],
        id_token_signing_alg_values_supported: ["RS256"],
        scopes_supported: ["openid", "profile", "email", "offline_access"],
      };
    },
    keys: () => ({ keys: [{ ...jwk, use: "sig", alg: "RS256", issuer: issuer() }] }),
    async issue(tenant, form, authorization) {
      if (!isTenant(tenant)) return failure(400, "invalid_request", 90002, `Tenant '${tenant}' not found.`);
      const grantType = form.get("grant_type");
      if (signIn && (grantType === "authorization_code" || grantType === "refresh_token")) {
        const granted = await signIn.grant(form);
        if ("body" in granted) return { status: 200, body: granted.body };
        return failure(granted.status, granted.error, granted.code, granted.text);
      }
      if (grantType !== "client_credentials") {
        return failure(400, "unsupported_grant_type", 70003, `The grant type '${grantType}' is not supported.`);
      }
      const basic = parseBasic(authorization);
      const clientId = form.get("client_id") ?? basic?.id ?? "";
      const secret = form.get("client_secret") ?? basic?.secret ?? "";
      const application = applications.find((candidate) => candidate.clientId === clientId);
      if (!application) {
        return failure(400, "unauthorized_client", 700016, `Application with identifier '${clientId}' was not found.`);
      }
      if (!sameSecret(secret, application.clientSecret)) {
        return failure(401, "invalid_client", 7000215, `Invalid client secret provided for app '${clientId}'.`);
      }
      const scope = form.get("scope") ?? "";
      const audience = /^(\S+)\/\.default$/.exec(scope)?.[1];
      if (audience === undefined) {
        return failure(
          400,
          "invalid_scope",
          1002012,
          `The scope '${scope}' is not valid: it must end with '/.default'.`,
        );
      }
      const principal = principalIdOf(application);
      const claims = {
        tid: deps.tenantId,
        appid: application.clientId,
        azp: application.clientId,
        azpacr: "1",
        idtyp: "app",
        oid: principal,
        sub: principal,
        roles: application.roles,
        wids: roleIdsOf(application),
        ver: "2.0",
        uti: randomUUID(),
      };
      const token = await sign(claims, audience, LIFETIME_SECONDS, "JWT");
      return {
        status: 200,
        body: {
          token_type: "Bearer",
          expires_in: LIFETIME_SECONDS,
          ext_expires_in: LIFETIME_SECONDS,
          access_token: token,
        },
      };
    },
    async verify(authorization) {
      const token = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1];
      if (token === undefined) return refuse("token-required", "Access token is empty.");
      const known = verified.get(token);
      if (known && known.expires > now()) return known.caller;
      try {
        const { payload } = await jwtVerify(token, publicKey, {
          algorithms: ["RS256"],
          issuer: issuer(),
          audience: [...GRAPH_AUDIENCES, ...GRAPH_AUDIENCES.map((audience) => `${audience}/`), deps.url()],
          currentDate: new Date(now()),
        });
        const texts = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
        const caller: Caller = {
          applicationId: String(payload["appid"]),
          tenantId: deps.tenantId,
          permissions: new Set(texts(payload["roles"])),
          roles: new Set(texts(payload["wids"])),
        };
        if (verified.size >= MAX_CACHED) verified.clear();
        verified.set(token, { caller, expires: (payload.exp ?? 0) * 1000 });
        return caller;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        return refuse("token-invalid", `Access token validation failure. ${reason}.`);
      }
    },
  };
}

function failure(status: number, error: string, code: number, text: string): { status: number; body: JsonObject } {
  const description = `AADSTS${code}: ${text}`;
  return { status, body: { error, error_description: description, error_codes: [code], correlation_id: randomUUID() } };
}

async function loadKey(keyFile: string | undefined) {
  if (keyFile !== undefined && existsSync(keyFile)) {
    const stored = JSON.parse(readFileSync(keyFile, "utf8")) as JWK;
    const { kty, n, e, kid } = stored;
    const jwk = { kty, n, e, kid } as JWK;
    return { privateKey: await importJWK(stored, "RS256"), publicKey: await importJWK(jwk, "RS256"), jwk };
  }
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk: JWK = await exportJWK(publicKey);
  jwk.kid = await calculateJwkThumbprint(jwk);
  if (keyFile !== undefined) {
    const stored = { ...(await exportJWK(privateKey)), kid: jwk.kid };
    writeFileSync(keyFile, JSON.stringify(stored), { mode: 0o600 });
  }
  return { privateKey, publicKey, jwk };
}

function parseBasic(authorization: string | undefined): { id: string; secret: string } | undefined {
  const encoded = /^Basic (.+)$/i.exec(authorization ?? "")?.[1];
  const [id, secret] = encoded === undefined ? [] : Buffer.from(encoded, "base64").toString("utf8").split(":", 2);
  return id === undefined || secret === undefined
    ? undefined
    : { id: decodeURIComponent(id), secret: decodeURIComponent(secret) };
}

function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function principalIdOf(application: Application): string {
  const hex = createHash("sha256").update(`principal:${application.clientId}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function roleIdsOf(application: Application): string[] {
  return (application.directoryRoles ?? []).map((name) => {
    const role = findRole(name);
    if (role) return role.templateId;
    throw new Error(
      `Cannot serve application '${application.clientId}': directory role '${name}' is unknown. Use a name of roles.ts.`,
    );
  });
}
