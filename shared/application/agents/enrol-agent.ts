/**
 * Enrolment: a one-time token, bound to a configuration, makes a key the key of an agent.
 *
 * The first agent of a configuration binds the domain's objectGUID and SID: from then on every batch must come from
 * that very domain. The same key with the same token again is an honest retry and gets the same answer.
 */
import { createHash } from "node:crypto";
import type { EnrolReply, EnrolRequest } from "../../contracts/agent-api.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { CATALOGUE, type ConfigurationEntry, tokenDigest } from "../jobs/configurations.ts";
import { type AgentRow, agentTable, KEY_PARTITION, TOKEN_PREFIX, type TokenRow } from "../state/agent-rows.ts";
import { type JobRow, jobTable, pack, ROW, readRow } from "../state/job-rows.ts";

export type EnrolAgent = (
  request: EnrolRequest,
  proven: { readonly keyId: string; readonly boot: string },
) => Promise<Result<EnrolReply>>;

export function createEnrolAgent(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
}): EnrolAgent {
  const agents = agentTable(deps.rows);
  const jobs = jobTable(deps.rows);

  async function bindDomain(jobId: string, request: EnrolRequest): Promise<Result<JobRow>> {
    for (;;) {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!job) return refused("its configuration is gone", "Make the configuration again.");
      const { domainFqdn, domain } = job.value;
      if (request.domain.fqdn.toLowerCase() !== domainFqdn) {
        return refused(
          `it is for domain ${domainFqdn}, and the agent reads ${request.domain.fqdn}`,
          "Use a token of that domain's configuration.",
        );
      }
      if (domain) {
        if (domain.objectGuid === request.domain.objectGuid && domain.sid === request.domain.sid) return ok(job.value);
        return refused(
          `domain ${domainFqdn} was enrolled with objectGUID ${domain.objectGuid}, and the agent reads one with ${request.domain.objectGuid}`,
          "Point the agent at the enrolled domain, or make a new configuration for the new one.",
        );
      }
      const bound = { ...job.value, domain: request.domain };
      const result = await jobs.transact(jobId, [{ op: "replace", row: ROW.job, values: pack(bound), etag: job.etag }]);
      if (result.ok) return ok(bound);
    }
  }

  return async (request, proven) => {
    const configurationId = request.token.split(".")[0] ?? "";
    const tokenRow = `${TOKEN_PREFIX}${tokenDigest(request.token)}`;
    const entry = await readRow<ConfigurationEntry>(jobs, CATALOGUE, `configuration:${configurationId}`);
    const token = entry && (await readRow<TokenRow>(agents, configurationId, tokenRow));
    if (!entry || !token) return refused("it is unknown", "Ask an admin for a new token: uplink agent token.");
    const agentId = agentIdOf(configurationId, proven.keyId);
    if (token.value.usedBy !== null && token.value.usedBy !== agentId)
      return refused("it was used before", "Ask an admin for a new token: each enrols one agent.");
    if (token.value.usedBy === null && token.value.expiresAt < deps.clock.now())
      return refused("it has expired", "Ask an admin for a new token.");
    const job = await bindDomain(entry.value.jobId, request);
    if (!job.ok) return job;
    const reply: EnrolReply = { agentId, status: token.value.policy, configurationId, jobId: entry.value.jobId };
    if (token.value.usedBy === agentId) return ok(reply);
    const agent: AgentRow = {
      agentId,
      configurationId,
      jobId: entry.value.jobId,
      name: request.name,
      status: token.value.policy,
      publicKey: request.publicKey,
      keyId: proven.keyId,
      version: request.version,
      platform: request.platform,
      enrolledAt: deps.clock.now(),
      lastSeenAt: deps.clock.now(),
      boot: proven.boot,
      bootBefore: "",
      bootBeforeSeenAt: 0,
      clonedBoot: "",
    };
    // The key first: an agent that nobody finds by its key could never speak, a key without agent proves nothing.
    await agents.transact(KEY_PARTITION, [{ op: "upsert", row: proven.keyId, values: { configurationId, agentId } }]);
    const stored = await agents.transact(configurationId, [
      { op: "replace", row: tokenRow, values: pack({ ...token.value, usedBy: agentId }), etag: token.etag },
      { op: "upsert", row: `agent:${agentId}`, values: pack(agent) },
    ]);
    if (!stored.ok)
      return refused("it was used at this very moment", "Ask an admin for a new token: each enrols one agent.");
    deps.log.info("agent-enrolled", { agentId, configurationId, status: agent.status });
    return ok(reply);
  };
}

function agentIdOf(configurationId: string, keyId: string): string {
  return createHash("sha256").update(`${configurationId}:${keyId}`).digest("hex").slice(0, 24);
}

function refused(reason: string, remedy: string): { readonly ok: false; readonly failure: Failure } {
  return fail({ status: 401, code: "token-refused", message: `The enrolment token is refused: ${reason}.`, remedy });
}
