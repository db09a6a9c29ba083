/**
 * The runbook against what operators meet: every alert, finding, event that somebody should look at, refusal and code of the agent has
 * its way to a section, and every section says what is seen, what it means, what to do and what not.
 *
 * That its commands, settings and links exist is held by docs.test.ts; that its table of codes is current by failure-codes.test.ts.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FINDINGS } from "../shared/contracts/admin/health.ts";
import { EVENTS } from "../shared/contracts/events.ts";
import { commonRefusals, type Operation } from "../shared/contracts/operation.ts";
import { QUARANTINE_REASONS } from "../shared/domain/quarantine.ts";
import { NEEDS } from "../shared/needs.ts";
import { anchorsOf } from "./support/markdown.ts";

const root = join(import.meta.dirname, "..");
const path = "docs/runbook.md";
const text = readFileSync(join(root, path), "utf8");
const anchors = anchorsOf({ path, text });

/** The text below a heading, up to the next one that is as high. */
function section(heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const [, after] = text.split(`\n${heading}\n`);
  if (after === undefined) throw new Error(`The runbook has no heading '${heading}'.`);
  return after.split(new RegExp(`^#{1,${level}} `, "m"))[0] ?? "";
}

interface Row {
  readonly spans: readonly string[];
  readonly rest: string;
  readonly anchor: string | undefined;
}

function rowsOf(heading: string): Row[] {
  return [...section(heading).matchAll(/^\| (.*?`.*?) \| (.*) \|$/gm)].map(([, first = "", rest = ""]) => ({
    spans: [...first.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code),
    rest,
    anchor: /\]\(#([^)]+)\)/.exec(rest)?.[1],
  }));
}

const sourcesOf = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(root, folder, name), "utf8"))
    .join("\n");

describe("the index of the runbook", () => {
  it("has every alert, each with a section of its own, to which the rule points too", () => {
    const rows = rowsOf("### By alert");
    expect(rows.map(({ spans, anchor }) => [spans[0], anchor])).toEqual(
      NEEDS.alerts.map(({ name, runbook }) => [name, runbook]),
    );
    expect(new Set(rows.map(({ anchor }) => anchor)).size).toBe(NEEDS.alerts.length);
    for (const { anchor } of rows) expect(anchors).toContain(anchor);
  });

  it("has every finding of the health answer, which points to the same section", () => {
    const rows = rowsOf("### By what the health answer says");
    expect(Object.fromEntries(rows.map(({ spans, anchor }) => [spans[0], anchor]))).toEqual(FINDINGS);
    for (const anchor of Object.values(FINDINGS)) expect(anchors).toContain(anchor);
  });

  it("has every event that somebody should look at, with a section or the word that it needs nobody", () => {
    const rows = rowsOf("### By event");
    const told = rows.flatMap(({ spans }) => spans);
    expect(new Set(told).size).toBe(told.length);
    expect(told.filter((name) => !Object.hasOwn(EVENTS, name))).toEqual([]);
    const looked = Object.entries(EVENTS).filter(([, { level }]) => level === "error" || level === "warn");
    expect(looked.length).toBeGreaterThan(30);
    expect(looked.map(([name]) => name).filter((name) => !told.includes(name))).toEqual([]);
    for (const { spans, rest } of rows) expect(rest, spans.join()).toMatch(/\]\(#|^nothing|^the agent is older/);
  });

  it("names an event of level error in the section that it leads to", () => {
    for (const { spans, anchor } of rowsOf("### By event"))
      for (const name of spans.filter((own) => EVENTS[own as keyof typeof EVENTS].level === "error"))
        expect(sectionAt(anchor), `${name} → ${anchor}`).toContain(`\`${name}\``);
  });

  it("quotes words that 'uplink status' says", () => {
    // What the service finds is shown in its own words.
    const found = readFileSync(join(root, "shared", "application", "admin", "service-health.ts"), "utf8");
    const said = `${sourcesOf("cli")}\n${found}`;
    const codes = sourcesOf("shared/application");
    const rows = rowsOf("### By what uplink status says");
    expect(rows.length).toBeGreaterThan(10);
    for (const { spans } of rows)
      for (const words of spans.filter((own) => /^[A-Za-z]/.test(own) && !own.startsWith("uplink "))) {
        if (words === "ScopeObjectMissing:") expect(codes).toContain('"ScopeObjectMissing"');
        // What stands in capitals is put in.
        else
          for (const part of words.split(/\(?\b[A-Z]{2,}\b\)?/).map((own) => own.trim().replace(/:$/, "")))
            expect(part.length < 3 || said.includes(part), `'${part}' of '${words}'`).toBe(true);
      }
  });
});

/** By anchor, for headings of symptoms. */
function sectionAt(anchor: string | undefined): string {
  const headings = [...text.matchAll(/^#{2,3} .*$/gm)].map(([heading]) => heading);
  const found = headings.find((heading) => anchorsOf({ path, text: heading })[0] === anchor);
  return found === undefined ? "" : section(found);
}

describe("a section about a symptom", () => {
  const parts = ["## Alerts", "## Jobs, agents, storage", "## People, groups, links"];
  const symptoms = parts.flatMap((part) => [...section(part).matchAll(/^### .*$/gm)].map(([heading]) => heading));

  it.each(symptoms)("%s: says what is seen, what it means, what to do and what not", (heading) => {
    const own = section(heading);
    for (const words of ["**You see** ", "**It means** ", "**Do**", "**Don't** "])
      expect(own.split(words).length - 1, words).toBe(1);
    expect(own.indexOf("**You see**")).toBeLessThan(own.indexOf("**It means**"));
    expect(own.indexOf("**Do**")).toBeLessThan(own.indexOf("**Don't**"));
  });

  it("is reached from the index, each of them", () => {
    const index = section("## Index");
    const lost = symptoms.filter((heading) => !index.includes(`(#${anchorsOf({ path, text: heading })[0]})`));
    expect(symptoms.length).toBeGreaterThan(30);
    expect(lost).toEqual([]);
  });

  it("names every reason of a quarantine", () => {
    for (const reason of QUARANTINE_REASONS) expect(section("### A job is in quarantine")).toContain(`\`${reason}\``);
  });
});

it("tells of refusals that the service has, with their status", async () => {
  const files = [
    "shared/contracts/agent-api.ts",
    ...readdirSync(join(root, "shared/contracts/admin")).map((name) => `shared/contracts/admin/${name}`),
  ];
  const declared = await Promise.all(files.map((file) => import(join(root, file)) as Promise<Record<string, unknown>>));
  const isOperation = (own: unknown): own is Operation => typeof own === "object" && own !== null && "guard" in own;
  const operations = declared.flatMap((own) => Object.values(own)).filter(isOperation);
  expect(operations.length).toBeGreaterThan(50);
  const answers = new Set(
    operations
      .flatMap((own) => Object.entries({ ...commonRefusals(own), ...own.refusals }))
      .map(([code, status]) => `${status} ${code}`),
  );
  const told = [...section("## Requests that are refused").matchAll(/^\| (\d+) `([\w-]+)`/gm)];
  expect(told.length).toBeGreaterThan(8);
  for (const [, status, code] of told) expect(answers).toContain(`${status} ${code}`);
});

it("tells of every code with which an agent's program ends", () => {
  const declared = (file: string, type: string) => {
    const union = new RegExp(`export type ${type} =([^;]+);`).exec(readFileSync(join(root, file), "utf8"))?.[1] ?? "";
    return [...union.matchAll(/"([\w-]+)"/g)].map(([, code = ""]) => code);
  };
  const codes = [
    ...declared("shared/ports/source-directory.ts", "SourceErrorCode"),
    ...declared("agent/agent-error.ts", "AgentErrorCode"),
  ];
  const told = rowsOf("## What an agent's program ends with").flatMap(({ spans }) => spans);
  // Of the command line alone, whose messages say it all.
  const ofCommands = ["not-found", "conflict", "partly-done", "interrupted"];
  expect(codes.length).toBeGreaterThan(20);
  expect(codes.filter((code) => !told.includes(code) && !ofCommands.includes(code))).toEqual([]);
  expect(told.filter((code) => !codes.includes(code))).toEqual([]);
});
