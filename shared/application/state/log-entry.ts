/** An entry of the provisioning log, as it is kept: what became of one object, by which change, read by whom. */
import type { Outcome } from "../../domain/object-record.ts";
import type { TargetType } from "../../domain/target-table.ts";
import type { TargetValues } from "../../domain/target-value.ts";

export interface LogStep {
  readonly name: string;
  readonly type: "import" | "scoping" | "matching" | "processing" | "referenceResolution" | "export";
  readonly status: "success" | "warning" | "failure" | "skipped";
  readonly description: string;
  /** How long it took: milliseconds; absent where nobody measures it. */
  readonly durationMs?: number;
}

export interface LogEntry {
  readonly jobId: string;
  readonly cycleId: string;
  readonly batchId: string;
  readonly index: number;
  /** Milliseconds since 1970: when the batch was accepted. */
  readonly at: number;
  readonly action: "create" | "update" | "delete" | "disable" | "restore" | "stageddelete" | "other";
  readonly outcome: Outcome;
  readonly status: "success" | "warning" | "failure" | "skipped";
  readonly code?: string;
  readonly message?: string;
  readonly remedy?: string;
  readonly source: { readonly objectGuid: string; readonly dn: string; readonly objectClass: string };
  readonly targetId?: string;
  /** Old and new values, by property. */
  readonly before: TargetValues;
  readonly after: TargetValues;
  readonly steps: readonly LogStep[];
  /** What the target said to the last write of it: HTTP status, and its own name of the call. */
  readonly answer?: { readonly status: number; readonly requestId?: string };
  /** How long mapping and export took together: milliseconds. */
  readonly durationMs?: number;
  /** What the target object is; absent: a user, or nobody knows. */
  readonly targetType?: TargetType;
  /** The admin who ordered it; absent: the service did by itself. */
  readonly by?: string;
  /** The change that this goes back to: `batchId:index`. */
  readonly change: string;
  readonly agentId: string;
  readonly server: string;
  readonly schemaVersion: number;
}
