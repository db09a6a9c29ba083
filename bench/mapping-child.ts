/**
 * What runs in a process of its own for the bench of the mapping: `throughput OBJECTS ROUNDS`, `compile LATER` or
 * `memory OBJECTS`. The reading goes to standard output, as one line of JSON.
 *
 * Mapping and yardstick take turns of a few hundred objects, so that whatever else the machine does slows both.
 */
import { compileAttributeFlow } from "../shared/domain/attribute-flow.ts";
import { defaultSchema } from "../shared/domain/default-schema.ts";
import { GRAPH_TARGETS, GRAPH_USER_TARGET } from "../shared/domain/graph-target.ts";
import type { ObjectRecord } from "../shared/domain/object-record.ts";
import { planObject } from "../shared/domain/plan.ts";
import { attributeReader } from "../shared/domain/source-object.ts";
import type { TargetValues } from "../shared/domain/target-value.ts";
import { AD_DOMAIN, type AdObject, adGroup, adUser } from "./ad-objects.ts";
import { type HeapReading, type Lane, median, type Part, type Round, type Throughput } from "./mapping-measured.ts";
import { compileDefaultSchema, hashOf, knownRecordOf, mapOne, NOW, preparedMapping, recordOf } from "./mapping-work.ts";

/** Different objects; more would measure the machine's caches. */
const DISTINCT = 4_000;
const TURN = 250;
const PARAMETERS = { DomainFQDN: AD_DOMAIN.fqdn, DomainNetBios: AD_DOMAIN.netBios, ConfigurationId: "bench" };

interface Runner extends Omit<Lane, "rounds"> {
  readonly texts: readonly string[];
  readonly map: (index: number) => unknown;
}

async function measureThroughput(objects: number, rounds: number): Promise<Throughput> {
  const count = Math.min(objects, DISTINCT);
  const mapping = await preparedMapping();
  const users = textsOf(count, (index) => adUser(index));
  const read = new Set(mapping.needs.attributes.map((name) => name.toLowerCase()));
  const asRead = users.map((text) => JSON.stringify(only(JSON.parse(text), read)));
  const groups = textsOf(count, (index) => adGroup(index));
  const throughService = (texts: readonly string[]) => {
    const records = texts.map((text, index) => knownRecordOf(mapping, JSON.parse(text), index));
    return (index: number) => mapOne(mapping, pick(records, index));
  };
  const runners: Runner[] = [
    { ...described("user", users, "user"), map: throughService(users) },
    { ...described("user as read for this schema", asRead, "user"), map: throughService(asRead) },
    everyMapping(users),
    { ...described("group", groups, "group"), map: throughService(groups) },
  ];
  const parts = partsOf(users);
  const laps = runners.map((): Round[] => []);
  const partLaps = parts.map((): number[] => []);
  // One round more, to warm up.
  for (let round = 0; round <= rounds; round++) {
    for (const [at, runner] of runners.entries()) {
      const lap = takeTurns(objects, [
        (index) => JSON.stringify(JSON.parse(pick(runner.texts, index))),
        (index) => runner.map(index),
      ]);
      const [yardstick = Number.NaN, own = Number.NaN] = lap;
      if (round > 0) laps[at]?.push({ yardstick, mapping: own });
    }
    const lap = takeTurns(
      objects,
      parts.map(({ run }) => run),
    );
    if (round > 0) for (const [at, microseconds] of lap.entries()) partLaps[at]?.push(microseconds);
  }
  return {
    lanes: runners.map(({ texts: _, map: __, ...lane }, at) => ({ ...lane, rounds: laps[at] ?? [] })),
    parts: parts.map(({ name }, at): Part => ({ name, microseconds: median(partLaps[at] ?? []) })),
  };
}

let sink: unknown;

/** Microseconds of CPU an object for each of the runs. */
function takeTurns(objects: number, runs: readonly ((index: number) => unknown)[]): number[] {
  const spent = runs.map(() => 0);
  for (let from = 0; from < objects; from += TURN) {
    const to = Math.min(objects, from + TURN);
    for (const [at, run] of runs.entries()) {
      const start = cpuMicroseconds();
      for (let index = from; index < to; index++) sink = run(index);
      spent[at] = (spent[at] ?? 0) + cpuMicroseconds() - start;
    }
  }
  if (sink === spent) throw new Error("What was made must not be optimised away.");
  return spent.map((microseconds) => microseconds / objects);
}

/** Of all threads of this process: what one core takes for it. Other programs count little. */
function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Scope, flow, difference and hash of a user, each alone. */
function partsOf(texts: readonly string[]): { readonly name: string; readonly run: (index: number) => unknown }[] {
  const compiled = compileAttributeFlow(userSchema(), GRAPH_USER_TARGET, PARAMETERS);
  if (!compiled.ok) throw new Error("The default schema doesn't compile.");
  const { flow } = compiled;
  const sources = texts.map((text, index) => sourceOf(JSON.parse(text), index));
  const known = sources.map((source, index) => linked(source.record, index, flow.map({ ...source, now: NOW }).values));
  const values = sources.map((source) => flow.map({ ...source, now: NOW }).values);
  return [
    { name: "scope", run: (index) => flow.scope.evaluate(attributeReader(pick(sources, index))) },
    { name: "flow", run: (index) => flow.map({ ...pick(sources, index), now: NOW }) },
    { name: "difference", run: (index) => planOf(pick(known, index), pick(values, index)) },
    { name: "hash", run: (index) => hashOf(pick(values, index)) },
  ];
}

/** To a target that takes whatever the schema maps: every mapping is evaluated. */
function everyMapping(texts: readonly string[]): Runner {
  const names = userSchema().attributeMappings.map(({ targetAttributeName }) => targetAttributeName ?? "");
  const table = new Map(names.map((property) => [property, { property, type: "string", clearable: true } as const]));
  const compiled = compileAttributeFlow(userSchema(), table, PARAMETERS);
  if (!compiled.ok) throw new Error("The default schema doesn't compile.");
  const { flow } = compiled;
  const sources = texts.map((text, index) => sourceOf(JSON.parse(text), index));
  const known = sources.map((source, index) => linked(source.record, index, flow.map({ ...source, now: NOW }).values));
  return {
    ...described("user, to a target that takes every mapping", texts, "user"),
    evaluated: names.length,
    map: (index) => {
      const source = pick(sources, index);
      const verdict = flow.scope.evaluate(attributeReader(source));
      if (verdict.failure || !verdict.inScope) return "";
      const { values } = flow.map({ ...source, now: NOW });
      planOf(pick(known, index), values);
      return hashOf(values);
    },
  };
}

function planOf(record: ObjectRecord, values: TargetValues) {
  return planObject(record, { kind: "present", values }, { allow: [], now: NOW });
}

function linked(record: ObjectRecord, index: number, exported: TargetValues): ObjectRecord {
  if (index % 4 === 0) return record;
  return { ...record, link: { targetId: record.objectGuid, owner: "bench", origin: "created", exported } };
}

function sourceOf(object: AdObject, index: number) {
  const record = recordOf(object);
  return { record, bag: record.image, dn: record.dn, objectGuid: record.objectGuid, creating: index % 4 === 0 };
}

function described(name: string, texts: readonly string[], objectClass: string): Omit<Runner, "map"> {
  const objects = texts.map((text): AdObject => JSON.parse(text));
  const schema = schemaOf(objectClass);
  const table = GRAPH_TARGETS.get(schema.targetObjectName ?? "")?.table;
  const compiled = table && compileAttributeFlow(schema, table, PARAMETERS);
  const unsettable = compiled?.ok ? compiled.flow.unsettable.length : 0;
  return {
    name,
    texts,
    mappings: schema.attributeMappings.length,
    evaluated: schema.attributeMappings.length - unsettable,
    attributes: mean(objects.map((object) => Object.keys(object.attributes).length)),
    bytes: mean(texts.map((text) => Buffer.byteLength(text))),
  };
}

function schemaOf(objectClass: string) {
  const mappings = defaultSchema().synchronizationRules.flatMap((rule) => rule.objectMappings);
  const found = mappings.find(({ sourceObjectName }) => sourceObjectName === objectClass);
  if (!found) throw new Error(`The default schema has no mapping of ${objectClass}.`);
  return found;
}

const userSchema = () => schemaOf("user");

function textsOf(count: number, make: (index: number) => AdObject): string[] {
  return Array.from({ length: count }, (_, index) => JSON.stringify(make(index)));
}

function only(object: AdObject, names: ReadonlySet<string>): AdObject {
  const kept = Object.entries(object.attributes).filter(([name]) => names.has(name.toLowerCase()));
  return { ...object, attributes: Object.fromEntries(kept) };
}

function pick<T>(from: readonly T[], index: number): T {
  const picked = from[index % from.length];
  if (picked === undefined) throw new RangeError("There is nothing to pick from.");
  return picked;
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

async function measureCompilation(later: number) {
  const times: number[] = [];
  for (let at = 0; at <= later; at++) {
    const start = cpuMicroseconds();
    await compileDefaultSchema();
    times.push((cpuMicroseconds() - start) / 1_000);
  }
  const [first = Number.NaN, ...others] = times;
  return { first, later: median(others) };
}

/** No two of the objects are the same: a cache by value would show. */
async function measureHeap(objects: number): Promise<HeapReading[]> {
  const collect = globalThis.gc;
  if (!collect) throw new Error("Heap readings need --expose-gc.");
  const mapping = await preparedMapping();
  const texts = textsOf(Math.min(objects, DISTINCT / 4), (index) => adUser(index));
  const stops = new Set([Math.ceil(objects / 10), Math.ceil(objects / 2), objects]);
  const readings: HeapReading[] = [];
  for (let done = 1; done <= objects; done++) {
    const object: AdObject = JSON.parse(pick(texts, done));
    const guid = `${done.toString(16).padStart(8, "0")}${object.objectGuid.slice(8)}`;
    const name = `Person ${done}`;
    const own = { displayName: [name], userPrincipalName: [`person${done}@contoso.example`], title: [`Title ${done}`] };
    const attributes = { ...object.attributes, ...own };
    sink = mapOne(mapping, knownRecordOf(mapping, { ...object, objectGuid: guid, attributes }, done));
    if (!stops.has(done)) continue;
    await collect();
    readings.push({ objects: done, bytes: process.memoryUsage().heapUsed });
  }
  return readings;
}

async function main(): Promise<void> {
  const [mode, ...rest] = process.argv.slice(2);
  const [first = 0, second = 0] = rest.map(Number);
  const reading =
    mode === "throughput"
      ? await measureThroughput(first, second)
      : mode === "compile"
        ? await measureCompilation(first)
        : await measureHeap(first);
  process.stdout.write(`${JSON.stringify(reading)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
