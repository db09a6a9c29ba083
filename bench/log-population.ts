/** Entries of a provisioning log as a sync leaves them: 1,000 a batch, a batch every six minutes back from `newest`, 1 % failed. */
import { createHash } from "node:crypto";
import type { LogEntry } from "../shared/application/state/provisioning-log.ts";

const BATCH = 1_000;
const SIX_MINUTES = 360_000;
const OBJECTS = 20_000;

export function logEntryOf(jobId: string, newest: number, n: number): LogEntry {
  const batch = Math.floor(n / BATCH);
  const isFailed = n % 100 === 42;
  const hex = createHash("sha256")
    .update(String(n % OBJECTS))
    .digest("hex");
  const guid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  const step = {
    name: "EntryImport",
    type: "import",
    status: "success",
    description: "Read by agent a from dc1.",
  } as const;
  return {
    jobId,
    cycleId: `${jobId}-${10_000 - batch}`,
    batchId: `${jobId}-${10_000 - batch}-1`,
    index: n % BATCH,
    at: newest - batch * SIX_MINUTES,
    action: "update",
    outcome: isFailed ? "escrowed" : "exported",
    status: isFailed ? "failure" : "success",
    source: { objectGuid: guid, dn: `CN=Person ${n},OU=People,DC=corp,DC=example`, objectClass: "user" },
    targetId: guid,
    before: { jobTitle: `Clerk ${n}` },
    after: { jobTitle: `Head clerk ${n}` },
    steps: [step, { ...step, name: "EntryExportUpdate", type: "export", description: "update in the target." }],
    change: `${jobId}-${10_000 - batch}-1:${n % BATCH}`,
    agentId: "a",
    server: "dc1",
    schemaVersion: 1,
  };
}
