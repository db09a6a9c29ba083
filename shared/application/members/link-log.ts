/** One provisioning log row a group and export: what was added and removed, what waits and why. */
import { readNoOf } from "../../domain/change-version.ts";
import type { TargetAnswer, TargetFailure } from "../../ports/target-directory.ts";
import { againFrom, type KnownSources, NO_SOURCES } from "../cycles/image-sources.ts";
import { loggedAnswer } from "../log/log-entries.ts";
import type { SegmentExport } from "../state/link-codec.ts";
import type { LogEntry, LogStep } from "../state/provisioning-log.ts";
import type { LinkChunkHeader, LinkItem } from "./link-files.ts";
import type { LinkFailures } from "./link-send.ts";

export interface GroupOutcome {
  readonly item: LinkItem;
  readonly targetId: string;
  readonly dn: string;
  readonly exported: SegmentExport;
  /** The newest statement of the directory about those that came or went. */
  readonly version: string;
  /** Edges whose referees have no target object, all over the group, where that number is news; with some of them. */
  readonly pending?: { readonly count: number; readonly guids: readonly string[] };
  readonly staged?: { readonly count: number; readonly reason: string };
  readonly failure?: TargetFailure & { readonly count: number };
  readonly inDoubt?: LinkFailures["inDoubt"];
  /** To the last write of its members, in this attempt. */
  readonly answer?: TargetAnswer;
}

/** Members in doubt that a row names. */
const NAMED = 20;

export const UNRESOLVED = "UnableToResolveReferenceAttributeValue";

/** Undefined where there is nothing to tell. */
export function linkLogEntry(
  header: LinkChunkHeader,
  group: GroupOutcome,
  exportMs: number,
  sources: KnownSources = NO_SOURCES,
): LogEntry | undefined {
  const { item, exported, failure } = group;
  const told = toldOf(group);
  if (exported.added + exported.removed === 0 && !told) return undefined;
  const { add = [], remove = [] } = group.inDoubt ?? {};
  const { origin } = item;
  const reader = origin.agentId === "" ? sources.get(readNoOf(group.version)) : undefined;
  return {
    jobId: header.jobId,
    cycleId: header.cycleId,
    batchId: header.linksId,
    index: item.index,
    at: header.at,
    action: "update",
    outcome: failure ? "escrowed" : group.staged ? "staged" : "exported",
    status: failure ? "failure" : told ? "warning" : "success",
    ...(told ? { code: told.code, message: told.message, remedy: told.remedy } : {}),
    source: { objectGuid: item.referrer, dn: group.dn, objectClass: "group" },
    targetId: group.targetId,
    before:
      exported.removed + remove.length === 0
        ? {}
        : { members: membersOf(`-${exported.removed}`, exported.removedGuids, remove) },
    after: { members: membersOf(`+${exported.added}`, exported.addedGuids, add) },
    steps: stepsOf(group, told?.message, exportMs, sources),
    ...loggedAnswer(group.answer),
    durationMs: exportMs,
    targetType: "group",
    change: `${origin.batchId}:${origin.index}`,
    agentId: reader?.agentId ?? origin.agentId,
    server: reader?.server ?? origin.server,
    schemaVersion: header.schemaVersion,
  };
}

/** How many, and who; with them those whose call may have had its effect, for nothing may be sent for them again. */
function membersOf(count: string, done: readonly string[], inDoubt: readonly string[]): string[] {
  if (inDoubt.length === 0) return [count, ...done];
  return [`${count}, ${inDoubt.length} in doubt`, ...done, ...inDoubt.slice(0, NAMED)];
}

function toldOf({ item, failure, staged, pending }: GroupOutcome) {
  if (failure) return failure;
  if (staged)
    return {
      code: "StagedMemberships",
      message: `Members of group ${item.referrer} that are not removed: ${staged.count}. ${staged.reason}.`,
      remedy:
        "Look at the set, then approve or drop it: 'uplink staged list'. The group's next change, or a full read, has it judged again.",
    };
  if (pending && pending.count > 0)
    return {
      code: UNRESOLVED,
      message: `Members of group ${item.referrer} without an object in the target: ${pending.count}, the first of them ${pending.guids.join(", ")}.`,
      remedy: "Nothing, where they are out of scope on purpose; they are added when they appear.",
    };
  return undefined;
}

const AGAIN = "somebody came, came back, drifted, or was approved or tried again";

function stepsOf(
  group: GroupOutcome,
  message: string | undefined,
  durationMs: number,
  sources: KnownSources,
): LogStep[] {
  const { agentId, server } = group.item.origin;
  const { added, removed } = group.exported;
  const approvals = group.item.rows.flatMap(({ dirty }) => dirty.approved?.by ?? []);
  const approval: LogStep = {
    name: "RemovalApproval",
    type: "processing",
    status: "success",
    description: `Staged, and approved by ${approvals.join(", ")}.`,
  };
  return [
    {
      name: "EntryImport",
      type: "import",
      status: "success",
      description:
        agentId === ""
          ? againFrom("Looked at again by the service itself", AGAIN, group.version, sources)
          : `Read by agent ${agentId} from ${server}.`,
    },
    {
      name: "ReferenceResolution",
      type: "referenceResolution",
      status: group.pending && group.pending.count > 0 ? "warning" : "success",
      description: `${group.pending?.count ?? 0} members without an object in the target.`,
    },
    ...(approvals.length > 0 && removed > 0 ? [approval] : []),
    {
      name: "EntryExportUpdate",
      type: "export",
      status: group.failure ? "failure" : group.staged ? "warning" : "success",
      description: group.failure && message !== undefined ? message : `${added} members added, ${removed} removed.`,
      durationMs,
    },
  ];
}
