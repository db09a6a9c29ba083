/** `uplink agent token`: the one-time tokens by which agents enrol: made, listed, taken back. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { AgentError } from "../agent/agent-error.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import {
  createEnrolmentToken,
  type EnrolmentTokenReply,
  listEnrolmentTokens,
  revokeEnrolmentToken,
} from "../shared/contracts/admin/enrolment-tokens.ts";
import { CreateTokenRequest } from "../shared/contracts/configuration.ts";
import type { AdminClient } from "./admin-client.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { findConfiguration } from "./find-configuration.ts";
import { moment, tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

interface Shown {
  readonly json?: boolean;
}

interface Made extends Shown {
  readonly minutes?: number;
  readonly pending?: boolean;
}

interface Found {
  readonly configuration: ConfigurationReply;
  readonly token: EnrolmentTokenReply;
}

/** Characters of an id that a table shows; as many tell one from the others. */
const SHORT = 12;

export function registerAgentTokenCommands(program: Command, context: CommandContext): void {
  // The agent's own commands are registered elsewhere, under the same word.
  const agent = program.commands.find((own) => own.name() === "agent") ?? program.command("agent");
  const json = () => new Option("--json", "as JSON");
  const token = agent
    .command("token [job]")
    .description("Admins: a one-time token, with which an agent of that domain enrols.")
    .option("--minutes <n>", "until it expires, 60 at most", minutesOf)
    .option("--pending", "the agent that it makes waits for 'uplink agent approve'")
    .addOption(json())
    .addHelpText("after", ADMIN_HELP)
    .action((job: string | undefined, options: Made) => make(job, options, context));
  token
    .command("list [job]")
    .description("Tokens by job: who made them, until when, what became of them; never the tokens.")
    .addOption(json())
    .option("--csv", "as comma-separated values")
    .addHelpText("after", ADMIN_HELP)
    // Also where the word above it took the option for its own.
    .action((job: string | undefined, _: unknown, own: Command) => list(job, own.optsWithGlobals(), context));
  token
    .command("revoke <id>")
    .description("Take one back before somebody uses it; ID is as 'list' shows it, or the beginning of it.")
    .addOption(json())
    .addHelpText("after", ADMIN_HELP)
    .action((id: string, _: unknown, own: Command) => revoke(id, own.optsWithGlobals(), context));
}

async function make(job: string | undefined, options: Made, { terminal }: CommandContext): Promise<void> {
  const { admin, url } = await connect(terminal);
  if (job === undefined)
    throw new AgentError("config-invalid", "Which job the token is for is missing.", "uplink agent token JOB");
  const { id: configurationId, domainFqdn } = await findConfiguration(admin, job);
  const { minutes, pending } = options;
  const body = { ...(minutes === undefined ? {} : { minutes }), ...(pending ? { policy: "pending" as const } : {}) };
  const reply = await admin.call(createEnrolmentToken, { params: { configurationId }, body });
  if (options.json) return void terminal.out.write(jsonOf(reply));
  terminal.out.write(
    `${reply.token}\n\nGood once, until ${moment(reply.expiresAt)}, for an agent of ${domainFqdn}; it is not shown again:\n  uplink agent enrol --url ${url} --token … --source …\nTo take it back: uplink agent token revoke ${reply.id.slice(0, SHORT)}\n`,
  );
}

async function list(
  job: string | undefined,
  options: Shown & { readonly csv?: boolean },
  { terminal }: CommandContext,
): Promise<void> {
  const { admin } = await connect(terminal);
  const found = await tokensOf(admin, job === undefined ? undefined : await findConfiguration(admin, job));
  if (options.json)
    return void terminal.out.write(
      jsonOf(found.map(({ configuration, token }) => ({ job: configuration.displayName, ...token }))),
    );
  const rows = found.map(({ configuration, token }) => [
    options.csv ? token.id : token.id.slice(0, SHORT),
    ...[configuration.displayName, token.status, options.csv ? token.expiresAt : moment(token.expiresAt)],
    ...[token.policy, token.madeBy, token.agentId ?? ""],
  ]);
  const head = ["token", "job", "status", "expires", "its agent begins", "made by", "agent"];
  if (options.csv) return void terminal.out.write(csvOf([head, ...rows]));
  terminal.out.write(found.length === 0 ? "No token was made.\n" : tableOf([head, ...rows]));
}

async function revoke(id: string, options: Shown, { terminal }: CommandContext): Promise<void> {
  const { admin } = await connect(terminal);
  const all = await tokensOf(admin, undefined);
  const found = all.filter(({ token }) => token.id.startsWith(id.toLowerCase()));
  const [only] = found;
  if (!only || found.length > 1)
    throw new AgentError(
      only ? "config-invalid" : "not-found",
      only ? `${found.length} tokens begin with '${id}'.` : `There is no enrolment token '${id}'.`,
      "'uplink agent token list' shows those that there are; give more of its id.",
    );
  const { configuration, token } = only;
  const params = { configurationId: configuration.id, tokenId: token.id };
  await admin.call(revokeEnrolmentToken, { params });
  terminal.out.write(
    options.json
      ? jsonOf({ id: token.id, job: configuration.displayName, revoked: true })
      : `The token ${token.id.slice(0, SHORT)} of ${configuration.displayName} is revoked: nobody enrols by it.\n`,
  );
}

/** Those that may still be used first, the last to expire before the others. */
async function tokensOf(admin: AdminClient, one: ConfigurationReply | undefined): Promise<Found[]> {
  const found: Found[] = [];
  for (const configuration of one ? [one] : await admin.configurations())
    for await (const page of admin.pages(listEnrolmentTokens, {
      params: { configurationId: configuration.id },
      query: { $top: 1000 },
    }))
      found.push(...page.value.map((token) => ({ configuration, token })));
  const rank = ({ token }: Found) => `${token.status === "open" ? 1 : 0} ${token.expiresAt}`;
  return found.sort((own, other) => (rank(own) > rank(other) ? -1 : 1));
}

function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function minutesOf(text: string): number {
  const value = CreateTokenRequest.shape.minutes.safeParse(Number(text));
  if (!value.success) throw new InvalidArgumentError("must be a whole number from 1 to 60.");
  return value.data;
}
