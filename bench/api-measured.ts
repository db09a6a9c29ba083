/** What the bench of the API measures (`api.ts`), and what is said of it. */
import { fixed, table } from "./table.ts";

export interface AcceptMeasured {
  readonly batches: number;
  readonly changes: number;
  /** Of a body, compressed. */
  readonly kilobytes: number;
  readonly jobs: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Of this process, for a batch; the calls of storage among it, Azurite's own work not. */
  readonly cpuMs: number;
}

export interface PagesMeasured {
  readonly question: string;
  readonly entries: number;
  readonly pages: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly cpuMs: number;
}

export interface ApiResult {
  /** Command, date, machine and its load. */
  readonly conditions: Readonly<Record<string, string>>;
  readonly accept: AcceptMeasured;
  readonly pages: readonly PagesMeasured[];
  readonly missed: readonly string[];
}

const WANTED = { perSecond: 100, p95Ms: 100, cpuMs: 6 };

export function missedByApi({ perSecond, p95Ms, cpuMs }: AcceptMeasured): string[] {
  return [
    ...(perSecond < WANTED.perSecond ? [`${perSecond.toFixed(0)} batches/s, wanted ${WANTED.perSecond}`] : []),
    ...(p95Ms >= WANTED.p95Ms ? [`p95 ${p95Ms.toFixed(0)} ms, wanted below ${WANTED.p95Ms}`] : []),
    ...(cpuMs > WANTED.cpuMs ? [`${cpuMs.toFixed(1)} ms CPU a batch, wanted ${WANTED.cpuMs}`] : []),
  ];
}

/** For a terminal. */
export function apiReport({ conditions, accept, pages, missed }: ApiResult): string {
  const lines = table(
    [
      ["log page of 50", (own) => own.question],
      ["entries", (own) => String(own.entries)],
      ["p50 ms", (own) => fixed(own.p50Ms, 1)],
      ["p95 ms", (own) => fixed(own.p95Ms, 1)],
      ["CPU ms", (own) => fixed(own.cpuMs, 1)],
    ],
    pages,
    [missed.length === 0 ? "Nothing was missed." : `Missed: ${missed.join("; ")}.`],
  );
  const told = Object.entries(conditions).map(([name, value]) => `${name}: ${value}`);
  return [...told, "", acceptText(accept), "", ...lines].join("\n");
}

/** For the README. */
export function apiSummary({ conditions, accept, pages, missed }: ApiResult): string {
  const { command, date, node, cpus, storage, load } = conditions;
  const [first] = pages;
  const wanted = `at least ${WANTED.perSecond} a second, p95 below ${WANTED.p95Ms} ms, own CPU at most ${WANTED.cpuMs} ms`;
  return [
    `\`${command}\` on ${date}, Node ${node}, ${cpus}, ${storage}; load average ${load}.`,
    acceptText(accept),
    `Wanted: ${wanted}. ${missed.length === 0 ? "Nothing was missed." : `Missed: ${missed.join("; ")}.`}`,
    "",
    `| page of 50 of a log of ${(first?.entries ?? 0).toLocaleString("en")} entries | p50 ms | p95 ms | own CPU ms |`,
    "|---|---|---|---|",
    ...pages.map(
      (own) => `| ${own.question} | ${fixed(own.p50Ms, 1)} | ${fixed(own.p95Ms, 1)} | ${fixed(own.cpuMs, 1)} |`,
    ),
  ].join("\n");
}

function acceptText({ batches, changes, kilobytes, jobs, perSecond, p50Ms, p95Ms, cpuMs }: AcceptMeasured): string {
  return `${batches} batches of ${changes} changes (${kilobytes.toFixed(0)} kB) from ${jobs} agents at a time were accepted at ${perSecond.toFixed(0)} a second, p50 ${ms(p50Ms)}, p95 ${ms(p95Ms)}, own CPU ${ms(cpuMs)} each.`;
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}
