/**
 * Agents by hand: shown, approved, revoked, unlocked. Each is one If-Match on the agent's row.
 *
 * A revoked agent is refused at once where its row is read (heartbeat), elsewhere as soon as nobody remembers it any more: within 30
 * seconds (`verify-proof.ts`). Its lease is free, with its epoch, so that whoever takes it next fences the revoked one off. Revoking
 * is for good: its key never speaks again, a machine comes back by enrolling anew.
 */
import type { AgentActionReply, AgentDetailReply } from "../../contracts/admin/agents.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { CATALOGUE, type ConfigurationEntry, noSuchConfiguration } from "../jobs/configurations.ts";
import { type AgentRow, agentTable, LEASE_ROW, type LeaseRow } from "../state/agent-rows.ts";
import { jobTable, pack, readRow, type Stored } from "../state/job-rows.ts";
import type { ProofVerifier } from "./verify-proof.ts";

export type AgentAction = "approve" | "revoke" | "unlock";

/** What admins decide about, and nothing that moves by itself. */
export type AgentState = Pick<AgentDetailReply, "status" | "keyId" | "isCloned">;

export interface AgentAdmin {
  /** Failures: 404. */
  show(configurationId: string, agentId: string): Promise<Result<AgentDetailReply>>;
  /**
   * What is so already is no failure. `refusalOf` says of the agent as it is why not. Failures: 404, 409 (revoked before; locked, when it is
   * to be approved), and that.
   */
  act(
    configurationId: string,
    agentId: string,
    action: AgentAction,
    by: string,
    refusalOf?: (present: AgentState) => Result<null>,
  ): Promise<Result<AgentActionReply>>;
}

export function createAgentAdmin(deps: {
  readonly rows: RowStore;
  readonly log: Log;
  readonly proofs: Pick<ProofVerifier, "forget">;
}): AgentAdmin {
  const agents = agentTable(deps.rows);
  const jobs = jobTable(deps.rows);

  async function find(configurationId: string, agentId: string): Promise<Result<Stored<AgentRow>>> {
    const entry = await readRow<ConfigurationEntry>(jobs, CATALOGUE, `configuration:${configurationId}`);
    if (!entry) return noSuchConfiguration(configurationId);
    const stored = await readRow<AgentRow>(agents, configurationId, `agent:${agentId}`);
    return stored ? ok(stored) : noSuchAgent(agentId);
  }

  async function replyOf(agent: AgentRow): Promise<AgentDetailReply> {
    const lease = await readRow<LeaseRow>(jobs, agent.jobId, LEASE_ROW);
    const { agentId, configurationId, jobId, name, status, version, platform, keyId } = agent;
    return {
      ...{ agentId, name, status, version, platform },
      lastSeenAt: new Date(agent.lastSeenAt).toISOString(),
      holdsLease: lease?.value.agentId === agentId,
      ...{ configurationId, jobId, keyId },
      enrolledAt: new Date(agent.enrolledAt).toISOString(),
      isCloned: agent.clonedBoot !== "",
    };
  }

  /** Its epoch stays: the next holder's is a higher one. */
  async function freeLease({ jobId, agentId }: AgentRow): Promise<void> {
    for (;;) {
      const lease = await readRow<LeaseRow>(jobs, jobId, LEASE_ROW);
      if (lease?.value.agentId !== agentId) return;
      const values = pack({ ...lease.value, agentId: "" } satisfies LeaseRow);
      const freed = await jobs.transact(jobId, [{ op: "replace", row: LEASE_ROW, values, etag: lease.etag }]);
      if (freed.ok) return;
    }
  }

  return {
    async show(configurationId, agentId) {
      const found = await find(configurationId, agentId);
      return found.ok ? ok(await replyOf(found.value.value)) : found;
    },

    async act(configurationId, agentId, action, by, refusalOf = () => ok(null)) {
      for (;;) {
        const found = await find(configurationId, agentId);
        if (!found.ok) return found;
        const { value: before, etag, row } = found.value;
        const { status, keyId, clonedBoot } = before;
        const refused = refusalOf({ status, keyId, isCloned: clonedBoot !== "" });
        if (!refused.ok) return refused;
        const next = after(before, action);
        if (!next.ok) return next;
        const agent = next.value;
        const changed = agent !== before;
        if (changed) {
          const values = pack(agent);
          const written = await agents.transact(configurationId, [{ op: "replace", row, values, etag }]);
          if (!written.ok) continue;
          deps.log.info("agent-changed", { agentId, configurationId, by, action, before: before.status });
        }
        // Again by every repetition: one that ended in between left it undone.
        if (action === "revoke") await freeLease(agent);
        deps.proofs.forget(agent.keyId);
        return ok({ ...(await replyOf(agent)), changed });
      }
    },
  };
}

/** The very same row when nothing changes. */
function after(agent: AgentRow, action: AgentAction): Result<AgentRow> {
  const { status, clonedBoot } = agent;
  if (action === "revoke") return ok(status === "revoked" ? agent : { ...agent, status: "revoked" });
  if (status === "revoked") return fail(refusalOf(agent, "agent-revoked", "Enrol it again with a new token."));
  if (action === "approve") {
    if (status === "locked")
      return fail(refusalOf(agent, "agent-locked", "Find out who copied its key; then unlock it."));
    return ok(status === "pending" ? { ...agent, status: "active" } : agent);
  }
  if (status !== "locked" && clonedBoot === "") return ok(agent);
  // Who speaks from now on is one process again: what spoke before is no sign of a copy.
  return ok({ ...agent, status: status === "locked" ? "active" : status, clonedBoot: "", bootBefore: "" });
}

function refusalOf({ agentId, status }: AgentRow, code: string, remedy: string): Failure {
  return { status: 409, code, message: `Agent ${agentId} is ${status}.`, remedy };
}

function noSuchAgent(agentId: string) {
  return fail({
    status: 404,
    code: "agent-not-found",
    message: `There is no agent ${agentId}.`,
    remedy: "List the agents and take an id from there.",
  });
}
