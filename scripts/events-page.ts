/** The page `docs/events.md`, from the catalogue of events and the list of metrics. `npm run docs` writes it. */

import type { EventDeclaration } from "../shared/contracts/events/event.ts";
import { EVENTS } from "../shared/contracts/events.ts";
import { METRICS, type MetricDeclaration } from "../shared/contracts/metrics.ts";

/** `docs/events.md`: every event of the log and every metric. */
export function eventsPage(): string {
  const events = Object.entries<EventDeclaration>(EVENTS)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(
      ([name, { level, meaning, fields }]) =>
        `| \`${name}\` | ${level} | ${meaning} | ${fields.map((field) => `\`${field}\``).join(" ")} |`,
    );
  const metrics = Object.entries<MetricDeclaration>(METRICS).map(
    ([name, { kind, unit, meaning, dimensions }]) =>
      `| \`${name}\` | ${kind} | \`${unit}\` | ${meaning} | ${dimensions.map((own) => `\`${own}\``).join(" ")} |`,
  );
  return [
    "<!-- Made by `npm run docs` from shared/contracts/events.ts and shared/contracts/metrics.ts: edit those. -->",
    "",
    "# What the system tells",
    "",
    EVENTS_HEAD,
    "",
    "## Events",
    "",
    "| event | level | meaning | fields |",
    "|---|---|---|---|",
    ...events,
    "",
    "## Metrics",
    "",
    "| metric | kind | unit | meaning | dimensions |",
    "|---|---|---|---|---|",
    ...metrics,
    "",
  ].join("\n");
}

const EVENTS_HEAD = `Every line of the log is one of these events, with its fields; a field with \`?\` may be absent. People stand in them by their
directory object's GUID, admins by their object id (\`by\`), never by a name. \`message\` and \`remedy\` are prose; what looks like a name in
them (a sign-in name, a mail address, a distinguished name) is taken out before a line leaves the program.

In Application Insights an event is a row of \`traces\` whose \`customDimensions.event\` is its name; a metric is in \`customMetrics\`; by OTLP
they are log records with the attribute \`event\`, and metrics.`;
