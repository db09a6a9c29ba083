/**
 * Agents of the local runtime: the built `uplink` program with a state folder each, as it would run next to a directory.
 *
 * Enrolled once, with a one-time token; where key and configuration are there already, only the service's address is
 * brought up to date, for the port may have changed.
 */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { AdminClient } from "../../cli/admin-client.ts";
import { writeWhole } from "./applications.ts";
import { type ChildOptions, logTail, type RunningChild, startChild } from "./child-process.ts";
import { projectRoot, StartError } from "./home.ts";

export interface AgentPlan {
  /** Also the name of its folder and log. */
  readonly name: string;
  readonly configurationId: string;
  /** What `uplink agent enrol` is told of the source, such as `--source ldif --file …`. */
  readonly source: readonly string[];
  /** More environment for the agent, such as UPLINK_LDAP_PASSWORD. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface OnceEnd {
  readonly exitCode: number;
  /** What it sent, when it ended well. */
  readonly result?: { readonly read: boolean; readonly objects: number; readonly batches: number };
  /** What it said when it did not. */
  readonly words: string;
}

export interface LocalAgents {
  stateOf(name: string): string;
  /** Enrols unless that was done before. Throws `StartError` with the agent's words. */
  enrol(plan: AgentPlan): Promise<void>;
  /** One read, or nothing when the source is as it was. */
  once(plan: AgentPlan): Promise<OnceEnd>;
  /** Reads and sends until stopped; `onLogLine` is told the lines of its log. */
  run(plan: AgentPlan, onLogLine?: (line: string) => void): Promise<RunningChild>;
}

const OnceResult = z.object({ read: z.boolean(), objects: z.number(), batches: z.number() });
const uplink = join(projectRoot, "dist", "uplink.cjs");

export function createLocalAgents(deps: {
  readonly folder: string;
  readonly logs: string;
  readonly url: string;
  readonly caFile: string;
  readonly admin: AdminClient;
}): LocalAgents {
  const stateOf = (name: string) => join(deps.folder, name);
  const start = (plan: AgentPlan, args: readonly string[], onLine: ChildOptions["onLine"]) =>
    startChild({
      name: `agent ${plan.name}`,
      logFile: join(deps.logs, `agent-${plan.name}.log`),
      program: [uplink, "agent", ...args, "--state", stateOf(plan.name)],
      environment: { NODE_EXTRA_CA_CERTS: deps.caFile, ...plan.environment },
      ...(onLine ? { onLine } : {}),
    });

  return {
    stateOf,
    async enrol(plan) {
      const file = join(stateOf(plan.name), "agent.json");
      if (await stat(file).catch(() => undefined)) return useUrl(file, deps.url);
      const { token } = await deps.admin.createToken(plan.configurationId);
      const withToken = { ...plan, environment: { ...plan.environment, UPLINK_ENROLMENT_TOKEN: token } };
      const child = await start(
        withToken,
        ["enrol", "--url", deps.url, "--name", plan.name, ...plan.source],
        undefined,
      );
      if ((await child.ended) !== 0)
        throw new StartError(`The agent ${plan.name} could not enrol. ${await logTail(child.logFile)}`);
    },
    async once(plan) {
      let printed = "";
      const child = await start(plan, ["once", "--json"], (line, stream) => {
        if (stream === "out") printed = line;
      });
      const exitCode = await child.ended;
      const result = OnceResult.safeParse(parseJson(printed));
      return {
        exitCode,
        ...(result.success ? { result: result.data } : {}),
        words: exitCode === 0 ? "" : await logTail(child.logFile),
      };
    },
    run: (plan, onLogLine) => start(plan, ["run"], onLogLine && ((line) => onLogLine(line))),
  };
}

async function useUrl(file: string, url: string): Promise<void> {
  const config = parseJson(await readFile(file, "utf8"));
  if (typeof config !== "object" || config === null || ("url" in config && config.url === url)) return;
  await writeWhole(file, { ...config, url });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
