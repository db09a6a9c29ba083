/** The tables of the bench of growth, and which of the numbers that it reaches for were missed. */
import type { AllGrowth, AzuriteMeasured, GrowthMeasured, KeptMeasured, Operations } from "./growth-measured.ts";
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
