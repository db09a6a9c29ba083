/** `uplink status`: one screen. Is everything in sync, how far behind, and what needs somebody, with the command for each. */
import type { Command } from "commander";
import { EXIT } from "../agent/agent-error.ts";
import { serviceHealth } from "../shared/contracts/admin/health.ts";
import { listServicePrincipals } from "../shared/contracts/admin/synchronization.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { agentRows, quarantineList } from "./admin-views.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { factsOfJob, foundBy, type JobFacts, type Need, needsOf, type SyncState, syncStateOf } from "./status-needs.ts";
import { moment, tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

interface Options {
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly check?: boolean;
}

export function registerStatusCommands(program: Command, context: CommandContext): void {
  program
    .command("status")
    .description("Is everything in sync, how far behind is it, and what needs somebody.")
    .option("--check", `end with ${EXIT.approval} when something needs somebody, ${EXIT.no} when it isn't in sync yet`)
    .option("--json", "as JSON")
    .option("--csv", "what needs somebody, as comma-separated values")
    .addHelpText("after", ADMIN_HELP)
    .action((options: Options) => status(options, context));
}

async function status({ json, csv, check }: Options, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const { admin: client, url } = await connect(terminal);
  const configurations = await client.configurations();
  const [facts, health, { value: principals }] = await Promise.all([
    Promise.all(configurations.map((own) => factsOfJob(client, own))),
    client.call(serviceHealth, {}),
    client.call(listServicePrincipals, {}),
  ]);
  const withoutJob = principals
    .filter(({ id }) => configurations.every((own) => own.id !== id))
    .map(({ id, displayName }) => ({ id, displayName }));
  const states = facts.map((own) => syncStateOf(own, Date.now(), health.findings));
  const jobs = new Map(configurations.map(({ jobId, displayName }) => [jobId, displayName]));
  const found = foundBy(health.findings, jobs);
  const needs = [...facts.flatMap(needsOf), ...found.needs];
  if (check && needs.length > 0) context.setExit(EXIT.approval);
  else if (check && states.some(({ inSync }) => !inSync)) context.setExit(EXIT.no);
  if (json) {
    const told = {
      ...{ url, isInSync: states.every(({ inSync }) => inSync), needs, states, withoutJob },
      ...{ jobs: facts.map((own) => own.status), agents: facts.flatMap((own) => own.agents), health },
    };
    return void terminal.out.write(`${JSON.stringify(told, null, 2)}\n`);
  }
  if (csv) return void terminal.out.write(csvOf([["job", "what", "command"], ...needs.map(needRow)]));
  const stopped = quarantineList(facts.map((own) => own.status));
  const hasAgents = facts.some((own) => own.agents.length > 0);
  const agents = !hasAgents
    ? ""
    : tableOf(
        agentRows(
          facts.map((own) => own.configuration),
          facts.map((own) => own.agents),
        ),
      );
  const parts = [
    `${headline(states, needs)}\nService ${url}\n`,
    stateTable(states, facts, withoutJob),
    needTable("needs somebody", needs),
    needTable("good to know", found.notes),
    stopped,
    agents,
  ];
  terminal.out.write(parts.filter((part) => part !== "").join("\n"));
}

function headline(states: readonly SyncState[], needs: readonly Need[]): string {
  if (states.length === 0) return "There is no job yet: uplink job create.";
  const synced = states.filter(({ inSync }) => inSync).length;
  const all = synced === states.length ? "Everything is in sync." : `${synced} of ${states.length} jobs are in sync.`;
  return needs.length === 0
    ? `${all} Nothing needs anybody.`
    : `${all} ${needs.length === 1 ? "One thing needs" : `${needs.length} things need`} somebody.`;
}

function stateTable(
  states: readonly SyncState[],
  facts: readonly JobFacts[],
  withoutJob: readonly { readonly displayName: string }[],
): string {
  const rows = states.map((own, index) => {
    const { escrowed = 0, staged = 0 } = facts[index]?.status ?? {};
    const behind = own.behindSeconds === null ? "-" : duration(own.behindSeconds);
    return [own.job, moment(own.asOf), behind, String(escrowed), String(staged), own.state];
  });
  const gone = withoutJob.map((own) => [
    ...[own.displayName, moment(null), "-", "0", "0"],
    "no job: it was deleted (uplink job create)",
  ]);
  return tableOf([["job", "as of", "behind", "escrowed", "staged", "state"], ...rows, ...gone]);
}

function needTable(title: string, needs: readonly Need[]): string {
  return needs.length === 0 ? "" : tableOf([["job", title, "command"], ...needs.map(shortened)]);
}

const LONGEST = 90;

function shortened(need: Need): string[] {
  const { what } = need;
  return [need.job, what.length > LONGEST ? `${what.slice(0, LONGEST - 1)}…` : what, need.command];
}

function needRow({ job, what, command }: Need): string[] {
  return [job, what, command];
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
