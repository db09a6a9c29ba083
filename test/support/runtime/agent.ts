/**
 * The built agent, `dist/uplink.cjs`, as a user runs it: a process a command, a folder of its own for key, outbox and
 * configuration.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AdRuntime, Job } from "../ad-runtime.ts";
import type { DomainController } from "../samba/domain-controller.ts";
import type { PlainAccount } from "../samba/rights.ts";
import { type Program, projectRoot, startProgram } from "./program.ts";

const built = join(projectRoot, "dist", "uplink.cjs");

export type Ended = { readonly code: number | null; readonly out: string; readonly err: string };
export type Sent = { readonly read: boolean; readonly objects: number; readonly batches: number };

export type SourceOptions =
  | { readonly kind: "ldap"; readonly controller: DomainController; readonly account: PlainAccount }
  | { readonly kind: "ldif"; readonly file: string };

export type TestAgent = Awaited<ReturnType<typeof createAgent>>;

/** Not enrolled yet. `name` is its folder; `program`: another agent than the one that is built here. */
export async function createAgent(
  runtime: AdRuntime,
  name: string,
  source: SourceOptions,
  environment: Readonly<Record<string, string>> = {},
  program = built,
) {
  const state = join(runtime.home, "agents", name);
  await mkdir(state, { recursive: true, mode: 0o700 });
  const passwordFile = join(state, "password");
  const configFile = join(state, "agent.json");
  if (source.kind === "ldap") await writeFile(passwordFile, `${source.account.password}\n`, { mode: 0o600 });
  const sourceArgs =
    source.kind === "ldif"
      ? ["--source", "ldif", "--file", source.file]
      : ["--source", "ldap", "--ldap-url", source.controller.url, "--ca-file", source.controller.caFile].concat(
          ["--bind-dn", source.account.userPrincipalName, "--password-file", passwordFile],
          ["--poll-seconds", "0.2"],
        );

  const start = (...args: string[]): Program =>
    startProgram([program, "agent", ...args, "--state", state, "--json"], {
      NODE_EXTRA_CA_CERTS: runtime.caFile,
      ...environment,
    });
  const finish = async (started: Program): Promise<Ended> => ({
    code: await started.ended,
    out: started.stdout(),
    err: started.stderr(),
  });
  const mustEnd = (ended: Ended): Ended => {
    if (ended.code === 0) return ended;
    throw new Error(`The agent ended with ${ended.code}:\n${ended.err}${ended.out}`);
  };
  const once = (): Promise<Ended> => finish(start("once", "--wait", "20"));

  return {
    state,
    passwordFile,
    start,
    finish,
    once,
    enrol: (token: string): Promise<Ended> =>
      finish(start("enrol", "--url", runtime.url, "--token", token, "--name", name, ...sourceArgs)),
    async mustEnrol(job: Job): Promise<void> {
      mustEnd(await this.enrol(await runtime.enrolmentToken(job)));
    },
    /** Reads once; throws with the agent's words when that fails. */
    async mustRead(): Promise<Sent> {
      return JSON.parse(mustEnd(await once()).out) as Sent;
    },
    /** What an admin does to `agent.json`, for as long as `work` lasts. */
    async withSettings<T>(settings: Readonly<Record<string, unknown>>, work: () => Promise<T>): Promise<T> {
      const text = await readFile(configFile, "utf8");
      const config = JSON.parse(text) as { source: Record<string, unknown> };
      await writeFile(configFile, JSON.stringify({ ...config, source: { ...config.source, ...settings } }));
      try {
        return await work();
      } finally {
        await writeFile(configFile, text);
      }
    },
    forget: (): Promise<void> => rm(state, { recursive: true, force: true }),
  };
}
