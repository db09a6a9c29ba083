/**
 * `uplink agent check`: everything that a run would need, tried once and said line by line. It may run beside an agent: it reads no
 * object and sends no heartbeat, which would take the lease and look like a clone of the agent.
 */
import { stat } from "node:fs/promises";
import type { Clock } from "../shared/ports/clock.ts";
import type { AgentSource } from "./agent-source.ts";
import type { AgentConfig } from "./config.ts";
import { loadAgentKey } from "./keys.ts";
import { countOutbox } from "./outbox.ts";
import { apiBaseOf } from "./uplink-client.ts";

export interface CheckLine {
  readonly what: string;
  readonly ok: boolean;
  readonly text: string;
  readonly remedy?: string;
  readonly error?: unknown;
}

export interface CheckDeps {
  readonly config: AgentConfig;
  readonly source: AgentSource;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
}

/** A proof is good for a minute. */
const MOST_SKEW_SECONDS = 30;
const REACH_TIMEOUT = 15_000;

export async function checkAgent(deps: CheckDeps): Promise<CheckLine[]> {
  return [
    await line("key", async () => `${deps.config.keyFile}, kid ${(await loadAgentKey(deps.config.keyFile)).kid}`),
    await line(
      "outbox",
      async () => `${deps.config.outboxDir}, ${await countOutbox(deps.config.outboxDir)} batches waiting`,
    ),
    await line("source", async () => {
      const { domain, server, visibility } = await deps.source.describe();
      return `${domain.fqdn} (${domain.objectGuid}) by ${server.dnsName}; visibility ${visibility}`;
    }),
    await checkService(deps),
  ];
}

async function line(what: string, work: () => Promise<string>): Promise<CheckLine> {
  try {
    return { what, ok: true, text: await work() };
  } catch (error) {
    const remedy = error instanceof Error && "remedy" in error ? String(error.remedy) : undefined;
    const text = error instanceof Error ? error.message : String(error);
    return { what, ok: false, text, ...(remedy === undefined ? {} : { remedy }), error };
  }
}

async function checkService(deps: CheckDeps): Promise<CheckLine> {
  const base = apiBaseOf(deps.config.url);
  try {
    const response = await deps.fetch(`${base}/agent/v1`, {
      redirect: "error",
      signal: AbortSignal.timeout(REACH_TIMEOUT),
    });
    await response.arrayBuffer();
    const date = Date.parse(response.headers.get("date") ?? "");
    const skew = Number.isFinite(date) ? Math.round((deps.clock.now() - date) / 1000) : 0;
    if (Math.abs(skew) > MOST_SKEW_SECONDS) {
      return {
        what: "service",
        ok: false,
        text: `${base} answers, but this clock is ${Math.abs(skew)} seconds ${skew > 0 ? "ahead" : "behind"}`,
        remedy: "Set the clock by NTP: the service refuses proofs that are not of this minute.",
      };
    }
    return { what: "service", ok: true, text: `${base} answers, clocks agree within ${Math.abs(skew) + 1} s` };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return {
      what: "service",
      ok: false,
      text: `Cannot reach ${base}: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: "Check the address and the firewall (outbound TCP 443); for a private authority set NODE_EXTRA_CA_CERTS.",
      error,
    };
  }
}

export interface AgentStatus {
  readonly name: string;
  readonly agentId: string;
  readonly jobId: string;
  readonly url: string;
  readonly source: string;
  readonly kid: string;
  readonly outbox: number;
  readonly configWritten: string;
}

/** What is known on this machine; whether the agent is active and holds the lease, the service knows. */
export async function agentStatus(config: AgentConfig, configPath: string): Promise<AgentStatus> {
  const key = await loadAgentKey(config.keyFile);
  return {
    name: config.name,
    agentId: config.agentId,
    jobId: config.jobId,
    url: config.url,
    source: config.source.kind === "ldap" ? config.source.url : config.source.file,
    kid: key.kid,
    outbox: await countOutbox(config.outboxDir),
    configWritten: (await stat(configPath)).mtime.toISOString(),
  };
}
