/**
 * What the documentation tells people to type, set, open and follow is there: commands of `uplink` with their options, scripts of npm,
 * settings, files, links with their anchors, ADRs.
 *
 * It doesn't read sentences: that a command does what a page says is the business of that command's tests.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../cli/commands.ts";
import { NEEDS } from "../shared/needs.ts";
import { anchorsOf, fencesOf, linksOf, type Page, spansOf } from "./support/markdown.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string): Page => ({ path, text: readFileSync(join(root, path), "utf8") });
/** Made by a build or a run. */
const GENERATED = /^(dist|\.uplink|node_modules)(\/|$)/;
const TOP = readdirSync(root, { withFileTypes: true }).filter(
  ({ name }) => !GENERATED.test(name) && name !== ".git" && name !== "coverage",
);
const FILES = TOP.flatMap((entry) => {
  if (entry.isFile()) return [entry.name];
  const below = readdirSync(join(root, entry.name), { recursive: true, withFileTypes: true });
  return below.filter((one) => one.isFile()).map((one) => relative(root, join(one.parentPath, one.name)));
});
const PAGES = FILES.filter((path) => path.endsWith(".md") && !path.startsWith("test/fixtures/")).map(read);

const program = new Command("uplink");
const nowhere = { write: () => true };
const terminal = {
  ...{ environment: {}, stop: new AbortController().signal, out: nowhere, err: nowhere },
  fetch: () => Promise.reject(new Error("Nothing is asked here.")),
};
for (const register of COMMANDS) register(program, { terminal, setExit: () => undefined });

/** What is wrong with a line that begins with `uplink`; nothing where it could be typed as it is. */
function faultsOfCommand(line: string): string[] {
  let at = program;
  const plain = line.replace(/'[^']*'|"[^"]*"/g, "QUOTED");
  const words = wordsOf(plain.replace(/[|;&>)].*$/, (rest) => (/^\|\w/.test(rest) ? rest : ""))).slice(1);
  let position = 0;
  for (; position < words.length && at.commands.length > 0; position += 1) {
    const word = words[position] ?? "";
    if (/^(-|…)/.test(word)) break;
    const alternatives = word.split("|").map((name) => at.commands.find((own) => own.name() === name));
    const [first] = alternatives;
    // 'agent token CONFIGURATION', beside 'agent token list'.
    if (first === undefined && at.registeredArguments.length > 0) break;
    if (first === undefined || alternatives.includes(undefined)) return [`'${word}' is no command of '${at.name()}'`];
    at = first;
  }
  return faultsOfWords(at, words.slice(position));
}

/** Options that the command doesn't have, choices that an option doesn't take, words that it has no place for. */
function faultsOfWords(command: Command, words: readonly string[]): string[] {
  const faults: string[] = [];
  let places = 0;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    const name = /^--?[a-z][a-z-]*/.exec(word)?.[0];
    if (name === undefined) places += /^(…|\\|-)$/.test(word) ? 0 : 1;
    else if (!["--help", "--version"].includes(name)) {
      const option = command.options.find(({ long, short }) => long === name || short === name);
      if (!option) faults.push(`'${command.name()}' has no ${name}`);
      if (!option?.required) continue;
      at += 1;
      const given = (words[at] ?? "").split("|");
      const choices = option.argChoices ?? given;
      if (given.every((own) => /^[a-z]+$/i.test(own) && own !== own.toUpperCase()))
        faults.push(...given.filter((own) => !choices.includes(own)).map((own) => `${name} doesn't take '${own}'`));
      if (option.variadic) while (at + 1 < words.length && !words[at + 1]?.startsWith("-")) at += 1;
    }
  }
  const most = command.registeredArguments.some(({ variadic }) => variadic)
    ? places
    : command.registeredArguments.length;
  if (places > most) faults.push(`'${command.name()}' takes ${most} words, not ${places}`);
  return faults;
}

/** Brackets of usage lines are no part of a word. */
function wordsOf(line: string): string[] {
  return line.split(/\s+/).map((word) => word.replace(/^[[(]|[\])]$/g, ""));
}

const UPLINK = /^(?:npm run uplink -- |(?:node )?(?:dist\/)?uplink\.cjs |uplink )/;
const codeOf = (page: Page) => [...spansOf(page), ...fencesOf(page).flatMap(({ lines }) => lines)];
const commandsOf = (page: Page) =>
  codeOf(page)
    .flatMap((code) => (/<\((uplink [^)]*)\)/.exec(code)?.[1] ?? code).split(/ (?:&&|then) /))
    .map((code) => code.replace(/^(?:node )?(?=dist\/uplink|uplink\.cjs)/, ""))
    .filter((code) => UPLINK.test(code))
    .map((code) => code.replace(UPLINK, "uplink "));

/** Lines by which a file of this project is run, with the options that they give it. */
const programsOf = (page: Page) =>
  codeOf(page).flatMap((code) =>
    [...code.matchAll(/(?:\bnode|\btsx) ((?!dist\/|uplink)[\w./-]+\.(?:mjs|ts|cjs))((?: +(?!&&)\S+)*)/g)].map(
      ([, file = "", rest = ""]) => ({
        file,
        options: rest.match(/(?<=\s)--[a-z][\w-]*/g) ?? [],
      }),
    ),
  );
function faultsOfProgram({ file, options }: { readonly file: string; readonly options: readonly string[] }): string[] {
  if (!existsSync(join(root, file))) return [`${file}: no such file`];
  const { text } = read(file);
  const knows = (name: string) =>
    text.includes(name) || new RegExp(`\\b(options|values)\\.${name}\\b|["']?${name}["']?: \\{`).test(text);
  return options
    .filter((option) => !knows(option) && !knows(option.slice(2)))
    .map((option) => `${file} has no ${option}`);
}

const NPM_ITSELF = ["ci", "install", "sbom", "exec", "audit"];
const scripts = Object.keys((JSON.parse(read("package.json").text) as { scripts: object }).scripts);
const npmOf = (page: Page) =>
  codeOf(page).flatMap((code) => [...code.matchAll(/\bnpm (?:run )?([a-z][\w:-]*)/g)].map(([, name = ""]) => name));

/** All that programs read; settings of the tests' own have names that say so. */
const namesIn = (folders: RegExp) =>
  new Set(
    FILES.filter((path) => folders.test(path) && /\.(ts|mjs|cjs|json|bicep|ya?ml)$/.test(path)).flatMap(
      (path) => read(path).text.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? [],
    ),
  );
const SOURCES = namesIn(
  /^(agent|cli|functions|orchestrations|shared|local|scripts|infra|bench|test\/simulation|\.github)\//,
);
const IN_TESTS = namesIn(/^test\/(?!fixtures|docs\.test)/);
const SETTINGS = new Set([...NEEDS.settings, ...NEEDS.hostSettings].map(({ name }) => name));
const isSetting = (name: string) =>
  SETTINGS.has(name) || SOURCES.has(name) || (!/^UPLINK_(?!TEST_)/.test(name) && IN_TESTS.has(name));
const settingsOf = (page: Page) =>
  codeOf(page).flatMap((code) =>
    [...code.matchAll(/(?<![\w$])[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+(?![\w*…])/g)].map(([name]) => name),
  );

const filesOf = (page: Page) =>
  spansOf(page).filter((span) => {
    if (!/^[\w.@*-]+(\/[\w.@*-]*)*$/.test(span) || GENERATED.test(span)) return false;
    if (/(^|\/)[A-Z]+(\/|$)/.test(span)) return false;
    const [first = "", second] = span.split("/");
    return TOP.some((entry) => entry.name === first && (second !== undefined || entry.isFile()));
  });
function isThere(file: string): boolean {
  if (!file.includes("*")) return existsSync(join(root, file));
  const pattern = new RegExp(
    `^${file.replaceAll(".", "\\.").replace(/\*+/g, (stars) => (stars === "*" ? "[^/]*" : ".*"))}`,
  );
  return FILES.some((path) => pattern.test(path));
}

function faultsOfLink(page: Page, link: string): string[] {
  if (/^(https?|mailto):/.test(link)) return [];
  const [file = "", anchor] = link.split("#");
  const path = file === "" ? page.path : normalize(join(dirname(page.path), file)).replace(/\/$/, "");
  if (!existsSync(join(root, path))) return [`${link}: no such file`];
  if (anchor === undefined || anchorsOf(read(path)).includes(anchor)) return [];
  return [`${link}: no such heading`];
}

const faultsOfDecision = (number: string) =>
  isThere(`docs/adr/${number}-*.md`) ? [] : [`ADR ${number}: no such decision`];

describe("the check itself", () => {
  const page = (text: string): Page => ({ path: "README.md", text });

  it("knows commands, options and their abbreviations from the tree of commands", () => {
    const of = (text: string) => commandsOf(page(text)).flatMap(faultsOfCommand);
    expect(
      of("`uplink staged approve JOB CLASS --digest D`, `uplink link join|move`, `source <(uplink completion bash)`"),
    ).toEqual([]);
    expect(of("`npm run uplink -- status`\n```\nnode dist/uplink.cjs agent run\n```\n")).toEqual([]);
    expect(of("`uplink\nstagd list`")).toEqual(["'stagd' is no command of 'uplink'"]);
    expect(of("`npm run uplink -- staged lost`")).toEqual(["'lost' is no command of 'staged'"]);
    expect(of("```\nnode dist/uplink.cjs agent run \\\n  --never\n```\n")).toEqual(["'run' has no --never"]);
    expect(of("`uplink link join|sever`")).toEqual(["'join|sever' is no command of 'link'"]);
    expect(of("`uplink reconcile run JOB --policy mend`")).toEqual(["--policy doesn't take 'mend'"]);
    expect(of("`uplink reconcile run JOB --policy repair --wait`, `uplink quarantine clear JOB`")).toEqual([]);
    expect(of("`uplink quarantine clear JOB NOW`")).toEqual(["'clear' takes 1 words, not 2"]);
  });

  it("knows settings, scripts, files and links that aren't there", () => {
    expect(settingsOf(page("`UPLINK_PUBLIC_URL` `UPLINK_NO_SUCH=1`")).filter((name) => !isSetting(name))).toEqual([
      "UPLINK_NO_SUCH",
    ]);
    expect(npmOf(page("`npm run nothing`, `npm test`")).filter((name) => !scripts.includes(name))).toEqual(["nothing"]);
    expect(
      filesOf(page("`shared/none.ts` `shared/needs.ts` `docs/adr/*.md` `synchronization/jobs`")).filter(
        (file) => !isThere(file),
      ),
    ).toEqual(["shared/none.ts"]);
    const programs = programsOf(page("`node scripts/none.mjs` `npx tsx bench/quota.ts --only load --never`"));
    expect(programs.flatMap(faultsOfProgram)).toEqual([
      "scripts/none.mjs: no such file",
      "bench/quota.ts has no --never",
    ]);
    expect(faultsOfDecision("0099")).toEqual(["ADR 0099: no such decision"]);
    expect(faultsOfDecision("0042")).toEqual([]);
    const links = ["docs/SPEC.md", "docs/NONE.md", "docs/runbook.md#removals-are-held-back", "docs/runbook.md#no-such"];
    expect(links.flatMap((link) => faultsOfLink(page(""), link))).toEqual([
      "docs/NONE.md: no such file",
      "docs/runbook.md#no-such: no such heading",
    ]);
  });
});

it("reads every page, and finds much to look at", () => {
  const paths = PAGES.map(({ path }) => path);
  expect(paths).toEqual(
    expect.arrayContaining([
      ...["README.md", "AGENTS.md", "CHANGELOG.md", "SECURITY.md", "local/README.md", "infra/README.md"],
      ...[".github/README.md", "test/simulation/README.md", "docs/adr/README.md"],
      ...readdirSync(join(root, "docs")).flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : [])),
    ]),
  );
  for (const [few, of] of [
    [80, commandsOf],
    [30, npmOf],
    [60, settingsOf],
    [100, filesOf],
    [40, linksOf],
    [10, programsOf],
  ] as const)
    expect(PAGES.flatMap((page): readonly unknown[] => of(page)).length, of.name).toBeGreaterThan(few);
});

describe.each(PAGES)("$path", (page) => {
  it("names commands that there are", () => {
    expect(commandsOf(page).flatMap((line) => faultsOfCommand(line).map((fault) => `${line}: ${fault}`))).toEqual([]);
  });

  it("runs programs that there are, with options that they know", () => {
    expect(programsOf(page).flatMap(faultsOfProgram)).toEqual([]);
  });

  it("names scripts that there are", () => {
    expect(npmOf(page).filter((name) => !scripts.includes(name) && !NPM_ITSELF.includes(name))).toEqual([]);
  });

  it("names settings that there are", () => {
    expect(settingsOf(page).filter((name) => !isSetting(name))).toEqual([]);
  });

  it("names files that there are", () => {
    expect(filesOf(page).filter((file) => !isThere(file) && !isThere(join(dirname(page.path), file)))).toEqual([]);
  });

  it("links to files, headings and decisions that there are", () => {
    expect(linksOf(page).flatMap((link) => faultsOfLink(page, link))).toEqual([]);
    const decisions = [...page.text.matchAll(/\bADR (\d{4})\b/g)].map(([, number = ""]) => number);
    expect(decisions.flatMap(faultsOfDecision)).toEqual([]);
  });
});

describe("docs/threat-model.md", () => {
  const model = read("docs/threat-model.md").text;
  const borders = model.split(/^## /m).filter((section) => section.startsWith("Border "));
  const rows = borders.flatMap((border) => [...border.matchAll(/^\| ([STRIDE, ]+) \| (.+) \|$/gm)].map(([row]) => row));

  it("walks every border by every letter of STRIDE", () => {
    expect(borders.map((border) => border.split("\n")[0])).toEqual([
      "Border 1: agent → service",
      "Border 2: admin → service",
      "Border 3: service → target",
      "Border 4: service → storage, bus, vault, telemetry",
      "Border 5: Durable's own web-hook API",
      "Border 6: developer → release",
      "Border 7: the local runtime",
      "Border 8: directory → agent",
    ]);
    for (const border of borders) {
      const letters = [...border.matchAll(/^\| ([STRIDE, ]+) \|/gm)].flatMap(([, own = ""]) => own.split(", "));
      expect([...new Set(letters)].sort().join(""), border.slice(0, 30)).toBe("DEIRST");
    }
  });

  it.each(rows)("has a test that is there, or says that the risk is accepted: %s", (row) => {
    const [, file = "", title = ""] = /`(test\/[^`]+\.test\.ts)` › (.+) \|$/.exec(row) ?? [];
    if (file === "") return expect(row).toMatch(/accepted/);
    const source = read(file).text;
    expect(source.includes(`"${title}`) || source.includes(`\`${title}`), `${file}: ${title}`).toBe(true);
  });

  it("is right that the app has no function that hands out Durable's management addresses", () => {
    const handed = /createCheckStatusResponse|createHttpManagementPayload|waitForCompletionOrCreate/;
    const product = FILES.filter((path) => /^(functions|orchestrations|shared)\/.+\.ts$/.test(path));
    expect(product.length).toBeGreaterThan(100);
    expect(product.filter((path) => handed.test(read(path).text))).toEqual([]);
  });
});

describe("docs/release-checklist.md", () => {
  const rows = [...read("docs/release-checklist.md").text.matchAll(/^\| (\d+) \| (.+) \| (.+) \| (.+) \|$/gm)];

  it("numbers what has to be shown elsewhere, with how, and claims nothing", () => {
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.map(([, number]) => Number(number))).toEqual(rows.map((_row, at) => at + 1));
    // Whoever runs one writes date, place and result there.
    for (const [line, , , , state] of rows) expect(state, line).toMatch(/^not run$|^20\d\d-\d\d-\d\d, /);
  });

  it("is linked from every page that says of something that it was not run", () => {
    const saying = PAGES.filter(({ path, text }) => path !== "docs/release-checklist.md" && /\bnot run\b/i.test(text));
    expect(saying.length).toBeGreaterThan(5);
    const linked = (page: Page) => linksOf(page).some((link) => link.includes("release-checklist.md"));
    expect(saying.filter((page) => !linked(page)).map(({ path }) => path)).toEqual([]);
  });
});
