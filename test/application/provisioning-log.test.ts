/** Rows of the provisioning log: written twice they are one, and what is made up again covers nothing. */
import { describe, expect, it } from "vitest";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createProvisioningLog, type LogEntry } from "../../shared/application/state/provisioning-log.ts";

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
const all = { jobId: "job", since: AT - 1, until: AT + 1, limit: 1_000 };

describe("provisioning log", () => {
  it("writes over what is there, and adds what isn't, in one transaction", async () => {
    const log = createProvisioningLog({ rows: createMemoryRowStore() });
    await log.write([entryOf(1, "first"), entryOf(2, "first")]);
    await log.write([entryOf(2, "second"), entryOf(3, "second")]);
    expect(messages(await log.query(all))).toEqual(["first", "second", "second"]);
    const ofOne = { ...all, objectGuid: entryOf(2, "").source.objectGuid };
    expect(messages(await log.query(ofOne))).toEqual(["second"]);
  });

  it("keeps what was written when an entry is made up again", async () => {
    const log = createProvisioningLog({ rows: createMemoryRowStore() });
    await log.write([entryOf(1, "said more")]);
    await log.writeMissing([entryOf(1, "says less"), entryOf(2, "was missing")]);
    expect(messages(await log.query(all))).toEqual(["said more", "was missing"]);
  });
});
