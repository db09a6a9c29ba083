/**
 * `uplink accounts`: what became of everything that agents sent, by day or by cycle. Received is the sum of the five outcomes,
 * always; whom a full read lacked is counted beside it.
 */
import { type Command, InvalidArgumentError } from "commander";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import type { CycleReply, DayReply } from "../shared/contracts/admin/cycles.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { connect } from "./connection.ts";
import { csvOf } from "./csv.ts";
import { findConfiguration } from "./find-configuration.ts";
import { tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

const MOST = 100_000;
const OUTCOMES = ["exported", "no-op", "filtered", "staged", "escrowed"] as const;

interface Options {
  readonly cycles?: boolean;
  readonly top: number;
  readonly json?: boolean;
  readonly csv?: boolean;
}

interface OfJob {
  readonly job: string;
}

export function registerAccountCommands(program: Command, context: CommandContext): void {
  program
    .command("accounts [job]")
    .description("What became of everything received: by day (UTC), or by cycle; newest first.")
    .option("--cycles", "a line for each cycle, not for each day")
    .option("--top <n>", `how many of each job, ${MOST} at most`, countOf, 14)
    .option("--json", "as JSON")
    .option("--csv", "as comma-separated values")
    .addHelpText("after", ADMIN_HELP)
    .action((job: string | undefined, options: Options) => accounts(job, options, context));
}

async function accounts(name: string | undefined, options: Options, { terminal }: CommandContext): Promise<void> {
  const { admin: client } = await connect(terminal);
  const configurations = name === undefined ? await client.configurations() : [await findConfiguration(client, name)];
  const { top } = options;
  const days = () => ofJobs(configurations, (jobId) => client.days(jobId, top));
  const cycles = () => ofJobs(configurations, (jobId) => client.cycles(jobId, top));
  const { found, rows } = options.cycles ? tableFor(await cycles(), cycleRows) : tableFor(await days(), dayRows);
  if (options.json) terminal.out.write(`${JSON.stringify(found, null, 2)}\n`);
  else if (options.csv) terminal.out.write(csvOf(rows));
  else terminal.out.write(found.length === 0 ? "No cycle was closed yet.\n" : tableOf(rows));
}

async function ofJobs<T>(configurations: readonly ConfigurationReply[], ask: (jobId: string) => Promise<T[]>) {
  const lists = configurations.map(async ({ jobId, displayName }) =>
    (await ask(jobId)).map((own) => ({ job: displayName, ...own })),
  );
  return (await Promise.all(lists)).flat();
}

function tableFor<T>(found: readonly T[], rowsOf: (all: readonly T[]) => string[][]) {
  return { found, rows: rowsOf(found) };
}

function dayRows(all: readonly (DayReply & OfJob)[]): string[][] {
  const rows = all.map((own) => [own.job, own.day, String(own.cycles.length), ...countsOf(own)]);
  return [["job", "day", "cycles", ...COUNTS], ...rows];
}

function cycleRows(all: readonly (CycleReply & OfJob)[]): string[][] {
  const rows = all.map((own) => [own.job, own.cycleId, own.kind, own.state, own.closedAt, ...countsOf(own)]);
  return [["job", "cycle", "kind", "state", "closed", ...COUNTS], ...rows];
}

const COUNTS = ["received", ...OUTCOMES, "absent", "writes"];

function countsOf({ received, outcomes, absent, writes }: Omit<DayReply, "day" | "cycles">): string[] {
  const missed = OUTCOMES.reduce((sum, name) => sum + absent[name], 0);
  return [received, ...OUTCOMES.map((name) => outcomes[name]), missed, writes].map(String);
}

function countOf(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0 || value > MOST)
    throw new InvalidArgumentError(`must be a whole number from 1 to ${MOST}.`);
  return value;
}
