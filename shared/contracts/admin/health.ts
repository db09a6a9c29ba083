/** The admin API's answer to the question what is wrong: one finding for each thing that needs somebody. */
import { z } from "zod";
import { operation } from "../operation.ts";

/** What can be wrong, each with the section of docs/runbook.md that is about it, as a link's anchor. */
export const FINDINGS = {
  "agent-silent": "an-agent-is-silent",
  "agent-cloned": "two-processes-use-one-agents-key",
  "agent-waits": "an-agent-waits-to-be-let-in",
  "no-agent": "an-agent-waits-to-be-let-in",
  "exports-held": "a-job-reads-and-sends-nothing",
  "job-quarantined": "a-job-is-in-quarantine",
  "job-behind": "nothing-is-read-for-one-job",
  "job-trouble": "a-unit-or-group-of-the-scope-is-gone",
  "removals-staged": "removals-are-held-back",
  "work-set-aside": "work-was-set-aside",
  "batch-waiting": "a-batch-waits-for-more-than-ten-minutes",
  "objects-failing": "many-objects-fail",
  "quota-used": "the-write-quota-is-used-up",
  "credential-expiring": "the-targets-certificate-ends-soon",
  "backup-missing": "a-night-went-by-without-a-backup",
} as const;
export type FindingCode = keyof typeof FINDINGS;

export const FindingReply = z.strictObject({
  code: z.enum(Object.keys(FINDINGS) as [FindingCode, ...FindingCode[]]),
  /** Null: it concerns every job. */
  jobId: z.string().nullable(),
  agentId: z.string().nullable(),
  message: z.string(),
  remedy: z.string(),
  /** More than the remedy: file and heading of the documentation, `docs/runbook.md#…`. */
  runbook: z.string(),
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
