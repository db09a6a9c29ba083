/** The agent after a crash: what lies in the outbox is sent first, and harms nobody. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { openOutbox } from "../../agent/outbox.ts";
import { createMemorySource, useAgent, users } from "./agent-fixture.ts";
import { aDescription, buildWatermark, until } from "./builders.ts";

const f = useAgent();

describe("after a crash", () => {
  it("sends first what lies in the outbox; what the service has already is no harm", async () => {
    const source = createMemorySource(users(5_000));
    source.pageSize = 1_000;
    f.cloud.watermark = buildWatermark("0");
    f.start(source);
    await until(() => f.cloud.batches.length >= 2, "some batches");
    f.cloud.intercept = ({ path }) => (path.endsWith("/batches") ? { status: 503 } : undefined);
    const box = () => openOutbox(join(f.folder, "outbox"));
    await until(() => f.cloud.seen.length > 10, "tries");
    // As a kill would: what was read lies on disk, the cloud has some of it.
    f.stop.abort();
    await f.running;
    const left = (await box()).size;
    expect(left).toBeGreaterThan(0);
    f.cloud.intercept = () => undefined;
    f.stop = new AbortController();
    f.start(source);
    await until(() => f.cloud.watermark?.id === buildWatermark("5000").id, "the end");
    expect(new Set(f.accepted().map(({ objectGuid }) => objectGuid)).size).toBe(5_000);
    expect(f.accepted()).toHaveLength(5_000);
    f.stop.abort();
    await f.running;
    expect((await box()).size).toBe(0);
  });

  it("drops what the service doesn't want any more", async () => {
    const outbox = await openOutbox(join(f.folder, "outbox"));
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
    f.start(createMemorySource(users(3)));
    await until(() => f.cloud.ended.length === 1, "the read");
    expect(f.cloud.batches.every(({ readNo }) => readNo !== 40)).toBe(true);
    expect(f.log.lines.filter(({ event }) => event === "outbox-dropped")).toHaveLength(1);
  });
});
