/** The page of commands is what the program says of itself, and completion knows every command of it. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { completionFor, placesOf, SHELLS } from "../../cli/completion.ts";
import { cliPage, commandTree, leavesOf } from "../../scripts/cli-page.ts";

const leaves = leavesOf(commandTree());

test("docs/cli.md is current, and has every command", () => {
  const file = fileURLToPath(new URL("../../docs/cli.md", import.meta.url));
  expect(readFileSync(file, "utf8"), "npm run docs writes it").toBe(cliPage());
  expect(leaves.length).toBeGreaterThan(60);
  for (const [path] of leaves) expect(cliPage()).toMatch(new RegExp(`^\\| \`${path}[ \`]`, "m"));
});

test.each(SHELLS)("completion for %s knows every command and every option", (shell) => {
  const script = completionFor(shell, placesOf(commandTree()));
  for (const [path, command] of leaves) {
    const [, offered] = new RegExp(`["']${path}["'](?:\\) offered=| = @\\()([^\\n]*--help[^\\n]*)`).exec(script) ?? [];
    expect(offered, path).toBeDefined();
    for (const { long } of command.options) expect(offered, path).toContain(long);
  }
});

test("every command that asks the service answers as JSON, and every list as CSV too", () => {
  const local =
    /^uplink (completion|expression|scope|agent (enrol|run|once|check|status)|config schema|schema (map|export))\b/;
  const options = (path: string) => leaves.find(([own]) => own === path)?.[1].options.map(({ long }) => long);
  for (const [path] of leaves) {
    if (!local.test(path)) expect(options(path), path).toContain("--json");
    if (/ (list|versions)$|^uplink (accounts|audit|logs|status)$/.test(path))
      expect(options(path), path).toContain("--csv");
  }
});
