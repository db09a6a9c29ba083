/**
 * The admin API of configurations, one for each domain that is read: what they are called, and the one-time tokens by which agents
 * enrol. Their jobs have a file of their own.
 */
import { z } from "zod";

export const ConfigurationReply = z.strictObject({
  id: z.string(),
  jobId: z.string(),
  displayName: z.string(),
  domainFqdn: z.string(),
});
export type ConfigurationReply = z.infer<typeof ConfigurationReply>;

/** The token is shown once. */
export const TokenReply = z.strictObject({ token: z.string(), expiresAt: z.string() });
export type TokenReply = z.infer<typeof TokenReply>;
