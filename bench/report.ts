/** The bench's tables, and which of the numbers that it reaches for were missed. */
import type { Measured, MemberChangeMeasured } from "./measured.ts";
import { type Column, fixed, table } from "./table.ts";

export interface Results {
  readonly conditions: Readonly<Record<string, string>>;
  readonly results: readonly Measured[];
  readonly memberChanges: readonly MemberChangeMeasured[];
}

const REACH = {
  objectsPerSecond: 300,
  writesToFewest: 1.02,
  hostMegabytes: 700,
  agentMegabytes: 250,
  moreMegabytes: 64,
} as const;

/** A line for each number that was not reached; empty when all were. */
export function missed({ results, memberChanges }: Pick<Results, "results" | "memberChanges">): string[] {
  return [...results.flatMap(missedBy), ...memberChanges.flatMap(missedByMemberChange)];
}

function missedBy(one: Measured): string[] {
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
}

function missedByMemberChange(one: MemberChangeMeasured): string[] {
  const where = `A group of ${one.members}, ${one.run}`;
  const more = moreMegabytes(one);
  return [
    ...(one.graphWrites === 1 ? [] : [`${where}: ${one.graphWrites} writes, and 1 would do`]),
    ...(more <= REACH.moreMegabytes
      ? []
      : [`${where}: the host took ${fixed(more)} MB more, wanted ${REACH.moreMegabytes}`]),
  ];
}

function moreMegabytes({ hostMegabytes }: MemberChangeMeasured): number {
  return hostMegabytes.peak - hostMegabytes.before;
}

const COLUMNS: readonly Column<Measured>[] = [
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

const MEMBER_COLUMNS: readonly Column<MemberChangeMeasured>[] = [
  ["group of", (one) => String(one.members)],
  ["delta", (one) => one.run],
  ["ms", (one) => fixed(one.milliseconds)],
  ["writes", (one) => String(one.graphWrites)],
  ["rows", ({ storage }) => String(storage.rows)],
  ["transactions", ({ storage }) => String(storage.transactions)],
  ["point reads", ({ storage }) => String(storage.rowReads)],
  ["range reads", ({ storage }) => String(storage.rangeReads)],
  ["activities", (one) => String(one.durable.activities)],
  ["host MB more", (one) => fixed(moreMegabytes(one))],
  [
    "CPU s host/Azurite/directory",
    ({ cpuSeconds: cpu }) => [cpu.host, cpu.azurite, cpu.directory].map((one) => fixed(one, 2)).join(" / "),
  ],
];

const LEGEND = [
  "Seconds run from the agent's first request to the closed cycle. Rows and transactions are those written to storage.",
  "Fewest: one write a user and his manager, one for a group with 20 members and one for every 20 more; a manager who comes in a later batch is one more.",
  "Megabytes are the peak of each process alone.",
];

const MEMBER_LEGEND = [
  "Reads are requests to storage. Megabytes more: the host's peak during the delta over what was resident before it.",
];

/** Plain text for a terminal: conditions, tables, verdict. */
export function report({ conditions, results, memberChanges }: Results): string {
  const faults = missed({ results, memberChanges });
  const verdict =
    faults.length === 0 ? ["All numbers were reached."] : ["Not reached:", ...faults.map((fault) => `  ${fault}`)];
  return [
    ...Object.entries(conditions).map(([name, value]) => `${name}: ${value}`),
    "",
    ...table(COLUMNS, results, LEGEND),
    ...table(MEMBER_COLUMNS, memberChanges, MEMBER_LEGEND),
    ...verdict,
  ].join("\n");
}
