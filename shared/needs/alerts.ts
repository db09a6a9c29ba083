/**
 * What somebody has to be told of: the conditions for which the infrastructure makes alert rules, each with its threshold, its meaning
 * and the place in the runbook that says what to do.
 *
 * Part of the table of needs. An alert looks at events of the service's log by their names, or at a metric; which names the code really
 * emits is held by tests. What lasts is watched by a gauge that the tick tells for as long as it does: a rule resolves its alert once
 * its window has nothing to tell, and an event is told only once.
 */
import type { EventName } from "../contracts/events.ts";
import type { MetricName } from "../contracts/metrics.ts";

/** 0 critical, 1 error, 2 warning, 3 informational, as Azure Monitor counts. */
export type Severity = 0 | 1 | 2 | 3;

export type AlertSource =
  /** Lines of the service's log with one of these events: counted, or the sum of the one of these fields that each has. */
  | { readonly kind: "event"; readonly events: readonly EventName[]; readonly sumOf?: readonly string[] }
  /** No line with any of these events for so long, though a job was in this state all the while, by a gauge that tells it. */
  | {
      readonly kind: "silence";
      readonly events: readonly EventName[];
      readonly minutes: number;
      readonly amid: { readonly metric: MetricName; readonly dimension: string; readonly is: string };
    }
  /** A gauge's maximum or a counter's total in the window, of some values of a dimension only where it says so. */
  | {
      readonly kind: "metric";
      readonly metric: MetricName;
      readonly of: "maximum" | "total";
      readonly only?: { readonly dimension: string; readonly in: readonly string[] };
    }
  /** Messages that the doorbell's queue gave up, as Service Bus counts them. */
  | { readonly kind: "dead-letters" };

export interface Alert {
  /** Letters, digits and `-`: the rule's name is made of it. */
  readonly name: string;
  readonly source: AlertSource;
  /** Fires when there is more than this in the window; of silence: when it lasts for more than so many jobs. */
  readonly above: number;
  readonly windowMinutes: 5 | 10 | 15 | 30 | 60 | 120 | 360 | 1440;
  readonly everyMinutes: 5 | 15 | 60;
  readonly severity: Severity;
  readonly meaning: string;
  /** The section of docs/runbook.md that is about this alert and no other, as a link's anchor. */
  readonly runbook: string;
}

const SOON = { windowMinutes: 15, everyMinutes: 5 } as const;

export const ALERTS: readonly Alert[] = [
  {
    name: "failure-spike",
    source: { kind: "event", events: ["objects-escrowed", "links-failed"], sumOf: ["count", "groups"] },
    // A line tells of a whole chunk. A few that fail for long are tried again and again, and are no spike.
    above: 200,
    windowMinutes: 60,
    everyMinutes: 15,
    severity: 2,
    meaning: "more than 200 attempts for objects or groups failed within an hour",
    runbook: "many-objects-fail",
  },
  {
    name: "delete-spike",
    source: {
      kind: "metric",
      metric: "uplink.removals",
      of: "total",
      only: { dimension: "class", in: ["deletes", "disables"] },
    },
    // More than most sites lose on a day, and far below where the guard holds removals back.
    above: 100,
    windowMinutes: 60,
    everyMinutes: 15,
    severity: 1,
    meaning: "more than 100 objects were deleted or disabled in the target within an hour",
    runbook: "many-accounts-were-deleted-or-disabled",
  },
  {
    name: "staged-sets-waiting",
    source: { kind: "metric", metric: "uplink.staged", of: "maximum" },
    above: 0,
    ...SOON,
    severity: 1,
    meaning: "removals reached the guard's bound and wait for an administrator",
    runbook: "removals-are-held-back",
  },
  {
    name: "no-events",
    source: {
      kind: "silence",
      events: ["cycle-closed"],
      // Twice the time after which an agent sends an empty batch of a directory in which nothing changed.
      minutes: 120,
      // No job, or paused ones alone: nothing is to be expected.
      amid: { metric: "uplink.agent.lag", dimension: "state", is: "active" },
    },
    above: 0,
    // How far back it looks for jobs: where the whole service stopped, their gauges did too.
    windowMinutes: 1440,
    everyMinutes: 15,
    severity: 1,
    meaning: "no cycle was closed for two hours, though a job was neither paused nor in quarantine all the while",
    runbook: "nothing-happens",
  },
  {
    name: "oldest-batch",
    source: { kind: "metric", metric: "uplink.batch.oldest", of: "maximum" },
    above: 600,
    ...SOON,
    severity: 2,
    meaning: "a batch was accepted more than ten minutes ago and isn't in effect",
    runbook: "a-batch-waits-for-more-than-ten-minutes",
  },
  {
    name: "job-behind",
    source: {
      kind: "metric",
      metric: "uplink.agent.lag",
      of: "maximum",
      only: { dimension: "state", in: ["active"] },
    },
    // As no-events, which goes by all jobs together; the health answer has the same.
    above: 7_200,
    ...SOON,
    severity: 2,
    meaning: "nothing was read for a job for two hours, though it is neither paused nor in quarantine",
    runbook: "nothing-is-read-for-one-job",
  },
  {
    name: "agent-silent",
    source: { kind: "metric", metric: "uplink.agent.silent", of: "maximum" },
    above: 0,
    ...SOON,
    severity: 2,
    meaning: "an agent stopped to say that it lives",
    runbook: "an-agent-is-silent",
  },
  {
    name: "agent-cloned",
    source: { kind: "metric", metric: "uplink.agent.cloned", of: "maximum" },
    above: 0,
    ...SOON,
    severity: 0,
    meaning: "two processes speak with one agent's key",
    runbook: "two-processes-use-one-agents-key",
  },
  {
    name: "quarantine",
    source: { kind: "metric", metric: "uplink.job.quarantined", of: "maximum" },
    above: 0,
    ...SOON,
    severity: 1,
    meaning: "a job is in quarantine, or was disabled after it",
    runbook: "a-job-is-in-quarantine",
  },
  {
    name: "parked-batch",
    source: { kind: "metric", metric: "uplink.job.parked", of: "maximum" },
    above: 0,
    ...SOON,
    severity: 1,
    meaning: "work failed three times and was set aside",
    runbook: "work-was-set-aside",
  },
  {
    name: "accounting-mismatch",
    source: { kind: "event", events: ["accounts-violated"] },
    above: 0,
    ...SOON,
    severity: 0,
    meaning: "what was received isn't all accounted for",
    runbook: "the-accounts-dont-add-up",
  },
  {
    name: "dead-letters",
    source: { kind: "dead-letters" },
    above: 0,
    ...SOON,
    severity: 3,
    meaning: "bells were given up by the queue; the tick wakes the jobs instead, later",
    runbook: "bells-in-the-dead-letters",
  },
  {
    name: "quota",
    source: { kind: "metric", metric: "uplink.quota.used", of: "maximum" },
    above: 0.9,
    ...SOON,
    severity: 3,
    meaning: "more than 90 % of what the application may write to the target is used",
    runbook: "the-write-quota-is-used-up",
  },
  {
    name: "credential-expiring",
    source: { kind: "event", events: ["credential-expiring"] },
    above: 0,
    windowMinutes: 1440,
    everyMinutes: 60,
    severity: 1,
    meaning: "the certificate for the target ends within 30 days",
    runbook: "the-targets-certificate-ends-soon",
  },
  {
    name: "backup-missing",
    source: { kind: "metric", metric: "uplink.backup.age", of: "maximum" },
    // A night, and two hours for the backup itself.
    above: 93_600,
    windowMinutes: 60,
    everyMinutes: 60,
    severity: 2,
    meaning: "no backup of object rows and index has become whole for 26 hours",
    runbook: "a-night-went-by-without-a-backup",
  },
];
