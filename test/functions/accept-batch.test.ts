import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createAcceptBatch } from "../../shared/application/reading/accept-batch.ts";
import { type AgentRow, agentTable } from "../../shared/application/state/agent-rows.ts";
import { type BatchRow, listRows, pack, type ReadsRow, ROW, readRow } from "../../shared/application/state/job-rows.ts";
import type { ReadOrder } from "../../shared/contracts/agent-api.ts";
import type { ChangeBatch } from "../../shared/contracts/change.ts";
import { StorageError } from "../../shared/ports/row-store.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";
import { createAgentClient, createKey, ORIGIN } from "./agent-client.ts";

/** A cloud side with one enrolled agent that holds the lease and has the order for its first read. */
async function scene(options: Parameters<typeof createCloud>[0] = {}) {
  const cloud = await createCloud(options);
  const agent = await cloud.addDomain("corp.example");
  const client = await createAgentClient(cloud);
  const { routes } = cloud.cloud;
  const token = await routes.configurations.createToken(
    agent.configurationId,
    { minutes: 60, policy: "active" },
    "test",
  );
  const domain = { ...agent.domain };
  const enrolled = await client.enrol({
    token: token.ok ? token.value.token : "",
    publicKey: client.key.publicJwk,
    name: "agent",
    version: "1",
    platform: "test",
    domain,
  });
  expect(enrolled.status).toBe(201);
  const beat = await client.heartbeat({ version: "1", domain, want: "full" });
  expect(beat.status).toBe(200);
  const order = beat.body["order"] as ReadOrder;
  const batch = (sequence: number, more: Partial<ChangeBatch> = {}) =>
    agent.batch(order, sequence, [aUser(`user${sequence}`)], more);
  const stored = async () => (await cloud.rows.table("jobs").getMany(agent.jobId, [])).size;
  return { cloud, agent, client, order, batch, domain, stored, jobId: agent.jobId };
}

const rowsOf = async (world: Awaited<ReturnType<typeof scene>>, prefix: string) => {
  const found: string[] = [];
  for await (const rows of world.cloud.rows.table("jobs").range(world.jobId, { from: prefix, to: `${prefix}~` }))
    found.push(...rows.map((row) => row.row));
  return found;
};

describe("accepting a batch (N1)", () => {
  it("answers 202 and rings once blob and row are there; the same batch again is 200, and nothing is stored twice", async () => {
    const world = await scene();
    const { client, batch, jobId, cloud } = world;
    expect(await client.batch(jobId, batch(1))).toMatchObject({
      status: 202,
      body: { accepted: "now", nextSequence: 2 },
    });
    const [row] = await rowsOf(world, "batch:");
    expect(row).toContain("batch:bulk:");
    expect(cloud.bells).toEqual([{ jobId, lane: "bulk" }]);
    expect(await client.batch(jobId, batch(1))).toMatchObject({
      status: 200,
      body: { accepted: "before", nextSequence: 2 },
    });
    expect(await rowsOf(world, "batch:")).toEqual([row]);
    expect(cloud.bells).toHaveLength(1);
  });

  it("still answers 200 for a batch that was worked and closed meanwhile", async () => {
    const { client, batch, jobId, cloud } = await scene();
    await client.batch(jobId, batch(1));
    await cloud.run();
    expect(cloud.target.objects()).toHaveLength(1);
    expect(await client.batch(jobId, batch(1))).toMatchObject({ status: 200 });
  });

  it.each(["blob", "rows"] as const)(
    "acknowledges nothing when the %s can't be written, and takes the retry",
    async (what) => {
      let isBroken = false;
      const broken = () => {
        if (isBroken) throw new StorageError("storage-unreachable", "The storage is away.");
      };
      const world = await scene({
        wrapBlobs: (blobs) => ({
          ...blobs,
          put: async (path, content, more) => {
            if (what === "blob") broken();
            return blobs.put(path, content, more);
          },
        }),
        wrapRows: (rows) => ({
          ...rows,
          table: (name) => {
            const table = rows.table(name);
            return {
              ...table,
              transact: async (partition, operations) => {
                if (what === "rows" && name === "jobs") broken();
                return table.transact(partition, operations);
              },
            };
          },
        }),
      });
      isBroken = true;
      const refused = await world.client.batch(world.jobId, world.batch(1));
      expect(refused).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
      expect(JSON.stringify(refused.body)).not.toContain("storage is away");
      expect(await rowsOf(world, "batch:")).toEqual([]);
      isBroken = false;
      expect(await world.client.batch(world.jobId, world.batch(1))).toMatchObject({ status: 202 });
    },
  );

  it("loses nothing when the bell can't be rung: the tick finds the batch", async () => {
    const { client, batch, jobId, cloud } = await scene();
    await client.batch(jobId, batch(1));
    cloud.bells.splice(0);
    await cloud.run();
    expect(cloud.target.objects()).toHaveLength(0);
    cloud.clock.set(cloud.clock.now() + 121_000);
    await cloud.tick();
    await cloud.driver.settled();
    expect(cloud.target.objects()).toHaveLength(1);
  });

  const end = { batches: 1, objects: 1, digest: "" };
  const watermark = {
    mode: "dirsync" as const,
    id: "w",
    token: "AA==",
    invocationId: guidOf("dc"),
    dnsName: "dc1",
    usn: "1",
    at: "2026-01-05T08:00:00.000Z",
  };

  it.each<[string, Partial<ChangeBatch> & { sequence?: number }]>([
    ["a gap", { sequence: 3, batchId: "" }],
    ["a stale epoch", { leaseEpoch: 9 }],
    ["another watermark", { watermarkBefore: "other" }],
    ["another domain", { domain: { objectGuid: guidOf("other"), sid: "S-1-5-21-1-2-3", fqdn: "corp.example" } }],
    [
      "the domain's GUID with another SID",
      { domain: { objectGuid: guidOf("domain corp.example"), sid: "S-1-5-21-9", fqdn: "corp.example" } },
    ],
    ["another kind", { kind: "delta" }],
    ["another schema version", { schemaVersion: 2 }],
    ["another attribute set", { attributeSetHash: "other" }],
    [
      "another directory server in one read",
      { dsa: { invocationId: guidOf("dc2"), dnsName: "dc2", highestCommittedUsn: "1" } },
    ],
    ["a last batch without watermark", { isLast: true, end }],
    ["a watermark in the middle of a full read", { watermarkAfter: watermark }],
  ])("answers 409 with what is expected to %s", async (_, more) => {
    const world = await scene();
    const { client, jobId, batch } = world;
    await client.batch(jobId, batch(1));
    const sequence = more.sequence ?? 2;
    const sent = { ...batch(sequence, { ...more, batchId: batch(sequence).batchId }) };
    const refused = await client.batch(jobId, sent);
    expect(refused).toMatchObject({
      status: 409,
      body: {
        error: { code: "batch-not-expected", expected: { readNo: 1, nextSequence: 2, leaseEpoch: 1, watermark: null } },
      },
    });
    expect(await rowsOf(world, "batch:")).toHaveLength(1);
    expect(await client.batch(jobId, batch(2))).toMatchObject({ status: 202 });
  });

  it("answers 409 to other content under an accepted number", async () => {
    const { client, jobId, batch, agent, order } = await scene();
    await client.batch(jobId, batch(1));
    expect(await client.batch(jobId, agent.batch(order, 1, [aUser("other")]))).toMatchObject({ status: 409 });
  });

  it("answers 409 after the read was closed", async () => {
    const { client, jobId, batch } = await scene();
    const last = batch(1, { isLast: true, end, watermarkAfter: watermark });
    expect(await client.batch(jobId, last)).toMatchObject({ status: 202 });
    expect(await client.batch(jobId, batch(2))).toMatchObject({
      status: 409,
      body: { error: { expected: { readNo: null, watermark: "w" } } },
    });
  });

  it("accepts one of two batches with one number that come at the same moment", async () => {
    const { client, jobId, agent, order } = await scene();
    const replies = await Promise.all(
      ["ann", "bob"].map((name) => client.batch(jobId, agent.batch(order, 1, [aUser(name)]))),
    );
    expect(replies.map((reply) => reply.status).sort()).toEqual([202, 409]);
  });

  it("takes no batch for another agent's job", async () => {
    const { client, batch, cloud } = await scene();
    const other = await cloud.addDomain("branch.example");
    expect(await client.batch(other.jobId, batch(1))).toMatchObject({ status: 403 });
  });

  it("refuses what is too large, as sent or inflated, what is no gzip, and what is no JSON", async () => {
    const { client, jobId } = await scene();
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, " "));
    expect(bomb.length).toBeLessThan(100_000);
    expect(await client.batch(jobId, bomb)).toMatchObject({ status: 413 });
    expect(await client.batch(jobId, randomBytes(5 * 1024 * 1024 + 1))).toMatchObject({ status: 413 });
    const plain = Buffer.from(`"${"a".repeat(4 * 1024 * 1024)}"`);
    expect(await client.batch(jobId, plain, { gzip: false })).toMatchObject({ status: 413 });
    expect(await client.batch(jobId, Buffer.from("{}"))).toMatchObject({ status: 400 });
    expect(await client.batch(jobId, gzipSync("{"))).toMatchObject({ status: 400 });
  });

  it.each<[string, (batch: ChangeBatch) => unknown, string]>([
    [
      "an attribute's value",
      (own) => ({ ...own, changes: [{ ...own.changes[0], attributes: { title: [1] } }] }),
      "changes.0.attributes.title.0",
    ],
    ["a GUID", (own) => ({ ...own, changes: [{ op: "delete", objectGuid: "x" }] }), "changes.0.objectGuid"],
    ["an operation", (own) => ({ ...own, changes: [{ op: "explode" }] }), "changes.0.op"],
    ["the last batch's account", (own) => ({ ...own, isLast: true }), "end"],
    ["the name of the batch", (own) => ({ ...own, batchId: "x" }), "batchId"],
    ["a field that nobody knows", (own) => ({ ...own, more: 1 }), "more"],
    ["too many changes", (own) => ({ ...own, changes: Array.from({ length: 1001 }, () => own.changes[0]) }), "changes"],
  ])("answers 422 with the path of the fault: %s", async (_, spoil, path) => {
    const { client, jobId, batch } = await scene();
    const refused = await client.batch(jobId, spoil(batch(1)));
    expect(refused.status).toBe(422);
    expect(refused.body.error?.details?.map((detail) => detail.target)).toContain(path);
  });
});

describe("what is remembered between the batches of a read", () => {
  /** A scene whose first batch was accepted; `reads` counts what is read of the job's rows. */
  async function afterTheFirst() {
    const count = { reads: 0 };
    const world = await scene({
      wrapRows: (rows) => ({
        ...rows,
        table: (name) => {
          const table = rows.table(name);
          const getMany: typeof table.getMany = (...asked) => {
            if (name === "jobs") count.reads++;
            return table.getMany(...asked);
          };
          return { ...table, getMany };
        },
      }),
    });
    const { cloud, client, batch, jobId } = world;
    expect(await client.batch(jobId, batch(1))).toMatchObject({ status: 202 });
    count.reads = 0;
    const reads = await readRow<ReadsRow>(cloud.rows.table("jobs"), jobId, ROW.reads);
    const agents = await listRows<AgentRow>(agentTable(cloud.rows), world.agent.configurationId, "agent:");
    const sender = agents.find(({ value }) => value.agentId === reads?.value.agentId)?.value as AgentRow;
    /** Another host of the same service, with a memory of its own; `before`: what others do when its batch is on its way. */
    const openHost = (before: () => Promise<void> = async () => undefined) => {
      const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
      const { rows, blobs, clock } = cloud;
      const accept = createAcceptBatch({
        ...{ rows, clock, log: silent, doorbell: { ring: async () => undefined, close: async () => undefined } },
        blobs: {
          ...blobs,
          put: async (...put) => {
            const written = await blobs.put(...put);
            await before();
            return written;
          },
        },
      });
      return (content: ChangeBatch, agent = sender) =>
        accept({ agent, boot: "boot" }, { jobId, body: Buffer.from(JSON.stringify(content)), isGzip: false });
    };
    /** Paths of payloads that no row names, and of those that rows name and that aren't there. */
    const payloads = async () => {
      const named = new Set<string>();
      for (const prefix of ["batch:", "done:"])
        for (const { value } of await listRows<BatchRow>(cloud.rows.table("jobs"), jobId, prefix))
          named.add(value.blob);
      const found = new Set<string>();
      for await (const path of cloud.blobs.list(`batches/${jobId}/`)) found.add(path);
      const beyond = [...found].filter((path) => !named.has(path));
      return { beyond, missing: [...named].filter((path) => !found.has(path)), named: named.size };
    };
    /** What a heartbeat of another agent writes when the lease wasn't renewed. */
    const takeOver = async () => {
      const jobs = cloud.rows.table("jobs");
      const open = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
      const values = pack({ ...open?.value, leaseEpoch: (open?.value.leaseEpoch ?? 0) + 1, agentId: "other" });
      await jobs.transact(jobId, [{ op: "replace", row: ROW.reads, values }]);
    };
    return { ...world, count, toOther: openHost(), openHost, payloads, takeOver, sender };
  }

  it("spares the next one all reads, for some seconds", async () => {
    const { client, batch, jobId, count, cloud } = await afterTheFirst();
    for (const sequence of [2, 3]) expect(await client.batch(jobId, batch(sequence))).toMatchObject({ status: 202 });
    expect(count.reads).toBe(0);
    cloud.clock.set(cloud.clock.now() + 11_000);
    expect(await client.batch(jobId, batch(4))).toMatchObject({ status: 202 });
    expect(count.reads).toBe(1);
  });

  it("decides nothing: what another host took meanwhile is seen", async () => {
    const { client, batch, jobId, toOther, agent, order } = await afterTheFirst();
    expect(await toOther(batch(2))).toMatchObject({ ok: true, value: { accepted: "now" } });
    expect(await client.batch(jobId, batch(2))).toMatchObject({ status: 200 });
    expect(await client.batch(jobId, agent.batch(order, 2, [aUser("other")]))).toMatchObject({ status: 409 });
    expect(await client.batch(jobId, batch(3))).toMatchObject({ status: 202 });
    expect(await toOther(batch(3))).toMatchObject({ ok: true, value: { accepted: "before" } });
  });

  it("keeps no read open that another agent took over, and no job that is gone", async () => {
    const { client, batch, jobId, cloud } = await afterTheFirst();
    const jobs = cloud.rows.table("jobs");
    const reads = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
    const takenOver = pack({ ...reads?.value, leaseEpoch: 2, agentId: "other" });
    await jobs.transact(jobId, [{ op: "replace", row: ROW.reads, values: takenOver }]);
    expect(await client.batch(jobId, batch(2))).toMatchObject({
      status: 409,
      body: { error: { expected: { leaseEpoch: 2, nextSequence: 2 } } },
    });
    await jobs.transact(jobId, [{ op: "replace", row: ROW.reads, values: pack(reads?.value) }]);
    expect(await client.batch(jobId, batch(2))).toMatchObject({ status: 202 });
    await jobs.transact(jobId, [
      { op: "delete", row: ROW.reads },
      { op: "delete", row: ROW.job },
    ]);
    expect(await client.batch(jobId, batch(3))).toMatchObject({ status: 404 });
  });

  it("lets two hosts take a read's batches in turn, each number once", async () => {
    const { batch, openHost, payloads, order, agent } = await afterTheFirst();
    const hosts = [openHost(), openHost()];
    for (let sequence = 2; sequence <= 9; sequence++) {
      const other = agent.batch(order, sequence, [aUser("other")]);
      const [own, elsewhere] = sequence % 2 === 0 ? hosts : [...hosts].reverse();
      expect(await own?.(batch(sequence))).toMatchObject({ ok: true, value: { accepted: "now" } });
      // What this host remembers of the read is older than that.
      expect(await elsewhere?.(other)).toMatchObject({ ok: false, failure: { status: 409 } });
      expect(await elsewhere?.(batch(sequence))).toMatchObject({ ok: true, value: { accepted: "before" } });
      expect(await own?.(batch(sequence))).toMatchObject({ ok: true, value: { accepted: "before" } });
    }
    // At the same moment, both with a memory that was right until then.
    for (let sequence = 10; sequence <= 15; sequence++) {
      const answers = await Promise.all(hosts.map((host) => host(batch(sequence))));
      expect(answers.map((answer) => answer.ok && answer.value.accepted).sort()).toEqual(["before", "now"]);
    }
    expect(await payloads()).toEqual({ beyond: [], missing: [], named: 15 });
  });

  it("takes nothing of who lost the lease at another host, and keeps no payload of it", async () => {
    const { batch, openHost, payloads, takeOver, sender } = await afterTheFirst();
    const host = openHost();
    expect(await host(batch(2))).toMatchObject({ ok: true });
    await takeOver();
    const refused = { ok: false, failure: { status: 409, expected: { leaseEpoch: 2, nextSequence: 3 } } };
    expect(await host(batch(3))).toMatchObject(refused);
    expect(await payloads()).toEqual({ beyond: [], missing: [], named: 2 });
    const other = { ...sender, agentId: "other" };
    expect(await host(batch(3, { leaseEpoch: 2 }), other)).toMatchObject({ ok: true, value: { accepted: "now" } });
    expect(await host(batch(4))).toMatchObject({ ok: false, failure: { status: 409 } });
    // Remembered by neither, and taken over between the look and the write.
    const late = openHost(takeOver);
    expect(await late(batch(4, { leaseEpoch: 2 }), other)).toMatchObject({ ok: false, failure: { status: 409 } });
    expect(await payloads()).toEqual({ beyond: [], missing: [], named: 3 });
  });

  it("takes nothing for a job that another host deleted, and keeps no payload of it", async () => {
    const { batch, openHost, jobId, cloud } = await afterTheFirst();
    const host = openHost();
    expect(await host(batch(2))).toMatchObject({ ok: true });
    const jobs = cloud.rows.table("jobs");
    for await (const rows of jobs.range(jobId))
      await jobs.transact(
        jobId,
        rows.map(({ row }) => ({ op: "delete", row })),
      );
    for await (const path of cloud.blobs.list(`batches/${jobId}/`)) await cloud.blobs.delete(path);
    expect(await host(batch(3))).toMatchObject({ ok: false, failure: { status: 404, code: "job-not-found" } });
    for await (const rows of jobs.range(jobId)) expect(rows).toEqual([]);
    for await (const path of cloud.blobs.list(`batches/${jobId}/`)) expect(path).toBe("none");
  });

  it("takes nothing of a read that another host closed, and leaves the payload that it took itself", async () => {
    const { batch, openHost, jobId, cloud, payloads } = await afterTheFirst();
    const host = openHost();
    expect(await host(batch(2))).toMatchObject({ ok: true });
    const jobs = cloud.rows.table("jobs");
    const reads = await readRow<ReadsRow>(jobs, jobId, ROW.reads);
    const closed = pack({ ...reads?.value, openReadNo: 0 });
    await jobs.transact(jobId, [{ op: "replace", row: ROW.reads, values: closed }]);
    expect(await host(batch(3))).toMatchObject({ ok: false, failure: { status: 409, expected: { readNo: null } } });
    expect(await host(batch(2))).toMatchObject({ ok: true, value: { accepted: "before" } });
    expect(await payloads()).toEqual({ beyond: [], missing: [], named: 2 });
  });

  it("spares nobody the proof: an agent that was revoked meanwhile is refused within a minute", async () => {
    const { client, batch, jobId, cloud, sender, agent } = await afterTheFirst();
    expect(await client.batch(jobId, batch(2))).toMatchObject({ status: 202 });
    const agents = agentTable(cloud.rows);
    const values = pack({ ...sender, status: "revoked" });
    const row = `agent:${sender.agentId}`;
    expect(await agents.transact(agent.configurationId, [{ op: "replace", row, values }])).toMatchObject({ ok: true });
    const since = cloud.clock.now();
    let sequence = 3;
    for (let status = 202; status === 202; cloud.clock.set(cloud.clock.now() + 5_000)) {
      expect(cloud.clock.now() - since).toBeLessThanOrEqual(60_000);
      ({ status } = await client.batch(jobId, batch(sequence++)));
      if (status !== 202) expect(status).toBe(403);
    }
  });

  it("is not what is refused by", async () => {
    const { client, batch, jobId, count, agent } = await afterTheFirst();
    const from = { objectGuid: guidOf("other"), sid: agent.domain.sid, fqdn: "corp.example" };
    expect(await client.batch(jobId, batch(2, { domain: from }))).toMatchObject({ status: 409 });
    expect(count.reads).toBe(1);
  });
});

describe("proofs", () => {
  it.each<[string, Record<string, unknown>]>([
    ["another method", { htm: "PUT" }],
    ["another URL", { htu: `${ORIGIN}/api/agent/v1/heartbeat` }],
    ["another audience", { aud: "https://other.example" }],
    ["another body", { bsha: "x".repeat(43) }],
    ["no moment", { iat: null }],
    ["no end", { exp: null }],
    ["no number", { seq: null }],
    ["the number nought", { seq: 0 }],
    ["no boot", { boot: null }],
    ["a claim that nobody knows", { admin: true }],
  ])("a proof with %s is refused", async (_, claims) => {
    const world = await scene();
    expect(await world.client.batch(world.jobId, world.batch(1), { claims })).toMatchObject({ status: 401 });
    expect(await rowsOf(world, "batch:")).toEqual([]);
  });

  it.each<[string, number, number]>([
    ["expired", -200, 60],
    ["valid for too long", 0, 61],
    ["dated in the future", 3600, 60],
  ])("a proof that is %s is refused", async (_, offset, seconds) => {
    const { client, jobId, batch, cloud } = await scene();
    const iat = Math.floor(cloud.clock.now() / 1000) + offset;
    const refused = await client.batch(jobId, batch(1), { claims: { iat, exp: iat + seconds } });
    expect(refused).toMatchObject({ status: 401, body: { error: { code: "proof-refused" } } });
  });

  it("none, a torn one, one of a key that nobody enrolled, and one that was used before are refused", async () => {
    const { client, jobId, batch, cloud } = await scene();
    const body = gzipSync(JSON.stringify(batch(1)));
    const path = `/api/agent/v1/jobs/${jobId}/batches`;
    const proof = await client.proofFor(path, body);
    expect(await client.batch(jobId, body, { proof: null })).toMatchObject({ status: 401 });
    expect(await client.batch(jobId, body, { proof: `${proof.slice(0, -4)}AAAA` })).toMatchObject({ status: 401 });
    const stranger = await createAgentClient(cloud, await createKey());
    expect(await stranger.batch(jobId, batch(1))).toMatchObject({ status: 401 });
    expect(await client.batch(jobId, body, { proof })).toMatchObject({ status: 202 });
    expect(await client.batch(jobId, body, { proof })).toMatchObject({ status: 401 });
  });

  it("may overtake one another within the window, and no further", async () => {
    const { client, jobId, batch } = await scene();
    expect(await client.batch(jobId, batch(1), { claims: { seq: 100 } })).toMatchObject({ status: 202 });
    expect(await client.batch(jobId, batch(1), { claims: { seq: 37 } })).toMatchObject({ status: 200 });
    expect(await client.batch(jobId, batch(1), { claims: { seq: 36 } })).toMatchObject({ status: 401 });
  });

  it("names the request in every answer", async () => {
    const { client, jobId, batch } = await scene();
    const refused = await client.batch(jobId, batch(1), { proof: null, headers: { "client-request-id": "r-1" } });
    expect(refused.headers["client-request-id"]).toBe("r-1");
    expect(refused.body.error?.innerError).toMatchObject({
      "request-id": refused.headers["request-id"],
      "client-request-id": "r-1",
    });
    expect(refused.headers["request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });
});
