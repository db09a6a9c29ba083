/** What admins are shown of jobs, agents and cycles, as text. */
import type { AgentReply } from "../shared/contracts/admin/agents.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import type { CycleReply } from "../shared/contracts/admin/cycles.ts";
import type { JobStatusReply } from "../shared/contracts/admin/jobs.ts";
import { listOf, moment } from "./table.ts";

/** The first row is the head. */
export function jobRows(configurations: readonly ConfigurationReply[], jobs: readonly JobStatusReply[]): string[][] {
  const rows = jobs.map((job, index) => [
    job.displayName,
    configurations[index]?.domainFqdn ?? "",
    [
      job.state,
      ...(job.trouble ? [job.trouble.code] : []),
      ...(job.exportsHeld ? ["exports held"] : []),
      ...(job.emptying ? ["being deleted"] : []),
      ...(job.quarantine ? [job.quarantine.nextAttempt === null ? "disabled" : "quarantine"] : []),
    ].join(", "),
    job.openRead ? `read ${job.openRead.readNo}` : "-",
    String(job.waiting.batches + job.waiting.readsEnding + job.waiting.work),
    String(job.escrowed),
    String(job.staged),
    job.lastCycle ? `read ${job.lastCycle.readNo} at ${moment(job.lastCycle.closedAt)}` : "none yet",
  ]);
  return [["job", "domain", "state", "reading", "waiting", "escrowed", "staged", "last cycle"], ...rows];
}

/** Why each that is in quarantine is, since when, and when it is tried again. */
export function quarantineList(jobs: readonly JobStatusReply[]): string {
  const words = jobs.flatMap(({ displayName, quarantine }) =>
    quarantine ? [listOf([["quarantine", displayName], ...quarantineLines(quarantine)])] : [],
  );
  return words.join("\n");
}

export function quarantineLines(quarantine: JobStatusReply["quarantine"]): [string, string][] {
  if (!quarantine) return [];
  const { reason, error, nextAttempt, seriesBegan, seriesCount } = quarantine;
  return [
    ["stopped by", `${reason}: ${error.code}: ${error.message}`],
    ["since", `${moment(seriesBegan)}, failed attempts since then: ${seriesCount}`],
    ["next attempt", nextAttempt === null ? "none: the job is disabled until it is cleared" : moment(nextAttempt)],
    ["remedy", error.remedy],
  ];
}

/** What a deletion with objects waits for. */
export function emptyingText({ emptying, staged, escrowed, state }: JobStatusReply): string {
  const since = emptying ? `with its objects, since ${moment(emptying.at)} by ${emptying.by}` : "";
  if (state === "paused") return `${since}; paused, nobody is deleted until 'uplink job start'`;
  if (staged > 0) return `${since}; 'uplink staged approve' carries it out, 'uplink staged drop' ends it`;
  return escrowed > 0 ? `${since}; what waits holds it up: 'uplink escrow list'` : since;
}

/** Why nothing is exported, and what ends that. */
export function heldText({ because, at, by }: NonNullable<JobStatusReply["exportsHeld"]>): string {
  const since = `since ${moment(at)}${by === null ? "" : ` by ${by}`}`;
  if (because === "links-rebuilt")
    return `rows were put back from a backup, ${since}; the next full read that comes to its end ends it`;
  return because === "staging"
    ? `mode staging, ${since}; 'uplink job mode … normal' ends it`
    : `the first export waits for approval, ${since}; 'uplink whatif run … --wait', then 'uplink whatif approve … --digest …'`;
}

export function scopeText({ organizationalUnits, groups }: JobStatusReply["scope"]): string {
  const parts = [`${organizationalUnits.length} units`, `${groups.length} groups`];
  return organizationalUnits.length + groups.length === 0 ? "everything" : parts.join(", ");
}

/** The first row is the head. */
export function agentRows(
  configurations: readonly Pick<ConfigurationReply, "displayName">[],
  agents: readonly (readonly AgentReply[])[],
): string[][] {
  const rows = configurations.flatMap((one, index) =>
    (agents[index] ?? []).map((agent) => [
      agent.name,
      one.displayName,
      agent.status,
      agent.holdsLease ? "yes" : "no",
      moment(agent.lastSeenAt),
      `${agent.version}, ${agent.platform}`,
    ]),
  );
  return [["agent", "job", "status", "lease", "last seen", "version"], ...rows];
}

export function cycleList(cycle: CycleReply): string {
  const counts = (of: CycleReply["outcomes"]) =>
    Object.entries(of)
      .filter(([, times]) => times > 0)
      .map(([name, times]) => `${times} ${name}`)
      .join(", ");
  const tally = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([name, times]) => `${times} × ${name}`)
      .join("; ");
  return listOf([
    ["last cycle", `read ${cycle.readNo}, ${cycle.kind}, ${cycle.state}`],
    ["received", `${cycle.received}: ${counts(cycle.outcomes)}`],
    ["absent", counts(cycle.absent)],
    [
      "target",
      `${cycle.created} created, ${cycle.updated} updated, ${cycle.deleted} deleted, ${cycle.restored} restored; ${cycle.writes} writes`,
    ],
    [
      "members",
      Object.entries(cycle.links)
        .filter(([, times]) => times > 0)
        .map(([what, times]) => `${times} ${what}`)
        .join(", "),
    ],
    ["filtered by", tally(cycle.filteredBy)],
    ["escrowed by", tally(cycle.escrowedBy)],
    ["staged", cycle.staged.map((one) => `${one.count} ${one.class}: ${one.reason}`).join("; ")],
    ["complete", cycle.complete ? "yes" : `no: ${cycle.incompleteBecause}`],
    ["closed", moment(cycle.closedAt)],
  ]);
}

/** Messages name objects as configuration and GUID; people know configurations by their names. */
export function withNames(message: string, configurations: readonly ConfigurationReply[]): string {
  return configurations.reduce((text, one) => text.replaceAll(`${one.id}:`, `${one.displayName}:`), message);
}
