/** `uplink job create`: a configuration with its job, for a domain; whatever else it is to be like, it is given later or by files. */

import { type Command, InvalidArgumentError, Option } from "commander";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import { createJob } from "../shared/contracts/admin/synchronization.ts";
import { CreateConfigurationRequest, JOB_TEMPLATE, JobSettings } from "../shared/contracts/configuration.ts";
import type { AdminClient } from "./admin-client.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import type { CommandContext, Terminal } from "./terminal.ts";

interface Options {
  readonly netbios?: string;
  readonly name?: string;
  readonly signIn: JobSettings["signIn"];
  readonly firstExport: JobSettings["firstExport"];
  readonly staging?: boolean;
  readonly json?: boolean;
}

const HELP = `
A domain has one configuration: asked again, it answers the one that there is, and changes nothing. Everything else (scope, lifecycle,
bounds of the guard, schedule …) has its command, or stands in a file: uplink config plan.
Example:
  uplink job create corp.example.com --sign-in federated`;

/** Belongs to `job`, which is registered elsewhere, before. */
export function registerJobCreateCommands(program: Command, context: CommandContext): void {
  const job = program.commands.find((command) => command.name() === "job") ?? program.command("job");
  job
    .command("create")
    .description("A configuration with its job for an Active Directory domain, by its DNS name.")
    .argument("<domain>", "such as corp.example.com", dnsName)
    .addOption(
      new Option("--sign-in <way>", "how people sign in on day 1; no password that anybody knows is ever made")
        .choices(JobSettings.shape.signIn.options)
        .makeOptionMandatory(),
    )
    .option("--name <name>", "what people call it (the domain)")
    .option("--netbios <name>", "the domain's NetBIOS name (the first part of the domain, in capitals)")
    .addOption(
      new Option("--first-export <when>", "whether an admin approves what it would export first")
        .choices(["approval", "automatic"])
        .default("approval"),
    )
    .option("--staging", "do everything but exports, until 'uplink job mode' says otherwise")
    .option("--json", "as JSON")
    .addHelpText("after", HELP)
    .addHelpText("after", ADMIN_HELP)
    .action((domain: string, options: Options) => create(domain, options, context));
}

function dnsName(text: string): string {
  if (CreateConfigurationRequest.shape.domainFqdn.safeParse(text).success) return text;
  throw new InvalidArgumentError("must be the DNS name of a domain, such as corp.example.com.");
}

async function create(domain: string, options: Options, { terminal }: CommandContext): Promise<void> {
  const { admin } = await connect(terminal);
  const { signIn, firstExport, staging } = options;
  const wasThere = (await admin.configurations()).some((own) => own.domainFqdn === domain.toLowerCase());
  const reply = await admin.createConfiguration({
    domainFqdn: domain,
    domainNetBios: options.netbios ?? (domain.split(".")[0] ?? "").toUpperCase().slice(0, 15),
    displayName: options.name ?? domain,
    settings: { signIn, firstExport, ...(staging ? { mode: "staging" as const } : {}) },
  });
  if (reply.jobId === "") return makeNext(admin, reply, options, terminal);
  if (options.json) return void terminal.out.write(`${JSON.stringify({ ...reply, isNew: !wasThere }, null, 2)}\n`);
  terminal.out.write(
    wasThere
      ? `${reply.domainFqdn} has a job already, ${reply.displayName} (${reply.jobId}); nothing was changed.\n`
      : `${reply.displayName} is made (${reply.jobId}). Next, a token for its agent: uplink agent token ${reply.domainFqdn}\n`,
  );
}

/** Its job was deleted: what that one was made with goes on. */
async function makeNext(
  admin: AdminClient,
  { id, displayName, domainFqdn }: ConfigurationReply,
  options: Options,
  { out }: Terminal,
): Promise<void> {
  const params = { configurationId: id };
  const { id: jobId } = await admin.call(createJob, { params, body: { templateId: JOB_TEMPLATE } });
  if (options.json)
    return void out.write(`${JSON.stringify({ id, jobId, displayName, domainFqdn, isNew: true }, null, 2)}\n`);
  out.write(
    `${displayName} has a new job (${jobId}), with the settings of the one that was deleted, whatever was given now. Its agents read for it; its first export waits: uplink whatif run ${domainFqdn} --wait\n`,
  );
}
