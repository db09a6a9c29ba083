/**
 * Agents and enrolment tokens: table `agents`, one partition a configuration (`agent:{id}`, `token:{hash}`), and one
 * partition `keys` that finds the agent of a key. The lease of a domain lies with its job (`lease` in table `jobs`), so
 * that a takeover and the end of the open read are one transaction.
 */
import type { PublicKeyJwk } from "../../contracts/agent-api.ts";
import type { RowStore } from "../../ports/row-store.ts";

export interface AgentRow {
  readonly agentId: string;
  readonly configurationId: string;
  readonly jobId: string;
  readonly name: string;
  readonly status: "active" | "pending" | "inactive" | "revoked" | "locked";
  readonly publicKey: PublicKeyJwk;
  readonly keyId: string;
  readonly version: string;
  readonly platform: string;
  readonly enrolledAt: number;
  readonly lastSeenAt: number;
  /** The process that spoke last, and the one before it: two that alternate are a cloned key. */
  readonly boot: string;
  /** When it signed what we heard first of it, by the agent's clock. */
  readonly bootSince?: number;
  readonly bootBefore: string;
  readonly bootBeforeSeenAt: number;
  /** The younger of two processes that alternated: refused from then on. */
  readonly clonedBoot: string;
}

export interface TokenRow {
  readonly expiresAt: number;
  readonly policy: "active" | "pending";
  readonly madeBy: string;
  readonly usedBy: string | null;
}

export interface LeaseRow {
  readonly agentId: string;
  readonly epoch: number;
  readonly renewedAt: number;
}

/** Of the row of an enrolment token: its digest follows. */
export const TOKEN_PREFIX = "token:";
export const LEASE_ROW = "lease";
export const KEY_PARTITION = "keys";

export function agentTable(rows: RowStore) {
  return rows.table("agents");
}
