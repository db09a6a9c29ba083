/**
 * The admin API of agents: who reads a domain, since when it was silent, and which of them holds the lease.
 */
import { z } from "zod";
import { operation } from "../operation.ts";
import { listOf } from "./paging.ts";

export const AgentReply = z.strictObject({
  agentId: z.string(),
  name: z.string(),
  status: z.enum(["active", "pending", "inactive", "revoked", "locked"]),
  version: z.string(),
  platform: z.string(),
  lastSeenAt: z.string(),
  holdsLease: z.boolean(),
});
export type AgentReply = z.infer<typeof AgentReply>;

export const listAgents = operation({
  id: "ListAgents",
  method: "GET",
  path: "v1.0/uplink/configurations/{configurationId}/agents",
  guard: "admin-read",
  summary: "The agents of a configuration.",
  reply: listOf(AgentReply),
  refusals: { "configuration-not-found": 404 },
});
