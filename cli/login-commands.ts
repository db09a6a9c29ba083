/** `uplink login|logout`: signs a person in to a deployed service, and out. On a machine with the local runtime neither is needed. */
import type { Command } from "commander";
import { AgentError } from "../agent/agent-error.ts";
import { createAdminClient } from "./admin-client.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { signInDeps } from "./connection.ts";
import { type Login, loginPath, readLogin, removeLogin, writeLogin } from "./login-file.ts";
import { secureAddress } from "./secure-address.ts";
import { signInByBrowser, signInByDeviceCode } from "./sign-in.ts";
import type { CommandContext, Terminal } from "./terminal.ts";

interface LoginOptions {
  readonly url?: string;
  readonly tenant?: string;
  readonly clientId?: string;
  readonly audience?: string;
  readonly authority?: string;
  readonly deviceCode?: boolean;
  readonly browser?: boolean;
  readonly json?: boolean;
}

const AUDIENCE = "api://directory-uplink";
const AUTHORITY = "https://login.microsoftonline.com";
const HELP = `
Each may stand in the environment instead: UPLINK_URL, UPLINK_TENANT, UPLINK_CLIENT_ID, UPLINK_AUDIENCE, UPLINK_AUTHORITY. What is
given nowhere is as it was at the last sign-in. Tokens are kept below the user's configuration folder (UPLINK_CONFIG_HOME), for its owner
only, and renewed while they are used. A local runtime in the working folder goes before a sign-in.
Example:
  uplink login --url https://uplink.contoso.com --tenant contoso.com --client-id 11111111-…`;

export function registerLoginCommands(program: Command, context: CommandContext): void {
  program
    .command("login")
    .description("Sign in to a deployed service, in the browser or with a code.")
    .option("--url <url>", "the service's address, https://…")
    .option("--tenant <tenant>", "the tenant's id or one of its domains")
    .option("--client-id <id>", "the application that signs people in")
    .option("--audience <uri>", `the service's application ID URI (${AUDIENCE})`)
    .option("--authority <url>", `who signs people in (${AUTHORITY}; other clouds have others)`)
    .option("--device-code", "with a code that is typed in a browser of another machine")
    .option("--no-browser", "only print the address; open no browser")
    .option("--json", "as JSON")
    .addHelpText("after", HELP)
    .addHelpText("after", ADMIN_HELP)
    .action((options: LoginOptions) => login(options, context));
  program
    .command("logout")
    .description("Forget the sign-in of this machine.")
    .option("--json", "as JSON")
    .addHelpText("after", ADMIN_HELP)
    .action((options: { json?: boolean }) => logout(options, context));
}

async function login(options: LoginOptions, { terminal }: CommandContext): Promise<void> {
  // A sign-in that can't be read is no reason against a new one, which takes its place.
  const to = settingsOf(options, terminal, await readLogin(terminal.environment).catch(() => undefined));
  const own = signInDeps(terminal);
  const deps = options.browser === false ? { ...own, open: () => false } : own;
  const tokens = await (options.deviceCode ? signInByDeviceCode(to, deps) : signInByBrowser(to, deps));
  const kept: Login = { version: 1, ...to, ...tokens };
  await writeLogin(terminal.environment, kept);
  // Whether the role is there is better told now than by the first command.
  const { url } = kept;
  await createAdminClient({ url, fetch: deps.fetch, token: async () => kept.accessToken }).configurations();
  const path = loginPath(terminal.environment);
  const expiresAt = new Date(kept.expiresAt).toISOString();
  terminal.out.write(
    options.json
      ? `${JSON.stringify({ url, tenant: kept.tenant, expiresAt, file: path }, null, 2)}\n`
      : `Signed in to ${url}. The tokens are in ${path}; 'uplink logout' forgets them.\n`,
  );
}

async function logout({ json }: { readonly json?: boolean }, { terminal }: CommandContext): Promise<void> {
  const wasSignedIn = await removeLogin(terminal.environment);
  const words = wasSignedIn ? "Signed out: this machine's tokens are gone.\n" : "Nobody was signed in.\n";
  terminal.out.write(json ? `${JSON.stringify({ wasSignedIn }, null, 2)}\n` : words);
}

function settingsOf(options: LoginOptions, { environment }: Terminal, last: Login | undefined) {
  const given = (option: string | undefined, name: string, before: string | undefined, usual?: string) =>
    option || environment[name] || before || usual;
  const all = {
    url: given(options.url, "UPLINK_URL", last?.url),
    tenant: given(options.tenant, "UPLINK_TENANT", last?.tenant),
    clientId: given(options.clientId, "UPLINK_CLIENT_ID", last?.clientId),
    audience: given(options.audience, "UPLINK_AUDIENCE", last?.audience, AUDIENCE),
    authority: given(options.authority, "UPLINK_AUTHORITY", last?.authority, AUTHORITY),
  };
  const missing = [
    ...(all.url ? [] : ["--url (or UPLINK_URL)"]),
    ...(all.tenant ? [] : ["--tenant (or UPLINK_TENANT)"]),
    ...(all.clientId ? [] : ["--client-id (or UPLINK_CLIENT_ID)"]),
  ];
  if (missing.length > 0)
    throw new AgentError(
      "config-invalid",
      `To sign in, ${missing.join(", ")} must be given.`,
      "Whoever deployed the service knows them. The local runtime needs no sign-in.",
    );
  return {
    url: secureAddress("--url", all.url ?? ""),
    tenant: all.tenant ?? "",
    clientId: all.clientId ?? "",
    audience: all.audience ?? AUDIENCE,
    authority: secureAddress("--authority", all.authority ?? AUTHORITY),
  };
}
