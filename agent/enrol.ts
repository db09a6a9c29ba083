/**
 * Enrolment: make a key, show the one-time token and the public half, keep what the service answers.
 *
 * The source is opened first, because the token is bound to a domain and the service wants to know which one this is. The key is
 * on disk before the token is spent; a key of an enrolment that failed is used again.
 */
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { EnrolReply } from "../shared/contracts/agent-api.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { Log } from "../shared/ports/log.ts";
import { serviceError } from "./agent.ts";
import { AgentError } from "./agent-error.ts";
import type { AgentSource } from "./agent-source.ts";
import { type AgentConfig, CONFIG_FILE, isServiceUrl, type SourceSettings, writeAgentConfig } from "./config.ts";
import { type AgentKey, createAgentKey, loadAgentKey } from "./keys.ts";
import { createUplinkClient, type RetryPolicy } from "./uplink-client.ts";
import { AGENT_VERSION } from "./version.ts";

export interface EnrolDeps {
  readonly source: AgentSource;
  readonly log: Log;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  readonly retry?: RetryPolicy;
}

export interface EnrolOptions {
  readonly url: string;
  readonly token: string;
  readonly name: string;
  readonly stateDir: string;
  readonly configPath?: string;
  readonly settings: SourceSettings;
  /** Enrol although there is a configuration already: with a new key. */
  readonly replace?: boolean;
}

const ENROL_ATTEMPTS = 4;

/** Throws `AgentError` (already-enrolled, config-invalid, key-…, service-…) and `SourceError`. */
export async function enrolAgent(
  deps: EnrolDeps,
  options: EnrolOptions,
): Promise<{ config: AgentConfig; status: EnrolReply["status"] }> {
  if (!isServiceUrl(options.url)) {
    throw new AgentError(
      "config-invalid",
      `'${options.url}' is no address of the service.`,
      "Give --url https://… (plain http only to this machine).",
    );
  }
  const configPath = options.configPath ?? join(options.stateDir, CONFIG_FILE);
  if ((await isThere(configPath)) && options.replace !== true) {
    throw new AgentError(
      "already-enrolled",
      `${configPath} is there already: this agent is enrolled.`,
      "Use another --state, or --replace to enrol it anew with a new key.",
    );
  }
  const description = await deps.source.describe();
  await mkdir(options.stateDir, { recursive: true, mode: 0o700 });
  const keyFile = join(options.stateDir, "agent.key.json");
  const key: AgentKey =
    (await isThere(keyFile)) && options.replace !== true ? await loadAgentKey(keyFile) : await createAgentKey(keyFile);
  const client = createUplinkClient({ ...deps, url: options.url, key });
  const result = await client.enrol(
    {
      token: options.token,
      publicKey: key.publicJwk,
      name: options.name,
      version: AGENT_VERSION,
      platform: `${process.platform} ${process.arch} node ${process.versions.node}`,
      domain: description.domain,
    },
    { signal: new AbortController().signal, attempts: ENROL_ATTEMPTS },
  );
  if (!result.ok) throw serviceError(result.failure);
  const { agentId, configurationId, jobId, status } = result.value;
  const config = await writeAgentConfig(configPath, {
    url: options.url,
    name: options.name,
    agentId,
    configurationId,
    jobId,
    ...(options.configPath === undefined ? {} : { stateDir: options.stateDir }),
    source: options.settings,
  });
  deps.log.info("agent-enrolled", { agentId, jobId, status, kid: key.kid });
  return { config, status };
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
