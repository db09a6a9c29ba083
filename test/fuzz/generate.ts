/** Requests that are wrong in one way or several, by a seed: what is sent, and with whose credentials. */
import { gzipSync } from "node:zlib";
import { type Operation, paramsOf } from "../../shared/contracts/operation.ts";
import type { Sample } from "../support/samples.ts";
import type { AskedHow, Who } from "../support/service.ts";

export interface Chance {
  /** From 0 to below 1. */
  next(): number;
  below(limit: number): number;
  pick<T>(from: readonly T[]): T;
}

export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { next, below, pick: (from) => from[below(from.length)] as (typeof from)[number] };
}

const TEXTS = [
  ...[
    "",
    " ",
    "a/b",
    "..",
    "../x",
    "a\\b",
    "a#b",
    "a?b",
    "%2e%2e",
    "%00",
    "a\u0000b",
    "a\nb",
    "ä",
    "\ud800",
    "日本語",
    "\u202e",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "null",
    "NaN",
    "-1",
    "1e999",
    "0x10",
    "true",
    "'; drop table x",
    "<script>",
  ],
  ...["x".repeat(129), "x".repeat(2_000), "9".repeat(400), "%".repeat(300), "a".repeat(40_000)],
];
const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 1e308, -1e308, 2 ** 53, 2 ** 53 + 2, [], {}, [[]], [null], { a: 1 }, [{}]],
  ...TEXTS,
];
const ODATA = [
  ...[
    "startswith(",
    "a eq 'b",
    "a eq b and",
    "((((",
    "id eq null or 1 eq 1",
    "activityDateTime gt 9999-99-99",
    "a".repeat(5_000),
  ],
  ...[
    "activityDateTime desc, x",
    "-1",
    "1e3",
    "0",
    "99999999999999999999",
    "\u0000",
    "%",
    "jobId eq '../x'",
    "not not not",
  ],
];
const HEADERS: readonly Readonly<Record<string, string>>[] = [
  ...[{ "content-encoding": "gzip" }, { "content-encoding": "br" }, { "content-encoding": "gzip, gzip" }],
  ...[
    { "content-type": "text/plain" },
    { "content-type": "multipart/form-data" },
    { "content-type": "application/json;charset=utf-7" },
  ],
  ...[{ "content-length": "-1" }, { "content-length": "NaN" }, { "content-length": "99999999999999999999" }],
  ...[
    { "if-match": "" },
    { "if-match": "*" },
    { "if-match": '"' },
    { "if-match": "W/" },
    { "if-match": "x".repeat(9_000) },
  ],
  ...[
    { "client-request-id": "x".repeat(9_000) },
    { "client-request-id": "<b>" },
    { authorization: "Bearer ".repeat(900) },
  ],
  ...[
    { "x-uplink-proof": "a.b.c" },
    { "x-http-method-override": "DELETE" },
    { host: "evil.example" },
    { accept: "\\" },
  ],
];
const DEEP = Buffer.from("[".repeat(100_000));
const DEEPER = Buffer.from(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`);
const BOMB = gzipSync(Buffer.alloc(16 * 1024 * 1024, " "));
const LARGE = Buffer.alloc(5 * 1024 * 1024 + 1, 0x20);
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get"];

export interface Wrong extends AskedHow {
  readonly operation: Operation;
  /** What was done to it, for whoever reads of it. */
  readonly how: readonly string[];
}

export function wrongRequest(
  chance: Chance,
  operations: readonly Operation[],
  samples: Readonly<Record<string, Sample>>,
  adminToken: string,
): Wrong {
  const operation = chance.pick(operations);
  const sample = samples[operation.id];
  const how: string[] = [];
  let request: AskedHow = sample?.body === undefined ? {} : { body: sample.body };
  const as = chance.pick<Who>(["guard", "guard", "guard", "guard", "admin", "reader", "agent", "nobody"]);
  request = { ...request, as };
  // Of a revoked agent nothing more would be learned.
  if (operation.id === "AgentAction") request = { ...request, params: { agentId: chance.pick(TEXTS) } };
  for (let faults = 1 + chance.below(3); faults > 0; faults--) {
    const [name, spoil] = chance.pick(FAULTS);
    how.push(name);
    request = { ...request, ...spoil(chance, operation, request, adminToken) };
  }
  return { ...request, operation, how };
}

type Fault = (chance: Chance, operation: Operation, request: AskedHow, adminToken: string) => AskedHow;

const FAULTS: readonly (readonly [string, Fault])[] = [
  [
    "param",
    (chance, operation, { params }) => {
      const names = paramsOf(operation.path).map(({ name }) => name);
      return names.length === 0 ? {} : { params: { ...params, [chance.pick(names)]: chance.pick(TEXTS) } };
    },
  ],
  [
    "query",
    (chance, operation, { query }) => {
      const names = [...Object.keys(operation.query?.shape ?? {}), "$filter", "$top", "$skiptoken", "x", "__proto__"];
      return { query: { ...query, [chance.pick(names)]: chance.pick(chance.next() < 0.5 ? ODATA : TEXTS) } };
    },
  ],
  ["header", (chance, _operation, { headers }) => ({ headers: { ...headers, ...chance.pick(HEADERS) } })],
  [
    "token",
    (chance, _operation, { headers }) => ({
      as: "nobody",
      headers: {
        ...headers,
        authorization: chance.pick(["Bearer", "Bearer a.b.c", "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic YQ=="]),
      },
    }),
  ],
  [
    "forged",
    (chance, _operation, { headers }, adminToken) => ({
      as: "nobody",
      headers: { ...headers, authorization: `Bearer ${forged(chance, adminToken)}` },
    }),
  ],
  [
    "claims",
    (chance) => ({
      claims: {
        [chance.pick(["htm", "htu", "aud", "iat", "exp", "jti", "bsha", "seq", "boot", "x"])]: chance.pick(VALUES),
      },
    }),
  ],
  ["method", (chance) => ({ method: chance.pick(METHODS) })],
  ["leaf", (chance, _operation, { body }) => ({ body: spoilt(chance, body) })],
  ["leaf", (chance, _operation, { body }) => ({ body: spoilt(chance, body) })],
  ["leaf", (chance, _operation, { body }) => ({ body: spoilt(chance, body) })],
  ["unasked", () => ({ body: { dryRun: true } })],
  ["bytes", (chance, _operation, { body }) => ({ body: brokenBytes(chance, body) })],
  [
    "zipped",
    (chance, _operation, { body, headers }) => ({
      body: zippedBytes(chance, body),
      headers: { ...headers, "content-encoding": "gzip" },
    }),
  ],
  [
    "prototype",
    (chance, _operation, { body }) => ({
      body: Buffer.from(
        `{${chance.pick(['"__proto__":{"isAdmin":true}', '"constructor":{"prototype":{}}', '"\\u005f\\u005fproto__":1'])},${rest(body)}`,
      ),
    }),
  ],
];

export const FAULT_NAMES: readonly string[] = [...new Set(FAULTS.map(([name]) => name))];

/** A good token with another claim, header or signature: whatever it says, nobody signed that. */
function forged(chance: Chance, token: string): string {
  const [header = "", claims = "", signature = ""] = token.split(".");
  const changed = (part: string, fields: Readonly<Record<string, unknown>>) =>
    Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(part, "base64url").toString()), ...fields })).toString(
      "base64url",
    );
  const algorithm = chance.pick(["none", "None", "HS256", "RS384", "ES256", "PS256", "", null]);
  const claim = chance.pick(["aud", "iss", "exp", "nbf", "oid", "tid", "sub", "roles", "scp", "idtyp", "ver", "x"]);
  const at = chance.below(signature.length - 2);
  const kinds = [
    () => [changed(header, { alg: algorithm }), claims, chance.pick([signature, "", "AAAA"])],
    () => [changed(header, { kid: chance.pick(TEXTS.slice(0, 20)), x: 1 }), claims, signature],
    () => [changed(header, { jwk: { kty: "oct", k: "AA" }, jku: "https://evil.example/keys" }), claims, signature],
    () => [header, changed(claims, { [claim]: chance.pick(VALUES.slice(0, 30)) }), signature],
    () => [header, changed(claims, { roles: ["Synchronization.ReadWrite.All"], oid: "eve" }), signature],
    () => [header, claims, `${signature.slice(0, at)}${signature[at] === "A" ? "B" : "A"}${signature.slice(at + 1)}`],
    () => [header, claims, signature.slice(0, at)],
  ];
  return chance.pick(kinds)().join(".");
}

function rest(body: unknown): string {
  const text = body === undefined || body instanceof Uint8Array ? "{}" : JSON.stringify(body);
  return text.startsWith("{") && text.length > 2 ? text.slice(1) : '"a":1}';
}

/** With another value somewhere, a field more or a field less. */
function spoilt(chance: Chance, value: unknown): unknown {
  if (value instanceof Uint8Array || typeof value !== "object" || value === null || chance.next() < 0.15)
    return chance.pick(VALUES);
  if (Array.isArray(value)) {
    if (value.length === 0 || chance.next() < 0.1)
      return Array.from({ length: 1 + chance.below(2_000) }, () => value[0]);
    const at = chance.below(value.length);
    return value.map((inner, index) => (index === at ? spoilt(chance, inner) : inner));
  }
  const names = Object.keys(value);
  const action = chance.next();
  const name = names.length === 0 ? "x" : chance.pick(names);
  if (action < 0.1) return { ...value, [chance.pick(TEXTS)]: chance.pick(VALUES) };
  const fields = value as Readonly<Record<string, unknown>>;
  if (action < 0.2) return Object.fromEntries(Object.entries(fields).filter(([own]) => own !== name));
  return { ...fields, [name]: spoilt(chance, fields[name]) };
}

function brokenBytes(chance: Chance, body: unknown): Uint8Array {
  const whole =
    body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(body === undefined ? "{}" : JSON.stringify(body));
  const kinds = [
    () => whole.subarray(0, chance.below(whole.length)),
    () => Buffer.concat([whole, Buffer.from([0xff, 0xfe, 0xc3])]),
    () => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), whole]),
    () => Buffer.from(whole.toString(), "utf16le"),
    () => Buffer.concat([whole, whole]),
    () => Buffer.from(`{"a":${"9".repeat(5_000)},"a":1e999,"b":-0,${rest(body)}`),
    () => Buffer.from(`{"settings":1,"settings":2,"changes":[],"changes":{},${rest(body)}`),
    () => Buffer.from(Array.from({ length: chance.below(300) }, () => chance.below(256))),
    () => (chance.next() < 0.1 ? DEEP : Buffer.from("[".repeat(2_000))),
    () => (chance.next() < 0.1 ? DEEPER : Buffer.from(`${'{"a":'.repeat(1_500)}1${"}".repeat(1_500)}`)),
    () => (chance.next() < 0.05 ? LARGE : Buffer.alloc(0)),
  ];
  return chance.pick(kinds)();
}

function zippedBytes(chance: Chance, body: unknown): Uint8Array {
  const whole = gzipSync(body instanceof Uint8Array ? body : JSON.stringify(body ?? {}));
  const kinds = [
    () => (chance.next() < 0.1 ? BOMB : whole.subarray(0, chance.below(whole.length))),
    () => gzipSync(whole),
    () => Buffer.concat([whole, whole]),
    () => Buffer.concat([whole, Buffer.from("more")]),
    () => gzipSync(Buffer.from("[".repeat(1_200))),
    () => {
      const copy = Buffer.from(whole);
      copy[chance.below(copy.length)] = chance.below(256);
      return copy;
    },
  ];
  return chance.pick(kinds)();
}
