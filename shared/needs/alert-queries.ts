/**
 * The queries of the alert rules, in KQL over the workspace's tables: an event is a row of `AppTraces` whose `Properties.event` is its
 * name, a metric a row of `AppMetrics`.
 *
 * A query compares with the threshold itself: it has one row when there is something to tell, with how much (`Found`) and which
 * jobs, agents or configurations it is about (`About`), and none otherwise. So a rule only counts rows, and the mail says for whom.
 */
import { EVENTS } from "../contracts/events.ts";
import { METRICS } from "../contracts/metrics.ts";
import type { Alert } from "./alerts.ts";

const TOLD = "AppTraces\n| extend Event = tostring(Properties.event)";

/** Undefined: the rule watches a metric of the platform, which takes no query. */
export function alertQuery({ source, above }: Alert): string | undefined {
  switch (source.kind) {
    case "event": {
      const about = aboutWhom(source.events.map((event) => EVENTS[event].fields));
      const each = source.sumOf?.map((field) => `toint(Properties.${field})`).join(", ");
      const found = each === undefined ? "count()" : `sum(coalesce(${each}))`;
      return `${TOLD}\n| where Event in (${quoted(source.events)})\n| summarize Found = ${found}${about}\n| where Found > ${above}`;
    }
    case "silence":
      return silence(source, above);
    case "metric": {
      const { metric, of, only } = source;
      const some = only ? ` and tostring(Properties.${only.dimension}) in (${quoted(only.in)})` : "";
      // A point is the sum of ItemCount measurements: a gauge has one, a counter counts by the sum.
      const found = of === "total" ? "sum(Sum)" : "max(Sum / ItemCount)";
      return `AppMetrics\n| where Name == "${metric}"${some}\n| summarize Found = ${found}${aboutWhom([METRICS[metric].dimensions])}\n| where Found > ${above}`;
    }
    case "dead-letters":
      return undefined;
  }
}

/** The jobs that were in the state for as long, as far as their gauge tells, where none of the events was told. */
function silence({ events, minutes, amid }: Extract<Alert["source"], { kind: "silence" }>, above: number): string {
  const [state, job] = [amid.dimension, "jobId"].map((name) => `tostring(Properties.${name})`);
  return [
    `let Told = toscalar(\n${TOLD}\n| where TimeGenerated > ago(${minutes}m) and Event in (${quoted(events)})\n| count);`,
    `AppMetrics\n| where Name == "${amid.metric}"`,
    `| extend State = ${state}, Job = ${job}`,
    // Since it was last in another state, or first heard of.
    `| summarize First = min(TimeGenerated), Other = maxif(TimeGenerated, State != "${amid.is}"), arg_max(TimeGenerated, State) by Job`,
    `| where State == "${amid.is}" and coalesce(Other, First) < ago(${minutes}m) and Told < 1`,
    "| summarize Found = count(), About = make_set(Job, 20)",
    `| where Found > ${above}`,
  ].join("\n");
}

/** By the first of these that every one of them carries. */
function aboutWhom(fields: readonly (readonly string[])[]): string {
  const whom = ["jobId", "agentId", "configurationId", "credential"].find((name) =>
    fields.every((own) => own.includes(name)),
  );
  return whom === undefined ? "" : `, About = make_set(tostring(Properties.${whom}), 20)`;
}

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");
