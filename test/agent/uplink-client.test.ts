/** Retries, refusals and fresh proofs, against a real HTTP server. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type AgentKey, createAgentKey } from "../../agent/keys.ts";
import { apiBaseOf, createUplinkClient, type UplinkClient } from "../../agent/uplink-client.ts";
import { type FakeUplink, startFakeUplink } from "../support/fake-uplink/fake-uplink.ts";
import { aDomain, createRecordingLog } from "./builders.ts";

let folder: string;
let key: AgentKey;
let cloud: FakeUplink;
let client: UplinkClient;
const log = createRecordingLog();
const forever = { signal: new AbortController().signal, attempts: Number.POSITIVE_INFINITY };
const beat = { version: "1", domain: aDomain, want: "none" as const };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-client-"));
  key = await createAgentKey(join(folder, "key"));
  cloud = await startFakeUplink(key.publicJwk);
  client = clientOf(cloud.url);
});
afterEach(async () => {
  await cloud.close();
  await rm(folder, { recursive: true, force: true });
});

function clientOf(url: string): UplinkClient {
  return createUplinkClient({
    url,
    key,
    clock: { now: () => Date.now() },
    log,
    fetch,
    retry: { firstMilliseconds: 2, mostMilliseconds: 10 },
    requestTimeoutMilliseconds: 2_000,
  });
}

it.each([429, 500, 502, 503, 504, 408])("tries again after %i, with a fresh proof each time", async (status) => {
  let left = 3;
  cloud.intercept = () => (left-- > 0 ? { status, body: { error: { code: "x", message: "y" } } } : undefined);
  const result = await client.heartbeat(beat, forever);
  expect(result.ok).toBe(true);
  expect(cloud.seen).toHaveLength(4);
  expect(cloud.seen.map(({ claims }) => claims.seq)).toEqual([1, 2, 3, 4]);
  expect(new Set(cloud.seen.map(({ claims }) => claims.jti)).size).toBe(4);
});

it("tries again when the connection is cut", async () => {
  let left = 2;
  cloud.intercept = () => (left-- > 0 ? { status: 0, cut: true } : undefined);
  expect((await client.heartbeat(beat, forever)).ok).toBe(true);
});

it("waits as long as Retry-After says", async () => {
  let left = 1;
  cloud.intercept = () => (left-- > 0 ? { status: 429, headers: { "retry-after": "1" } } : undefined);
  const began = Date.now();
  expect((await client.heartbeat(beat, forever)).ok).toBe(true);
  expect(Date.now() - began).toBeGreaterThanOrEqual(950);
});

it.each([400, 401, 403, 404, 409, 413, 422])("gives back %i at once, in the service's words", async (status) => {
  cloud.intercept = () => ({
    status,
    body: { error: { code: "some-code", message: "Some message.", remedy: "Do this." } },
  });
  const result = await client.heartbeat(beat, forever);
  expect(result).toEqual({
    ok: false,
    failure: { code: "some-code", status, message: "Some message.", remedy: "Do this." },
  });
  expect(cloud.seen).toHaveLength(1);
});

it("carries what a 409 expects", async () => {
  const result = await client.sendBatch("job-1", gzipSync("{}"), { ...forever, attempts: 1 }).catch(() => undefined);
  expect(result?.ok).toBe(false);
  cloud.intercept = () => ({
    status: 409,
    body: {
      error: {
        code: "c",
        message: "m",
        expected: {
          readNo: 4,
          nextSequence: 2,
          leaseEpoch: 3,
          watermark: null,
          domainObjectGuid: null,
          domainSid: null,
        },
      },
    },
  });
  const conflict = await client.sendBatch("job-1", gzipSync("{}"), forever);
  expect(conflict).toMatchObject({ ok: false, failure: { status: 409, expected: { readNo: 4, nextSequence: 2 } } });
});

it("calls an answer of something else by its name", async () => {
  cloud.intercept = () => ({ status: 200, body: "<html>sign in to the guest network</html>" });
  expect(await client.heartbeat(beat, forever)).toMatchObject({
    ok: false,
    failure: { code: "service-reply", status: 200 },
  });
});

it("gives up after the attempts given, naming the address", async () => {
  const closed = await startFakeUplink();
  await closed.close();
  const result = await clientOf(closed.url).heartbeat(beat, { ...forever, attempts: 2 });
  expect(result).toMatchObject({
    ok: false,
    failure: { code: "service-unreachable", message: expect.stringContaining(closed.url) },
  });
});

it("stops waiting when told to", async () => {
  cloud.intercept = () => ({ status: 503, headers: { "retry-after": "600" } });
  const stop = new AbortController();
  const pending = client.heartbeat(beat, { signal: stop.signal, attempts: Number.POSITIVE_INFINITY });
  setTimeout(() => stop.abort(), 30);
  expect(await pending).toMatchObject({ ok: false, failure: { code: "stopped" } });
});

it.each([
  ["https://uplink.example.com", "https://uplink.example.com/api"],
  ["https://uplink.example.com/", "https://uplink.example.com/api"],
  ["https://uplink.example.com/api/", "https://uplink.example.com/api"],
  ["https://gateway.example.com/identity/api", "https://gateway.example.com/identity/api"],
])("finds the API of %s", (url, base) => {
  expect(apiBaseOf(url)).toBe(base);
});
