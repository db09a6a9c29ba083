/**
 * The bearer token of the Graph client: asked once, kept until shortly before it expires, asked anew when refused.
 *
 * A credential that can't give one is `TargetUnavailable`: `target-credentials` when the token endpoint refuses,
 * `target-unreachable` when it doesn't answer.
 */

import type { TokenCredential } from "@azure/identity";
import type { Clock } from "../../ports/clock.ts";
import { TargetUnavailable } from "../../ports/target-directory.ts";

export interface AccessTokens {
  /** `refused`: the token that the target just turned down, with the claims that it asks for, if any. */
  get(refused?: { readonly token: string; readonly claims?: string }): Promise<string>;
}

const EARLY_MS = 120_000;
const CREDENTIALS_WAIT_MS = 300_000;
const UNREACHABLE_WAIT_MS = 15_000;
/** A request with claims goes past the credential's own cache; these ask for nothing. */
const NO_CLAIMS = '{"access_token":{}}';

export function createAccessTokens(deps: {
  readonly credential: TokenCredential;
  readonly scope: string;
  readonly clock: Clock;
}): AccessTokens {
  const { credential, scope, clock } = deps;
  let current: { readonly token: string; readonly expiresAt: number } | undefined;
  let asking: Promise<string> | undefined;

  const ask = async (claims?: string): Promise<string> => {
    try {
      const answer = await credential.getToken(scope, claims === undefined ? {} : { claims });
      if (!answer) throw new Error("the credential gave no token");
      current = { token: answer.token, expiresAt: answer.expiresOnTimestamp };
      return answer.token;
    } catch (error) {
      throw tokenFailure(error);
    }
  };

  return {
    async get(refused) {
      const isCurrent = current !== undefined && current.expiresAt - EARLY_MS > clock.now();
      if (current && isCurrent && current.token !== refused?.token) return current.token;
      asking ??= ask(refused && (refused.claims ?? NO_CLAIMS)).finally(() => {
        asking = undefined;
      });
      return asking;
    },
  };
}

function tokenFailure(error: unknown): TargetUnavailable {
  const message = error instanceof Error ? error.message : String(error);
  const why = message.split("\n")[0] ?? "";
  if (isRefusal(error)) {
    return new TargetUnavailable(
      "target-credentials",
      `No token for the target: ${why}`,
      "Check tenant, client id and secret or certificate, and that they have not expired.",
      CREDENTIALS_WAIT_MS,
      { cause: error },
    );
  }
  return new TargetUnavailable(
    "target-unreachable",
    `The token endpoint of the target can't be reached: ${why}`,
    "Check network, name resolution and proxy; it is tried again.",
    UNREACHABLE_WAIT_MS,
    { cause: error },
  );
}

/** A token endpoint that says no answers 400 or 401; what is missing on this machine is a setting, not the network. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // MSAL's words for a token endpoint that can't be found or doesn't answer, wrapped as if a credential were missing.
  if (/endpoints_resolution_error|openid_config_error|network_error|no_network/.test(error.message)) return false;
  const { statusCode } = error as { readonly statusCode?: unknown };
  if (typeof statusCode === "number") return statusCode >= 400 && statusCode < 500 && statusCode !== 429;
  if (/AADSTS\d+|invalid_client|unauthorized_client|invalid_request/.test(error.message)) return true;
  return error.name === "CredentialUnavailableError";
}
