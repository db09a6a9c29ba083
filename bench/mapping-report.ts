/** The tables of the bench of the mapping, and which of the numbers that it reaches for were missed. */
import { type HeapReading, type Lane, type MappingMeasured, median, type Part } from "./mapping-measured.ts";
import { type Column, fixed, table } from "./table.ts";

const REACH = { timesYardstick: 3, objectsPerSecond: 20_000, firstCompilation: 50, moreBytes: 4 * 1_048_576 } as const;

const yardstickOf = ({ rounds }: Lane) => median(rounds.map((round) => round.yardstick));
const mappingOf = ({ rounds }: Lane) => median(rounds.map((round) => round.mapping));
/** Of the same round each: what slowed the one slowed the other. */
const timesOf = ({ rounds }: Lane) => median(rounds.map((round) => round.mapping / round.yardstick));
const quickestOf = ({ rounds }: Lane) => Math.min(...rounds.map((round) => round.mapping));

/** A line for each number that was not reached; empty when all were. */
export function missedByMapping({ throughput, compilation, heap }: MappingMeasured): string[] {
  const faults = throughput.lanes
    .filter((lane) => timesOf(lane) > REACH.timesYardstick)
    .map((lane) => `${lane.name}: ${fixed(timesOf(lane), 2)} × the yardstick, wanted ${REACH.timesYardstick}`);
  const [users] = throughput.lanes;
  const perSecond = users ? 1e6 / mappingOf(users) : 0;
  if (perSecond < REACH.objectsPerSecond)
    faults.push(`${users?.name}: ${fixed(perSecond)} objects/s, wanted ${REACH.objectsPerSecond}`);
  if (compilation.first > REACH.firstCompilation)
    faults.push(`compiling took ${fixed(compilation.first)} ms, wanted ${REACH.firstCompilation}`);
  if (growthOf(heap) > REACH.moreBytes)
    faults.push(`the heap grew by ${megabytes(growthOf(heap))} MB, wanted ${megabytes(REACH.moreBytes)}`);
  return faults;
}

/** From the first reading to the last: what comes before that is warming up. */
function growthOf(heap: readonly HeapReading[]): number {
  return (heap.at(-1)?.bytes ?? 0) - (heap[0]?.bytes ?? 0);
}

const megabytes = (bytes: number) => fixed(bytes / 1_048_576, 1);

const LANES: readonly Column<Lane>[] = [
  ["object", (one) => one.name],
  ["attributes", (one) => fixed(one.attributes)],
  ["bytes", (one) => fixed(one.bytes)],
  ["mappings evaluated", (one) => `${one.evaluated} of ${one.mappings}`],
  ["objects/s", (one) => fixed(1e6 / mappingOf(one))],
  ["µs/object", (one) => fixed(mappingOf(one), 1)],
  ["yardstick µs", (one) => fixed(yardstickOf(one), 1)],
  ["× yardstick", (one) => fixed(timesOf(one), 2)],
  ["quickest µs", (one) => fixed(quickestOf(one), 1)],
];
const PARTS: readonly Column<Part>[] = [
  ["part", (one) => one.name],
  ["µs/object", (one) => fixed(one.microseconds, 1)],
];
const HEAP: readonly Column<HeapReading>[] = [
  ["objects mapped", (one) => String(one.objects)],
  ["heap MB", (one) => megabytes(one.bytes)],
];

const LEGEND = [
  "Medians over the rounds, of CPU time: on one core. Each object is mapped whole: scope, flow, difference, hash.",
  "Yardstick: JSON.parse and JSON.stringify of the same objects, in turns with the mapping.",
  "Not evaluated is what the target can't hold.",
];

/** Plain text for a terminal: conditions, tables, verdict. */
export function mappingReport(conditions: Readonly<Record<string, string>>, measured: MappingMeasured): string {
  const { throughput, compilation, heap } = measured;
  const faults = missedByMapping(measured);
  return [
    ...Object.entries(conditions).map(([name, value]) => `${name}: ${value}`),
    "",
    ...table(LANES, throughput.lanes, LEGEND),
    ...table(PARTS, throughput.parts, ["The parts of the first line, each measured alone."]),
    ...table(HEAP, heap, ["In use after a garbage collection; no two objects were the same."]),
    `The default schema compiles in ${fixed(compilation.first, 1)} ms of CPU in a fresh process, in ${fixed(compilation.later, 1)} ms later.`,
    "",
    ...(faults.length === 0 ? ["All numbers were reached."] : ["Not reached:", ...faults.map((fault) => `  ${fault}`)]),
  ].join("\n");
}
