/** docs/SPEC.md names files that enforce and tests that hold: all of them are there. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const spec = readFileSync(join(root, "docs/SPEC.md"), "utf8");
const sections = spec.split(/^## /m).slice(1);
const invariants = sections.filter((section) => /^N\d /.test(section));
const named = [...spec.matchAll(/`(test\/[^`]+\.test\.ts)` › (.+)$/gm)].map(([, file = "", name = ""]) => ({
  file,
  name,
}));

describe("docs/SPEC.md", () => {
  it("has N1 to N9, each with enforcement and tests, and a table of gaps", () => {
    expect(invariants.map((section) => section.slice(0, 2))).toEqual(
      Array.from({ length: 9 }, (_, at) => `N${at + 1}`),
    );
    for (const section of invariants) {
      expect(section, section.slice(0, 20)).toMatch(/^Enforcement: `/m);
      expect(section.match(/^\* `test\/.+` › .+$/gm)?.length ?? 0, section.slice(0, 20)).toBeGreaterThan(1);
    }
    expect(sections.at(-1)).toMatch(/^Gaps[\s\S]+\| .+ \| .+ \|/);
    expect(named.length).toBeGreaterThan(50);
  });

  it("names files that are there", () => {
    const files = [...spec.matchAll(/`((?:shared|functions|orchestrations|agent|test)\/[^`*]+\.ts)`/g)].map(
      ([, file = ""]) => file,
    );
    expect(files.length).toBeGreaterThan(60);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it.each(named)("$file has '$name'", ({ file, name }) => {
    const source = readFileSync(join(root, file), "utf8");
    // Titles are literals; a few end in what is only known when they run.
    expect(source.includes(`"${name}`) || source.includes(`\`${name}`)).toBe(true);
  });
});
