/**
 * The agent's loop with a small cloud on the loopback and a directory in memory that keeps the port's promises. `useAgent()` sets both
 * up before each test and clears them away after it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { createAgent } from "../../agent/agent.ts";
import type { AgentSource } from "../../agent/agent-source.ts";
import { Intervals } from "../../agent/config.ts";
import { type AgentKey, createAgentKey } from "../../agent/keys.ts";
import type { Change } from "../../shared/contracts/change.ts";
import type { SourceReadOrder } from "../../shared/ports/source-directory.ts";
import { type FakeUplink, startFakeUplink } from "../support/fake-uplink/fake-uplink.ts";
import { aDescription, buildUpsert, buildWatermark, createRecordingLog } from "./builders.ts";

/** A directory that counts its changes; a cookie is a count. */
export interface MemorySource extends AgentSource {
  readonly changes: Change[];
  readonly reads_: SourceReadOrder[];
  fail: ((order: SourceReadOrder) => void) | undefined;
  describeError: Error | undefined;
  /** What `checkScope` throws, and reading too. */
  scopeError: Error | undefined;
  beforePage: (() => Promise<void>) | undefined;
  pageSize: number;
}

export function createMemorySource(changes: Change[] = []): MemorySource {
  const source: MemorySource = {
    reads: "delta",
    changes,
    reads_: [],
    fail: undefined,
    describeError: undefined,
    scopeError: undefined,
    beforePage: undefined,
    pageSize: 1_000,
    describe: async () => {
      if (source.describeError) throw source.describeError;
      return aDescription;
    },
    read: async function* (order) {
      source.reads_.push(order);
      source.fail?.(order);
      if (source.scopeError) throw source.scopeError;
      const from = order.kind === "full" ? 0 : Number(Buffer.from(order.watermark?.token ?? "", "base64").toString());
      for (let at = from; ; at += source.pageSize) {
        await source.beforePage?.();
        const end = Math.min(at + source.pageSize, source.changes.length);
        const isLast = end === source.changes.length;
        yield { changes: source.changes.slice(at, end), watermarkAfter: buildWatermark(String(end)), isLast };
        if (isLast) return;
      }
    },
    checkScope: async () => {
      if (source.scopeError) throw source.scopeError;
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

export const users = (count: number, from = 0): Change[] =>
  Array.from({ length: count }, (_, index) => buildUpsert(from + index));

export interface AgentFixture {
  folder: string;
  key: AgentKey;
  cloud: FakeUplink;
  stop: AbortController;
  running: Promise<unknown>;
  log: ReturnType<typeof createRecordingLog>;
  start(source: AgentSource, overrides?: Partial<Intervals>): void;
  once(source: AgentSource): ReturnType<ReturnType<typeof createAgent>["once"]>;
  accepted(): Change[];
  beats(): { want: string; reason: string | undefined; abortReadNo: number | undefined }[];
}

export function useAgent(): AgentFixture {
  const agentOf = (source: AgentSource, overrides: Partial<Intervals> = {}) => {
    // As the program has it: the settings of a source stand in it, which are no source.
    const config = {
      url: fixture.cloud.url,
      agentId: "agent-1",
      outboxDir: join(fixture.folder, "outbox"),
      intervals: Intervals.parse({ retryFirstSeconds: 0.02, retryMostSeconds: 0.1, ...overrides }),
      source: { kind: "ldif", file: join(fixture.folder, "export.ldif") },
    };
    return createAgent({
      config,
      source,
      key: fixture.key,
      log: fixture.log,
      clock: { now: () => Date.now() },
      fetch,
      retry: { firstMilliseconds: 5, mostMilliseconds: 20 },
    });
  };
  // Filled before each test.
  const fixture = {
    start: (source, overrides) => {
      fixture.running = agentOf(source, overrides).run(fixture.stop.signal);
    },
    once: (source) => agentOf(source).once(fixture.stop.signal, { waitSeconds: 0.3 }),
    accepted: () => fixture.cloud.batches.flatMap((batch) => batch.changes),
    beats: () => fixture.cloud.heartbeats.map(({ want, reason, abortReadNo }) => ({ want, reason, abortReadNo })),
  } as AgentFixture;
  beforeEach(async () => {
    fixture.folder = await mkdtemp(join(tmpdir(), "uplink-agent-"));
    fixture.key = await createAgentKey(join(fixture.folder, "key"));
    fixture.cloud = await startFakeUplink(fixture.key.publicJwk);
    fixture.stop = new AbortController();
    fixture.running = Promise.resolve();
    fixture.log = createRecordingLog();
  });
  afterEach(async () => {
    fixture.stop.abort();
    await fixture.running;
    await fixture.cloud.close();
    await rm(fixture.folder, { recursive: true, force: true });
  });
  return fixture;
}
