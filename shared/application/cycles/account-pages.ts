/**
 * The accounts of a job's cycles and days (N7), page by page, newest first. Keys ascend, so a page of cycles is looked for in a
 * window of their numbers, from the end backwards: three requests at most, however many there are. Where numbers have no cycle (reads
 * that are under way), a page may be shorter than asked; there is a next one as long as older ones are left.
 */
import type { CycleReply, DayReply } from "../../contracts/admin/cycles.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { Page } from "../admin/keyset-page.ts";
import { ok, type Result } from "../failure.ts";
import { noSuchJob } from "../jobs/configurations.ts";
import { NO_LINKS } from "../members/link-account.ts";
import {
  afterPrefix,
  type CycleRow,
  jobTable,
  listRows,
  type ReadsRow,
  ROW,
  readRow,
  unpack,
} from "../state/job-rows.ts";
import { DAY_PREFIX, type DayRow } from "./accounts.ts";

export interface AccountPages {
  /** `before`: the `next` of a page. Failures: 404. */
  cycles(jobId: string, top: number, before?: string): Promise<Result<Page<CycleReply>>>;
  /** Likewise. */
  days(jobId: string, top: number, before?: string): Promise<Result<Page<DayReply>>>;
}

const PREFIX = "cycle:";
/** Rows that one request brings at most. */
const AT_MOST = 1_000;
/** Numbers that are looked through beside as many as are wanted, twice: some have no cycle yet. */
const BESIDE = 32;

export function createAccountPages(deps: { readonly rows: RowStore }): AccountPages {
  const jobs = jobTable(deps.rows);
  const hasJob = async (jobId: string) => (await jobs.get(jobId, ROW.job)) !== undefined;

  async function between(jobId: string, from: string, to: string, limit: number): Promise<CycleRow[]> {
    const found: CycleRow[] = [];
    for await (const rows of jobs.range(jobId, { from, to, limit }))
      found.push(...rows.map((row) => unpack<CycleRow>(row).value));
    return found;
  }

  return {
    async cycles(jobId, top, before) {
      if (!(await hasJob(jobId))) return noSuchJob(jobId);
      const reads = before === undefined ? await readRow<ReadsRow>(jobs, jobId, ROW.reads) : undefined;
      const end = before === undefined ? (reads?.value.nextReadNo ?? 1) : Number(before);
      // Old ones are dropped: below the oldest there is nothing to be looked through.
      const [oldest] = before === undefined ? [] : await between(jobId, PREFIX, ROW.cycle(end), 1);
      if (before !== undefined && !oldest) return ok({ value: [] });
      const from = Math.max(oldest?.readNo ?? 1, end - Math.min(2 * top + BESIDE, AT_MOST));
      const to = before === undefined ? afterPrefix(PREFIX) : ROW.cycle(end);
      const found = (await between(jobId, ROW.cycle(from), to, AT_MOST)).reverse();
      const page = found.slice(0, top);
      const last = page.at(-1);
      const isLast = found.length <= top && from <= (oldest?.readNo ?? 1);
      const next = found.length > top && last ? last.readNo : from;
      return ok({ value: page.map(cycleReply), ...(isLast ? {} : { next: String(next) }) });
    },

    async days(jobId, top, before) {
      if (!(await hasJob(jobId))) return noSuchJob(jobId);
      // One a day, and kept for months: never more than a request brings.
      const all = (await listRows<DayRow>(jobs, jobId, DAY_PREFIX)).map(({ value }) => value).reverse();
      const found = before === undefined ? all : all.filter(({ day }) => day < before);
      const page = found.slice(0, top);
      const last = page.at(-1);
      return ok({ value: page.map(dayReply), ...(last && found.length > top ? { next: last.day } : {}) });
    },
  };
}

/** Named one by one, as everywhere: a row may come to hold more. */
function dayReply({ day, cycles, received, outcomes, absent, writes }: DayRow): DayReply {
  return { day, cycles: [...cycles], received, outcomes, absent, writes };
}

export function cycleReply(cycle: CycleRow): CycleReply {
  return {
    cycleId: cycle.cycleId,
    readNo: cycle.readNo,
    kind: cycle.kind,
    state: cycle.state,
    startedAt: new Date(cycle.startedAt).toISOString(),
    endedAt: new Date(cycle.endedAt).toISOString(),
    closedAt: new Date(cycle.closedAt).toISOString(),
    received: cycle.received,
    outcomes: cycle.outcomes,
    absent: cycle.absent,
    created: cycle.detail.created,
    updated: cycle.detail.updated,
    deleted: cycle.detail.deleted,
    restored: cycle.detail.restored,
    writes: cycle.detail.writes,
    links: cycle.detail.links ?? NO_LINKS,
    filteredBy: cycle.detail.filteredBy,
    escrowedBy: cycle.detail.escrowedBy,
    staged: [...cycle.staged],
    complete: cycle.complete,
    incompleteBecause: cycle.incompleteBecause,
  };
}
