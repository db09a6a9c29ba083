/** What a heartbeat tells that outlives it: why an agent can't read its job's scope, and that it needs a full read for one. */
import { type HeartbeatRequest, SCOPE_NESTING } from "../../contracts/agent-api.ts";
import type { AgentScope } from "../../contracts/configuration.ts";
import type { JobRow, JobTrouble } from "../state/job-rows.ts";

/** What the heartbeat says is missing, as far as the scope still names it: whoever took it out of the scope ended the trouble. */
export function troubleOf(
  scope: AgentScope,
  request: HeartbeatRequest,
  agentId: string,
  now: number,
): JobTrouble | null {
  const named = new Set([...scope.organizationalUnits, ...scope.groups]);
  const objectGuids = (request.trouble?.objectGuids ?? []).filter((guid) => named.has(guid));
  if (request.trouble === undefined || objectGuids.length === 0) return null;
  const { code, message } = request.trouble;
  return { code, message, objectGuids, agentId, at: now };
}

/** The same row when nothing of it changes: the time is that of the first heartbeat that told. */
export function withTrouble(job: JobRow, trouble: JobTrouble | null): JobRow {
  const known = job.trouble ?? null;
  const isSame =
    known?.message === trouble?.message &&
    known?.agentId === trouble?.agentId &&
    known?.objectGuids.join() === trouble?.objectGuids.join();
  return isSame ? job : { ...job, trouble };
}

/** Kept until such a read was accepted, whatever becomes of the first: who left with a nested group is told by its evidence only. */
export function withWish(job: JobRow, request: HeartbeatRequest, now: number): JobRow {
  const isWished = request.want === "full" && request.reason === SCOPE_NESTING;
  return isWished && job.fullReadWanted !== SCOPE_NESTING
    ? { ...job, fullReadWanted: SCOPE_NESTING, fullReadWantedAt: now }
    : job;
}
