/**
 * `npm start`: the whole way from two directories to one tenant, on this machine.
 *
 * Starts the runtime and the sample forests' agents, shows what the first sync did, then stays and says what every edit
 * of a sample did. Ctrl-C or SIGTERM ends everything in order; `--once` ends by itself after one cycle of both.
 */
import { relative } from "node:path";
import { SAMPLE_FORESTS } from "../samples/generate.ts";
import { homeOf, StartError } from "./home.ts";
import { PORTS, type Ports, readPorts } from "./ports.ts";
import { type ForestReport, forestLines, type Names, togetherLine } from "./report.ts";
import { type Runtime, startRuntime } from "./runtime.ts";
import { type Forest, namesOf, prepareForests, syncForests, watchForests } from "./sample-forests.ts";
import { createScreen, type Screen } from "./screen.ts";

const USAGE = `npm start [-- --once]

  --once   end with 0 after one sync of both sample forests; with 1 when something failed
  --help   this text

Settings (environment):
  UPLINK_HOME                   folder for all state (default: .uplink)
  UPLINK_DIRECTORY_QUOTA=off    lift the target's limits of writes
${Object.values(PORTS)
  .map(({ setting, usual, what }) => `  ${setting.padEnd(29)} ${what}; default ${usual}, 0 takes a free one`)
  .join("\n")}
Every setting of the service (README) can be set as well.
`;

/** A second signal this long after the first is meant: the first Ctrl-C alone arrives twice. */
const SECOND_SIGNAL_MS = 1_500;

/** Runs until done or stopped; sets the process's exit code. */
export async function main(args: readonly string[]): Promise<void> {
  const screen = createScreen(process.stdout);
  const unknown = args.find((arg) => !["--once", "--help"].includes(arg));
  if (unknown !== undefined) {
    process.stderr.write(`npm start knows no '${unknown}'.\n\n${USAGE}`);
    process.exitCode = 1;
    return;
  }
  if (args.includes("--help")) {
    process.stdout.write(USAGE);
    return;
  }
  const stop = stopOnSignals(screen);
  try {
    process.exitCode = await run(screen, args.includes("--once"), stop);
  } catch (error) {
    screen.clear();
    const isExpected = error instanceof StartError || (error instanceof Error && "remedy" in error);
    const remedy = error instanceof Error && "remedy" in error ? `\n${String(error.remedy)}` : "";
    const words = error instanceof Error ? (isExpected ? `${error.message}${remedy}` : error.stack) : String(error);
    process.stderr.write(`${words}\n`);
    process.exitCode = 1;
  }
}

async function run(screen: Screen, isOnce: boolean, stop: AbortSignal): Promise<number> {
  const ports: Ports = readPorts(process.env);
  const home = homeOf(process.env);
  const began = Date.now();
  screen.line(`Directory Uplink, local runtime in ${home}`);
  const runtime = await startRuntime({
    home,
    ports,
    quota: process.env["UPLINK_DIRECTORY_QUOTA"] === "off" ? "off" : "on",
    verifiedDomains: SAMPLE_FORESTS.map((forest) => forest.plan.fqdn),
    log: (line) => screen.line(`  started ${line}`),
  });
  let code = 0;
  try {
    const work = async (): Promise<void> => {
      if (stop.aborted) return;
      const forests = await prepareForests(runtime);
      screen.line(`  enrolled ${forests.map((forest) => `agent ${forest.name} (${forest.fqdn})`).join(", ")}`);
      const reports = await syncForests(runtime, forests, screen, stop);
      const names = await namesOf(forests);
      sayReports(screen, reports, names, (Date.now() - began) / 1000);
      if (reports.some((report) => report.failure !== undefined)) code = 1;
      if (isOnce || stop.aborted) return;
      code = 0;
      for (const forest of forests) await runAgent(runtime, forest, screen);
      sayWhereToLook(screen, runtime, forests);
      await watchForests(runtime, forests, screen, stop);
    };
    await Promise.race([work(), runtime.broken]);
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    screen.clear();
    await runtime.stop();
    screen.line(`Ended; everything is kept in ${home}.`);
  }
  return code;
}

/** The agent as it stays; what it warns of is said here too, once until it says something else. */
async function runAgent(runtime: Runtime, forest: Forest, screen: Screen): Promise<void> {
  let last = "";
  const child = await runtime.agents.run(forest.agent, (line) => {
    const words = /^\S+ (?:warn|error): \S+(?: \w+=\S+)* (.*)$/.exec(line)?.[1];
    if (words !== undefined && words !== last) screen.line(`${forest.name}: ${words}`);
    last = words ?? last;
    if (/ read-finished /.test(line)) last = "";
  });
  runtime.adopt(child);
}

function sayReports(screen: Screen, reports: readonly ForestReport[], names: Names, seconds: number): void {
  screen.line();
  for (const report of reports) for (const line of forestLines(report, names)) screen.line(line);
  screen.line(togetherLine(reports, seconds));
}

function sayWhereToLook(screen: Screen, runtime: Runtime, forests: readonly Forest[]): void {
  const near = (path: string) => {
    const short = relative(process.cwd(), path);
    return short.startsWith("..") ? path : short;
  };
  screen.line();
  screen.line("Where to look:");
  screen.line("  npm run uplink -- target show maya.lindqvist    an object of the target, by name");
  screen.line("  npm run uplink -- status                        jobs, agents, what waits; also: job, escrow, logs");
  for (const { file } of forests)
    screen.line(`  ${near(file).padEnd(47)} edit and save: the target follows within seconds`);
  screen.line(`  ${near(runtime.paths.logs).padEnd(47)} a log for each process`);
  screen.line(`  ${runtime.urls.service}/api (service), ${runtime.urls.graph} (target); CA: ${near(runtime.caFile)}`);
  screen.line(`  ${runtime.urls.web.padEnd(47)} for browsers; the sign-in code of this start: ${runtime.signInCode}`);
  screen.line("Ctrl-C ends it; started again it goes on. npm run reset forgets everything.");
  screen.line();
  screen.line("Waiting for changes.");
}

function stopOnSignals(screen: Screen): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const onSignal = () => {
    if (first === 0) {
      first = Date.now();
      screen.line();
      screen.line("Ending …");
      controller.abort();
      return;
    }
    // The processes notice that this one is gone, and end by themselves.
    if (Date.now() - first > SECOND_SIGNAL_MS) process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  return controller.signal;
}
