/**
 * The agent API below `/api/agent/v1`: enrolment, heartbeat (which carries the lease and the read order) and batches.
 * Every request carries a signed proof in the header `x-uplink-proof` (see `proof.ts`). Requests are strict; in replies an agent
 * passes over what it doesn't know, so that a newer service can say more to the agents that are out there.
 */
import { z } from "zod";
import { DomainIdentity, Guid, Watermark } from "./change.ts";
import { AgentScope } from "./configuration.ts";
import { operation } from "./operation.ts";

/** 32 bytes in base64url. */
const Coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "must be 32 bytes in base64url");
export const PublicKeyJwk = z.strictObject({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: Coordinate,
  y: Coordinate,
});
export type PublicKeyJwk = z.infer<typeof PublicKeyJwk>;

const NO_TOKEN = "must be a token as an admin was shown it: uplink agent token";

export const EnrolRequest = z.strictObject({
  /** Its first part names a configuration: a key. */
  token: z
    .string()
    .min(16, NO_TOKEN)
    .max(256, NO_TOKEN)
    .regex(/^[A-Za-z0-9._-]+$/, NO_TOKEN),
  publicKey: PublicKeyJwk,
  name: z.string().min(1).max(128),
  version: z.string().min(1).max(128),
  platform: z.string().min(1).max(256),
  domain: DomainIdentity,
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;
export const EnrolReply = z.object({
  agentId: z.string(),
  status: z.enum(["active", "pending"]),
  configurationId: z.string(),
  jobId: z.string(),
});
export type EnrolReply = z.infer<typeof EnrolReply>;

/** Why an agent wants a full read when a group was nested in or out of a scope's group: no delta tells who came and went with it. */
export const SCOPE_NESTING = "scope-nesting";

export const HeartbeatRequest = z.strictObject({
  version: z.string().min(1).max(128),
  domain: DomainIdentity,
  /** The epoch of the lease that this agent believes it holds. */
  leaseEpoch: z.number().int().positive().optional(),
  /** `continue`: it is in the middle of its open read; `none`: it has nothing to read now (a file that did not change). */
  want: z.enum(["none", "continue", "delta", "full"]),
  reason: z.string().max(1_000).optional(),
  /** Gives up the open read: nothing that it sent counts for absence. */
  abortReadNo: z.number().int().positive().optional(),
  /**
   * Why it can't read: objects that the scope names are gone or unreadable (`ScopeObjectMissing`). The service gives no
   * order until a heartbeat comes without it.
   */
  trouble: z
    .strictObject({
      code: z.literal("ScopeObjectMissing"),
      message: z.string().min(1).max(2_000),
      objectGuids: z.array(Guid).min(1).max(100),
    })
    .optional(),
});
export type HeartbeatRequest = z.infer<typeof HeartbeatRequest>;

export const ReadOrder = z.object({
  jobId: z.string(),
  readNo: z.number().int().positive(),
  kind: z.enum(["full", "delta"]),
  /** Why a full read: `first`, `scheduled`, `attributes`, `scope`, `asked`, `takeover`, `cookie` … */
  reason: z.string(),
  leaseEpoch: z.number().int().positive(),
  nextSequence: z.number().int().positive(),
  watermark: Watermark.nullable(),
  schemaVersion: z.number().int().positive(),
  scopeVersion: z.number().int().positive(),
  attributes: z.array(z.string()),
  attributeSetHash: z.string(),
  objectClasses: z.array(z.string()),
  /** What the agent may send at all; empty lists: everything. */
  scope: AgentScope,
  /** A full read after the scope changed: objects of the ordered classes outside it go up as `leave`, as evidence. */
  reportsLeaves: z.boolean(),
  /**
   * The invocation whose state a full read must be as current as, to be evidence of absence: an agent that reads another
   * directory server sends that server's replication cursor for it (`dsa.replCursor`).
   */
  replCursorOf: Guid.optional(),
});
export type ReadOrder = z.infer<typeof ReadOrder>;

export const HeartbeatReply = z.object({
  agentStatus: z.enum(["active", "pending", "inactive"]),
  lease: z.object({ held: z.boolean(), epoch: z.number().int().min(0), seconds: z.number() }),
  order: ReadOrder.nullable(),
  heartbeatSeconds: z.number().positive(),
  message: z.string().optional(),
});
export type HeartbeatReply = z.infer<typeof HeartbeatReply>;

/** 202 (stored now) and 200 (stored before). */
export const AcceptReply = z.object({
  batchId: z.string(),
  accepted: z.enum(["now", "before"]),
  nextSequence: z.number().int(),
});
export type AcceptReply = z.infer<typeof AcceptReply>;

/** What a 409 expects. The agent drops its read and asks for a new order, unless `nextSequence` alone tells it where to go on. */
export const Expected = z.object({
  readNo: z.number().int().nullable(),
  nextSequence: z.number().int(),
  leaseEpoch: z.number().int(),
  watermark: z.string().nullable(),
  domainObjectGuid: z.string().nullable(),
  domainSid: z.string().nullable(),
});
export type Expected = z.infer<typeof Expected>;

/** Graph's error body, for every API of ours. `details` names paths of faults (422), `expected` what a 409 wants. */
export const ErrorReply = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    remedy: z.string().optional(),
    details: z.array(z.object({ target: z.string(), message: z.string() })).optional(),
    expected: Expected.optional(),
    innerError: z
      .object({ "request-id": z.string(), "client-request-id": z.string(), date: z.string() })
      .partial()
      .optional(),
  }),
});
export type ErrorReply = z.infer<typeof ErrorReply>;

export const enrol = operation({
  id: "Enrol",
  method: "POST",
  path: "agent/v1/enrol",
  guard: "enrolment",
  summary: "Makes an agent of a one-time token and the proof of a new key.",
  body: EnrolRequest,
  reply: EnrolReply,
  statuses: [201],
});

export const heartbeat = operation({
  id: "Heartbeat",
  method: "POST",
  path: "agent/v1/heartbeat",
  guard: "agent",
  summary: "An agent says that it lives, and learns what to read.",
  body: HeartbeatRequest,
  reply: HeartbeatReply,
  refusals: { "agent-unknown": 401, "agent-cloned": 409, "domain-changed": 409 },
});

/** The body is a `ChangeBatch` in gzip: checked while it is inflated, so not by this. */
export const acceptBatch = operation({
  id: "AcceptBatch",
  method: "POST",
  path: "agent/v1/jobs/{jobId}/batches",
  guard: "agent",
  summary: "Takes a batch of changes: 202 when it is stored now, 200 when it was stored before.",
  readsOwnBody: true,
  reply: AcceptReply,
  statuses: [202, 200],
  refusals: {
    "not-your-job": 403,
    "job-not-found": 404,
    "batch-not-expected": 409,
    "payload-too-large": 413,
    "payload-not-gzip": 400,
    "not-json": 400,
    "invalid-body": 422,
  },
});
