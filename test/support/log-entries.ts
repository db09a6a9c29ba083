/** Entries of a provisioning log by the thousand, and stores that count what a page of it asks of them. */
import type { LogEntry, ProvisioningLog } from "../../shared/application/state/provisioning-log.ts";
import type { RowStore, RowTable } from "../../shared/ports/row-store.ts";

const HOUR = 3_600_000;
export const NEWEST = Date.UTC(2026, 10, 5, 11, 30);

export const objectOf = (n: number) =>
  `${(n % 16).toString(16)}${String(n).padStart(7, "0")}-0000-4000-8000-000000000000`;

/** Number `n` of the log of `job`, the newest first: a batch of 5 every 40 minutes, one of 50 objects, every 40th failed. */
export function entryOf(job: string, n: number): LogEntry {
  const batch = Math.floor(n / 5);
  const isFailed = n % 40 === 12;
  return {
    jobId: job,
    cycleId: `${job}-${batch}`,
    batchId: `${job}-${batch}-1`,
    index: n % 5,
    at: NEWEST - (batch * (HOUR * 2)) / 3,
    action: "update",
    outcome: isFailed ? "escrowed" : "exported",
    status: isFailed ? "failure" : "success",
    source: { objectGuid: objectOf(n % 50), dn: `CN=n${n}`, objectClass: "user" },
    before: {},
    after: { jobTitle: `Clerk ${n}` },
    steps: [],
    change: `${job}-${batch}-1:${n % 5}`,
    agentId: "agent",
    server: "dc",
    schemaVersion: 1,
  };
}

export async function fill(log: ProvisioningLog, job: string, count: number): Promise<void> {
  for (let at = 0; at < count; at += 5)
    await log.write(Array.from({ length: Math.min(5, count - at) }, (_, n) => entryOf(job, at + n)));
}

/**
 * The log of `job` after a first load of `count` objects, newest first: `deltas` of one object each, a quarter of an hour apart, then full
 * blocks, of 60 entries each, four an hour.
 */
export function loadOf(job: string, count: number, deltas: number): LogEntry[] {
  return Array.from({ length: deltas + count }, (_, n) => {
    const batch = n < deltas ? n : deltas + Math.floor((n - deltas) / 60);
    const index = n < deltas ? 0 : (n - deltas) % 60;
    const objectGuid = objectOf(16 * (n % 300));
    return {
      ...entryOf(job, n),
      ...{ cycleId: `${job}-${batch}`, batchId: `${job}-${batch}-1`, index, at: NEWEST - (batch * HOUR) / 4 },
      source: { objectGuid, dn: `CN=n${n}`, objectClass: "user" },
      change: `${job}-${batch}-1:${index}`,
    };
  });
}

export interface PageUse {
  requests: number;
  entities: number;
}

/** Counts as a storage account would: an answer without rows is a request too. */
export function counting(rows: RowStore, use: PageUse): RowStore {
  const counted = async function* (pages: ReturnType<RowTable["scan"]>) {
    let answers = 0;
    for await (const page of pages) {
      answers++;
      use.entities += page.length;
      yield page;
    }
    use.requests += Math.max(1, answers);
  };
  const wrap = (table: RowTable): RowTable => ({
    ...table,
    async get(partition, row) {
      const found = await table.get(partition, row);
      use.requests++;
      if (found) use.entities++;
      return found;
    },
    async getMany(partition, keys, options) {
      const found = await table.getMany(partition, keys, options);
      use.requests += keys.length;
      use.entities += found.size;
      return found;
    },
    range: (partition, options) => counted(table.range(partition, options)),
    across: (from, to, options) => counted(table.across(from, to, options)),
    scan: (options) => counted(table.scan(options)),
  });
  return {
    ...rows,
    table: (name) => wrap(rows.table(name)),
    async listTables() {
      use.requests++;
      return rows.listTables();
    },
  };
}
