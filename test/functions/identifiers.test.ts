/**
 * Identifiers that are none, over every route by its declaration: what has a meaning in keys and paths, or no end, is refused before it
 * reaches a key. The stores tell every key that they were asked for.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ChangeBatch } from "../../shared/contracts/change.ts";
import type { Operation } from "../../shared/contracts/operation.ts";
import { paramsOf } from "../../shared/contracts/operation.ts";
import { type Sample, samplesOf, withoutSample } from "../support/samples.ts";
import { createService, type Service, type ServiceReply } from "../support/service.ts";
import { createWatch, isForbidden } from "../support/watched-stores.ts";

const NASTY = [
  ...["a/b", "/", "a\\b", "a#b", "a?b", "?", ".", "..", "a..b", "../jobs", "..\\jobs", "a/../b"],
  ...["%2e%2e", "a%2fb", "%00", "a%0ab", "a\u0000b", "\u0000", "a\nb", "a\r\nb", "a\tb", "a\u007fb", "a\u0085b"],
  ...["x".repeat(2_000), "x".repeat(100_000), "", " ", "a b", "ä", "日本", "\u202ea", "\ud800", "'", "a'b", '"', "<b>"],
  ...["__proto__", "$filter", "*", "~", "a:b", "a|b", "-", "{jobId}"],
];
/** A body has many fields: one of each kind. */
const IN_BODIES = [
  ...["a/b", "a\\b", "a#b", "a?b", "..", "../jobs", "..\\jobs", "%2e%2e", "a%2fb", "a\u0000b", "a\nb", "a\u007fb"],
  ...["a\u0085b", "x".repeat(2_000), "", "\ud800", "__proto__"],
];
const watch = createWatch();
let service: Service;
let samples: Readonly<Record<string, Sample>>;

beforeAll(async () => {
  service = await createService({ wrapRows: watch.wrapRows, wrapBlobs: watch.wrapBlobs });
  samples = await samplesOf(service);
});
afterAll(() => service?.close());

/** Nothing broke, and no key was asked for that none can be. */
function expectHarmless(operation: Operation, reply: ServiceReply, what: string): void {
  expect(reply.status, `${operation.id} ${what}: ${JSON.stringify(reply.body)?.slice(0, 300)}`).toBeLessThan(500);
  expect(watch.takeKeys().filter(isForbidden), `${operation.id} ${what}`).toEqual([]);
}

test("every operation with a body has a sample in test/support/samples.ts", () => {
  expect(withoutSample(service.operations, samples)).toEqual([]);
});

test("in a path are refused by every route, by name, before anything is looked for", async () => {
  let asked = 0;
  for (const operation of service.operations)
    for (const { name } of paramsOf(operation.path))
      for (const value of NASTY) {
        const isGood = name === "digest" && /^[A-Za-z0-9_-]{1,64}$/.test(value);
        // No URL carries these two: the address is another one by then, and so is the proof's.
        const isGone = operation.guard === "agent" && (value === "." || value === "..");
        if (isGood || isGone) continue;
        const { body, query } = samples[operation.id] ?? {};
        watch.takeKeys();
        const how = { params: { [name]: value }, ...(body === undefined ? {} : { body }), ...(query ? { query } : {}) };
        const reply = await service.ask(operation, how);
        const what = `${name}=${JSON.stringify(value.slice(0, 20))}`;
        expect([reply.status, reply.code], `${operation.id} ${what}`).toEqual([400, "invalid-path"]);
        expect(reply.body.error.details[0].target).toBe(name);
        expect(reply.body.error.remedy).toContain(name);
        expect(JSON.stringify(reply.body).length).toBeLessThan(1_500);
        expectHarmless(operation, reply, what);
        asked++;
      }
  expect(asked).toBeGreaterThan(1_000);
});

test("in a query never reach a key", async () => {
  for (const operation of service.operations)
    for (const name of Object.keys(operation.query?.shape ?? {}))
      for (const value of NASTY) {
        const { body } = samples[operation.id] ?? {};
        watch.takeKeys();
        const reply = await service.ask(operation, {
          query: { [name]: value },
          ...(body === undefined ? {} : { body }),
        });
        expectHarmless(operation, reply, `?${name}=${JSON.stringify(value.slice(0, 20))}`);
      }
});

test("in the terms of a $filter are refused, or name nothing, and never reach a key", async () => {
  const filtered = service.operations.filter(({ query }) => query && "$filter" in query.shape);
  expect(filtered.map(({ id }) => id)).toEqual(["ProvisioningLog"]);
  for (const operation of filtered)
    for (const property of ["jobId", "sourceIdentity/id", "id", "cycleId", "a/b", "../jobs"])
      for (const value of NASTY)
        for (const term of [`${property} eq '${value.replaceAll("'", "''")}'`, `${property} eq ${value}`]) {
          watch.takeKeys();
          const reply = await service.ask(operation, { query: { $filter: term } });
          const isId =
            property === "jobId" && /^[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.))*$/.test(value) && value.length <= 128;
          const what = `$filter=${JSON.stringify(term.slice(0, 60))}`;
          if (!isId || !term.includes("'")) expect([what, reply.status]).toEqual([what, 400]);
          expectHarmless(operation, reply, what);
        }
});

test("in a $skiptoken, plain or packed as the service packs its own, never reach a key", async () => {
  const paged = service.operations.filter(({ query }) => query && "$skiptoken" in query.shape);
  expect(paged.length).toBeGreaterThan(5);
  for (const operation of paged)
    for (const value of NASTY.filter((own) => own.length < 3_000))
      for (const packed of [value, JSON.stringify([value, value]), JSON.stringify({ partition: value, row: value })]) {
        const $skiptoken = Buffer.from(packed).toString("base64url");
        watch.takeKeys();
        const reply = await service.ask(operation, { query: { $skiptoken } });
        expectHarmless(operation, reply, `$skiptoken=${JSON.stringify(packed.slice(0, 20))}`);
      }
});

test("in a body never reach a key, whatever the field, in batches and enrolments too", {
  timeout: 240_000,
}, async () => {
  const walked = new Map<string, number>();
  for (const operation of service.operations) {
    const { body } = samples[operation.id] ?? {};
    if (body === undefined) continue;
    const isBatch = operation.id === "AcceptBatch";
    const paths = textsOf(operation, body);
    for (const path of paths)
      for (const value of operation.id === "PutSchema" && !isIdentifier(path) ? TEXTS : IN_BODIES) {
        const spoilt = withLeaf(body, path, value);
        watch.takeKeys();
        const reply = await service.ask(operation, isBatch ? zipped(spoilt) : { body: spoilt });
        expectHarmless(operation, reply, `${path.join(".")}=${JSON.stringify(value.slice(0, 20))}`);
      }
    walked.set(operation.id, paths.length);
  }
  expect([...walked.keys()].sort()).toEqual(
    service.operations.flatMap(({ id, body }) => (body === undefined && id !== "AcceptBatch" ? [] : [id])).sort(),
  );
  expect(walked.get("AcceptBatch")).toBeGreaterThan(16);
});

test("in a proof's header never reach a key: it names the key before anybody has verified it", async () => {
  const operation = service.operations.find(({ id }) => id === "Heartbeat") as Operation;
  for (const kid of [...NASTY, 5, null, { a: 1 }, ["a"]]) {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const proof = `${part({ alg: "ES256", kid })}.${part({})}.AAAA`;
    watch.takeKeys();
    const reply = await service.ask(operation, { as: "nobody", headers: { "x-uplink-proof": proof } });
    expect(reply.code).toBe("proof-refused");
    expectHarmless(operation, reply, "kid");
  }
});

function zipped(value: unknown) {
  return { body: service.zipped(value), headers: { "content-encoding": "gzip" } };
}

/** Of what a schema holds most are texts of its mappings, and each schema is checked whole: fewer kinds for those. */
const TEXTS = ["a/b", "..", "a\u0000b"];

function isIdentifier(path: readonly string[]): boolean {
  return /(^|[a-z])(id|name)$/i.test(path.at(-1) ?? "");
}

/** Where a text stands in a body: of those in lists of the same form one, and what the sample leaves out and the contract takes. */
function textsOf({ id, body: declaredBody }: Operation, body: unknown): readonly (readonly string[])[] {
  // It comes compressed, and is parsed past the wrapper.
  const contract = id === "AcceptBatch" ? ChangeBatch : declaredBody;
  const byForm = new Map<string, readonly string[]>();
  const declared = contract ? z.toJSONSchema(contract, { io: "input", unrepresentable: "any" }) : {};
  for (const path of [...leavesOf(body), ...declaredTexts(declared as JsonSchema, body)]) {
    const form = path.map((part) => (/^\d+$/.test(part) ? "*" : part)).join(".");
    if (!byForm.has(form)) byForm.set(form, path);
  }
  return [...byForm.values()];
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
}

/** Texts that a contract takes, optional ones too, wherever the sample has what holds them. */
function declaredTexts(schema: JsonSchema, value: unknown, path: readonly string[] = []): (readonly string[])[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  const own = schema.type === "string" ? [path] : [];
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    typeof value === "object" && value !== null
      ? declaredTexts(field, (value as Record<string, unknown>)[name], [...path, name])
      : [],
  );
  const items = schema.items && Array.isArray(value) ? declaredTexts(schema.items, value[0], [...path, "0"]) : [];
  return [...own, ...fields, ...items, ...inner.flatMap((one) => declaredTexts(one, value, path))];
}

/** Paths of all texts in a value. */
function leavesOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value === "string") return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

function withLeaf(value: unknown, [first, ...rest]: readonly string[], leaf: string): unknown {
  if (first === undefined) return leaf;
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  const fields = copy as Record<string, unknown>;
  fields[first] = withLeaf(fields[first], rest, leaf);
  return copy;
}
