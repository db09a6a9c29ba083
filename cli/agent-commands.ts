/** `uplink agent …`: enrol, run, once, check, status. */
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { createAgent } from "../agent/agent.ts";
import { AgentError, EXIT, exitCodeOf, exitHelp } from "../agent/agent-error.ts";
import { agentStatus, checkAgent } from "../agent/check.ts";
import { type AgentConfig, CONFIG_FILE, loadAgentConfig, parseSourceSettings } from "../agent/config.ts";
import { enrolAgent } from "../agent/enrol.ts";
import { loadAgentKey } from "../agent/keys.ts";
import { createLineLog } from "../agent/log.ts";
import { createTerminalProgress, silentProgress } from "../agent/progress.ts";
import { createSource } from "../agent/source/create-source.ts";
import type { Log } from "../shared/ports/log.ts";
import type { CommandContext } from "./terminal.ts";

const DEFAULT_STATE = join(".uplink", "agent");
const TOKEN_VARIABLE = "UPLINK_ENROLMENT_TOKEN";
const STATE_VARIABLE = "UPLINK_AGENT_STATE";
const clock = { now: () => Date.now() };

const EXIT_HELP = `
${exitHelp("ok", "config", "source", "unreachable", "refused", "local", "standby", "defect")}

Environment: UPLINK_LDAP_PASSWORD (instead of a password file), ${TOKEN_VARIABLE} (instead of --token), ${STATE_VARIABLE}
(instead of --state), NODE_EXTRA_CA_CERTS (a private authority of the service; must be set before the program starts).`;

interface PlaceOptions {
  readonly state?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

interface EnrolOptions extends PlaceOptions {
  readonly url: string;
  readonly token?: string;
  readonly name: string;
  readonly source: "ldap" | "ldif";
  readonly replace?: boolean;
  readonly file?: string;
  readonly ldapUrl?: string;
  readonly bindDn?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly tlsServerName?: string;
  readonly pollSeconds?: number;
}

export function registerAgentCommands(program: Command, context: CommandContext): void {
  const agent = program.command("agent").description("The agent beside a directory.").addHelpText("after", EXIT_HELP);

  placed(agent.command("enrol").description("Make this agent known to the service, with a one-time token."))
    .requiredOption("--url <url>", "address of the service, https://…")
    .option("--token <token>", `one-time token (or ${TOKEN_VARIABLE})`)
    .option("--name <name>", "what operators call this agent", hostname())
    .addOption(new Option("--source <kind>", "what it reads").choices(["ldap", "ldif"]).makeOptionMandatory())
    .option("--file <path>", "ldif: the export to read")
    .option("--ldap-url <url>", "ldap: ldaps://host of a writable domain controller")
    .option("--bind-dn <name>", "ldap: DN, UPN or DOMAIN\\user of the account")
    .option("--password-file <path>", "ldap: file with the account's password")
    .option("--ca-file <path>", "ldap: PEM of the authority that issued the domain controller's certificate")
    .option("--tls-server-name <name>", "ldap: the name in that certificate, where the URL has an address")
    .option("--poll-seconds <n>", "how often to look for changes", positive)
    .option("--replace", "enrol anew, with a new key")
    .action((options: EnrolOptions) => enrol(options, context));

  placed(agent.command("run").description("Read and send until stopped.")).action((options: PlaceOptions) =>
    run(options, context),
  );
  placed(agent.command("once").description("Read and send once, then exit."))
    .option("--wait <seconds>", "for a lease and an order", positive, 120)
    .action((options: PlaceOptions & { wait: number }) => once(options, context));
  placed(agent.command("check").description("Try everything that a run needs; read nothing.")).action(
    (options: PlaceOptions) => check(options, context),
  );
  placed(agent.command("status").description("What this machine knows of its agent.")).action((options: PlaceOptions) =>
    status(options, context),
  );
}

function placed(command: Command): Command {
  return command
    .option("--state <folder>", `key, outbox and configuration (default: ${DEFAULT_STATE})`)
    .option("--config <file>", `the configuration (default: <state>/${CONFIG_FILE})`)
    .option("--json", "a line of JSON for each thing said")
    .option("--verbose", "say more");
}

async function enrol(options: EnrolOptions, { terminal }: CommandContext): Promise<void> {
  const log = logOf(options, terminal);
  const token = options.token ?? terminal.environment[TOKEN_VARIABLE];
  if (token === undefined || token === "") {
    throw new AgentError(
      "config-invalid",
      "There is no enrolment token.",
      `Give --token or set ${TOKEN_VARIABLE}. An admin makes one; it is good once, for an hour.`,
    );
  }
  expectOptions(options);
  const settings = parseSourceSettings(sourceInput(options));
  const source = createSource({ settings, environment: terminal.environment, clock, log });
  try {
    const { config, status } = await enrolAgent(
      { source, log, clock, fetch: terminal.fetch },
      {
        url: options.url,
        token,
        name: options.name,
        stateDir: stateOf(options, terminal.environment),
        settings,
        ...(options.config === undefined ? {} : { configPath: resolve(options.config) }),
        ...(options.replace === undefined ? {} : { replace: options.replace }),
      },
    );
    const next =
      status === "active" ? "Start it: uplink agent run." : "An admin must approve it; then: uplink agent run.";
    say(
      options,
      terminal.out,
      { agentId: config.agentId, jobId: config.jobId, status },
      `Enrolled '${config.name}' as ${config.agentId} (${status}). ${next}`,
    );
  } finally {
    await source.close();
  }
}

/** What a source can't do without, by the names of the options. Throws `AgentError` config-invalid. */
function expectOptions({ source, file, ldapUrl, bindDn }: EnrolOptions): void {
  const needed =
    source === "ldif"
      ? ([["--file", file, "--file <path>: the export to read"]] as const)
      : ([
          ["--ldap-url", ldapUrl, "--ldap-url <url>: ldaps://host of a writable domain controller"],
          ["--bind-dn", bindDn, "--bind-dn <name>: DN, UPN or DOMAIN\\user of the account"],
        ] as const);
  const missing = needed.filter(([, value]) => value === undefined);
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name).join(" and ");
  const remedy = `Give ${missing.map(([, , how]) => how).join("; ")}.`;
  throw new AgentError("config-invalid", `'--source ${source}' needs ${names}.`, remedy);
}

function sourceInput(options: EnrolOptions): Record<string, unknown> {
  const poll = options.pollSeconds === undefined ? {} : { pollSeconds: options.pollSeconds };
  if (options.source === "ldif") return { kind: "ldif", file: options.file, ...poll };
  const { passwordFile, caFile, tlsServerName } = options;
  return {
    kind: "ldap",
    url: options.ldapUrl,
    bindDn: options.bindDn,
    ...(passwordFile === undefined ? {} : { passwordFile }),
    ...(caFile === undefined ? {} : { caFile }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...poll,
  };
}

async function run(options: PlaceOptions, { terminal }: CommandContext): Promise<void> {
  const { agent, source, log, config } = await open(options, terminal);
  log.info("agent-started", {
    name: config.name,
    agentId: config.agentId,
    url: config.url,
    source: config.source.kind,
  });
  try {
    await agent.run(terminal.stop);
  } finally {
    await source.close();
  }
  log.info("agent-stopped");
}

async function once(options: PlaceOptions & { wait: number }, { terminal }: CommandContext): Promise<void> {
  const { agent, source } = await open(options, terminal);
  try {
    const result = await agent.once(terminal.stop, { waitSeconds: options.wait });
    const text = result.read
      ? `Sent ${result.objects} objects in ${result.batches} batches.`
      : "Nothing to read: the source is as it was.";
    say(options, terminal.out, { ...result }, text);
  } finally {
    await source.close();
  }
}

async function check(options: PlaceOptions, { terminal, setExit }: CommandContext): Promise<void> {
  const config = await loadAgentConfig(configPathOf(options, terminal.environment));
  const source = createSource({
    settings: config.source,
    environment: terminal.environment,
    clock,
    log: logOf(options, terminal),
  });
  try {
    const lines = await checkAgent({ config, source, clock, fetch: terminal.fetch });
    for (const { what, ok, text, remedy } of lines) {
      const plain = `${ok ? "ok  " : "FAIL"} ${what}: ${text}${remedy === undefined ? "" : `\n     ${remedy}`}`;
      say(options, terminal.out, { what, ok, text, ...(remedy === undefined ? {} : { remedy }) }, plain);
    }
    const failed = lines.find((line) => !line.ok);
    if (failed) setExit(failed.what === "service" ? EXIT.unreachable : exitCodeOf(failed.error));
  } finally {
    await source.close();
  }
}

async function status(options: PlaceOptions, { terminal }: CommandContext): Promise<void> {
  const path = configPathOf(options, terminal.environment);
  const known = await agentStatus(await loadAgentConfig(path), path);
  const plain = Object.entries(known)
    .map(([name, value]) => `${name.padEnd(14)} ${value}`)
    .join("\n");
  say(options, terminal.out, { ...known }, plain);
}

async function open(options: PlaceOptions, terminal: CommandContext["terminal"]) {
  const config: AgentConfig = await loadAgentConfig(configPathOf(options, terminal.environment));
  const key = await loadAgentKey(config.keyFile);
  const own = logOf(options, terminal);
  const log = terminal.watch?.log(own) ?? own;
  const source = createSource({ settings: config.source, environment: terminal.environment, clock, log });
  const isTerminal = terminal.err.isTTY === true && options.json !== true;
  const progress = isTerminal ? createTerminalProgress(terminal.err, clock.now) : silentProgress;
  const { telemetry } = terminal.watch ?? {};
  const agent = createAgent({ config, source, key, log, clock, fetch: terminal.fetch, progress, telemetry });
  return { agent, source, log, config };
}

function stateOf(options: PlaceOptions, environment: CommandContext["terminal"]["environment"]): string {
  return resolve(options.state ?? environment[STATE_VARIABLE] ?? DEFAULT_STATE);
}

function configPathOf(options: PlaceOptions, environment: CommandContext["terminal"]["environment"]): string {
  return options.config === undefined ? join(stateOf(options, environment), CONFIG_FILE) : resolve(options.config);
}

function logOf(options: PlaceOptions, terminal: CommandContext["terminal"]): Log {
  return createLineLog({ out: terminal.err, clock, json: options.json === true, verbose: options.verbose === true });
}

function say(
  options: PlaceOptions,
  out: { write(text: string): unknown },
  json: Record<string, unknown>,
  plain: string,
): void {
  out.write(`${options.json === true ? JSON.stringify(json) : plain}\n`);
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError("must be a number above 0.");
  return value;
}
