/**
 * The tables of the README that come from code: settings of the cloud side, ports of the local runtime. `npm run docs`
 * writes them; a test says whether they are current.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { PORTS } from "../local/start/ports.ts";
import { SETTINGS, type Setting } from "../shared/settings.ts";

/** The text with every table between `<!-- NAME:begin -->` and `<!-- NAME:end -->` made anew. Throws when a mark is missing. */
export function withTables(readme: string): string {
  return replaceTable(replaceTable(readme, "settings", settingsTable()), "ports", portsTable());
}

function settingsTable(): string {
  const rows = SETTINGS.map((setting: Setting) => {
    const preset = setting.default === undefined ? (setting.optional ? "" : "required") : `\`${setting.default}\``;
    return `| \`${setting.name}\` | ${setting.meaning}${setting.secret ? " (secret)" : ""} | ${preset} |`;
  });
  return ["| setting | meaning | default |", "|---|---|---|", ...rows].join("\n");
}

function portsTable(): string {
  const rows = Object.values(PORTS).map((port) => `| ${port.usual} | ${port.what} | \`${port.setting}\` |`);
  return ["| port | what | setting |", "|---|---|---|", ...rows].join("\n");
}

function replaceTable(text: string, name: string, table: string): string {
  const begin = `<!-- ${name}:begin -->`;
  const end = `<!-- ${name}:end -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from)
    throw new Error(`README.md has no place for the table '${name}': add ${begin} and ${end}.`);
  return `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const file = new URL("../README.md", import.meta.url);
  writeFileSync(file, withTables(readFileSync(file, "utf8")));
}
