/**
 * The host's origin for browsers: plain HTTP on the loopback, which a browser takes without a certificate of anybody's. It serves the
 * app's own routes, and hands the paths of signing in on to the tenant's token service, so that a page has both at one origin.
 *
 * Names other than the loopback's are refused: a page that has its own name point here must not get an answer.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { readBody, sendJson } from "./http-message.ts";

const SIGN_IN_PATH =
  /^\/[^/]+\/(?:oauth2\/v2\.0\/(?:authorize|token)|v2\.0\/\.well-known\/openid-configuration|discovery\/v2\.0\/keys)$/;
const MAX_FORM_BYTES = 64 * 1024;
const ASKED_WITH = ["content-type", "authorization", "sec-fetch-site"];
const ANSWERED_WITH = ["content-type", "cache-control", "location", "content-security-policy", "x-frame-options"];

type Handle = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

/** The part of `fetch` that is used; it must trust the token service's certificate. */
type Fetch = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: Uint8Array<ArrayBuffer>;
    readonly redirect: "manual";
  },
) => Promise<Response>;

/** `signInUrl`: origin of the token service. `handle`: everything else. */
export function createWebHandler(deps: {
  readonly signInUrl: string;
  readonly handle: Handle;
  readonly fetch?: Fetch;
}): Handle {
  const ask: Fetch = deps.fetch ?? fetch;
  return async (request, response, url) => {
    if (url.hostname !== "localhost" && url.hostname !== "127.0.0.1") return sendJson(response, 421, undefined);
    if (!SIGN_IN_PATH.test(url.pathname)) return deps.handle(request, response, url);
    const method = request.method ?? "GET";
    if (method !== "GET" && method !== "POST") return sendJson(response, 405, undefined, { allow: "GET, POST" });
    const body = await readBody(request, MAX_FORM_BYTES).catch(() => undefined);
    if (body === undefined) return sendJson(response, 413, undefined, { connection: "close" });
    const headers: Record<string, string> = {};
    for (const name of ASKED_WITH) {
      const value = request.headers[name];
      if (typeof value === "string") headers[name] = value;
    }
    const answer = await ask(`${deps.signInUrl}${url.pathname}${url.search}`, {
      ...{ method, headers, redirect: "manual" as const },
      ...(method === "POST" ? { body: new Uint8Array(body) } : {}),
    }).catch(() => undefined);
    if (answer === undefined)
      return sendJson(response, 503, {
        error: "temporarily_unavailable",
        error_description: "The token service does not answer.",
      });
    for (const name of ANSWERED_WITH) {
      const value = answer.headers.get(name);
      if (value !== null) response.setHeader(name, value);
    }
    const text = Buffer.from(await answer.arrayBuffer());
    response.writeHead(answer.status, { "content-length": text.length }).end(text);
  };
}
