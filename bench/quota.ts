/**
 * How well the engine lives under the target's quota: `npx tsx bench/quota.ts [--objects N] [--only load|jobs] [--json FILE]`.
 *
 * In virtual time: an initial load of N people (150,000) with managers, and 2 groups for every 15 of them, against the
 * time and the writes that it takes at least; two jobs of one tenant that load a tenth of it each at the same time,
 * alone and beside somebody who takes half of the budget; and a delta of 1,500, when the window is free and while the initial load of its own job
 * runs. Use cases, orchestrators and the Graph adapter are the real ones; stores are memory and Graph is the directory
 * stand-in with its quota of 3,000 writes in 150 seconds. Least and fewest are computed from the population alone.
 */
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { conditionsHere } from "./conditions.ts";
import { batchesIn, batchesOf, fewestWritesOf, membershipsOf, type Population, personOf } from "./population.ts";
import { writeQuotaFile } from "./quota-file.ts";
import type { DeltaMeasured, LoadMeasured, QuotaMeasured, ShareMeasured } from "./quota-measured.ts";
import { missedByQuota, quotaReport } from "./quota-report.ts";
import { ACTIVITY_MS, CALL_MS, createVirtualCloud, START, type VirtualCloud, WINDOW } from "./virtual-cloud.ts";

const MINUTE = 60_000;
const OBJECTS = 150_000;
const DELTA = 1_500;
/** The rate is whole by then, and the window has been full. */
const STEADY_FROM = 10 * MINUTE;

type Log = (line: string) => void;
type Agent = Awaited<ReturnType<VirtualCloud["cloud"]["addDomain"]>>;

export async function benchQuota({
  objects,
  only,
  log,
}: {
  readonly objects: number;
  /** The initial load alone, or the two jobs with their deltas; absent: all. */
  readonly only?: "load" | "jobs";
  readonly log: Log;
}): Promise<QuotaMeasured> {
  const people = (part: number) => Math.max(30, Math.floor(objects / part));
  const groupsFor = (count: number) => Math.ceil((count * 2) / 15);
  const population = (domain: string, count: number): Population => ({
    domain,
    people: count,
    groups: groupsFor(count),
  });
  if (only !== "jobs") log(`An initial load of ${people(1)} people and ${groupsFor(people(1))} groups …`);
  const load = only === "jobs" ? {} : { load: await measureLoad(population("bench.example", people(1))) };
  if (only === "load") return { ...load, shares: [], deltas: [] };
  const two = [population("one.example", people(10)), population("two.example", people(10))];
  log("Two jobs of one tenant, and a delta …");
  const { share, deltas } = await measureShare(two);
  log("The same beside somebody who takes half …");
  const { share: beside } = await measureShare(two, { isBesideSomebody: true });
  return { ...load, shares: [share, beside], deltas };
}

async function measureLoad(population: Population): Promise<LoadMeasured> {
  const cpu = process.cpuUsage();
  const bench = await createVirtualCloud({ domains: [population.domain] });
  const agent = await bench.cloud.addDomain(population.domain);
  await send(bench, agent, population);
  await bench.cloud.run();
  const fewest = fewestWritesOf(population);
  const { written, refused } = bench.graph.counts();
  await check(bench, [agent], [population]);
  const { user, system } = process.cpuUsage(cpu);
  return {
    people: population.people,
    groups: population.groups,
    memberships: membershipsOf(population),
    minutes: (bench.time.clock.now() - START) / MINUTE,
    leastMinutes: leastMs(fewest.inOrder) / MINUTE,
    writes: written,
    fewest,
    refused,
    peakMegabytes: process.resourceUsage().maxRSS / 1024,
    cpuSeconds: (user + system) / 1e6,
  };
}

/** A full window is free at first; then each window frees as many again. */
function leastMs(writes: number): number {
  return Math.max(0, (writes / WINDOW.writes - 1) * WINDOW.ms);
}

/** Both jobs load at once, until both are done; in the first one a delta overtakes its load. */
async function measureShare(
  populations: readonly Population[],
  { isBesideSomebody = false } = {},
): Promise<{ readonly share: ShareMeasured; readonly deltas: readonly DeltaMeasured[] }> {
  const ended = populations.map(() => 0);
  const writes: { readonly at: number; readonly written: number; readonly refused: number; readonly other: number }[] =
    [];
  const other = { got: 0, isThere: isBesideSomebody };
  const bench = await createVirtualCloud({
    domains: populations.map(({ domain }) => domain),
    onExchange: () => note(),
  });
  const { time, graph, cloud } = bench;
  const note = () => {
    if (time.clock.now() - (writes.at(-1)?.at ?? 0) < 1_000) return;
    writes.push({ at: time.clock.now(), ...graph.counts(), other: other.got });
  };
  const agents: Agent[] = [];
  for (const { domain } of populations) agents.push(await cloud.addDomain(domain));
  for (const [index, agent] of agents.entries()) await send(bench, agent, pick(populations, index));
  const somebody = writeAsSomebody(bench, other);
  const deltas: DeltaMeasured[] = [];
  const [first, own] = [pick(agents, 0), pick(populations, 0)];
  const overtake = isBesideSomebody ? Promise.resolve() : overtaking();
  const watch = watchEnds();
  await Promise.all([cloud.run(), overtake]);
  await watch;
  other.isThere = false;
  await somebody;
  await check(bench, agents, populations);
  const endAt = Math.min(...ended);
  if (!isBesideSomebody) deltas.push(await alone());
  return { share: shareOf(endAt), deltas };

  /** When each job's first cycle is closed. */
  async function watchEnds(): Promise<void> {
    for (const [index, agent] of agents.entries()) {
      let closedAt = await closeOfLoad(bench, agent);
      for (; closedAt === undefined; closedAt = await closeOfLoad(bench, agent)) await time.sleep(5_000);
      ended[index] = closedAt;
    }
  }

  async function overtaking(): Promise<void> {
    const expected = leastMs(populations.reduce((sum, one) => sum + fewestWritesOf(one).inOrder, 0));
    await time.sleepUntil(START + Math.min(STEADY_FROM + 2 * MINUTE, expected / 2));
    while (graph.people() < Math.min(own.people, 4 * changesFor(own))) await time.sleep(1_000);
    const measured = await delta(bench, first, own, "Senior Engineer");
    const { changes, seconds, isLoading: hasOvertaken } = measured;
    const leastSeconds = (changes * WINDOW.ms) / WINDOW.writes / 1000;
    deltas.push({ name: "while the initial load of its job runs", changes, seconds, leastSeconds, hasOvertaken });
  }

  async function alone(): Promise<DeltaMeasured> {
    await time.sleep(WINDOW.ms + 10_000);
    const { changes, seconds } = await delta(bench, first, own, "Principal Engineer");
    return { name: "when the window is free", changes, seconds, leastSeconds: 0 };
  }

  function shareOf(endAt: number): ShareMeasured {
    const steadyFrom = endAt - START > 2 * STEADY_FROM ? START + STEADY_FROM : START;
    const spanned = writes.filter(({ at }) => at >= steadyFrom && at <= endAt);
    const [from, to] = [spanned.at(0), spanned.at(-1)];
    if (!from || !to) throw new Error("Nothing was written.");
    const ms = Math.max(1, to.at - from.at);
    const budget = (ms * WINDOW.writes) / WINDOW.ms;
    const written = to.written - from.written;
    const parts = ended.map((at, index) => fewestWritesOf(pick(populations, index)).inOrder / (at - START));
    return {
      name: isBesideSomebody ? "beside somebody who takes half" : "alone",
      minutes: ms / MINUTE,
      used: written / (isBesideSomebody ? budget / 2 : budget),
      refused: to.refused / Math.max(1, to.written + to.refused),
      smallerPart: Math.min(...parts) / parts.reduce((sum, part) => sum + part, 0),
      ...(isBesideSomebody ? { otherGot: (to.other - from.other) / (budget / 2) } : {}),
    };
  }
}

async function closeOfLoad({ cloud }: VirtualCloud, { jobId }: Agent): Promise<number | undefined> {
  const cycles = await cloud.cloud.routes.queries.cycles(jobId, 10);
  const full = cycles.ok ? cycles.value.value.find(({ kind }) => kind === "full") : undefined;
  return full && Date.parse(full.closedAt);
}

async function send({ time }: VirtualCloud, agent: Agent, population: Population): Promise<void> {
  await time.held(() => agent.sendRead("full", batchesIn(population), batchesOf(population)));
}

/** A number that is good because something went wrong is no result. */
async function check(
  { graph }: VirtualCloud,
  agents: readonly Agent[],
  populations: readonly Population[],
): Promise<void> {
  const sum = (of: (population: Population) => number) => populations.reduce((total, one) => total + of(one), 0);
  const wanted = { people: sum(({ people }) => people), groups: sum(({ groups }) => groups) };
  const found = { people: graph.people(), groups: graph.groups() };
  const members = { wanted: sum(membershipsOf), found: graph.memberships() };
  const escrowed = (await Promise.all(agents.map((agent) => agent.status()))).map((status) => status.escrowed);
  const isRight = JSON.stringify(found) === JSON.stringify(wanted) && members.found === members.wanted;
  if (isRight && escrowed.every((count) => count === 0)) return;
  throw new Error(
    `The target holds ${JSON.stringify(found)} of ${JSON.stringify(wanted)} and ${members.found} of ${members.wanted} memberships; ${escrowed.join(" and ")} failed.`,
  );
}

function pick<T>(from: readonly T[], index: number): T {
  const own = from[index];
  if (own === undefined) throw new RangeError(`There is no number ${index}.`);
  return own;
}

/** Half of the budget, evenly, until it is over. */
async function writeAsSomebody({ time, graph }: VirtualCloud, other: { got: number; isThere: boolean }): Promise<void> {
  const everyMs = (2 * WINDOW.ms) / WINDOW.writes;
  while (other.isThere) {
    if (graph.writeAsSomebodyElse()) other.got++;
    await time.sleep(everyMs);
  }
}

function changesFor({ people }: Population): number {
  return Math.min(DELTA, Math.ceil(people / 10));
}

/** So many of the people that were made first get another title. */
async function delta(bench: VirtualCloud, agent: Agent, population: Population, title: string) {
  const { time, graph, cloud } = bench;
  const changes = changesFor(population);
  const all = Array.from({ length: changes }, (_, index) => personOf(population, index, title));
  const half = Math.ceil(changes / 2);
  const before = graph.updates();
  await time.held(() => agent.sendRead("delta", [all.slice(0, half), all.slice(half)], 2));
  const from = time.clock.now();
  let isOver = false;
  const ran = cloud.run().then(() => {
    isOver = true;
  });
  while (graph.updates() - before < changes && !isOver) await time.sleep(250);
  const to = time.clock.now();
  const isLoading = (await closeOfLoad(bench, agent)) === undefined;
  await ran;
  return { changes, seconds: (to - from) / 1000, isLoading };
}

/** Table on standard output, the figures as JSON behind it or in the file. */
async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      objects: { type: "string", default: String(OBJECTS) },
      only: { type: "string" },
      json: { type: "string" },
    },
  });
  const { only, json: file } = values;
  const objects = Number(values.objects);
  if (!Number.isInteger(objects) || objects < 100 || objects > 500_000)
    throw new Error("--objects takes a whole number from 100 to 500000.");
  if (only !== undefined && only !== "load" && only !== "jobs") throw new Error("--only takes load or jobs.");
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const measured = await benchQuota({ objects, log, ...(only ? { only } : {}) });
  const { node, ...machine } = conditionsHere();
  const conditions = {
    quota: `${WINDOW.writes} writes in ${WINDOW.ms / 1000} s, the directory stand-in's`,
    time: `virtual: an activity takes ${ACTIVITY_MS} ms, a call of Graph ${CALL_MS} ms, storage nothing`,
    ...machine,
  };
  const size = objects === OBJECTS ? "" : ` --objects ${objects}`;
  const result = {
    command: `npx tsx bench/quota.ts${size}${only ? ` --only ${only}` : ""}`,
    date: new Date().toISOString().slice(0, 10),
    node: node ?? "",
    figures: { conditions, ...measured, missed: missedByQuota(measured) },
  };
  process.stdout.write(`${quotaReport({ ...conditions, node: node ?? "" }, measured)}\n`);
  if (file === undefined) process.stdout.write(`\n${JSON.stringify(result, null, 2)}\n`);
  else await writeQuotaFile(file, result);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
