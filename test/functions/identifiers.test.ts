/**
 * Identifiers that are none, over every route by its declaration: what has a meaning in keys and paths, or no end, is refused before it
 * reaches a key. The stores tell every key that they were asked for.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
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
/** A body has many fields: fewer of each kind. */
const IN_BODIES = [
  "a/b",
  "a\\b",
  "a#b",
  "a?b",
  "..",
  "../jobs",
  "%2e%2e",
  "a\u0000b",
  "a\nb",
  "x".repeat(2_000),
  "",
  "\ud800",
  "__proto__",
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

test("in a body never reach a key, whatever the field, in batches and enrolments too", {
  timeout: 120_000,
}, async () => {
  for (const operation of service.operations) {
    const { body } = samples[operation.id] ?? {};
    if (body === undefined) continue;
    const isBatch = operation.id === "AcceptBatch";
    for (const path of leavesOf(body).slice(0, isBatch ? 16 : operation.id === "PutSchema" ? 1 : 5))
      for (const value of IN_BODIES) {
        const spoilt = withLeaf(body, path, value);
        watch.takeKeys();
        const reply = await service.ask(operation, isBatch ? zipped(spoilt) : { body: spoilt });
        expectHarmless(operation, reply, `${path.join(".")}=${JSON.stringify(value.slice(0, 20))}`);
      }
  }
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
