/**
 * Enrolment tokens that were made: who made them, whether one may still be used, and taking one back before somebody does. A token itself
 * is told once, when it is made (`configurations.ts`); what is kept, and named here, is its digest.
 */
import type { EnrolmentTokenReply } from "../../contracts/admin/enrolment-tokens.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { fail, ok, type Result } from "../failure.ts";
import { CATALOGUE, type ConfigurationEntry, noSuchConfiguration } from "../jobs/configurations.ts";
import { agentTable, TOKEN_PREFIX, type TokenRow } from "../state/agent-rows.ts";
import { jobTable, listRows, readRow } from "../state/job-rows.ts";
import { transactionChunks } from "../transaction-chunks.ts";

export interface EnrolmentTokens {
  /** Failures: 404. */
  list(configurationId: string): Promise<Result<readonly EnrolmentTokenReply[]>>;
  /** Nobody enrols by it from now on. Failures: 404, 409 for one that made an agent. */
  revoke(configurationId: string, tokenId: string, by: string): Promise<Result<null>>;
  /** Lets go of those that expired long ago, used or not, of every configuration. */
  dropOld(): Promise<void>;
}

/**
 * Until then the list says which token made an agent and which one nobody used. The audit log has who made it for longer, and the agent its
 * own row; an honest retry of an enrolment comes within minutes.
 */
const KEPT_AFTER_EXPIRY_MS = 30 * 86_400_000;

export function createEnrolmentTokens(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
}): EnrolmentTokens {
  const agents = agentTable(deps.rows);
  const isKnown = async (configurationId: string) =>
    (await readRow<ConfigurationEntry>(jobTable(deps.rows), CATALOGUE, `configuration:${configurationId}`)) !==
    undefined;

  return {
    async list(configurationId) {
      if (!(await isKnown(configurationId))) return noSuchConfiguration(configurationId);
      const rows = await listRows<TokenRow>(agents, configurationId, TOKEN_PREFIX);
      return ok(rows.map(({ row, value }) => replyOf(row.slice(TOKEN_PREFIX.length), value, deps.clock.now())));
    },

    async revoke(configurationId, tokenId, by) {
      if (!(await isKnown(configurationId))) return noSuchConfiguration(configurationId);
      const row = `${TOKEN_PREFIX}${tokenId}`;
      for (;;) {
        const stored = await readRow<TokenRow>(agents, configurationId, row);
        if (!stored) return noSuchToken(tokenId);
        const { usedBy } = stored.value;
        if (usedBy !== null) return usedBefore(tokenId, usedBy);
        const gone = await agents.transact(configurationId, [{ op: "delete", row, etag: stored.etag }]);
        if (!gone.ok) continue;
        deps.log.info("enrolment-token-revoked", { configurationId, tokenId, by });
        return ok(null);
      }
    },

    async dropOld() {
      const before = deps.clock.now() - KEPT_AFTER_EXPIRY_MS;
      // Those whose job was deleted, too.
      for (const { value } of await listRows<ConfigurationEntry>(jobTable(deps.rows), CATALOGUE, "configuration:")) {
        const { configurationId } = value;
        const tokens = await listRows<TokenRow>(agents, configurationId, TOKEN_PREFIX);
        const old = tokens.filter((own) => own.value.expiresAt < before);
        const operations = old.map(({ row }): RowOperation => ({ op: "delete", row }));
        for (const chunk of transactionChunks(operations)) await agents.transact(configurationId, chunk);
        if (old.length > 0) deps.log.info("enrolment-tokens-dropped", { configurationId, tokens: old.length });
      }
    },
  };
}

function replyOf(id: string, { expiresAt, policy, madeBy, usedBy }: TokenRow, now: number): EnrolmentTokenReply {
  const unused = expiresAt < now ? "expired" : "open";
  return {
    ...{ id, status: usedBy === null ? unused : "used", policy, madeBy },
    ...{ expiresAt: new Date(expiresAt).toISOString(), agentId: usedBy },
  };
}

function noSuchToken(tokenId: string) {
  return fail({
    status: 404,
    code: "enrolment-token-not-found",
    message: `There is no enrolment token ${tokenId}.`,
    remedy: "List the tokens of the configuration and take an id from there.",
  });
}

function usedBefore(tokenId: string, agentId: string) {
  return fail({
    status: 409,
    code: "enrolment-token-used",
    message: `Enrolment token ${tokenId} made agent ${agentId}: it opens nothing any more.`,
    remedy: `To shut that agent out, revoke it: uplink agent revoke ${agentId}`,
  });
}
