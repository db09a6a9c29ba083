/** The agent's loop, for good: leases that move, conflicts, refused cookies, a source or a service that fails. */
import { describe, expect, it } from "vitest";
import { nestingChanged } from "../../agent/source/scope-errors.ts";
import { SourceError } from "../../shared/ports/source-directory.ts";
import { createMemorySource, useAgent, users } from "./agent-fixture.ts";
import { buildWatermark, guidNumber, until } from "./builders.ts";

const f = useAgent();

describe("run", () => {
  it("reads in full, then polls with the newest cookie and sends nothing until something changed", async () => {
    const source = createMemorySource(users(3));
    f.start(source);
    await until(() => source.reads_.length > 5, "polls");
    expect(f.cloud.batches).toHaveLength(1);
    source.changes.push(...users(2, 100));
    await until(() => f.cloud.batches.length === 2, "the delta");
    expect(f.cloud.batches[1]).toMatchObject({ kind: "delta", isLast: true, watermarkBefore: buildWatermark("3").id });
    expect(f.accepted()).toEqual(source.changes);
    const requested = new Set(f.cloud.batches.map((batch) => batch.readNo));
    expect(requested.size).toBe(2);
  });

  it("moves the watermark of a quiet directory now and then", async () => {
    f.cloud.watermark = buildWatermark("2");
    f.start(createMemorySource(users(2)), { watermarkMinutes: 0.002 });
    await until(() => f.cloud.ended.length >= 2, "two empty ends");
    expect(f.cloud.batches.every((batch) => batch.changes.length === 0)).toBe(true);
  });

  it("turns to a full read that is wanted, though nothing changed", async () => {
    f.cloud.watermark = buildWatermark("3");
    const source = createMemorySource(users(3));
    f.start(source);
    await until(() => source.reads_.length > 3, "polls");
    f.cloud.fullWanted = true;
    await until(() => f.cloud.ended.length === 1, "the full read");
    expect(f.cloud.batches[0]).toMatchObject({ kind: "full", isLast: true });
  });

  it("proves, where it is asked to, how much of another server's changes this one had before the read", async () => {
    const asked: string[] = [];
    const source = createMemorySource(users(3));
    source.replicationCursor = async (invocationId) => {
      expect(source.reads_).toHaveLength(0);
      asked.push(invocationId);
      return "77";
    };
    f.cloud.orderFor = () => ({ kind: "full", replCursorOf: guidNumber(9) });
    f.start(source);
    await until(() => f.cloud.ended.length === 1, "the read");
    expect(asked).toEqual([guidNumber(9)]);
    expect(f.cloud.batches[0]?.dsa.replCursor).toEqual({ invocationId: guidNumber(9), usn: "77" });
  });

  it("stands by without the lease, and reads when it comes", async () => {
    f.cloud.leaseHeld = false;
    f.start(createMemorySource(users(3)));
    await until(() => f.cloud.heartbeats.length > 2, "heartbeats");
    expect(f.cloud.batches).toEqual([]);
    f.cloud.leaseHeld = true;
    await until(() => f.cloud.ended.length === 1, "the read");
    expect(f.log.lines.filter(({ event }) => event === "standby")).toHaveLength(1);
  });

  it("waits for approval", async () => {
    f.cloud.agentStatus = "pending";
    f.start(createMemorySource(users(3)));
    await until(() => f.cloud.heartbeats.length > 2, "heartbeats");
    expect(f.cloud.batches).toEqual([]);
    f.cloud.agentStatus = "active";
    await until(() => f.cloud.ended.length === 1, "the read");
  });

  it("keeps the heart beating during a long read, and stops when the lease has moved", async () => {
    const source = createMemorySource(users(40));
    source.pageSize = 2;
    source.beforePage = () => new Promise((resolve) => setTimeout(resolve, 20));
    f.start(source);
    await until(() => f.cloud.heartbeats.some(({ want }) => want === "continue"), "a heartbeat in the read");
    f.cloud.leaseHeld = false;
    f.cloud.leaseEpoch = 2;
    f.cloud.closeRead();
    await until(() => f.log.lines.some(({ event }) => event === "standby"), "standing by");
    expect(f.cloud.ended).toEqual([]);
    f.cloud.leaseHeld = true;
    f.cloud.leaseEpoch = 3;
    source.beforePage = undefined;
    await until(() => f.cloud.ended.length === 1, "the read under the new epoch");
    expect(f.cloud.batches.at(-1)).toMatchObject({ leaseEpoch: 3, isLast: true });
  });

  it("drops its read at a 409 and asks anew", async () => {
    const source = createMemorySource(users(3_000));
    let left = 1;
    f.cloud.intercept = ({ path }) => {
      if (!path.endsWith("/batches") || f.cloud.batches.length === 0 || left-- <= 0) return undefined;
      // An admin asked for a full read: the open one is no more.
      f.cloud.closeRead();
      return undefined;
    };
    f.start(source);
    await until(() => f.cloud.ended.length === 1, "the second read");
    expect(f.cloud.ended).toEqual([2]);
    expect(f.cloud.batches.filter(({ readNo }) => readNo === 2).flatMap(({ changes }) => changes)).toEqual(
      source.changes,
    );
  });

  it("asks for a full read when the cookie is refused", async () => {
    f.cloud.watermark = buildWatermark("1");
    const source = createMemorySource(users(3));
    source.fail = (order) => {
      if (order.kind === "delta" && order.watermark?.id === buildWatermark("1").id) {
        throw new SourceError("source-cookie", "Refused.", "Nothing to do.");
      }
    };
    f.start(source);
    await until(() => f.cloud.ended.length === 1, "the full read");
    expect(f.beats()).toContainEqual({ want: "full", reason: "cookie", abortReadNo: 1 });
    expect(f.cloud.batches[0]).toMatchObject({ kind: "full" });
  });

  it("says which object of the scope is missing, asks for no read without it, and goes on when it is back", async () => {
    const missing = guidNumber(77);
    const source = createMemorySource(users(3));
    const message = "The scope names objects that can't be read.";
    source.scopeError = new SourceError("source-scope", message, "Restore it.", { objectGuids: [missing] });
    f.start(source);
    await until(() => f.cloud.heartbeats.filter(({ trouble }) => trouble).length > 3, "heartbeats with trouble");
    expect(f.cloud.heartbeats.find(({ trouble }) => trouble)).toMatchObject({
      abortReadNo: 1,
      reason: "source-scope",
      trouble: { code: "ScopeObjectMissing", message, objectGuids: [missing] },
    });
    expect(f.cloud.batches).toEqual([]);
    expect(source.reads_).toHaveLength(1);
    expect(f.log.lines.filter(({ event }) => event === "scope-object-missing")).toHaveLength(1);
    source.scopeError = undefined;
    await until(() => f.cloud.ended.length === 1, "the read");
    expect(f.cloud.heartbeats.at(-1)).not.toHaveProperty("trouble");
    expect(f.accepted()).toEqual(source.changes);
  });

  it("asks for a full read, and says why, when a delta can't tell who is in scope", async () => {
    f.cloud.watermark = buildWatermark("1");
    const source = createMemorySource(users(3));
    source.fail = ({ kind }) => {
      if (kind === "delta" && f.cloud.ended.length === 0) throw nestingChanged(guidNumber(77));
    };
    f.start(source);
    await until(() => f.cloud.ended.length === 1, "the full read");
    expect(f.beats()).toContainEqual({ want: "full", reason: "scope-nesting", abortReadNo: 1 });
    expect(f.cloud.batches[0]).toMatchObject({ kind: "full" });
  });

  it("gives an incomplete read up, waits and tries again", async () => {
    const source = createMemorySource(users(3));
    let left = 2;
    source.fail = () => {
      if (left-- > 0) throw new SourceError("source-incomplete", "Changed while it was read.", "Nothing to do.");
    };
    f.start(source);
    await until(() => f.cloud.ended.length === 1, "the third try");
    expect(f.beats().filter(({ abortReadNo }) => abortReadNo !== undefined)).toEqual([
      { want: "none", reason: "source-incomplete", abortReadNo: 1 },
      { want: "none", reason: "source-incomplete", abortReadNo: 2 },
    ]);
  });

  it("says once and again why it can't read, goes on when it can", async () => {
    const source = createMemorySource(users(3));
    source.describeError = new SourceError("source-unreachable", "Cannot reach ldaps://dc1.", "Check it.");
    f.start(source);
    await until(() => f.log.lines.filter(({ event }) => event === "read-failed").length >= 2, "two tries");
    expect(f.log.lines.find(({ event }) => event === "read-failed")?.fields).toMatchObject({
      code: "source-unreachable",
      remedy: "Check it.",
    });
    expect(f.cloud.heartbeats).toEqual([]);
    source.describeError = undefined;
    await until(() => f.cloud.ended.length === 1, "the read");
  });

  it("outlives a service that is away", async () => {
    const source = createMemorySource(users(2_500));
    let down = false;
    f.cloud.intercept = () => (down ? { status: 503 } : undefined);
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
    f.start(source);
    await until(() => f.cloud.ended.length === 1, "the read");
    expect(f.accepted()).toEqual(source.changes);
    expect(f.cloud.ended).toEqual([1]);
  });

  it("gives up a read that an earlier process began", async () => {
    f.cloud.watermark = buildWatermark("0");
    let first = true;
    f.cloud.orderFor = () => {
      const order = first ? { kind: "delta" as const, nextSequence: 2 } : { kind: "delta" as const };
      first = false;
      return order;
    };
    const replies: number[] = [];
    f.cloud.intercept = async ({ path }) => {
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
              watermark: f.cloud.watermark,
              schemaVersion: 1,
              scopeVersion: 1,
              attributes: [],
              attributeSetHash: "hash",
              objectClasses: ["user"],
              scope: { organizationalUnits: [], groups: [] },
              reportsLeaves: false,
            },
          },
        };
      }
      return undefined;
    };
    f.start(createMemorySource(users(3)));
    await until(() => f.cloud.ended.length === 1, "the read of its own");
    expect(f.beats()[0]).toEqual({ want: "delta", reason: "restart", abortReadNo: 77 });
    expect(f.cloud.batches.every(({ readNo }) => readNo !== 77)).toBe(true);
  });

  it("ends soon after the signal, between two requests", async () => {
    const source = createMemorySource(users(50_000));
    f.start(source);
    await until(() => f.cloud.batches.length > 1, "some batches");
    f.stop.abort();
    await f.running;
    const sent = f.cloud.batches.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(f.cloud.batches.length).toBe(sent);
  });
});
