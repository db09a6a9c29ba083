/**
 * The one list of what is measured: name → kind, unit, meaning, dimensions. `Telemetry` is typed by it; alerts, the workbook and
 * queries name metrics from here; `docs/events.md` is generated from it too.
 *
 * Counters are sums over time, each fact counted once at most, where an event tells it (removals without a read: once at least). Gauges say how things stand, and the tick
 * reports all of them every time it runs, zeros too: a gauge that stops coming says that nothing runs. Dimensions
 * are ids and codes, never a person's name.
 */
export interface MetricDeclaration {
  readonly kind: "counter" | "gauge" | "histogram";
  /** As UCUM writes it. */
  readonly unit: string;
  readonly meaning: string;
  readonly dimensions: readonly string[];
}

export const METRICS = {
  "uplink.objects": {
    kind: "counter",
    unit: "{object}",
    meaning: "Changes that got their outcome: exported, no-op, filtered, staged or escrowed",
    dimensions: ["jobId", "lane", "outcome"],
  },
  "uplink.removals": {
    kind: "counter",
    unit: "{object}",
    meaning:
      "Target objects deleted or disabled within the guard's bounds, by a read's end or by work without one; what an admin approved isn't counted",
    dimensions: ["jobId", "class"],
  },
  "uplink.writes": {
    kind: "counter",
    unit: "{write}",
    meaning: "Writes to the target",
    dimensions: ["jobId", "lane"],
  },
  "uplink.throttles": {
    kind: "counter",
    unit: "{answer}",
    meaning: "Activities that the target asked for patience",
    dimensions: ["lane"],
  },
  "uplink.lag": {
    kind: "histogram",
    unit: "s",
    meaning: "From accepting a batch to having its outcomes",
    dimensions: ["jobId", "lane"],
  },
  "uplink.cycle.duration": {
    kind: "histogram",
    unit: "s",
    meaning: "From the beginning of a read to its cycle's close",
    dimensions: ["jobId", "kind"],
  },
  "uplink.replay.cost": {
    kind: "histogram",
    unit: "ms",
    meaning: "One episode of an orchestration: what a replay costs",
    dimensions: ["orchestrator"],
  },
  "uplink.activity.duration": {
    kind: "histogram",
    unit: "ms",
    meaning: "One attempt of an activity",
    dimensions: ["activity", "result"],
  },
  "uplink.quota.used": {
    kind: "gauge",
    unit: "1",
    meaning: "Writes booked in the last 150 s ÷ what the application has in the target",
    dimensions: [],
  },
  "uplink.escrows": {
    kind: "gauge",
    unit: "{object}",
    meaning: "Objects whose last attempt failed, by code; one point without failures has the code 'none'",
    dimensions: ["jobId", "code"],
  },
  "uplink.staged": {
    kind: "gauge",
    unit: "{object}",
    meaning: "Removals that wait for an admin, by class; the class 'none' has 0",
    dimensions: ["jobId", "class"],
  },
  "uplink.batch.oldest": {
    kind: "gauge",
    unit: "s",
    meaning: "Age of the oldest accepted batch that is not in effect; 0: none waits",
    dimensions: ["jobId", "lane"],
  },
  "uplink.agent.lag": {
    kind: "gauge",
    unit: "s",
    meaning:
      "Since the last batch of a job was accepted, or since it went on after a pause or a quarantine, if that came later; by the job's state: active, paused or quarantined",
    dimensions: ["jobId", "state"],
  },
  "uplink.agent.silence": {
    kind: "gauge",
    unit: "s",
    meaning: "Since an agent that isn't revoked was last heard",
    dimensions: ["configurationId", "agentId"],
  },
  "uplink.agent.silent": {
    kind: "gauge",
    unit: "1",
    meaning: "1 while an agent that was let in hasn't been heard for `UPLINK_AGENT_SILENT_SECONDS`, else 0",
    dimensions: ["configurationId", "agentId"],
  },
  "uplink.agent.cloned": {
    kind: "gauge",
    unit: "1",
    meaning:
      "1 from the moment when two processes were seen to use an agent's key until it is unlocked or revoked, else 0",
    dimensions: ["configurationId", "agentId"],
  },
  "uplink.job.quarantined": {
    kind: "gauge",
    unit: "1",
    meaning: "1 while a job is in quarantine, or disabled after it, else 0",
    dimensions: ["jobId"],
  },
  "uplink.job.parked": {
    kind: "gauge",
    unit: "1",
    meaning: "1 while work is set aside for which no full read has made up yet, else 0",
    dimensions: ["jobId"],
  },
  "uplink.credential.days": {
    kind: "gauge",
    unit: "d",
    meaning: "Days until the credential for the target ends",
    dimensions: ["credential"],
  },
  "uplink.backup.age": {
    kind: "gauge",
    unit: "s",
    meaning: "Since the newest whole backup of object rows and index was begun; before the first, since the oldest job",
    dimensions: [],
  },
  "uplink.agent.outbox": {
    kind: "gauge",
    unit: "{batch}",
    meaning: "Batches that an agent still has to send",
    dimensions: ["agentId"],
  },
} as const satisfies Readonly<Record<string, MetricDeclaration>>;

type Metrics = typeof METRICS;
export type MetricName = keyof Metrics;
export type MetricOf<K extends MetricDeclaration["kind"]> = {
  [M in MetricName]: Metrics[M]["kind"] extends K ? M : never;
}[MetricName];
export type Dimensions<M extends MetricName> = { readonly [D in Metrics[M]["dimensions"][number]]: string };
