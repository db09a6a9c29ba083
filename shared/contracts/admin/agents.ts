/**
 * The admin API of agents: who reads a domain, since when it was silent, and which of them holds the lease; letting one in that waits
 * (approve), shutting one out for good (revoke), and letting one go on whose key was used twice (unlock).
 */
import { z } from "zod";
import { operation } from "../operation.ts";
import { listOf, SkipPlace, Top } from "./paging.ts";

export const AgentReply = z.strictObject({
  agentId: z.string(),
  name: z.string(),
  status: z.enum(["active", "pending", "inactive", "revoked", "locked"]),
  version: z.string(),
  platform: z.string(),
  lastSeenAt: z.string(),
  holdsLease: z.boolean(),
  /** Two processes spoke with its key, and the younger one is refused. */
  isCloned: z.boolean(),
});
export type AgentReply = z.infer<typeof AgentReply>;

export const AgentDetailReply = AgentReply.extend({
  configurationId: z.string(),
  jobId: z.string(),
  enrolledAt: z.string(),
  /** The thumbprint of its public key. */
  keyId: z.string(),
});
export type AgentDetailReply = z.infer<typeof AgentDetailReply>;

/** `changed`: by this request. */
export const AgentActionReply = AgentDetailReply.extend({ changed: z.boolean() });
export type AgentActionReply = z.infer<typeof AgentActionReply>;

export const listAgents = operation({
  id: "ListAgents",
  method: "GET",
  path: "v1.0/uplink/configurations/{configurationId}/agents",
  guard: "admin-read",
  summary: "The agents of a configuration.",
  query: z.strictObject({ $top: Top, $skiptoken: SkipPlace }),
  reply: listOf(AgentReply),
  refusals: { "configuration-not-found": 404 },
});

export const getAgent = operation({
  id: "GetAgent",
  method: "GET",
  path: "v1.0/uplink/configurations/{configurationId}/agents/{agentId}",
  guard: "admin-read",
  summary: "One agent. Its ETag is of what admins decide about it: status, key, and whether that was used twice.",
  reply: AgentDetailReply,
  hasEtag: true,
  refusals: { "configuration-not-found": 404, "agent-not-found": 404 },
});

export const actOnAgent = operation({
  id: "AgentAction",
  method: "POST",
  path: "v1.0/uplink/configurations/{configurationId}/agents/{agentId}/{action:regex(^(approve|revoke|unlock)$)}",
  guard: "admin-write",
  summary: "Approves, revokes or unlocks an agent.",
  reply: AgentActionReply,
  hasEtag: true,
  refusals: { "configuration-not-found": 404, "agent-not-found": 404, "agent-revoked": 409, "agent-locked": 409 },
});
