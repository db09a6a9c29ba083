/**
 * A row of the provisioning log about an object that the service did nothing to, and why: a change of a batch that was set
 * aside, a removal that is held back, one whose read's end was given up. Pure.
 */
import { FAILURES, type FailureCode } from "../../domain/failure-codes.ts";
import type { LogEntry } from "../state/log-entry.ts";
import type { ObjectLight } from "../state/object-row.ts";
import type { Removal } from "../state/removal-rows.ts";

export interface ServiceSays
  extends Pick<
    LogEntry,
    "jobId" | "cycleId" | "batchId" | "index" | "at" | "outcome" | "change" | "agentId" | "server" | "schemaVersion"
  > {
  readonly status: "warning" | "failure";
  readonly action?: LogEntry["action"];
  readonly code: FailureCode;
  readonly message: string;
  /** How it came in: the text of the import step. */
  readonly imported: string;
  /** The name of the processing step. */
  readonly step: string;
  readonly objectGuid: string;
  /** What its row says of it; absent: there is none, or it can't be had. */
  readonly light: ObjectLight | undefined;
  /** What the change itself tells, which goes before the row. */
  readonly own?: { readonly dn: string; readonly objectClass: string };
}

export function serviceEntry(says: ServiceSays): LogEntry {
  const { status, action = "other", code, message, imported, step, objectGuid, light, own, ...rest } = says;
  return {
    ...rest,
    action,
    status,
    code,
    message,
    remedy: FAILURES[code].action,
    source: {
      objectGuid,
      dn: own?.dn ?? light?.dn ?? "",
      objectClass: own?.objectClass ?? light?.objectClass ?? "",
    },
    ...(light?.targetId === undefined ? {} : { targetId: light.targetId }),
    before: {},
    after: {},
    steps: [
      { name: "EntryImport", type: "import", status: "success", description: imported },
      { name: step, type: "processing", status, description: message },
    ],
  };
}

/** Where a removal of a cycle comes from: the last change that asked for it, else the read itself. */
export function cameFrom(
  { origins, isAbsent }: Pick<Removal, "origins" | "isAbsent">,
  cycleId: string,
  reader: Pick<LogEntry, "agentId" | "server">,
): Pick<ServiceSays, "agentId" | "server" | "change" | "imported"> {
  const origin = origins.at(-1);
  const { agentId, server } = origin ?? reader;
  return {
    agentId,
    server,
    change: origin ? `${origin.batchId}:${origin.index}` : cycleId,
    imported: isAbsent
      ? `Not in the full read by agent ${agentId} from ${server}.`
      : `Read by agent ${agentId} from ${server}.`,
  };
}
