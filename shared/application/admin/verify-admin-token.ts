/**
 * Who asks the admin API: an Entra access token, checked against the tenant's published keys (they roll; `jose` fetches
 * new ones when a key id is unknown), for issuer, audience, time and role.
 *
 * What somebody may do is said by `roles` alone, of people as of applications: `scp` says what a program may do for whoever signed in,
 * and every program has the same scope here. An ID token may have the same audience, and roles, too: it is told by having neither a
 * scope nor the application that it was issued to. `idtyp` is an optional claim; without it a token without `scp` is an application's own.
 */
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { type Failure, fail, ok, type Result } from "../failure.ts";

export const ROLE_READ = "Synchronization.Read.All";
export const ROLE_WRITE = "Synchronization.ReadWrite.All";

/** The keys can't be had: no fault of the token. */
const KEYS_UNREACHABLE: ReadonlySet<string> = new Set(["ERR_JWKS_TIMEOUT", "ERR_JOSE_GENERIC", "ERR_JWKS_INVALID"]);

export interface Admin {
  /** The user's or application's object id: the name that an audit entry carries. */
  readonly id: string;
  /** The name that a user signs in with. */
  readonly name?: string;
  /** It is no person. */
  readonly isApplication?: boolean;
  readonly roles: readonly string[];
}

export interface AdminTokens {
  /** Failures: 401 without a valid token, 403 without the role. */
  verify(authorization: string | null, writes: boolean): Promise<Result<Admin>>;
}

export function createAdminTokens(deps: {
  readonly authorityUrl: string;
  readonly tenantId: string;
  readonly audience: string;
}): AdminTokens {
  const base = `${deps.authorityUrl}/${deps.tenantId}`;
  const keys = createRemoteJWKSet(new URL(`${base}/discovery/v2.0/keys`));
  return {
    async verify(authorization, writes) {
      const token = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization ?? "")?.[1];
      if (token === undefined) return unauthorized("it carries no bearer token");
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer: `${base}/v2.0`,
          audience: deps.audience,
          algorithms: ["RS256"],
          clockTolerance: 60,
          // Without it a token would be good for ever.
          requiredClaims: ["exp"],
        });
        const kind = kindOf(payload);
        if (kind === undefined)
          return unauthorized("it is no access token: it names neither a scope nor the application that asked for it");
        const roles = Array.isArray(payload["roles"])
          ? payload["roles"].filter((role): role is string => typeof role === "string")
          : [];
        const allowed = roles.includes(ROLE_WRITE) || (!writes && roles.includes(ROLE_READ));
        if (!allowed) {
          return fail({
            status: 403,
            code: "role-missing",
            message: `The token lacks the role ${writes ? ROLE_WRITE : ROLE_READ}.`,
            remedy: "Have an administrator assign that app role.",
            details: [{ target: "authorization", message: "lacks the role" }],
          });
        }
        const name = payload["preferred_username"];
        return ok({
          id: String(payload["oid"] ?? payload["azp"] ?? payload.sub ?? "unknown"),
          ...(typeof name === "string" ? { name } : {}),
          isApplication: kind === "application",
          roles,
        });
      } catch (error) {
        if (error instanceof errors.JOSEError && !KEYS_UNREACHABLE.has(error.code))
          return unauthorized(`${error.code}: ${error.message}`);
        throw error;
      }
    },
  };
}

/** Undefined: it isn't meant for asking an API. */
function kindOf({ scp, idtyp, azp }: JWTPayload): "person" | "application" | undefined {
  const hasScope = typeof scp === "string" && scp.trim() !== "";
  if (hasScope) return idtyp === "app" ? undefined : "person";
  const isOwn = idtyp === undefined || idtyp === "app";
  return isOwn && typeof azp === "string" && azp !== "" ? "application" : undefined;
}

function unauthorized(reason: string): { readonly ok: false; readonly failure: Failure } {
  return fail({
    status: 401,
    code: "token-refused",
    message: `The request is refused: ${reason}.`,
    remedy: "Sign in and send the access token.",
    details: [{ target: "authorization", message: reason }],
  });
}
