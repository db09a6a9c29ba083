/** The admin API's answer to the question what is wrong: one finding for each thing that needs somebody. */
import { z } from "zod";
import { operation } from "../operation.ts";

export const FindingReply = z.strictObject({
  code: z.enum([
    "agent-silent",
    "job-quarantined",
    "job-trouble",
    "removals-staged",
    "batch-waiting",
    "objects-failing",
    "quota-used",
    "credential-expiring",
  ]),
  /** Null: it concerns every job. */
  jobId: z.string().nullable(),
  agentId: z.string().nullable(),
  message: z.string(),
  remedy: z.string(),
});
export type FindingReply = z.infer<typeof FindingReply>;

export const HealthReply = z.strictObject({
  status: z.enum(["healthy", "needs-attention"]),
  findings: z.array(FindingReply),
});
export type HealthReply = z.infer<typeof HealthReply>;

export const serviceHealth = operation({
  id: "ServiceHealth",
  method: "GET",
  path: "v1.0/health",
  guard: "admin-read",
  summary: "What is wrong, for whom, and what to do: in all jobs, of all agents, of the target's quota and credential.",
  reply: HealthReply,
});
