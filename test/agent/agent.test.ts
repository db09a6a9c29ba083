/**
 * The agent's loop against a small cloud on the loopback: leases that move, conflicts, refused cookies, crashes between reading and
 * sending, a source that fails. The source is a directory in memory that keeps the port's promises.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAgent } from "../../agent/agent.ts";
import type { AgentSource } from "../../agent/agent-source.ts";
import { Intervals } from "../../agent/config.ts";
import { type AgentKey, createAgentKey } from "../../agent/keys.ts";
import { openOutbox } from "../../agent/outbox.ts";
import { createLdifSource } from "../../agent/source/ldif/ldif-source.ts";
import { LdifSettings } from "../../agent/source/ldif/settings.ts";
import type { Change } from "../../shared/contracts/change.ts";
import { SourceError, type SourceReadOrder } from "../../shared/ports/source-directory.ts";
import { type FakeUplink, startFakeUplink } from "../support/fake-uplink/fake-uplink.ts";
import { aDescription, buildUpsert, buildWatermark, createRecordingLog, until } from "./builders.ts";

let folder: string;
let key: AgentKey;
let cloud: FakeUplink;
let stop: AbortController;
let running: Promise<unknown>;
let log: ReturnType<typeof createRecordingLog>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-agent-"));
  key = await createAgentKey(join(folder, "key"));
  cloud = await startFakeUplink(key.publicJwk);
  stop = new AbortController();
  running = Promise.resolve();
  log = createRecordingLog();
});
afterEach(async () => {
  stop.abort();
  await running;
  await cloud.close();
  await rm(folder, { recursive: true, force: true });
});

/** A directory that counts its changes; a cookie is a count. */
interface MemorySource extends AgentSource {
  readonly changes: Change[];
  readonly reads_: SourceReadOrder[];
  fail: ((order: SourceReadOrder) => void) | undefined;
  describeError: Error | undefined;
  beforePage: (() => Promise<void>) | undefined;
  pageSize: number;
}

function createMemorySource(changes: Change[] = []): MemorySource {
  const source: MemorySource = {
    reads: "delta",
    changes,
    reads_: [],
    fail: undefined,
    describeError: undefined,
    beforePage: undefined,
    pageSize: 1_000,
    describe: async () => {
      if (source.describeError) throw source.describeError;
      return aDescription;
    },
    read: async function* (order) {
      source.reads_.push(order);
      source.fail?.(order);
      const from = order.kind === "full" ? 0 : Number(Buffer.from(order.watermark?.token ?? "", "base64").toString());
      for (let at = from; ; at += source.pageSize) {
        await source.beforePage?.();
        const end = Math.min(at + source.pageSize, source.changes.length);
        const isLast = end === source.changes.length;
        yield { changes: source.changes.slice(at, end), watermarkAfter: buildWatermark(String(end)), isLast };
        if (isLast) return;
      }
    },
    waitForChange: (signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, 10);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve();
        });
      }),
    close: async () => undefined,
  };
  return source;
}

const users = (count: number, from = 0): Change[] =>
  Array.from({ length: count }, (_, index) => buildUpsert(from + index));

function agentOf(source: AgentSource, overrides: Partial<Intervals> = {}) {
  const intervals = Intervals.parse({ retryFirstSeconds: 0.02, retryMostSeconds: 0.1, ...overrides });
  return createAgent({
    config: { url: cloud.url, outboxDir: join(folder, "outbox"), intervals },
    source,
    key,
    log,
    clock: { now: () => Date.now() },
    fetch,
    retry: { firstMilliseconds: 5, mostMilliseconds: 20 },
  });
}

const start = (source: AgentSource, overrides?: Partial<Intervals>) => {
  running = agentOf(source, overrides).run(stop.signal);
};
const once = (source: AgentSource) => agentOf(source).once(stop.signal, { waitSeconds: 0.3 });
const accepted = () => cloud.batches.flatMap((batch) => batch.changes);
const beats = () => cloud.heartbeats.map(({ want, reason, abortReadNo }) => ({ want, reason, abortReadNo }));

describe("once", () => {
  it("sends a full read and ends", async () => {
    const source = createMemorySource(users(2_300));
    expect(await once(source)).toEqual({ read: true, objects: 2_300, batches: 3 });
    expect(accepted()).toEqual(source.changes);
    expect(cloud.ended).toEqual([1]);
    expect(cloud.watermark?.id).toBe(buildWatermark("2300").id);
  });

  it("sends the empty end of a delta without changes", async () => {
    cloud.watermark = buildWatermark("2");
    expect(await once(createMemorySource(users(2)))).toEqual({ read: true, objects: 0, batches: 1 });
  });

  it("ends with no-lease when another agent keeps it", async () => {
    cloud.leaseHeld = false;
    await expect(once(createMemorySource(users(2)))).rejects.toMatchObject({ code: "no-lease" });
    expect(cloud.batches).toEqual([]);
  });

  it("ends with no-order when the job is paused", async () => {
    cloud.orderFor = () => null;
    await expect(once(createMemorySource(users(2)))).rejects.toMatchObject({ code: "no-order" });
  });

  it("ends with the source's error, and gives the read up", async () => {
    const source = createMemorySource(users(2));
    source.fail = () => {
      throw new SourceError("source-rights", "No sight of CN=Deleted Objects.", "Grant it.");
    };
    await expect(once(source)).rejects.toMatchObject({ code: "source-rights" });
    expect(beats().at(-1)).toEqual({ want: "none", reason: "source-rights", abortReadNo: 1 });
    expect(cloud.watermark).toBeNull();
  });

  it("ends with the service's refusal, in its words", async () => {
    cloud.intercept = ({ path }) =>
      path.endsWith("/batches")
        ? {
            status: 422,
            body: { error: { code: "batch-invalid", message: "changes.0.dn: too short", remedy: "Update the agent." } },
          }
        : undefined;
    await expect(once(createMemorySource(users(2)))).rejects.toMatchObject({
      code: "service-refused",
      message: expect.stringContaining("changes.0.dn"),
      remedy: "Update the agent.",
    });
    expect((await openOutbox(join(folder, "outbox"))).size).toBe(0);
  });

  it("names a service that can't be reached", async () => {
    await cloud.close();
    await expect(once(createMemorySource(users(2)))).rejects.toMatchObject({ code: "service-unreachable" });
    cloud = await startFakeUplink(key.publicJwk);
  });
});

describe("run", () => {
  it("reads in full, then polls with the newest cookie and sends nothing until something changed", async () => {
    const source = createMemorySource(users(3));
    start(source);
    await until(() => source.reads_.length > 5, "polls");
    expect(cloud.batches).toHaveLength(1);
    source.changes.push(...users(2, 100));
    await until(() => cloud.batches.length === 2, "the delta");
    expect(cloud.batches[1]).toMatchObject({ kind: "delta", isLast: true, watermarkBefore: buildWatermark("3").id });
    expect(accepted()).toEqual(source.changes);
    const requested = new Set(cloud.batches.map((batch) => batch.readNo));
    expect(requested.size).toBe(2);
  });

  it("moves the watermark of a quiet directory now and then", async () => {
    cloud.watermark = buildWatermark("2");
    start(createMemorySource(users(2)), { watermarkMinutes: 0.002 });
    await until(() => cloud.ended.length >= 2, "two empty ends");
    expect(cloud.batches.every((batch) => batch.changes.length === 0)).toBe(true);
  });

  it("stands by without the lease, and reads when it comes", async () => {
    cloud.leaseHeld = false;
    start(createMemorySource(users(3)));
    await until(() => cloud.heartbeats.length > 2, "heartbeats");
    expect(cloud.batches).toEqual([]);
    cloud.leaseHeld = true;
    await until(() => cloud.ended.length === 1, "the read");
    expect(log.lines.filter(({ event }) => event === "standby")).toHaveLength(1);
  });

  it("waits for approval", async () => {
    cloud.agentStatus = "pending";
    start(createMemorySource(users(3)));
    await until(() => cloud.heartbeats.length > 2, "heartbeats");
    expect(cloud.batches).toEqual([]);
    cloud.agentStatus = "active";
    await until(() => cloud.ended.length === 1, "the read");
  });

  it("keeps the heart beating during a long read, and stops when the lease has moved", async () => {
    const source = createMemorySource(users(40));
    source.pageSize = 2;
    source.beforePage = () => new Promise((resolve) => setTimeout(resolve, 20));
    start(source);
    await until(() => cloud.heartbeats.some(({ want }) => want === "continue"), "a heartbeat in the read");
    cloud.leaseHeld = false;
    cloud.leaseEpoch = 2;
    cloud.closeRead();
    await until(() => log.lines.some(({ event }) => event === "standby"), "standing by");
    expect(cloud.ended).toEqual([]);
    cloud.leaseHeld = true;
    cloud.leaseEpoch = 3;
    source.beforePage = undefined;
    await until(() => cloud.ended.length === 1, "the read under the new epoch");
    expect(cloud.batches.at(-1)).toMatchObject({ leaseEpoch: 3, isLast: true });
  });

  it("drops its read at a 409 and asks anew", async () => {
    const source = createMemorySource(users(3_000));
    let left = 1;
    cloud.intercept = ({ path }) => {
      if (!path.endsWith("/batches") || cloud.batches.length === 0 || left-- <= 0) return undefined;
      // An admin asked for a full read: the open one is no more.
      cloud.closeRead();
      return undefined;
    };
    start(source);
    await until(() => cloud.ended.length === 1, "the second read");
    expect(cloud.ended).toEqual([2]);
    expect(cloud.batches.filter(({ readNo }) => readNo === 2).flatMap(({ changes }) => changes)).toEqual(
      source.changes,
    );
  });

  it("asks for a full read when the cookie is refused", async () => {
    cloud.watermark = buildWatermark("1");
    const source = createMemorySource(users(3));
    source.fail = (order) => {
      if (order.kind === "delta" && order.watermark?.id === buildWatermark("1").id) {
        throw new SourceError("source-cookie", "Refused.", "Nothing to do.");
      }
    };
    start(source);
    await until(() => cloud.ended.length === 1, "the full read");
    expect(beats()).toContainEqual({ want: "full", reason: "cookie", abortReadNo: 1 });
    expect(cloud.batches[0]).toMatchObject({ kind: "full" });
  });

  it("gives an incomplete read up, waits and tries again", async () => {
    const source = createMemorySource(users(3));
    let left = 2;
    source.fail = () => {
      if (left-- > 0) throw new SourceError("source-incomplete", "Changed while it was read.", "Nothing to do.");
    };
    start(source);
    await until(() => cloud.ended.length === 1, "the third try");
    expect(beats().filter(({ abortReadNo }) => abortReadNo !== undefined)).toEqual([
      { want: "none", reason: "source-incomplete", abortReadNo: 1 },
      { want: "none", reason: "source-incomplete", abortReadNo: 2 },
    ]);
  });

  it("says once and again why it can't read, goes on when it can", async () => {
    const source = createMemorySource(users(3));
    source.describeError = new SourceError("source-unreachable", "Cannot reach ldaps://dc1.", "Check it.");
    start(source);
    await until(() => log.lines.filter(({ event }) => event === "read-failed").length >= 2, "two tries");
    expect(log.lines.find(({ event }) => event === "read-failed")?.fields).toMatchObject({
      code: "source-unreachable",
      remedy: "Check it.",
    });
    expect(cloud.heartbeats).toEqual([]);
    source.describeError = undefined;
    await until(() => cloud.ended.length === 1, "the read");
  });

  it("outlives a service that is away", async () => {
    const source = createMemorySource(users(2_500));
    let down = false;
    cloud.intercept = () => (down ? { status: 503 } : undefined);
    let pages = 0;
    source.pageSize = 500;
    source.beforePage = async () => {
      if (++pages === 3) {
        down = true;
        setTimeout(() => {
          down = false;
        }, 150);
      }
    };
    start(source);
    await until(() => cloud.ended.length === 1, "the read");
    expect(accepted()).toEqual(source.changes);
    expect(cloud.ended).toEqual([1]);
  });

  it("gives up a read that an earlier process began", async () => {
    cloud.watermark = buildWatermark("0");
    let first = true;
    cloud.orderFor = () => {
      const order = first ? { kind: "delta" as const, nextSequence: 2 } : { kind: "delta" as const };
      first = false;
      return order;
    };
    const replies: number[] = [];
    cloud.intercept = async ({ path }) => {
      if (path.endsWith("/heartbeat") && first) {
        // The fake numbers from 1; this one reply says that a batch was taken already.
        first = false;
        replies.push(1);
        return {
          status: 200,
          body: {
            agentStatus: "active",
            lease: { held: true, epoch: 1, seconds: 60 },
            heartbeatSeconds: 0.05,
            order: {
              jobId: "job-1",
              readNo: 77,
              kind: "delta",
              reason: "asked",
              leaseEpoch: 1,
              nextSequence: 2,
              watermark: cloud.watermark,
              schemaVersion: 1,
              scopeVersion: 1,
              attributes: [],
              attributeSetHash: "hash",
              objectClasses: ["user"],
            },
          },
        };
      }
      return undefined;
    };
    start(createMemorySource(users(3)));
    await until(() => cloud.ended.length === 1, "the read of its own");
    expect(beats()[0]).toEqual({ want: "delta", reason: "restart", abortReadNo: 77 });
    expect(cloud.batches.every(({ readNo }) => readNo !== 77)).toBe(true);
  });

  it("ends soon after the signal, between two requests", async () => {
    const source = createMemorySource(users(50_000));
    start(source);
    await until(() => cloud.batches.length > 1, "some batches");
    stop.abort();
    await running;
    const sent = cloud.batches.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(cloud.batches.length).toBe(sent);
  });
});

describe("after a crash", () => {
  it("sends first what lies in the outbox; what the service has already is no harm", async () => {
    const source = createMemorySource(users(5_000));
    source.pageSize = 1_000;
    cloud.watermark = buildWatermark("0");
    start(source);
    await until(() => cloud.batches.length >= 2, "some batches");
    cloud.intercept = ({ path }) => (path.endsWith("/batches") ? { status: 503 } : undefined);
    const box = () => openOutbox(join(folder, "outbox"));
    await until(() => cloud.seen.length > 10, "tries");
    // As a kill would: what was read lies on disk, the cloud has some of it.
    stop.abort();
    await running;
    const left = (await box()).size;
    expect(left).toBeGreaterThan(0);
    cloud.intercept = () => undefined;
    stop = new AbortController();
    start(source);
    await until(() => cloud.watermark?.id === buildWatermark("5000").id, "the end");
    expect(new Set(accepted().map(({ objectGuid }) => objectGuid)).size).toBe(5_000);
    expect(accepted()).toHaveLength(5_000);
    stop.abort();
    await running;
    expect((await box()).size).toBe(0);
  });

  it("drops what the service doesn't want any more", async () => {
    const outbox = await openOutbox(join(folder, "outbox"));
    const stale = { jobId: "job-1", readNo: 40, changes: 0, isLast: false };
    const header = (sequence: number) => ({
      version: 1,
      batchId: `job-1-40-${sequence}`,
      jobId: "job-1",
      readNo: 40,
      sequence,
      kind: "full",
      leaseEpoch: 1,
      schemaVersion: 1,
      scopeVersion: 1,
      attributeSetHash: "hash",
      domain: aDescription.domain,
      dsa: aDescription.server,
      visibility: "partial",
      watermarkBefore: null,
      isLast: false,
      changes: [],
    });
    for (const sequence of [1, 2]) {
      const body = gzipSync(JSON.stringify(header(sequence)));
      await outbox.put({ ...stale, batchId: `job-1-40-${sequence}`, sequence, body });
    }
    start(createMemorySource(users(3)));
    await until(() => cloud.ended.length === 1, "the read");
    expect(cloud.batches.every(({ readNo }) => readNo !== 40)).toBe(true);
    expect(log.lines.filter(({ event }) => event === "outbox-dropped")).toHaveLength(1);
  });
});

describe("an LDIF file", () => {
  const text = (names: readonly string[]) =>
    [
      "dn: DC=corp,DC=example,DC=com\nobjectClass: domainDNS\nobjectGUID: 11111111-1111-4111-8111-111111111111\nobjectSid: S-1-5-21-1-2-3\n\n",
      ...names.map(
        (name, index) =>
          `dn: CN=${name},DC=corp,DC=example,DC=com\nobjectClass: user\nobjectGUID: 00000000-0000-4000-8000-00000000000${index}\nsAMAccountName: ${name}\n\n`,
      ),
    ].join("");
  const ldif = () =>
    createLdifSource({
      settings: LdifSettings.parse({
        kind: "ldif",
        file: join(folder, "corp.ldif"),
        pollSeconds: 0.05,
        settleMilliseconds: 10,
      }),
      clock: { now: () => Date.now() },
      log,
    });

  it("is read once, again when it changes, and not at all after a restart when it hasn't", async () => {
    await writeFile(join(folder, "corp.ldif"), text(["anna"]));
    start(ldif());
    await until(() => cloud.ended.length === 1, "the first read");
    await until(() => cloud.heartbeats.at(-1)?.want === "none", "rest");
    await writeFile(join(folder, "corp.ldif"), text(["anna", "bert"]));
    await until(() => cloud.ended.length === 2, "the second read");
    expect(beats()).toContainEqual({ want: "full", reason: "changed", abortReadNo: undefined });
    stop.abort();
    await running;
    stop = new AbortController();
    const before = cloud.batches.length;
    start(ldif());
    await until(() => cloud.heartbeats.at(-1)?.want === "none", "rest after the restart");
    await until(() => cloud.heartbeats.filter(({ reason }) => reason === "unchanged").length > 0, "the comparison");
    expect(cloud.batches.length).toBe(before);
    await writeFile(join(folder, "corp.ldif"), text(["anna"]));
    await until(() => cloud.ended.length === 3, "the third read");
    expect(cloud.batches.every(({ kind }) => kind === "full")).toBe(true);
  });

  it("is nothing to read, once, when it hasn't changed", async () => {
    await writeFile(join(folder, "corp.ldif"), text(["anna"]));
    expect(await once(ldif())).toMatchObject({ read: true, objects: 1 });
    expect(await once(ldif())).toEqual({ read: false, objects: 0, batches: 0 });
  });

  it("is read as soon as its fault is mended, however long the pause", async () => {
    await writeFile(join(folder, "corp.ldif"), text(["anna"]).slice(0, -5));
    start(ldif(), { retryFirstSeconds: 600, retryMostSeconds: 600 });
    await until(() => log.lines.some(({ fields }) => fields["code"] === "source-incomplete"), "the fault");
    await writeFile(join(folder, "corp.ldif"), text(["anna"]));
    await until(() => cloud.ended.length === 1, "the read");
  });
});
