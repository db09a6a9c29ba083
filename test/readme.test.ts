import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { editorSchemas, withTables } from "../scripts/readme-tables.ts";

const README = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");

it("shows the settings and ports that the code has (npm run docs)", () => {
  expect(README).toContain("UPLINK_PUBLIC_URL");
  expect(withTables(README)).toBe(README);
});

it("names only scripts that exist", () => {
  const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, "..", "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const named = [...README.matchAll(/npm (?:run )?([a-z:]+)/g)]
    .map((match) => match[1] ?? "")
    .filter((name) => !["install", "and", "on"].includes(name));
  expect(named.length).toBeGreaterThan(5);
  for (const name of named) expect(Object.keys(scripts), `npm run ${name}`).toContain(name);
});

it("shows figures and what a run prints", () => {
  for (const name of ["bench", "output"]) {
    const block = new RegExp(`<!-- ${name}:begin -->([\\s\\S]*?)<!-- ${name}:end -->`).exec(README)?.[1] ?? "";
    expect(block.trim().split("\n").length, name).toBeGreaterThan(5);
  }
});

it("publishes the JSON Schemas of configuration files that the code has (npm run docs)", () => {
  const published = editorSchemas();
  expect(published.map(([path]) => path)).toEqual(["docs/schemas/configuration.json", "docs/schemas/exclusions.json"]);
  for (const [path, text] of published)
    expect(readFileSync(join(import.meta.dirname, "..", path), "utf8"), path).toBe(text);
});
