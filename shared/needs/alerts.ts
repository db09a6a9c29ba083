/**
 * What somebody has to be told of: the conditions for which the infrastructure makes alert rules, each with its threshold, its meaning
 * and the place in the runbook that says what to do.
 *
 * Part of the table of needs. An alert looks at events of the service's log by their names, or at a metric; which names the code really
 * emits is held by tests.
 */

/** 0 critical, 1 error, 2 warning, 3 informational, as Azure Monitor counts. */
export type Severity = 0 | 1 | 2 | 3;

export type AlertSource =
  /** Lines of the service's log with one of these events, counted. */
  | { readonly kind: "event"; readonly events: readonly string[] }
  /** No line with any of these events in the window. */
  | { readonly kind: "silence"; readonly events: readonly string[] }
  | { readonly kind: "metric"; readonly metric: string; readonly of: "maximum" | "total" | "minimum" };

export interface Alert {
  /** Letters, digits and `-`: the rule's name is made of it. */
  readonly name: string;
  readonly source: AlertSource;
  /** Fires when there is more than this in the window; of silence: fewer than one. */
  readonly above: number;
  readonly windowMinutes: 5 | 10 | 15 | 30 | 60 | 360 | 1440;
  readonly everyMinutes: 5 | 15 | 60;
  readonly severity: Severity;
  readonly meaning: string;
  /** A heading of docs/runbook.md, as a link's anchor. */
  readonly runbook: string;
}

const EVENTS = "events-of-the-service";
const SOON = { windowMinutes: 15, everyMinutes: 5 } as const;

export const ALERTS: readonly Alert[] = [
  {
    name: "failure-spike",
    source: { kind: "event", events: ["objects-escrowed", "links-failed"] },
    above: 20,
    windowMinutes: 60,
    everyMinutes: 15,
    severity: 2,
    meaning: "many batches brought objects that failed",
    runbook: "codes-of-objects-that-wait-and-of-what-the-log-tells",
  },
  {
    name: "staged-sets-waiting",
    source: { kind: "event", events: ["removals-staged"] },
    above: 0,
    ...SOON,
    severity: 1,
    meaning: "removals reached the guard's bound and wait for an administrator",
    runbook: "staged-removals",
  },
  {
    name: "no-events",
    source: { kind: "silence", events: ["cycle-closed"] },
    above: 0,
    windowMinutes: 60,
    everyMinutes: 15,
    severity: 1,
    meaning: "no cycle was closed for an hour",
    runbook: "where-to-look-first",
  },
  {
    name: "agent-silent",
    source: { kind: "event", events: ["agent-inactive"] },
    above: 0,
    ...SOON,
    severity: 2,
    meaning: "an agent stopped to say that it lives",
    runbook: EVENTS,
  },
  {
    name: "agent-cloned",
    source: { kind: "event", events: ["agent-cloned"] },
    above: 0,
    ...SOON,
    severity: 0,
    meaning: "two processes speak with one agent's key",
    runbook: EVENTS,
  },
  {
    name: "quarantine",
    source: { kind: "event", events: ["job-quarantined", "job-disabled"] },
    above: 0,
    ...SOON,
    severity: 1,
    meaning: "a job is in quarantine, or was disabled after it",
    runbook: "a-job-is-in-quarantine",
  },
  {
    name: "parked-batch",
    source: { kind: "event", events: ["batch-parked", "cycle-abandoned"] },
    above: 0,
    ...SOON,
    severity: 1,
    meaning: "work failed three times and was set aside",
    runbook: EVENTS,
  },
  {
    name: "accounting-mismatch",
    source: { kind: "event", events: ["accounts-violated"] },
    above: 0,
    ...SOON,
    severity: 0,
    meaning: "what was received isn't all accounted for",
    runbook: EVENTS,
  },
];
