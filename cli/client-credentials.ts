/** Access tokens by client credentials, kept until shortly before they expire. */
import { z } from "zod";
import { AgentError } from "../agent/agent-error.ts";
import { type PlainFetch, reach } from "./service-call.ts";

export interface ClientCredentials {
  /** `https://host/tenant/oauth2/v2.0/token` */
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

const TokenAnswer = z.object({ access_token: z.string(), expires_in: z.number() });
const Refused = z.object({ error_description: z.string() });
const EARLY_MS = 60_000;

/** Gives tokens for `resource`. Throws `AgentError`: service-unreachable, service-refused. */
export function createTokens(
  fetch: PlainFetch,
  credentials: ClientCredentials,
  resource: string,
  now: () => number = Date.now,
): () => Promise<string> {
  let current: { readonly token: string; readonly until: number } | undefined;
  return async () => {
    if (current && current.until > now()) return current.token;
    const { tokenUrl, clientId, clientSecret } = credentials;
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: clientSecret,
      scope: `${resource}/.default`,
    });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const response = await reach(fetch, tokenUrl, { method: "POST", headers, body: form.toString() });
    const json: unknown = await response.json().catch(() => undefined);
    const parsed = TokenAnswer.safeParse(json);
    if (!response.ok || !parsed.success) {
      const reason = Refused.safeParse(json);
      throw new AgentError(
        "service-refused",
        `No token for ${resource}: ${reason.success ? reason.data.error_description : `status ${response.status}`}`,
        "On this machine: start anew (npm start writes the credentials). Elsewhere: check the application and its secret.",
      );
    }
    current = { token: parsed.data.access_token, until: now() + parsed.data.expires_in * 1000 - EARLY_MS };
    return current.token;
  };
}
