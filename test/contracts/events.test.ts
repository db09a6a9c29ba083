/** The catalogue of events and metrics, its page, and what the compiler refuses. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { eventsPage } from "../../scripts/events-page.ts";
import type { EventDeclaration } from "../../shared/contracts/events/event.ts";
import { EVENTS } from "../../shared/contracts/events.ts";
import { METRICS } from "../../shared/contracts/metrics.ts";
import { type Log, logBy } from "../../shared/ports/log.ts";

const ROOT = join(import.meta.dirname, "..", "..");

it("describes every event and metric on its page (npm run docs)", () => {
  expect(readFileSync(join(ROOT, "docs/events.md"), "utf8")).toBe(eventsPage());
  for (const name of [...Object.keys(EVENTS), ...Object.keys(METRICS)])
    expect(eventsPage()).toContain(`| \`${name}\` |`);
});

/** Everything that runs in the service, the agent and the command line, but for the catalogue itself. */
function programText(): string {
  const sources = (folder: string): string[] =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && !/contracts\/(events|metrics)/.test(join(folder, path)))
      .map((path) => readFileSync(join(ROOT, folder, path), "utf8"));
  return ["shared", "functions", "orchestrations", "agent", "cli"].flatMap(sources).join("\n");
}

it("tells every event and takes every measurement somewhere", () => {
  const text = programText();
  expect(text.length).toBeGreaterThan(1_000_000);
  // Where what an event counts is measured, nothing is told.
  const measuring = readFileSync(join(ROOT, "shared/adapters/telemetry/watched-log.ts"), "utf8");
  const told = new Set([...text.replace(measuring, "").matchAll(/"([a-z][a-z.-]+)"/g)].map(([, name]) => name));
  const quoted = new Set([...text.matchAll(/"([a-z][a-z.-]+)"/g)].map(([, name]) => name));
  expect(Object.keys(EVENTS).filter((name) => !told.has(name))).toEqual([]);
  expect(Object.keys(METRICS).filter((name) => !quoted.has(name))).toEqual([]);
});

it("names events in one manner, each with a sentence and fields that are told apart", () => {
  const all = Object.entries<EventDeclaration>(EVENTS);
  expect(all.length).toBeGreaterThan(90);
  for (const [name, { meaning, fields }] of all) {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(meaning, name).toMatch(/^[A-Z].*\.$/);
    expect(new Set(fields).size, name).toBe(fields.length);
    expect(fields, name).not.toContain("event");
  }
});

it("lets nothing past the catalogue compile", () => {
  const said: unknown[] = [];
  const log: Log = logBy((...of) => said.push(of));
  log.info("job-trouble-over", { jobId: "j" });
  log.info("agent-stopped");
  // @ts-expect-error: there is no such event.
  log.info("job-trouble-ended", { jobId: "j" });
  // @ts-expect-error: it is told as an error.
  log.info("job-trouble", { jobId: "j", code: "c", message: "m" });
  // @ts-expect-error: it has no such field.
  log.info("job-trouble-over", { jobId: "j", displayName: "n" });
  // @ts-expect-error: it lacks its job.
  log.info("job-trouble-over", {});
  // @ts-expect-error: it lacks its fields.
  log.info("job-trouble-over");
  expect(said).toHaveLength(7);
  expect(said[1]).toEqual(["info", "agent-stopped", {}]);
});
