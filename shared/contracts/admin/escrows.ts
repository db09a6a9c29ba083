/**
 * The admin API of escrows: objects whose last attempt failed, and trying them again now.
 */
import { z } from "zod";
import { Guid } from "../change.ts";

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
