/**
 * The admin API of enrolment tokens: made, listed and revoked. A token is shown once, when it is made; afterwards it has its id, which opens
 * nothing.
 */
import { z } from "zod";
import { CreateTokenRequest } from "../configuration.ts";
import { operation } from "../operation.ts";
import { listOf, SkipPlace, Top } from "./paging.ts";

/** The token is shown once. */
export const TokenReply = z.strictObject({ id: z.string(), token: z.string(), expiresAt: z.string() });
export type TokenReply = z.infer<typeof TokenReply>;

export const EnrolmentTokenReply = z.strictObject({
  id: z.string(),
  /** `open`: somebody may still enrol by it. */
  status: z.enum(["open", "used", "expired"]),
  /** Whether the agent that it makes is active at once or waits for an admin. */
  policy: z.enum(["active", "pending"]),
  madeBy: z.string(),
  expiresAt: z.string(),
  /** The agent that it made. */
  agentId: z.string().nullable(),
});
export type EnrolmentTokenReply = z.infer<typeof EnrolmentTokenReply>;

const TOKENS = "v1.0/uplink/configurations/{configurationId}/enrolmentTokens";

export const createEnrolmentToken = operation({
  id: "CreateEnrolmentToken",
  method: "POST",
  path: TOKENS,
  guard: "admin-write",
  summary: "Makes a one-time token by which an agent enrols. It is shown once.",
  body: CreateTokenRequest,
  isBodyOptional: true,
  isUntold: true,
  reply: TokenReply,
  statuses: [201],
  refusals: { "configuration-not-found": 404 },
});

export const listEnrolmentTokens = operation({
  id: "ListEnrolmentTokens",
  method: "GET",
  path: TOKENS,
  guard: "admin-read",
  summary: "The enrolment tokens of a configuration: by whom, until when, and what became of them; never the tokens.",
  query: z.strictObject({ $top: Top, $skiptoken: SkipPlace }),
  reply: listOf(EnrolmentTokenReply),
  refusals: { "configuration-not-found": 404 },
});

export const revokeEnrolmentToken = operation({
  id: "RevokeEnrolmentToken",
  method: "DELETE",
  path: `${TOKENS}/{tokenId}`,
  guard: "admin-write",
  summary: "Takes an enrolment token back before somebody uses it.",
  reply: null,
  refusals: { "configuration-not-found": 404, "enrolment-token-not-found": 404, "enrolment-token-used": 409 },
});
