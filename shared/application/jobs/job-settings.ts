/**
 * The settings of a job as a whole: shown, and changed in one transaction under their ETag, validated as they were when the job was made.
 *
 * What a change needs begins with the very transaction that makes it: another scope or lifecycle has everything read again, another
 * suffix policy has everybody mapped anew. Bounds of the guard, the schedule, what logs hide and the country of new users count
 * from the next time that they are looked at.
 */
import { createHash, randomUUID } from "node:crypto";
import type { JobSettingsChange, JobSettingsChanged, JobSettingsReply } from "../../contracts/admin/job-settings.ts";
import type { JobSettings } from "../../contracts/configuration.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lane } from "../../ports/doorbell.ts";
import type { Log } from "../../ports/log.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { ok, type Result } from "../failure.ts";
import { workOperations } from "../lanes/add-work.ts";
import { scheduleFault } from "../reading/full-sync-schedule.ts";
import { scopeOf, wishBeside } from "../reading/reads.ts";
import { type JobRow, jobTable, pack, ROW, readRow } from "../state/job-rows.ts";
import { CATALOGUE, type ConfigurationEntry, invalidSchedule, noSuchJob } from "./configurations.ts";

export interface JobSettingsAdmin {
  /** Failures: 404. */
  get(jobId: string): Promise<Result<JobSettingsReply>>;
  /**
   * `refusalOf` says of the settings that would be changed why not (their ETag is another one, say). Failures: 404, 422, and that.
   */
  change(
    jobId: string,
    asked: JobSettingsChange,
    by: string,
    refusalOf?: (present: JobSettingsReply) => Result<null>,
  ): Promise<Result<JobSettingsChanged>>;
}

type Shown = Omit<JobSettingsReply, "@odata.etag">;
/** Whatever the change was, this follows it; the first that one of them needs. */
const FULL_READ: readonly string[] = ["scope", "lifecycle"];
const RE_EVALUATION: readonly string[] = ["suffixPolicy"];
const LANE: Lane = "bulk";

export function createJobSettings(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly ring: (jobId: string, lane: Lane) => Promise<void>;
}): JobSettingsAdmin {
  const jobs = jobTable(deps.rows);

  /** The catalogue's entry, which lists show, called as the job is. */
  async function rename({ configurationId, displayName }: JobRow): Promise<void> {
    for (;;) {
      const row = `configuration:${configurationId}`;
      const stored = await readRow<ConfigurationEntry>(jobs, CATALOGUE, row);
      if (!stored || stored.value.displayName === displayName) return;
      const values = pack({ ...stored.value, displayName });
      if ((await jobs.transact(CATALOGUE, [{ op: "replace", row, values, etag: stored.etag }])).ok) return;
    }
  }

  return {
    async get(jobId) {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      return job ? ok(replyOf(job.value)) : noSuchJob(jobId);
    },

    async change(jobId, asked, by, refusalOf = () => ok(null)) {
      const fault = asked.fullSync && scheduleFault(asked.fullSync);
      if (fault !== undefined) return invalidSchedule("fullSync", fault);
      for (;;) {
        const stored = await readRow<JobRow>(jobs, jobId, ROW.job);
        if (!stored || stored.value.deleting) return noSuchJob(jobId);
        const before = replyOf(stored.value);
        const refused = refusalOf(before);
        if (!refused.ok) return refused;
        const now = deps.clock.now();
        const next = changedJob(stored.value, asked, by, now);
        const changed = differing(before, replyOf(next));
        const followedBy = whatFollows(changed);
        if (changed.length > 0) {
          const operations: RowOperation[] = [
            { op: "replace", row: ROW.job, values: pack(withWish(next, changed, now)), etag: stored.etag },
            ...(followedBy === "re-evaluation"
              ? await workOperations(deps, jobId, "all", { objectGuids: [] }, `${jobId}-work-all-${randomUUID()}`, LANE)
              : []),
          ];
          if (!(await jobs.transact(jobId, operations)).ok) continue;
          for (const name of changed) deps.log.info("job-setting-changed", { jobId, by, name });
          // The tick finds what nobody rang for.
          if (followedBy === "re-evaluation")
            await deps.ring(jobId, LANE).catch(() => deps.log.warn("doorbell-unreachable", { jobId, lane: LANE }));
        }
        // Also where nothing changed: the last one who renamed it may have been stopped in between.
        if (asked.displayName !== undefined) await rename(next);
        return ok({ ...replyOf(next), changed, followedBy });
      }
    },
  };
}

function changedJob(job: JobRow, asked: JobSettingsChange, by: string, now: number): JobRow {
  const { displayName = job.displayName, scope, trustVisibility, lifecycle, defaultUsageLocation, ...plain } = asked;
  const before = job.settings;
  const settings: JobSettings = {
    ...before,
    // What is left out, and what is there as undefined, stays.
    ...(Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined)) as Partial<JobSettings>),
    ...(lifecycle ? { lifecycle: { ...before.lifecycle, ...lifecycle } } : {}),
    ...(trustVisibility === undefined
      ? {}
      : { trustVisibility: trusted(before.trustVisibility, trustVisibility, by, now) }),
  };
  if (defaultUsageLocation === null) delete settings.defaultUsageLocation;
  else if (defaultUsageLocation !== undefined) settings.defaultUsageLocation = defaultUsageLocation;
  const ordered = scope && {
    organizationalUnits: [...new Set(scope.organizationalUnits)].sort(),
    groups: [...new Set(scope.groups)].sort(),
  };
  const isOther = ordered !== undefined && !sameValue(ordered, orderedScopeOf(job));
  return {
    ...job,
    displayName,
    settings: isOther ? { ...settings, scope: ordered } : settings,
    scopeVersion: job.scopeVersion + (isOther ? 1 : 0),
  };
}

function trusted(before: JobSettings["trustVisibility"], asked: boolean, by: string, now: number) {
  return asked ? (before ?? { by, at: new Date(now).toISOString() }) : null;
}

/** What the next read has to know of the change. Another scope shows by its version. */
function withWish(job: JobRow, changed: readonly string[], now: number): JobRow {
  return {
    ...job,
    ...(changed.includes("lifecycle")
      ? { fullReadWanted: wishBeside(job.fullReadWanted, "lifecycle"), fullReadWantedAt: now }
      : {}),
    // A new schedule counts from now on: moments of it that are past were never promised.
    ...(changed.includes("fullSync") ? { lastScheduledAt: now } : {}),
  };
}

function differing(before: JobSettingsReply, after: JobSettingsReply): string[] {
  const names = Object.keys(after) as (keyof JobSettingsReply)[];
  return names.filter(
    (name) => name !== "@odata.etag" && name !== "scopeVersion" && !sameValue(before[name], after[name]),
  );
}

function whatFollows(changed: readonly string[]): JobSettingsChanged["followedBy"] {
  if (changed.some((name) => FULL_READ.includes(name))) return "full-read";
  return changed.some((name) => RE_EVALUATION.includes(name)) ? "re-evaluation" : "nothing";
}

function replyOf(job: JobRow): JobSettingsReply {
  const { settings } = job;
  const { outOfScope = "delete", expiredAccounts = "ignore", groupDeleteDelayDays = 0 } = settings.lifecycle ?? {};
  const shown: Shown = {
    jobId: job.jobId,
    configurationId: job.configurationId,
    displayName: job.displayName,
    domainFqdn: job.domainFqdn,
    domainNetBios: job.domainNetBios,
    scope: orderedScopeOf(job),
    scopeVersion: job.scopeVersion,
    schemaVersion: job.schemaVersion,
    trustVisibility: settings.trustVisibility,
    lifecycle: { outOfScope, expiredAccounts, groupDeleteDelayDays },
    guard: settings.guard,
    suffixPolicy: settings.suffixPolicy,
    signIn: settings.signIn,
    defaultUsageLocation: settings.defaultUsageLocation ?? null,
    redact: [...(settings.redact ?? [])],
    firstExport: settings.firstExport,
    fullSync: settings.fullSync,
  };
  const digest = createHash("sha256").update(JSON.stringify(shown)).digest("base64url").slice(0, 22);
  return { "@odata.etag": `W/"${digest}"`, ...shown };
}

function orderedScopeOf(job: JobRow) {
  const { organizationalUnits, groups } = scopeOf(job);
  return { organizationalUnits: [...organizationalUnits].sort(), groups: [...groups].sort() };
}

function sameValue(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The ETag without what HTTP puts around it. */
export function etagOf(reply: Pick<JobSettingsReply, "@odata.etag">): string {
  return reply["@odata.etag"].replace(/^W\/"|"$/g, "");
}
