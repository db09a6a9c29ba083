/**
 * Whom admin commands talk to: the service of UPLINK_URL with UPLINK_ADMIN_TOKEN or its sign-in; else the local runtime where
 * `npm start` runs, found by its `runtime.json`, with the credentials that it made; else the service that somebody signed in to.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { AgentError } from "../agent/agent-error.ts";
import { type AdminClient, createAdminClient } from "./admin-client.ts";
import { createTokens } from "./client-credentials.ts";
import { type Login, readLogin, writeLogin } from "./login-file.ts";
import { secureAddress } from "./secure-address.ts";
import { type PlainFetch, reach } from "./service-call.ts";
import { refreshTokens, type SignInDeps } from "./sign-in.ts";
import type { Terminal } from "./terminal.ts";

export interface Connection {
  readonly url: string;
  readonly admin: AdminClient;
  /** The local runtime's target, which is asked below Graph's root; undefined: a deployed service, whose target it asks itself. */
  readonly graph: LocalGraph | undefined;
}

export type LocalGraph = (path: string) => Promise<Response>;

const RuntimeFile = z.object({
  version: z.literal(1),
  urls: z.object({ service: z.string(), directory: z.string(), graph: z.string(), tokens: z.string() }),
});
const AdminFile = z.object({ clientId: z.string(), clientSecret: z.string(), audience: z.string() });

const REMEDY =
  "Start it with npm start, and run this from the project's folder or with UPLINK_HOME set. For a deployed service: uplink login, or UPLINK_URL and UPLINK_ADMIN_TOKEN.";

const EARLY_MS = 60_000;
const UNREADABLE = "Run this as the user who started the local runtime, or see what is in the way of the file.";

/** Throws `AgentError` config-invalid when there is nobody to talk to. */
export async function connect(terminal: Terminal): Promise<Connection> {
  const { environment } = terminal;
  const fetch: PlainFetch = (url, init) => terminal.fetch(url, init);
  const url = environment["UPLINK_URL"];
  if (url) return deployed(terminal, fetch, url, environment["UPLINK_ADMIN_TOKEN"]);
  const home = resolve(environment["UPLINK_HOME"] || ".uplink");
  const isLocal = environment["UPLINK_HOME"] || existsSync(join(home, "runtime.json"));
  const login = isLocal ? undefined : await readLogin(environment);
  if (login) return remote(fetch, login.url, createLoginTokens(terminal, login));
  const runtime = await read(join(home, "runtime.json"), RuntimeFile, `No local runtime is running in ${home}`);
  const { audience, ...client } = await read(join(home, "admin.json"), AdminFile, `${home} holds no credentials`);
  const credentials = { tokenUrl: runtime.urls.tokens, ...client };
  const graphToken = createTokens(fetch, credentials, runtime.urls.directory);
  return {
    url: runtime.urls.service,
    admin: createAdminClient({
      url: runtime.urls.service,
      fetch,
      token: createTokens(fetch, credentials, audience),
    }),
    graph: async (path) =>
      reach(fetch, `${runtime.urls.graph}/${path}`, {
        headers: { authorization: `Bearer ${await graphToken()}`, accept: "application/json" },
      }),
  };
}

async function deployed(
  terminal: Terminal,
  fetch: PlainFetch,
  address: string,
  token: string | undefined,
): Promise<Connection> {
  const url = secureAddress("UPLINK_URL", address);
  if (token) return remote(fetch, url, async () => token);
  const login = await readLogin(terminal.environment);
  if (login?.url === url) return remote(fetch, url, createLoginTokens(terminal, login));
  throw new AgentError(
    "config-invalid",
    `UPLINK_URL is set and UPLINK_ADMIN_TOKEN is not, and nobody signed in to ${url}.`,
    "Sign in with 'uplink login', or set UPLINK_ADMIN_TOKEN to an access token for the service's audience (az account get-access-token --resource …).",
  );
}

function remote(fetch: PlainFetch, url: string, token: () => Promise<string>): Connection {
  return { url, admin: createAdminClient({ url, fetch, token }), graph: undefined };
}

/** The sign-in's token, renewed shortly before it expires and kept for the next command; once, however many ask for it meanwhile. */
function createLoginTokens(terminal: Terminal, signedIn: Login, now: () => number = Date.now): () => Promise<string> {
  let login = signedIn;
  let renewal: Promise<string> | undefined;
  const renew = async (refreshToken: string) => {
    login = { ...login, ...(await refreshTokens(login, signInDeps(terminal), refreshToken)) };
    await writeLogin(terminal.environment, login);
    return login.accessToken;
  };
  return async () => {
    if (renewal) return renewal;
    if (login.expiresAt - EARLY_MS > now()) return login.accessToken;
    if (login.refreshToken === null)
      throw new AgentError("service-refused", "The sign-in ran out.", "Sign in again: uplink login");
    renewal = renew(login.refreshToken).finally(() => {
      renewal = undefined;
    });
    return renewal;
  };
}

/** Of a person at this terminal. */
export function signInDeps({ fetch, stop, err, openBrowser }: Terminal): SignInDeps {
  return {
    fetch: (url, init) => fetch(url, init),
    now: Date.now,
    stop,
    say: (text) => void err.write(text),
    open: openBrowser ?? (() => false),
  };
}

async function read<T>(path: string, schema: z.ZodType<T>, otherwise: string): Promise<T> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT")
      throw new AgentError("config-invalid", `${otherwise} (${path} is not there).`, REMEDY, { cause: error });
    throw new AgentError("config-invalid", `${path} can't be read: ${error.message}.`, UNREADABLE, { cause: error });
  });
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new AgentError("config-invalid", `${path} can't be read by this version of the program.`, REMEDY);
  }
}
