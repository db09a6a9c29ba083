/**
 * Microsoft Graph for the registration scripts: a token from whoever is signed in (`az`, else `azd`), requests that are tried again while
 * a new object isn't known everywhere yet, and errors that say what to do.
 *
 * It keeps no token and prints none.
 */
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

const ATTEMPTS = 8;
const WAIT_MS = 2_000;

export class RegistrationError extends Error {}

/** Standard output of a program; undefined when it isn't there or fails. On Windows both programs are command files. */
export function run(program, args) {
  const { status, stdout } = spawnSync(program, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    shell: process.platform === "win32",
  });
  return status === 0 ? stdout.trim() : undefined;
}

/** Throws `RegistrationError` when nobody is signed in to the tenant. */
export function tokenFor(tenantId, graphOrigin) {
  const az = run("az", [
    ...["account", "get-access-token", "--tenant", tenantId, "--resource", graphOrigin],
    ...["--query", "accessToken", "--output", "tsv"],
  ]);
  if (az) return az;
  const azd = run("azd", [
    ...["auth", "token", "--tenant-id", tenantId, "--scope", `${graphOrigin}/.default`],
    ...["--output", "json"],
  ]);
  if (azd) return JSON.parse(azd).token;
  throw new RegistrationError(
    `Nobody is signed in to the tenant ${tenantId}: run 'az login --tenant ${tenantId} --allow-no-subscriptions' (or 'azd auth login --tenant-id ${tenantId}'), and try again.`,
  );
}

/**
 * The subscription's tenant, as azd's environment knows it once it has deployed; before that as `az` does, else that of whoever is signed in
 * to azd. Undefined: nobody is.
 */
export function tenantOfAzd() {
  const { AZURE_TENANT_ID: known, AZURE_SUBSCRIPTION_ID: subscription } = process.env;
  if (known) return known;
  const account = (...args) => run("az", ["account", "show", ...args, "--query", "tenantId", "--output", "tsv"]);
  const own = subscription ? account("--subscription", subscription) : undefined;
  return own || tenantOf(run("azd", ["auth", "token", "--output", "json"])) || account() || undefined;
}

/** Of a token that isn't passed on: nobody trusts it here. */
function tenantOf(answer) {
  try {
    const [, payload = ""] = JSON.parse(answer ?? "").token.split(".");
    return JSON.parse(Buffer.from(payload, "base64url").toString("utf8")).tid;
  } catch {
    return undefined;
  }
}

/** `call(method, path, body?, { headers, missing })`: the answer's body; with `missing: true` undefined for 404. */
export function createGraph({ baseUrl, token, fetch = globalThis.fetch }) {
  return async function call(method, path, body, { headers = {}, missing = false } = {}) {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(`${baseUrl}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer = await response.json().catch(() => undefined);
      if (response.ok) return answer;
      if (response.status === 404 && missing) return undefined;
      const code = answer?.error?.code ?? "";
      const message = answer?.error?.message ?? "";
      const isLag =
        response.status === 404 || /NoBackingApplicationObject|does not reference a valid application/.test(message);
      if ((isLag || response.status === 429 || response.status >= 500) && attempt < ATTEMPTS) {
        await sleep(Number(response.headers.get("retry-after") ?? 0) * 1_000 || WAIT_MS);
        continue;
      }
      throw new RegistrationError(
        `Microsoft Graph refused ${method} ${path}: ${response.status} ${code} ${message}\n${remedyOf(response.status)}`,
      );
    }
  };
}

function remedyOf(status) {
  if (status === 401) return "Sign in anew (az login), and try again.";
  if (status === 403)
    return "Making applications takes the role Application Administrator, granting Microsoft Graph's permissions Privileged Role Administrator (or Global Administrator).";
  return "Run it again: what is there already is kept.";
}
