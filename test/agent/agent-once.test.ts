/** The agent's loop, once: one read, then an end that says what it was. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openOutbox } from "../../agent/outbox.ts";
import { batchTrace } from "../../shared/application/reading/batch-trace.ts";
import { SourceError } from "../../shared/ports/source-directory.ts";
import { startFakeUplink } from "../support/fake-uplink/fake-uplink.ts";
import { createMemorySource, useAgent, users } from "./agent-fixture.ts";
import { buildWatermark } from "./builders.ts";

const f = useAgent();

describe("once", () => {
  it("sends a full read and ends", async () => {
    const source = createMemorySource(users(2_300));
    expect(await f.once(source)).toEqual({ read: true, objects: 2_300, batches: 3 });
    expect(f.accepted()).toEqual(source.changes);
    expect(f.cloud.ended).toEqual([1]);
    expect(f.cloud.watermark?.id).toBe(buildWatermark("2300").id);
  });

  it("sends each batch in the trace that follows from its id, and nothing else in one", async () => {
    await f.once(createMemorySource(users(2_300)));
    const traces = f.cloud.seen.flatMap(({ path, traceparent }) => (traceparent ? [[path, traceparent]] : []));
    expect(traces).toEqual(
      f.cloud.batches.map(({ batchId }) => [expect.stringMatching(/\/jobs\/job-1\/batches$/), batchTrace(batchId)]),
    );
    expect(new Set(traces.map(([, trace]) => trace)).size).toBe(3);
  });

  it("sends the empty end of a delta without changes", async () => {
    f.cloud.watermark = buildWatermark("2");
    expect(await f.once(createMemorySource(users(2)))).toEqual({ read: true, objects: 0, batches: 1 });
  });

  it("ends with no-lease when another agent keeps it", async () => {
    f.cloud.leaseHeld = false;
    await expect(f.once(createMemorySource(users(2)))).rejects.toMatchObject({ code: "no-lease" });
    expect(f.cloud.batches).toEqual([]);
  });

  it("ends with no-order when the job is paused", async () => {
    f.cloud.orderFor = () => null;
    await expect(f.once(createMemorySource(users(2)))).rejects.toMatchObject({ code: "no-order" });
  });

  it("ends with the source's error, and gives the read up", async () => {
    const source = createMemorySource(users(2));
    source.fail = () => {
      throw new SourceError("source-rights", "No sight of CN=Deleted Objects.", "Grant it.");
    };
    await expect(f.once(source)).rejects.toMatchObject({ code: "source-rights" });
    expect(f.beats().at(-1)).toEqual({ want: "none", reason: "source-rights", abortReadNo: 1 });
    expect(f.cloud.watermark).toBeNull();
  });

  it("ends with the service's refusal, in its words", async () => {
    f.cloud.intercept = ({ path }) =>
      path.endsWith("/batches")
        ? {
            status: 422,
            body: { error: { code: "batch-invalid", message: "changes.0.dn: too short", remedy: "Update the agent." } },
          }
        : undefined;
    await expect(f.once(createMemorySource(users(2)))).rejects.toMatchObject({
      code: "service-refused",
      message: expect.stringContaining("changes.0.dn"),
      remedy: "Update the agent.",
    });
    expect((await openOutbox(join(f.folder, "outbox"))).size).toBe(0);
  });

  it("names a service that can't be reached", async () => {
    await f.cloud.close();
    await expect(f.once(createMemorySource(users(2)))).rejects.toMatchObject({ code: "service-unreachable" });
    f.cloud = await startFakeUplink(f.key.publicJwk);
  });
});
