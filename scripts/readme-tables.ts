/**
 * The tables that come from code: in the README the settings of the cloud side, the ports of the local runtime, and what
 * the benches of growth, quota, API and loading wrote to their files; in the runbook the codes of failures; and the JSON Schemas of configuration files. `npm run docs` writes them; tests say
 * whether they are current. And the table of needs, as the infrastructure reads it, and the page of events.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type ApiResult, apiSummary } from "../bench/api-measured.ts";
import { type ColdLoadResult, coldLoadSummary } from "../bench/cold-load-measured.ts";
import type { GrowthResult } from "../bench/growth-measured.ts";
import { growthSummary } from "../bench/growth-report.ts";
import type { QuotaResult } from "../bench/quota-measured.ts";
import { quotaSummary } from "../bench/quota-report.ts";
import { PORTS } from "../local/start/ports.ts";
import { fileSchemas } from "../shared/contracts/configuration-file.ts";
import { FAILURE_CODES, FAILURES } from "../shared/domain/failure-codes.ts";
import type { RoleScope } from "../shared/needs/roles.ts";
import { NEEDS, needsForInfrastructure } from "../shared/needs.ts";
import { cliPage } from "./cli-page.ts";
import { eventsPage } from "./events-page.ts";

const LINE_WIDTH = 120;

/** The text with every table between `<!-- NAME:begin -->` and `<!-- NAME:end -->` made anew. Throws when a mark is missing. */
export function withTables(readme: string): string {
  const tables = {
    quota: quotaFigures(),
    growth: growthTable(),
    api: apiFigures(),
    "cold-load": coldLoadFigures(),
    settings: settingsTable(),
    ports: portsTable(),
  };
  return Object.entries(tables).reduce((text, [name, table]) => replaceTable(text, name, table), readme);
}

function quotaFigures(): string {
  const file = new URL("../bench/results/quota.json", import.meta.url);
  return quotaSummary(JSON.parse(readFileSync(file, "utf8")) as QuotaResult);
}

function apiFigures(): string {
  const file = new URL("../bench/results/api.json", import.meta.url);
  if (!existsSync(file)) return "Its numbers aren't taken yet on a machine that does nothing else.";
  return apiSummary(JSON.parse(readFileSync(file, "utf8")) as ApiResult);
}

function coldLoadFigures(): string {
  const file = new URL("../bench/results/cold-load.json", import.meta.url);
  if (!existsSync(file)) return "Its numbers aren't taken yet on a machine that does nothing else.";
  return coldLoadSummary(JSON.parse(readFileSync(file, "utf8")) as ColdLoadResult);
}

function growthTable(): string {
  const file = new URL("../bench/results/growth.json", import.meta.url);
  return growthSummary(JSON.parse(readFileSync(file, "utf8")) as GrowthResult);
}

/** The same for the runbook. */
export function withCodes(runbook: string): string {
  return replaceTable(runbook, "codes", codesTable());
}

/** The JSON Schemas by which editors check configuration files: path and text. */
export function editorSchemas(): readonly (readonly [path: string, text: string])[] {
  return Object.entries(fileSchemas()).map(([name, schema]) => [
    `docs/schemas/${name}.json`,
    `${shortLists(JSON.stringify(schema, null, 2))}\n`,
  ]);
}

/** The same for the infrastructure's page. */
export function withNeeds(page: string): string {
  const { roles, graphPermissions, hostSettings, settings, queues, tables, monthlyTables, containers, alerts } = NEEDS;
  const list = (names: readonly { readonly name: string }[]) => names.map(({ name }) => `\`${name}\``).join(", ");
  const months = monthlyTables.map(({ name }) => `\`${name}yyyymm\``).join(", ");
  const rows = {
    roles: [
      "| role | on | why |",
      "|---|---|---|",
      ...roles.map(({ role, scope, why, backend }) => {
        const only = backend === undefined ? "" : ` (only with \`durableBackend=${backend}\`)`;
        return `| ${role} | ${PLACES[scope]} | ${why}${only} |`;
      }),
    ],
    permissions: [
      "| permission | why | calls |",
      "|---|---|---|",
      ...graphPermissions.map(
        ({ permission, why, calls }) =>
          `| \`${permission}\` | ${why} | ${calls.map((call) => `\`${call}\``).join(", ")} |`,
      ),
    ],
    alerts: [
      "| alert | fires when | severity | looks every |",
      "|---|---|---|---|",
      ...alerts.map(
        ({ name, meaning, severity, everyMinutes, windowMinutes, runbook }) =>
          `| [${name}](../docs/runbook.md#${runbook}) | ${meaning} | ${severity} | ${everyMinutes} min, at the last ${windowMinutes} |`,
      ),
    ],
    stores: [
      "| kind | where | names |",
      "|---|---|---|",
      `| queues | the doorbell's namespace | ${list(queues)} |`,
      `| tables | the data account | ${list(tables)}; made by the service: ${months} |`,
      `| containers | the data account | ${list(containers)} |`,
    ],
    values: [
      "| setting | value on Azure |",
      "|---|---|",
      ...[...settings, ...hostSettings].flatMap(({ name, meaning, azure }) => {
        if (azure.from === "default" || azure.from === "local-only") return [];
        const value = {
          infrastructure: "made here",
          parameter: `parameter \`${azure.value}\``,
          fixed: `\`${azure.value}\``,
        };
        return [`| \`${name}\` | ${value[azure.from]}: ${meaning} |`];
      }),
    ],
  };
  return Object.entries(rows).reduce((text, [name, lines]) => replaceTable(text, name, lines.join("\n")), page);
}

const PLACES: Readonly<Record<RoleScope, string>> = {
  hostStorage: "the host's storage account",
  taskHubStorage: "the task hub's storage account",
  dataStorage: "the data account",
  doorbellQueue: "the queue `doorbell`",
  keyVault: "the key vault",
  applicationInsights: "Application Insights",
  taskHub: "the task hub",
};

/** `infra/needs.json`, which the infrastructure loops over. */
export function infrastructureNeeds(): string {
  return shortLists(needsForInfrastructure());
}

/** As the formatter has it: a list of texts on one line, where it fits. */
function shortLists(json: string): string {
  return json.replace(
    /^(.*)\[\n((?:\s+"[^"\n]*",?\n)+)\s*\](,?)$/gm,
    (all, before: string, items: string, comma: string) => {
      const line = `${before}[${items
        .trim()
        .split(/\s*\n\s*/)
        .join(" ")}]${comma}`;
      return line.length <= LINE_WIDTH ? line : all;
    },
  );
}

function codesTable(): string {
  const rows = FAILURE_CODES.map((code) => {
    const { retry, backoff, counts, meaning, action } = FAILURES[code];
    const gaps = `${shown(backoff.firstMinutes)}, × ${backoff.factor}, to ${shown(backoff.mostMinutes)}`;
    const again = retry === "skip" ? "only told" : `${retry}: ${gaps}`;
    const counted = counts === "no" && retry !== "skip" ? " (not counted towards quarantine)" : "";
    return `| \`${code}\` | ${meaning}${counted} | ${again} | ${action} |`;
  });
  return ["| code | meaning | tried again | what to do |", "|---|---|---|---|", ...rows].join("\n");
}

function shown(minutes: number): string {
  if (minutes < 1) return `${minutes * 60} s`;
  return minutes < 120 ? `${minutes} min` : `${minutes / 60} h`;
}

function settingsTable(): string {
  const rows = NEEDS.settings.map((setting) => {
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
    throw new Error(`There is no place for the table '${name}': add ${begin} and ${end} to the page.`);
  return `${text.slice(0, from + begin.length)}\n${table}\n${text.slice(to)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [page, made] of [
    ["../README.md", withTables],
    ["../docs/runbook.md", withCodes],
    ["../infra/README.md", withNeeds],
  ] as const) {
    const file = new URL(page, import.meta.url);
    writeFileSync(file, made(readFileSync(file, "utf8")));
  }
  writeFileSync(new URL("../infra/needs.json", import.meta.url), infrastructureNeeds());
  writeFileSync(new URL("../docs/events.md", import.meta.url), eventsPage());
  writeFileSync(new URL("../docs/cli.md", import.meta.url), cliPage());
  for (const [name, text] of editorSchemas()) writeFileSync(new URL(`../${name}`, import.meta.url), text);
}
