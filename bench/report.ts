/** The bench's table, and which of the numbers that it reaches for were missed. */
import type { Measured } from "./measured.ts";

const REACH = { objectsPerSecond: 300, writesToFewest: 1.02, hostMegabytes: 700, agentMegabytes: 250 } as const;

/** A line for each number that was not reached; empty when all were. */
export function missed(results: readonly Measured[]): string[] {
  return results.flatMap((one) => {
    const where = `${one.users} users, ${one.run}`;
    const faults: string[] = [];
    if (one.objectsPerSecond < REACH.objectsPerSecond)
      faults.push(`${where}: ${fixed(one.objectsPerSecond)} objects/s, wanted ${REACH.objectsPerSecond}`);
    if (one.writesToFewest > REACH.writesToFewest)
      faults.push(`${where}: ${one.graphWrites} writes, and ${one.fewestWrites} would do`);
    if (one.users > 10_000) return faults;
    if (one.peakMegabytes.host > REACH.hostMegabytes)
      faults.push(`${where}: the host took ${fixed(one.peakMegabytes.host)} MB, wanted ${REACH.hostMegabytes}`);
    if (one.peakMegabytes.agent > REACH.agentMegabytes)
      faults.push(`${where}: the agent took ${fixed(one.peakMegabytes.agent)} MB, wanted ${REACH.agentMegabytes}`);
    return faults;
  });
}

type Column = readonly [head: string, cell: (one: Measured) => string];

const COLUMNS: readonly Column[] = [
  ["users", (one) => String(one.users)],
  ["groups", (one) => String(one.groups)],
  ["run", (one) => one.run],
  ["s", (one) => fixed(one.seconds, 1)],
  ["objects/s", (one) => fixed(one.objectsPerSecond)],
  ["writes", (one) => String(one.graphWrites)],
  ["× fewest", (one) => fixed(one.writesToFewest, 3)],
  ["rows/object", (one) => fixed(one.rowsPerObject, 2)],
  ["transactions/object", (one) => fixed(one.transactionsPerObject, 3)],
  ["episodes", (one) => String(one.durable.episodes)],
  ["activities", (one) => String(one.durable.activities)],
  ["host MB", (one) => fixed(one.peakMegabytes.host)],
  ["agent MB", (one) => fixed(one.peakMegabytes.agent)],
  [
    "CPU s host/agent/Azurite/directory",
    ({ cpuSeconds: cpu }) => [cpu.host, cpu.agent, cpu.azurite, cpu.directory].map((one) => fixed(one, 1)).join(" / "),
  ],
];

/** Plain text for a terminal: conditions, table, verdict. */
export function table(conditions: Readonly<Record<string, string>>, results: readonly Measured[]): string {
  const rows = [COLUMNS.map(([head]) => head), ...results.map((one) => COLUMNS.map(([, cell]) => cell(one)))];
  const widths = COLUMNS.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length)));
  const lines = rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const faults = missed(results);
  const verdict =
    faults.length === 0 ? ["All numbers were reached."] : ["Not reached:", ...faults.map((fault) => `  ${fault}`)];
  const legend = [
    "Seconds run from the agent's first request to the closed cycle. Rows and transactions are those written to storage.",
    "Fewest: one write a user and his manager, one for a group with 20 members and one for every 20 more; a manager who comes in a later batch is one more.",
    "Megabytes are the peak of each process alone.",
  ];
  return [
    ...Object.entries(conditions).map(([name, value]) => `${name}: ${value}`),
    "",
    ...lines,
    "",
    ...legend,
    ...verdict,
  ].join("\n");
}

function fixed(value: number, digits = 0): string {
  return value.toFixed(digits);
}
