import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { behaviours, rules } from "../../../local/directory/rules.ts";

const here = import.meta.dirname;
const tests = readdirSync(here).filter((name) => name.endsWith(".test.ts") && name !== "rules.test.ts");
const sources = tests.map((name) => readFileSync(join(here, name), "utf8")).join("\n");

it("has a test whose title begins with it, for every rule and behaviour", () => {
  expect(tests.length).toBeGreaterThan(5);
  const titled = new Set([...sources.matchAll(/\b(?:rule|behaviour)\("([a-z0-9-]+)"\)/g)].map(([, id]) => id));
  const untested = [...Object.keys(rules), ...Object.keys(behaviours)].filter((id) => !titled.has(id));
  expect(untested).toEqual([]);
});

it("is cited somewhere in the code, every rule that can refuse", () => {
  const folder = join(here, "../../../local/directory");
  const names = readdirSync(folder).filter((name) => name.endsWith(".ts") && name !== "rules.ts");
  const code = names.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
  expect(names.length).toBeGreaterThan(10);
  expect(Object.keys(rules).filter((id) => !code.includes(`"${id}"`))).toEqual(["object-not-found"]);
});

it("says each rule in a sentence", () => {
  for (const { sentence } of Object.values(rules)) expect(sentence).toMatch(/^[A-Za-z0-9$].*\.$/);
  for (const sentence of Object.values(behaviours)) expect(sentence).toMatch(/^[A-Z].*\.$/);
});
