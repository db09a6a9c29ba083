import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
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
    ["a field that nobody knows", (own) => ({ ...own, more: 1 }), ""],
    ["too many changes", (own) => ({ ...own, changes: Array.from({ length: 1001 }, () => own.changes[0]) }), "changes"],
  ])("answers 422 with the path of the fault: %s", async (_, spoil, path) => {
    const { client, jobId, batch } = await scene();
    const refused = await client.batch(jobId, spoil(batch(1)));
    expect(refused.status).toBe(422);
    expect(refused.body.error?.details?.map((detail) => detail.target)).toContain(path);
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
