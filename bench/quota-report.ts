/** The tables of the bench of the quota, and which of the numbers that it reaches for were missed. */
import type { DeltaMeasured, LoadMeasured, QuotaMeasured, QuotaResult, ShareMeasured } from "./quota-measured.ts";
import { type Column, fixed, table } from "./table.ts";

const REACH = {
  minutesToLeast: 1.05,
  writesToFewest: 1.02,
  used: 0.95,
  refused: 0.01,
  /** Of the half of somebody else, who is shared with, not fought. */
  otherGot: 0.95,
  smallerPart: 0.4,
  /** A delta that the window has room for: its activities and calls. */
  freeSeconds: 10,
  deltaToLeast: 1.3,
} as const;

/** A line for each number that was not reached; empty when all were. */
export function missedByQuota({ load, shares, deltas }: QuotaMeasured): string[] {
  return [...(load ? missedByLoad(load) : []), ...shares.flatMap(missedByShare), ...deltas.flatMap(missedByDelta)];
}

/** What goes at once takes a minute. */
const minutesRatio = (one: LoadMeasured) => one.minutes / Math.max(1, one.leastMinutes);
const writesRatio = (one: LoadMeasured) => one.writes / one.fewest.inOrder;
const refusedShare = (one: LoadMeasured) => one.refused / (one.writes + one.refused);

function missedByLoad(load: LoadMeasured): string[] {
  return [
    ...over("initial load: minutes to the least", minutesRatio(load), REACH.minutesToLeast),
    ...over("initial load: writes to the fewest", writesRatio(load), REACH.writesToFewest),
    ...over("initial load: part that was refused", refusedShare(load), REACH.refused),
  ];
}

function missedByShare(share: ShareMeasured): string[] {
  const where = `two jobs ${share.name}`;
  return [
    ...under(`${where}: part of the budget`, share.used, REACH.used),
    ...over(`${where}: part that was refused`, share.refused, REACH.refused),
    ...under(`${where}: the smaller part`, share.smallerPart, REACH.smallerPart),
    ...under(`${where}: what the other got of its half`, share.otherGot ?? 1, REACH.otherGot),
  ];
}

function missedByDelta({ name, seconds, leastSeconds, hasOvertaken }: DeltaMeasured): string[] {
  const most = Math.max(REACH.freeSeconds, leastSeconds * REACH.deltaToLeast);
  const late = hasOvertaken === false ? [`a delta ${name}: it did not overtake`] : [];
  return [...over(`a delta ${name}: seconds`, seconds, most), ...late];
}

function over(what: string, value: number, most: number): string[] {
  return value <= most ? [] : [`${what} ${fixed(value, 3)}, wanted at most ${fixed(most, 2)}`];
}

function under(what: string, value: number, least: number): string[] {
  return value >= least ? [] : [`${what} ${fixed(value, 3)}, wanted at least ${fixed(least, 2)}`];
}

const LOADS: readonly Column<LoadMeasured>[] = [
  ["people", (one) => String(one.people)],
  ["groups", (one) => String(one.groups)],
  ["memberships", (one) => String(one.memberships)],
  ["minutes", (one) => fixed(one.minutes, 1)],
  ["least", (one) => fixed(one.leastMinutes, 1)],
  ["× least", (one) => fixed(minutesRatio(one), 3)],
  ["writes", (one) => String(one.writes)],
  ["fewest", (one) => String(one.fewest.inOrder)],
  ["× fewest", (one) => fixed(writesRatio(one), 3)],
  ["in any order", (one) => String(one.fewest.inAnyOrder)],
  ["refused", (one) => `${fixed(100 * refusedShare(one), 2)} %`],
  ["peak MB", (one) => fixed(one.peakMegabytes)],
  ["CPU s", (one) => fixed(one.cpuSeconds)],
];
const SHARES: readonly Column<ShareMeasured>[] = [
  ["two jobs", (one) => one.name],
  ["minutes", (one) => fixed(one.minutes, 1)],
  ["of the budget", (one) => percent(one.used)],
  ["refused", (one) => percent(one.refused, 2)],
  ["smaller job's part", (one) => percent(one.smallerPart)],
  ["the other got", (one) => (one.otherGot === undefined ? "" : percent(one.otherGot))],
];
const DELTAS: readonly Column<DeltaMeasured>[] = [
  ["a delta of", (one) => String(one.changes)],
  ["when", (one) => one.name],
  ["s", (one) => fixed(one.seconds, 1)],
  ["least s", (one) => fixed(one.leastSeconds, 1)],
];

const percent = (part: number, digits = 1) => `${fixed(100 * part, digits)} %`;

const LOAD_LEGEND = [
  "Least: 3,000 of the fewest writes at once, then 20 a second. Minutes run from the accepted read to the closed cycle.",
  "Fewest: a create each, with the manager and 20 members in it, and a write for 20 more members; a manager, or members, in a later batch than who names them are one more.",
  "In any order: without those, if everybody could wait for whom he names.",
];
const SHARE_LEGEND = [
  "Of the budget that the other leaves. Measured from minute 10, when the rate has grown, to the end of the first load.",
];
const DELTA_LEGEND = ["To the last write. Least: 20 a second, where the window is full."];

/** Plain text for a terminal: conditions, tables, verdict. */
export function quotaReport(conditions: Readonly<Record<string, string>>, measured: QuotaMeasured): string {
  const faults = missedByQuota(measured);
  return [
    ...Object.entries(conditions).map(([name, value]) => `${name}: ${value}`),
    "",
    ...(measured.load ? table(LOADS, [measured.load], LOAD_LEGEND) : []),
    ...(measured.shares.length > 0 ? table(SHARES, measured.shares, SHARE_LEGEND) : []),
    ...(measured.deltas.length > 0 ? table(DELTAS, measured.deltas, DELTA_LEGEND) : []),
    ...(faults.length === 0 ? ["All numbers were reached."] : ["Not reached:", ...faults.map((fault) => `  ${fault}`)]),
  ].join("\n");
}

/** What the bench wrote to its file, as the README tells it. */
export function quotaSummary({ command, date, node, figures }: QuotaResult): string {
  const { load, shares, deltas } = figures;
  const told = load ? [toldOf(load)] : [];
  const jobs = shares.map(
    (own) => `Two jobs ${own.name}: ${percent(own.used)} of the budget, ${percent(own.refused, 2)} refused.`,
  );
  const late = deltas.map((own) => `A delta of ${own.changes} ${own.name}: ${fixed(own.seconds, 1)} s.`);
  return [`\`${command}\` on ${date}, Node ${node}, in virtual time.`, ...told, ...jobs, ...late].join("\n");
}

function toldOf(load: LoadMeasured): string {
  return [
    `${load.people} people, ${load.groups} groups and ${load.memberships} memberships: ${fixed(load.minutes, 1)} minutes, ${fixed(load.minutes - load.leastMinutes, 1)} more`,
    `than the least (× ${fixed(minutesRatio(load), 3)}); ${load.writes} writes, × ${fixed(writesRatio(load), 3)} of the fewest; ${percent(refusedShare(load), 2)} refused.`,
  ].join("\n");
}
