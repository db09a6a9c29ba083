/** `uplink agent show|approve|revoke|unlock`: who may speak for a directory, as admins decide it. */
import type { Command } from "commander";
import { AgentError } from "../agent/agent-error.ts";
import { type AgentActionReply, type AgentReply, actOnAgent, getAgent } from "../shared/contracts/admin/agents.ts";
import { listServicePrincipals, type ServicePrincipalReply } from "../shared/contracts/admin/synchronization.ts";
import type { AdminClient } from "./admin-client.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { listOf, moment } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

interface Shown {
  readonly json?: boolean;
}

type Action = "approve" | "revoke" | "unlock";

const HELP = `
AGENT is an agent's name or id, as 'uplink agent list' shows it.${ADMIN_HELP}`;

export function registerAgentAdminCommands(program: Command, { terminal }: CommandContext): void {
  // The agent's own commands are registered elsewhere, under the same word.
  const agent = program.commands.find((own) => own.name() === "agent") ?? program.command("agent");
  const command = (usage: string, description: string) =>
    agent.command(usage).description(`Admins: ${description}`).option("--json", "as JSON").addHelpText("after", HELP);
  const json = (value: unknown) => void terminal.out.write(`${JSON.stringify(value, null, 2)}\n`);

  command("show <agent>", "one agent: since when, with which key, what keeps it out.").action(
    async (name: string, options: Shown) => {
      const { admin } = await connect(terminal);
      const { configuration, agentId } = await findAgent(admin, name);
      const own = await admin.call(getAgent, { params: { configurationId: configuration.id, agentId } });
      if (options.json) return json(own);
      terminal.out.write(
        listOf([
          ...([
            ["name", own.name],
            ["agent", own.agentId],
            ["job", configuration.displayName],
            ["status", own.status],
            ["cloned", own.isCloned ? "two processes used its key: stop one, then uplink agent unlock" : null],
            ["lease", own.holdsLease ? "held by it" : "not held by it"],
          ] as const),
          ["enrolled", moment(own.enrolledAt)],
          ["last seen", moment(own.lastSeenAt)],
          ["version", `${own.version}, ${own.platform}`],
          ["key", own.keyId],
        ]),
      );
    },
  );

  const actions: readonly (readonly [Action, string, (reply: AgentActionReply) => string])[] = [
    [
      "approve",
      "let in one that waits.",
      ({ changed }) => (changed ? "is approved: it reads from its next heartbeat on." : "needs no approval."),
    ],
    [
      "revoke",
      "shut one out for good, within a minute; another one takes over.",
      ({ changed }) => (changed ? "is revoked: its key is refused from now on." : "was revoked before."),
    ],
    [
      "unlock",
      "let one go on whose key was used by two processes.",
      ({ changed }) => (changed ? "is unlocked." : "isn't locked."),
    ],
  ];
  for (const [action, description, words] of actions)
    command(`${action} <agent>`, description).action(async (name: string, options: Shown) => {
      const { admin } = await connect(terminal);
      const { configuration, agentId } = await findAgent(admin, name);
      const reply = await admin.call(actOnAgent, { params: { configurationId: configuration.id, agentId, action } });
      if (options.json) return json(reply);
      terminal.out.write(`${reply.name} (${configuration.displayName}) ${words(reply)}\n`);
    });
}

/** One agent by id or name, of whatever configuration. Throws `AgentError` that names those that there are. */
async function findAgent(
  admin: AdminClient,
  name: string,
): Promise<{ readonly configuration: ServicePrincipalReply; readonly agentId: string }> {
  // Those whose job was deleted, too: their agents are still enrolled.
  const { value: configurations } = await admin.call(listServicePrincipals, {});
  const lists = await Promise.all(configurations.map((own) => admin.agents(own.id)));
  const all = configurations.flatMap((configuration, at) =>
    (lists[at] ?? []).map((agent) => ({ configuration, agent })),
  );
  const wanted = name.toLowerCase();
  const isMeant = (agent: AgentReply) => [agent.agentId, agent.name].some((own) => own.toLowerCase() === wanted);
  const found = all.filter(({ agent }) => isMeant(agent));
  const [only] = found;
  if (only && found.length === 1) return { configuration: only.configuration, agentId: only.agent.agentId };
  const told = (found.length === 0 ? all : found).map(
    ({ agent, configuration }) => `${agent.agentId} (${agent.name}, ${configuration.displayName}, ${agent.status})`,
  );
  throw new AgentError(
    found.length === 0 ? "not-found" : "config-invalid",
    found.length === 0 ? `There is no agent '${name}'.` : `${found.length} agents are called '${name}'.`,
    told.length === 0 ? "None has enrolled yet: uplink agent token." : `There are: ${told.join("; ")}. Give an id.`,
  );
}
