/**
 * A job's quarantine, on its row: imposed by a target that refuses the job, by a cycle or work full of failures, or by what
 * waits in escrow once all that was due has been tried again; lifted by a clean cycle or by an admin. What it means is decided in `domain/quarantine.ts`.
 *
 * An attempt needs nothing begun: once `nextAttempt` is past, work is handed out and reads are ordered as ever. It fails with
 * the first cause that it meets, and succeeds when the tick finds a clean cycle behind it, nothing that waits (so what
 * failed was tried), and no more standing failures than are let pass.
 */
import {
  causeOf,
  expired,
  failuresOf,
  imposed,
  isHeld,
  type Quarantine,
  type QuarantineCause,
  type QuarantineSettings,
} from "../../domain/quarantine.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { TargetUnavailable } from "../../ports/target-directory.ts";
import { ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import type { Escrows } from "../state/escrow-rows.ts";
import {
  type BatchRow,
  type CycleRow,
  type JobRow,
  jobTable,
  LANES,
  listRows,
  pack,
  ROW,
  readRow,
  totalOf,
  type WorkRow,
} from "../state/job-rows.ts";
import { FILES, type OutcomeFile, readFile } from "./chunk-files.ts";

/** Of failures that are no share of what was tried: none is too many. */
const UNTOLD = Number.MAX_SAFE_INTEGER;

export interface Quarantines {
  /** Whether the job must wait now: because of this, or anyway. */
  noteFault(jobId: string, fault: TargetUnavailable): Promise<boolean>;
  /** The job's row after a cycle, to be written with it; the very same one when nothing changes. */
  afterCycle(job: JobRow, cycle: CycleRow): JobRow;
  /** What work that was carried out quarantines the job for. */
  causeOf(job: JobRow, work: WorkRow): Promise<QuarantineCause | undefined>;
  /** The job's row under that, to be written with the work's end; the very same one when nothing changes. */
  under(job: JobRow, cause: QuarantineCause): JobRow;
  /** Tells of what was written. */
  tell(jobId: string, before: JobRow, after: JobRow): void;
  /** The tick's duty: ends an attempt, or disables the job. Whether the job must wait. */
  watch(jobId: string): Promise<boolean>;
  /** By hand; the job goes on at once. Failures: 404. */
  clear(jobId: string): Promise<Result<{ readonly jobId: string; readonly cleared: boolean }>>;
}

export function createQuarantines(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly blobs: BlobStore;
  readonly escrows: Escrows;
  readonly settings: QuarantineSettings;
}): Quarantines {
  const { clock, log, settings } = deps;
  const jobs = jobTable(deps.rows);

  function under(job: JobRow, cause: QuarantineCause): JobRow {
    const quarantine = imposed(job.quarantine, cause, clock.now(), settings);
    return quarantine === job.quarantine ? job : { ...job, quarantine };
  }

  function tell(jobId: string, { quarantine: before }: JobRow, { quarantine: after }: JobRow): void {
    if (after === before) return;
    if (!after) {
      log.info("quarantine-over", { jobId, reason: before?.reason ?? "" });
      return;
    }
    if (after.nextAttempt === before?.nextAttempt) return;
    const { reason, error, seriesCount, nextAttempt } = after;
    const told = { jobId, reason, code: error.code, message: error.message, remedy: error.remedy, seriesCount };
    if (nextAttempt === null) log.error("job-disabled", told);
    else log.error("job-quarantined", { ...told, nextAttempt: new Date(nextAttempt).toISOString() });
  }

  /** The job as it was written, or as it is if `change` gave it back unchanged; undefined: there is none. */
  async function changeJob(jobId: string, change: (job: JobRow) => JobRow): Promise<JobRow | undefined> {
    for (;;) {
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!job) return undefined;
      const next = change(job.value);
      if (next === job.value) return next;
      const written = await jobs.transact(jobId, [{ op: "replace", row: ROW.job, values: pack(next), etag: job.etag }]);
      if (!written.ok) continue;
      tell(jobId, job.value, next);
      return next;
    }
  }

  return {
    tell,
    under,
    async causeOf(job, work) {
      if (work.kind === "escrows") return failingAgain(job, work);
      // Of so few nothing is looked at; what has no list is over everybody.
      if (work.objects > 0 && work.objects < settings.failures) return undefined;
      const { byCode, tried, uncoded } = await outcomesOf(work.workId);
      return causeOf(failuresOf(byCode, tried, uncoded), settings);
    },
    async noteFault(jobId, { code, message, remedy }) {
      const isFault = code === "target-credentials" || code === "target-refused";
      const error = { code, message, remedy: `${remedy} Then uplink quarantine clear.` };
      const job = await changeJob(jobId, (found) =>
        isFault ? under(found, { reason: "EncounteredQuarantineException", error, events: 0 }) : found,
      );
      return isHeld(job?.quarantine, clock.now());
    },
    afterCycle(job, cycle) {
      const events = cycle.received + totalOf(cycle.absent);
      const escrowed = cycle.outcomes.escrowed + cycle.absent.escrowed;
      const { escrowedBy } = cycle.detail;
      const coded = Object.values(escrowedBy).reduce((sum, times) => sum + times, 0);
      const cause = causeOf(failuresOf(escrowedBy, events, Math.max(0, escrowed - coded)), settings);
      if (cause) return under(job, cause);
      const { quarantine } = job;
      // What was under way when the job was stopped proves nothing, and neither does a read that was given up.
      if (!quarantine || isHeld(quarantine, clock.now()) || cycle.state !== "ended") return job;
      const clean: Quarantine = {
        ...quarantine,
        cleanCycleAt: cycle.closedAt,
        events: Math.max(quarantine.events, events),
      };
      return { ...job, quarantine: clean };
    },
    async watch(jobId) {
      const job = (await readRow<JobRow>(jobs, jobId, ROW.job))?.value;
      if (!job?.quarantine) return false;
      const isOver = !isHeld(job.quarantine, clock.now()) && (await hasNothingToDo(jobId));
      const standing = isOver ? await standingFailures(jobId, job.quarantine) : undefined;
      const after = await changeJob(jobId, (found) => {
        // A cause was met meanwhile: the next tick sees what came of it.
        if (!found.quarantine || found.quarantine.currentBegan !== job.quarantine?.currentBegan) return found;
        if (isOver && found.quarantine.cleanCycleAt !== undefined)
          return standing ? under(found, standing) : { ...found, quarantine: null, resumedAt: clock.now() };
        const quarantine = expired(found.quarantine, clock.now(), settings);
        return quarantine === found.quarantine ? found : { ...found, quarantine };
      });
      return isHeld(after?.quarantine, clock.now());
    },
    async clear(jobId) {
      let cleared = false;
      const job = await changeJob(jobId, (found) => {
        cleared = found.quarantine != null;
        const now = clock.now();
        return cleared ? { ...found, quarantine: null, quarantineClearedAt: now, resumedAt: now } : found;
      });
      return job ? ok({ jobId, cleared }) : noSuchJob(jobId);
    },
  };

  /** Whatever met the fault, or failed, was tried: nothing waits, and no escrow is due. */
  async function hasNothingToDo(jobId: string): Promise<boolean> {
    if ((await listRows(jobs, jobId, "read:", 1)).length > 0) return false;
    for (const lane of LANES) {
      if ((await listRows(jobs, jobId, `work:${lane}:`, 1)).length > 0) return false;
      const batches = await listRows<BatchRow>(jobs, jobId, `batch:${lane}:`);
      if (batches.some((batch) => batch.value.state === "accepted")) return false;
    }
    const now = clock.now();
    return !(await deps.escrows.list(jobId)).some((escrow) => escrow.nextAttemptAt <= now);
  }

  /** After a cycle full of failures: its objects may be in escrow still, whatever the cycles after it brought. */
  async function standingFailures(jobId: string, { reason, events }: Quarantine): Promise<QuarantineCause | undefined> {
    if (reason === "EncounteredQuarantineException") return undefined;
    const byCode = tally((await deps.escrows.list(jobId)).map(({ code }) => code));
    return causeOf(failuresOf(byCode, events), settings);
  }

  /** Of the chunks and the end of work, file by file: it may be over everybody. */
  async function outcomesOf(workId: string) {
    const byCode: Record<string, number> = {};
    let tried = 0;
    let uncoded = 0;
    for (const folder of [FILES.outcomes(workId), FILES.outcomes(`${workId}-end`)])
      for await (const path of deps.blobs.list(folder))
        for (const { outcome, code, isWaiting } of (await readFile<OutcomeFile>(deps.blobs, path))?.entries ?? []) {
          if (isWaiting === true) continue;
          tried++;
          if (outcome !== "escrowed") continue;
          if (code === undefined) uncoded++;
          else byCode[code] = (byCode[code] ?? 0) + 1;
        }
    return { byCode, tried, uncoded };
  }

  /**
   * What came together over cycles, once all that was due has been tried again. It is no share of anything: a few who fail
   * each time they are tried are all of each retry. What an admin let go on counts once it was tried since.
   */
  async function failingAgain(job: JobRow, { jobId, workId }: WorkRow): Promise<QuarantineCause | undefined> {
    const works = await Promise.all(LANES.map((lane) => listRows<WorkRow>(jobs, jobId, `work:${lane}:`)));
    if (works.flat().some(({ value }) => value.kind === "escrows" && value.workId !== workId)) return undefined;
    const standing = await deps.escrows.list(jobId);
    const now = clock.now();
    if (standing.some((own) => own.nextAttemptAt <= now)) return undefined;
    const since = job.quarantineClearedAt ?? 0;
    const codes = standing.filter((own) => own.lastAt >= since).map(({ code }) => code);
    return causeOf(failuresOf(tally(codes), UNTOLD), settings);
  }
}

function tally(codes: readonly string[]): Record<string, number> {
  const byCode: Record<string, number> = {};
  for (const code of codes) byCode[code] = (byCode[code] ?? 0) + 1;
  return byCode;
}
