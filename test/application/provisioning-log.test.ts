/** Rows of the provisioning log: written twice they are one, and what is made up again covers nothing. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createProvisioningLog, type LogEntry, logTableName } from "../../shared/application/state/provisioning-log.ts";

const AT = Date.UTC(2026, 4, 4, 12);

function entryOf(index: number, message: string): LogEntry {
  return {
    jobId: "job",
    cycleId: "job-1",
    batchId: "job-1-1",
    index,
    at: AT,
    action: "create",
    outcome: "exported",
    status: "success",
    message,
    source: { objectGuid: `${index % 10}0000000-0000-4000-8000-00000000000${index % 10}`, dn: "", objectClass: "user" },
    before: {},
    after: { displayName: message },
    steps: [],
    change: `job-1-1:${index}`,
    agentId: "agent",
    server: "dc",
    schemaVersion: 1,
  };
}

const messages = (entries: readonly LogEntry[]) => entries.map((entry) => entry.message).sort();
const all = { jobId: "job", since: AT - 1, until: AT + 1 };

describe("provisioning log", () => {
  it("writes over what is there, and adds what isn't, in one transaction", async () => {
    const log = createProvisioningLog({ rows: createMemoryRowStore() });
    await log.write([entryOf(1, "first"), entryOf(2, "first")]);
    await log.write([entryOf(2, "second"), entryOf(3, "second")]);
    expect(messages((await log.page(all, 1_000)).entries)).toEqual(["first", "second", "second"]);
    const ofOne = { ...all, object: { objectGuid: entryOf(2, "").source.objectGuid, jobIds: ["job"] } };
    expect(messages((await log.page(ofOne, 1_000)).entries)).toEqual(["second"]);
  });

  it.each(["time", "object"] as const)(
    "says the same of time and of object when an interruption left only the row of its %s",
    async (left) => {
      const memory = createMemoryRowStore();
      const interrupted = {
        ...memory,
        table: (name: string) => {
          const table = memory.table(name);
          const transact: typeof table.transact = async (partition, operations) => {
            if (partition.includes(":object:") === (left === "object")) return table.transact(partition, operations);
            throw new Error("interrupted");
          };
          return { ...table, transact };
        },
      };
      await expect(createProvisioningLog({ rows: interrupted }).write([entryOf(1, "said more")])).rejects.toThrow();
      const log = createProvisioningLog({ rows: memory });
      await log.writeMissing([entryOf(1, "says less")]);
      expect(messages((await log.page(all, 1_000)).entries)).toEqual(["said more"]);
      const ofOne = { ...all, object: { objectGuid: entryOf(1, "").source.objectGuid, jobIds: ["job"] } };
      expect(messages((await log.page(ofOne, 1_000)).entries)).toEqual(["said more"]);
    },
  );

  it.each([[":object:"], [""]])(
    "makes an entry up again over rows that are damaged (all with '%s' in their partition)",
    async (which) => {
      const rows = createMemoryRowStore();
      const log = createProvisioningLog({ rows });
      await log.write([entryOf(1, "said more")]);
      const table = rows.table(logTableName(AT));
      for await (const page of table.scan())
        for (const { partition, row } of page)
          if (partition.includes(which) && row !== "hours")
            await table.transact(partition, [{ op: "merge", row, values: { data: new Uint8Array([1, 2, 3]) } }]);
      await log.writeMissing([entryOf(1, "made up again"), entryOf(2, "was missing")]);
      const { source } = entryOf(2, "");
      const ofOne = { ...all, object: { objectGuid: source.objectGuid, jobIds: ["job"] } };
      expect(messages((await log.page(ofOne, 1_000)).entries)).toEqual(["was missing"]);
    },
  );

  it("keeps what was written when an entry is made up again", async () => {
    const log = createProvisioningLog({ rows: createMemoryRowStore() });
    await log.write([entryOf(1, "said more")]);
    await log.writeMissing([entryOf(1, "says less"), entryOf(2, "was missing")]);
    expect(messages((await log.page(all, 1_000)).entries)).toEqual(["said more", "was missing"]);
  });

  const everybody = { since: AT - 1, until: AT + 1 };
  const failures = { ...everybody, isFailed: true };
  const failed = (index: number, message: string): LogEntry => ({ ...entryOf(index, message), status: "failure" });

  it("shows each entry once among those of all jobs, however often and in whatever parts it was written", async () => {
    const log = createProvisioningLog({ rows: createMemoryRowStore() });
    await log.write([entryOf(1, "first"), entryOf(11, "first")]);
    await log.writeMissing([entryOf(11, "says less"), entryOf(21, "was missing")]);
    await log.write([entryOf(1, "second"), { ...entryOf(1, "of another job"), jobId: "other" }]);
    expect(messages((await log.page(everybody, 1_000)).entries)).toEqual([
      "first",
      "of another job",
      "second",
      "was missing",
    ]);
  });

  it("loses none of those that several write at once", async () => {
    const log = createProvisioningLog({ rows: createMemoryRowStore() });
    const parts = Array.from({ length: 20 }, (_, part) => [entryOf(10 * part + 1, "a"), entryOf(10 * part + 2, "b")]);
    await Promise.all(parts.map((own) => log.write(own)));
    expect((await log.page(everybody, 1_000)).entries).toHaveLength(40);
  });

  it("packs what is large in parts that a page can read", async () => {
    const rows = createMemoryRowStore();
    const log = createProvisioningLog({ rows });
    const noise = (index: number) =>
      Array.from({ length: 90 }, (_, at) => createHash("sha256").update(`${index} ${at}`).digest("base64")).join("");
    const large = Array.from({ length: 200 }, (_, n) => entryOf(10 * n + 3, noise(n)));
    await log.write(large.slice(0, 150));
    await log.write(large);
    expect((await log.page(everybody, 1_000)).entries).toHaveLength(200);
    const blocks: number[] = [];
    for await (const page of rows.table("log202605").range("all"))
      for (const { values } of page) blocks.push((values["data"] as Uint8Array).length);
    expect(blocks.length).toBeGreaterThan(2);
    expect(Math.max(...blocks)).toBeLessThanOrEqual(128 * 1024);
  });

  it("has failures in an order of their own, without those that a repetition mended", async () => {
    const log = createProvisioningLog({ rows: createMemoryRowStore() });
    await log.write([failed(1, "failed"), failed(2, "failed too"), entryOf(3, "did not")]);
    await log.write([entryOf(1, "went well"), failed(2, "failed again")]);
    expect(messages((await log.page(failures, 10)).entries)).toEqual(["failed again"]);
    expect(messages((await log.page({ ...failures, jobId: "job" }, 10)).entries)).toEqual(["failed again"]);
  });

  it("writes few rows more for them: blocks, and two for a failure", async () => {
    const rows = createMemoryRowStore();
    const log = createProvisioningLog({ rows });
    // A batch of 1,000 in chunks of whole shards, as they are written; one in a hundred fails.
    const guidOf = (n: number) => `${(n % 16).toString(16)}${String(n).padStart(7, "0")}-0000-4000-8000-000000000000`;
    const batch = Array.from(
      { length: 1_000 },
      (_, n): LogEntry => ({
        ...(n % 100 === 0 ? failed(n, "failed") : entryOf(n, "went well")),
        source: { objectGuid: guidOf(n), dn: "", objectClass: "user" },
      }),
    );
    const shards = [..."0123456789abcdef"].map((shard) =>
      batch.filter(({ source }) => source.objectGuid.startsWith(shard)),
    );
    for (let at = 0; at < 16; at += 3) await log.write(shards.slice(at, at + 3).flat());
    let count = 0;
    for await (const page of rows.table("log202605").scan()) count += page.length;
    expect(count - 2_000).toBeLessThanOrEqual(16 + 20);
  });
});
