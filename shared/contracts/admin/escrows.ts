/**
 * The admin API of escrows: objects whose last attempt failed, and trying them again now.
 */
import { z } from "zod";
import { Guid } from "../change.ts";
import { operation } from "../operation.ts";
import { listOf, SkipPlace, Top } from "./paging.ts";

export const EscrowReply = z.strictObject({
  objectGuid: z.string(),
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  attempts: z.number(),
  firstAt: z.string(),
  nextAttemptAt: z.string(),
});
export type EscrowReply = z.infer<typeof EscrowReply>;

/** Asks for a retry of one object, or of all that is in escrow. */
export const EscrowRetryRequest = z.strictObject({ objectGuid: Guid.optional() });

export const EscrowRetryReply = z.strictObject({ jobId: z.string(), objects: z.number() });
export type EscrowRetryReply = z.infer<typeof EscrowRetryReply>;

export const listEscrows = operation({
  id: "ListEscrows",
  method: "GET",
  path: "v1.0/uplink/jobs/{jobId}/escrows",
  guard: "admin-read",
  summary: "Objects of a job whose last attempt failed.",
  query: z.strictObject({ $top: Top, $skiptoken: SkipPlace }),
  reply: listOf(EscrowReply),
  refusals: { "job-not-found": 404 },
});

export const retryEscrows = operation({
  id: "RetryEscrows",
  method: "POST",
  path: "v1.0/uplink/jobs/{jobId}/escrows/retry",
  guard: "admin-write",
  summary: "Tries one object, or all that failed, again now.",
  body: EscrowRetryRequest,
  isBodyOptional: true,
  reply: EscrowRetryReply,
  refusals: { "job-not-found": 404, "escrow-not-found": 404 },
});
