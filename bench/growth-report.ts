/** The tables of the bench of growth, and which of the numbers that it reaches for were missed. */
import type {
  AllGrowth,
  AzuriteMeasured,
  GrowthMeasured,
  GrowthResult,
  KeptMeasured,
  Operations,
} from "./growth-measured.ts";
import { type Column, fixed, table } from "./table.ts";

const REACH = { growth: 1.05, cpu: 1.2, keptMegabytes: 64 } as const;

const OPERATIONS: readonly (readonly [keyof Operations, head: string])[] = [
  ["readCalls", "reads"],
  ["rowsRead", "rows read"],
  ["transactions", "transactions"],
  ["rowsWritten", "rows written"],
  ["rowBytes", "row bytes"],
  ["blobCalls", "blob calls"],
  ["blobBytes", "blob bytes"],
  ["graphCalls", "Graph calls"],
  ["graphBytes", "Graph bytes"],
];

/** A line for each number that was not reached; empty when all were. */
export function missedByGrowth({ runs, kept }: Pick<AllGrowth, "runs" | "kept">): string[] {
  const faults = byRun(runs).flatMap(([first, last]) => [
    ...OPERATIONS.filter(([name]) => growthOf(first, last, name) > REACH.growth).map(
      ([name, head]) =>
        `${last.run}: ${head} grew ${fixed(growthOf(first, last, name), 3)} times, wanted ${REACH.growth}`,
    ),
    ...(cpuGrowth(first, last) > REACH.cpu
      ? [`${last.run}: CPU grew ${fixed(cpuGrowth(first, last), 2)} times, wanted ${REACH.cpu}`]
      : []),
  ]);
  const most = Math.max(0, ...kept.map(({ megabytes }) => megabytes));
  return most <= REACH.keptMegabytes
    ? faults
    : [...faults, `the engine kept ${fixed(most)} MB, wanted ${REACH.keptMegabytes}`];
}

/** The smallest and the largest of each run; nothing where there is one size only. */
function byRun(runs: readonly GrowthMeasured[]): [GrowthMeasured, GrowthMeasured][] {
  return [...new Set(runs.map(({ run }) => run))].flatMap((name): [GrowthMeasured, GrowthMeasured][] => {
    const own = runs.filter(({ run }) => run === name).toSorted((left, right) => left.population - right.population);
    const [first, last] = [own.at(0), own.at(-1)];
    return first && last && first !== last ? [[first, last]] : [];
  });
}

const each = ({ operations, objects }: GrowthMeasured, name: keyof Operations) => operations[name] / objects;

/** 1 for what is nothing at both ends. */
function growthOf(first: GrowthMeasured, last: GrowthMeasured, name: keyof Operations): number {
  const [before, after] = [each(first, name), each(last, name)];
  return after === 0 ? 1 : after / before;
}

const cpuEach = ({ cpuSeconds, objects }: GrowthMeasured) => cpuSeconds / objects;
const cpuGrowth = (first: GrowthMeasured, last: GrowthMeasured) => cpuEach(last) / cpuEach(first);

interface Line {
  readonly run: string;
  readonly of: string;
  readonly cell: (name: keyof Operations) => number;
  readonly digits: number;
  readonly cpu: string;
}

function linesOf(runs: readonly GrowthMeasured[]): Line[] {
  const growth = byRun(runs);
  return runs.flatMap((one): Line[] => {
    const line = {
      run: one.run,
      of: String(one.population),
      cell: (name: keyof Operations) => each(one, name),
      digits: 3,
      cpu: fixed(1e6 * cpuEach(one)),
    };
    const ends = growth.find(([, last]) => last === one);
    if (!ends) return [line];
    const times = (name: keyof Operations) => growthOf(...ends, name);
    return [line, { run: one.run, of: "growth", cell: times, digits: 3, cpu: fixed(cpuGrowth(...ends), 2) }];
  });
}

const LINES: readonly Column<Line>[] = [
  ["run", (one) => one.run],
  ["objects", (one) => one.of],
  ...OPERATIONS.map(
    ([name, head]): Column<Line> => [head, ({ cell, digits }) => fixed(cell(name), cell(name) < 100 ? digits : 0)],
  ),
  ["CPU µs", (one) => one.cpu],
];
const KEPT: readonly Column<KeptMeasured>[] = [
  ["objects", (one) => String(one.population)],
  ["kept MB", (one) => fixed(one.megabytes, 1)],
];
const AZURITE: readonly Column<AzuriteMeasured>[] = [
  ["objects", (one) => String(one.population)],
  ["own CPU s", (one) => fixed(one.ownSeconds, 1)],
  ["Azurite CPU s", (one) => fixed(one.azuriteSeconds, 1)],
  [
    "Azurite's share",
    ({ ownSeconds, azuriteSeconds }) => `${fixed((100 * azuriteSeconds) / (ownSeconds + azuriteSeconds))} %`,
  ],
];

const LEGEND = [
  "An object of those that the run received, counted at the ports: the delta is as long in every directory.",
  "Reads are calls, rows read what they brought. CPU: of this process, memory stores and stand-in among it.",
];

/** Plain text for a terminal: conditions, tables, verdict. */
export function growthReport(conditions: Readonly<Record<string, string>>, measured: AllGrowth): string {
  const faults = missedByGrowth(measured);
  return [
    ...Object.entries(conditions).map(([name, value]) => `${name}: ${value}`),
    "",
    ...table(LINES, linesOf(measured.runs), LEGEND),
    ...table(KEPT, measured.kept, ["What the engine holds in memory at the end, beside stores and target."]),
    ...table(AZURITE, measured.azurite, ["A first load with its state in Azurite, a process of its own."]),
    ...(faults.length === 0 ? ["All numbers were reached."] : ["Not reached:", ...faults.map((fault) => `  ${fault}`)]),
  ].join("\n");
}

const shown = (count: number) => count.toLocaleString("en-US");
const figure = (value: number) => (value < 100 ? fixed(value, 2) : shown(Math.round(value)));

/** Markdown for the README: an object of the largest directory, and how much more that is than of the smallest one. */
export function growthSummary(result: GrowthResult): string {
  const { conditions, kept, azurite, missed } = result;
  const sizes = [...new Set(result.runs.map((run) => run.population))].sort((left, right) => left - right);
  const heads = ["run", ...OPERATIONS.map(([, head]) => head), "CPU µs"];
  const lines = byRun(result.runs).flatMap(([first, last]) => [
    [
      `${last.run}, ${shown(last.population)} objects`,
      ...OPERATIONS.map(([name]) => figure(each(last, name))),
      figure(1e6 * cpuEach(last)),
    ],
    [
      `times that of ${shown(first.population)}`,
      ...OPERATIONS.map(([name]) => fixed(growthOf(first, last, name), 3)),
      fixed(cpuGrowth(first, last), 2),
    ],
  ]);
  const beside = azurite.map(
    ({ population, ownSeconds, azuriteSeconds }) =>
      `${fixed((100 * azuriteSeconds) / (ownSeconds + azuriteSeconds))} % at ${shown(population)}`,
  );
  const memory = kept.map(({ population, megabytes }) => `${fixed(megabytes, 1)} MB at ${shown(population)}`);
  return [
    `\`${conditions["command"]}\` on ${conditions["date"]}, Node ${conditions["node"]}, ${conditions["cpus"]}, directories of ${sizes.map(shown).join(", ")} objects; each number for an object that the run received:`,
    "",
    `| ${heads.join(" | ")} |`,
    `|${heads.map(() => "---|").join("")}`,
    ...lines.map((cells) => `| ${cells.join(" | ")} |`),
    "",
    `What the engine keeps in memory at the end: ${memory.join(", ")}. With its state in Azurite, Azurite's share of a first load's CPU: ${beside.join(", ") || "not measured"}.`,
    missed.length === 0
      ? "Wanted, and reached: operations at most 1.05 times, CPU at most 1.2 times."
      : `Wanted: operations at most 1.05 times, CPU at most 1.2 times. Not reached: ${missed.join("; ")}.`,
  ].join("\n");
}
