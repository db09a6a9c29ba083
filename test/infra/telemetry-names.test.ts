/**
 * Every name in what the infrastructure asks of the telemetry, against the catalogues of events and metrics that the service emits: a
 * rule on a name that nothing emits never fires, and nobody would see that.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ADMIN_EVENTS } from "../../shared/contracts/events/admin-events.ts";
import { CLOUD_EVENTS } from "../../shared/contracts/events/cloud-events.ts";
import type { EventDeclaration } from "../../shared/contracts/events/event.ts";
import { METRICS, type MetricDeclaration } from "../../shared/contracts/metrics.ts";
import { namesOf } from "./kql.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** Where the exporter puts logs, metrics and spans. */
const TABLES = ["AppTraces", "AppMetrics", "AppRequests", "AppDependencies"];
/** Agents write to their own standard error, not to the service's workspace. */
const EVENTS: Readonly<Record<string, EventDeclaration>> = { ...CLOUD_EVENTS, ...ADMIN_EVENTS };
const MEASURED: Readonly<Record<string, MetricDeclaration>> = METRICS;
/** Values of dimensions, and the anchor that an operator puts in. */
const VALUES = new Set(["deletes", "disables", "none", "active", "00000000-0000-0000-0000-000000000000"]);

interface Asked {
  readonly name: string;
  readonly kql: string;
}
const needs = JSON.parse(read("infra/needs.json")) as {
  alerts: {
    name: string;
    query?: string;
    windowMinutes: number;
    source: { kind: string; only?: { dimension: string; in: string[] } };
  }[];
};
const ofAlerts = needs.alerts.flatMap(({ name, query }) => (query === undefined ? [] : [{ name, kql: query }]));

const ofOperators = readdirSync(join(ROOT, "infra/queries")).map((name) => ({
  name,
  kql: read(`infra/queries/${name}`),
}));

/** What a query names that nothing emits. */
function faultsOf({ kql }: Asked): string[] {
  const { tables, literals, fields } = namesOf(kql);
  const events = literals.filter((literal) => literal in EVENTS);
  const metrics = literals.filter((literal) => literal in MEASURED);
  const carried = new Set(
    [
      "event",
      ...(events.length > 0 || metrics.length > 0 ? events : Object.keys(EVENTS)).flatMap(
        (name) => EVENTS[name]?.fields ?? [],
      ),
      ...metrics.flatMap((name) => MEASURED[name]?.dimensions ?? []),
    ].map((field) => field.replace("?", "")),
  );
  return [
    ...(tables.length === 0 ? ["no table"] : []),
    ...tables.filter((table) => !TABLES.includes(table)).map((table) => `table ${table}`),
    ...literals
      .filter((literal) => !(literal in EVENTS) && !(literal in MEASURED) && !VALUES.has(literal))
      .map((literal) => `"${literal}"`),
    ...fields.filter((field) => !carried.has(field)).map((field) => `field ${field}`),
  ];
}

function isOfJobs(metric: MetricDeclaration | undefined): boolean {
  return metric?.kind === "gauge" && metric.dimensions.includes("jobId");
}

describe("the check itself", () => {
  it("sees a table, an event, a metric and a field that aren't there", () => {
    const kql = `AppTrace\n| where Properties.event == "cycle-shut"`;
    expect(faultsOf({ name: "", kql })).toEqual(["table AppTrace", `"cycle-shut"`]);
    const metric = `AppMetrics\n| where Name == "uplink.staged"\n| summarize max(Sum) by tostring(Properties.lane)`;
    expect(faultsOf({ name: "", kql: metric })).toEqual(["field lane"]);
    expect(faultsOf({ name: "", kql: metric.replace("staged", "staging") })).toContain(`"uplink.staging"`);
  });
});

describe("alert rules", () => {
  it("name only tables, events, metrics and fields that the service emits", () => {
    expect(ofAlerts.length).toBeGreaterThan(10);
    for (const asked of ofAlerts) expect(faultsOf(asked), `${asked.name}: ${asked.kql}`).toEqual([]);
  });

  it("measure what the service measures somewhere", () => {
    const sources = ["shared/application", "shared/adapters", "functions"].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts"))
        .map((name) => read(join(folder, name))),
    );
    const product = sources.join("\n");
    const metrics = [...ofAlerts, ...ofOperators].flatMap(({ kql }) => namesOf(kql).metrics);
    expect(metrics.length).toBeGreaterThan(2);
    for (const metric of metrics) expect(product, metric).toMatch(new RegExp(`\\.(record|count)\\(\\s*"${metric}"`));
  });

  it("tell of everything that somebody has to be told of", () => {
    expect(needs.alerts.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        ...["failure-spike", "delete-spike", "staged-sets-waiting", "no-events", "oldest-batch", "agent-silent"],
        ...["quarantine", "dead-letters", "parked-batch", "accounting-mismatch", "quota", "credential-expiring"],
      ]),
    );
    expect(needs.alerts.filter(({ query }) => query === undefined).map(({ source }) => source.kind)).toEqual([
      "dead-letters",
    ]);
  });

  it("call nothing silent where nothing is to be expected: no job, one that isn't active, one that became so just now", () => {
    const silent = needs.alerts.filter(({ source }) => source.kind === "silence");
    expect(silent.map(({ name }) => name)).toEqual(["no-events"]);
    for (const { query = "", windowMinutes } of silent) {
      expect(namesOf(query).metrics).toEqual(["uplink.agent.lag"]);
      const [told, active] = [...query.matchAll(/ago\((\d+)m\)/g)].map(([, minutes]) => Number(minutes));
      expect(active).toBe(told);
      // Gauges of a service that stopped have to be seen for longer than its silence may last.
      expect(windowMinutes).toBeGreaterThan(2 * (told ?? 0));
      expect(query).toMatch(
        /arg_max\(TimeGenerated, State\) by Job\n\| where State == "active" and coalesce\(Other, First\) < /,
      );
    }
  });

  it("have a row when there is something to tell, and none otherwise", () => {
    for (const { name, kql } of ofAlerts) expect(kql, name).toMatch(/\n\| where Found [<>] [\d.]+$/);
  });
});

describe("the questions of operators", () => {
  it("are ten, name only what the service emits, and say in their first line what they answer", () => {
    expect(ofOperators.length).toBe(10);
    for (const asked of ofOperators) {
      expect(faultsOf(asked), asked.name).toEqual([]);
      expect(asked.kql, asked.name).toMatch(/^\/\/ [A-Z]/);
    }
  });

  const named = (name: string) => ofOperators.find((own) => own.name === name)?.kql ?? "";

  it("call nothing in sync of which an alert on a job tells", () => {
    const gauges = ofAlerts.flatMap(({ kql }) => namesOf(kql).metrics).filter((metric) => isOfJobs(MEASURED[metric]));
    expect(gauges).toEqual(expect.arrayContaining(["uplink.agent.lag", "uplink.job.parked"]));
    const asked = named("in-sync.kql");
    expect(namesOf(asked).metrics).toEqual(expect.arrayContaining(gauges));
    // The age of the last batch is never 0: it counts from where the alert begins.
    const from = ofAlerts.find(({ name }) => name === "job-behind")?.kql.match(/Found (> \d+)/)?.[1];
    expect(asked).toContain(from ?? "a bound");
  });

  it("find agents silent as the alert does, by the service's own setting", () => {
    expect(namesOf(named("silent-agents.kql")).metrics).toContain("uplink.agent.silent");
    expect(named("silent-agents.kql")).not.toMatch(/[<>]=? *\d\d/);
  });

  it("are all in the query pack and on the workbook", () => {
    const module = read("infra/modules/insight.bicep");
    for (const { name } of ofOperators) expect(module).toContain(`loadTextContent('../queries/${name}')`);
  });
});
