/**
 * `uplink secret list|set|clear` and `uplink job validate-credentials`. Secrets are written and never shown; one write replaces all of a
 * configuration's, so a key that would be lost has to be let go by name.
 */
import type { Command } from "commander";
import { AgentError } from "../agent/agent-error.ts";
import { listSecrets, putSecrets, type SecretKey, validateCredentials } from "../shared/contracts/admin/secrets.ts";
import type { AdminClient } from "./admin-client.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { findConfiguration } from "./find-configuration.ts";
import { parseReference, readSecret, type SecretReference, secretKey } from "./secret-source.ts";
import { tableOf } from "./table.ts";
import type { CommandContext, Terminal } from "./terminal.ts";

interface Shown {
  readonly json?: boolean;
}

interface Given extends Shown {
  readonly env?: readonly string[];
  readonly file?: readonly string[];
  readonly stdin?: string;
}

const HELP = `
Keys: AppKey (the target application's secret), Domain, SyncNotificationSettings. Values come from a variable, a file or standard input, never
from the command line.
Example:
  uplink secret set contoso.example --env AppKey=CONTOSO_APP_KEY
  uplink job validate-credentials contoso.example --saved`;

export function registerSecretCommands(program: Command, context: CommandContext): void {
  const secret = program
    .command("secret")
    .description("Secrets of configurations: written, never shown.")
    .addHelpText("after", HELP)
    .addHelpText("after", ADMIN_HELP);
  const job = program.commands.find((own) => own.name() === "job") ?? program.command("job");
  const command = (of: Command, usage: string, description: string) =>
    of
      .command(usage)
      .description(description)
      .option("--json", "as JSON")
      .addHelpText("after", HELP)
      .addHelpText("after", ADMIN_HELP);
  const given = (own: Command) =>
    own
      .option("--env <key=name...>", "from variables of the environment")
      .option("--file <key=path...>", "from files")
      .option("--stdin <key>", "from standard input");
  command(secret, "list [job]", "Which secrets there are, by key.")
    .option("--csv", "as comma-separated values")
    .action((name: string | undefined, options: Shown & { csv?: boolean }) => list(name, options, context));
  given(command(secret, "set <job>", "Replaces all secrets of a configuration by those that are given."))
    .option("--drop <key...>", "let go of a key that is there and isn't given")
    .action((name: string, options: Given & { drop?: string[] }) => set(name, options, context));
  command(secret, "clear <job>", "Lets go of all secrets of a configuration.").action((name: string, options: Shown) =>
    clear(name, options, context),
  );
  given(command(job, "validate-credentials <job>", "Reaches the target with credentials, and says what is wrong."))
    .option("--saved", "with the secrets that are saved; with none given, the service's own")
    .action((name: string, options: Given & { saved?: boolean }) => validate(name, options, context));
}

async function list(
  name: string | undefined,
  options: Shown & { readonly csv?: boolean },
  { terminal }: CommandContext,
): Promise<void> {
  const { admin } = await connect(terminal);
  const configurations = name === undefined ? await admin.configurations() : [await findConfiguration(admin, name)];
  const found: { job: string; key: SecretKey }[] = [];
  for (const { id, displayName } of configurations)
    found.push(...(await keysOf(admin, id)).map((key) => ({ job: displayName, key })));
  if (options.json) return void terminal.out.write(jsonOf(found));
  const rows = [["job", "secret"], ...found.map(({ job, key }) => [job, key])];
  if (options.csv) return void terminal.out.write(csvOf(rows));
  terminal.out.write(found.length === 0 ? "No secret is kept.\n" : tableOf(rows));
}

async function set(
  name: string,
  options: Given & { readonly drop?: readonly string[] },
  { terminal }: CommandContext,
): Promise<void> {
  const value = await secretsOf(options, terminal);
  if (value.length === 0)
    throw new AgentError(
      "config-invalid",
      "No secret is given.",
      "Give --env KEY=NAME, --file KEY=PATH or --stdin KEY.",
    );
  const { admin } = await connect(terminal);
  const { id, displayName } = await findConfiguration(admin, name);
  const dropped = (options.drop ?? []).map(secretKey);
  const lost = (await keysOf(admin, id)).filter(
    (key) => !dropped.includes(key) && !value.some((own) => own.key === key),
  );
  if (lost.length > 0)
    throw new AgentError(
      "conflict",
      `${displayName} has ${lost.join(", ")} too, and all secrets are replaced at once. Nothing was done.`,
      `Give ${lost.length === 1 ? "it" : "them"} as well, or let go: ${lost.map((key) => `--drop ${key}`).join(" ")}`,
    );
  await admin.call(putSecrets, { params: { configurationId: id }, body: { value } });
  const keys = value.map(({ key }) => key);
  terminal.out.write(
    options.json
      ? jsonOf({ job: displayName, keys })
      : `${displayName} has ${keys.join(", ")} now, and no other secret.\n`,
  );
}

async function clear(name: string, options: Shown, { terminal }: CommandContext): Promise<void> {
  const { admin } = await connect(terminal);
  const { id, displayName } = await findConfiguration(admin, name);
  await admin.call(putSecrets, { params: { configurationId: id }, body: { value: [] } });
  terminal.out.write(
    options.json ? jsonOf({ job: displayName, keys: [] }) : `${displayName} has no secret any more.\n`,
  );
}

async function validate(
  name: string,
  options: Given & { readonly saved?: boolean },
  { terminal }: CommandContext,
): Promise<void> {
  const credentials = await secretsOf(options, terminal);
  if (options.saved && credentials.length > 0)
    throw new AgentError("config-invalid", "--saved goes without other credentials.", "Give one of both.");
  const { admin } = await connect(terminal);
  const { id, jobId, displayName } = await findConfiguration(admin, name);
  const body = options.saved ? { useSavedCredentials: true } : { credentials };
  await admin.call(validateCredentials, { params: { configurationId: id, jobId }, body });
  const by =
    credentials.length > 0 ? "those that were given" : options.saved ? "those that are saved" : "the service's own";
  terminal.out.write(
    options.json ? jsonOf({ jobId, valid: true }) : `${displayName}: the target takes the credentials (${by}).\n`,
  );
}

async function secretsOf(
  { env = [], file = [], stdin }: Given,
  terminal: Terminal,
): Promise<{ key: SecretKey; value: string }[]> {
  const references: (readonly [SecretKey, SecretReference])[] = [
    ...env.map((text) => parseReference(text, "env")),
    ...file.map((text) => parseReference(text, "file")),
    ...(stdin === undefined ? [] : [[secretKey(stdin), { stdin: true }] as const]),
  ];
  const found: { key: SecretKey; value: string }[] = [];
  for (const [key, reference] of references) found.push({ key, value: await readSecret(key, reference, terminal) });
  return found;
}

async function keysOf(admin: AdminClient, configurationId: string): Promise<SecretKey[]> {
  return (await admin.call(listSecrets, { params: { configurationId } })).value.map(({ key }) => key);
}

function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
