/**
 * Rows of objects that an older release wrote are brought to the present format: all rows of a job are looked at, a bounded number a
 * step, once after an upgrade and then once a day, for a deployment may be rolled back in between and the older release writes its own.
 *
 * A migration only adds: the columns that follow from what a row holds are merged into it, If-Match. So nothing is lost, whoever else
 * writes the row goes first, a repetition finds nothing to do, and an older release reads the row as before. Where it stands is in
 * one row of the job: whoever is killed is followed by one who goes on from there.
 */
import { SHARDS } from "../../domain/shard.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { OrchestrationStarter } from "../../ports/orchestration-starter.ts";
import type { Row, RowOperation, RowStore } from "../../ports/row-store.ts";
import { type JobRow, jobTable, pack, ROW, readRow, type Stored } from "../state/job-rows.ts";
import { columnsLacking, FORMAT_COLUMNS, OBJECT_FORMAT } from "../state/object-row.ts";
import { writeHalving } from "../state/write-halving.ts";
import { transactionChunks } from "../transaction-chunks.ts";

const MIGRATION_ROW = "migration";
const DAY_MS = 86_400_000;
/** Rows that one step looks at. */
const ROWS_A_STEP = 1_000;
const TRIES = 3;
/** So many single writes in a row that throw: it is the store, and not a row. */
const MOST_THROWN = 20;

export interface MigrationRow {
  /** The format that rows have once it is over. */
  readonly format: number;
  readonly epoch: number;
  readonly instanceId: string;
  readonly state: "running" | "done";
  /** Where the next step begins: the place in the list of shards, and the row after which. */
  readonly next: { readonly shard: number; readonly after: string };
  readonly looked: number;
  readonly changed: number;
  /** Still of an older format: they were written again and again meanwhile, or can't be read. */
  readonly left: number;
  /** Milliseconds since 1970, as all times here. */
  readonly begunAt: number;
  readonly movedAt: number;
  readonly endedAt: number | null;
  /** Where this run began; absent in rows of before: nobody knows. */
  readonly from?: MigrationRow["next"];
  /** Runs in a row that ended where they began; absent: none. */
  readonly failures?: number;
  /** The last of them has ended, and until then no other is begun. */
  readonly heldUntil?: number | null;
}

/** What the orchestration of a migration is given. */
export interface MigrationRun {
  readonly jobId: string;
  readonly epoch: number;
}

/**
 * The tick's duty: begins one when it is due, and another in place of one that ended or stands still before it is over. One that ended
 * where it began has failed: that is told, and the next one waits, for what failed for one would mostly fail for the next.
 */
export type KeepMigrating = (entry: { readonly jobId: string }) => Promise<void>;

export function createKeepMigrating(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly starter: OrchestrationStarter;
  /** The orchestrator's registered name. */
  readonly orchestrator: string;
  readonly instanceId: (jobId: string, epoch: number) => string;
  /** One that did not move for this long is taken for stuck. After a first failure the next one waits for as long. */
  readonly stuckAfterMs: number;
}): KeepMigrating {
  const jobs = jobTable(deps.rows);

  /** What is to be done about one that isn't over. */
  async function standing(row: MigrationRow, jobId: string): Promise<"go-on" | "leave" | "failed"> {
    const now = deps.clock.now();
    if (typeof row.heldUntil === "number") return now < row.heldUntil ? "leave" : "go-on";
    const status = await deps.starter.status(row.instanceId);
    if (status === "unknown") await deps.starter.start(deps.orchestrator, row.instanceId, refOf(row, jobId));
    if (status === "ended") return hasMoved(row) ? "go-on" : "failed";
    return now - row.movedAt < deps.stuckAfterMs ? "leave" : "go-on";
  }

  async function hold(known: Stored<MigrationRow>, jobId: string): Promise<void> {
    const { epoch, next, failures: before = 0 } = known.value;
    const failures = before + 1;
    const waitMs = failures === 1 ? deps.stuckAfterMs : DAY_MS;
    const held = { ...known.value, failures, heldUntil: deps.clock.now() + waitMs };
    if (!(await writeMigration(jobs, jobId, known, held))) return;
    deps.log.error("migration-failed", { jobId, epoch, shard: next.shard, failures, waitMs });
  }

  return async function migrateRows({ jobId }) {
    const now = deps.clock.now();
    const known = await readRow<MigrationRow>(jobs, jobId, MIGRATION_ROW);
    const row = known?.value;
    const isGoingOn = row?.state === "running" && row.format === OBJECT_FORMAT;
    if (known && isGoingOn) {
      const stands = await standing(known.value, jobId);
      if (stands === "failed") await hold(known, jobId);
      if (stands !== "go-on") return;
    } else if (row?.state !== "running" && !(await isDue(row, jobId))) return;
    const epoch = (row?.epoch ?? 0) + 1;
    const begun = { next: { shard: 0, after: "" }, looked: 0, changed: 0, left: 0, begunAt: now };
    const at = row && isGoingOn ? row : begun;
    const next: MigrationRow = {
      ...at,
      ...{ from: at.next, failures: row && isGoingOn && !hasMoved(row) ? (row.failures ?? 0) : 0, heldUntil: null },
      ...{ format: OBJECT_FORMAT, epoch, instanceId: deps.instanceId(jobId, epoch) },
      ...{ state: "running", movedAt: now, endedAt: null },
    };
    if (!(await writeMigration(jobs, jobId, known, next))) return;
    await deps.starter.start(deps.orchestrator, next.instanceId, refOf(next, jobId));
  };

  /** Whether one has to be begun where none is under way. */
  async function isDue(row: MigrationRow | undefined, jobId: string): Promise<boolean> {
    const isADayAgo = (at: number) => deps.clock.now() - at >= DAY_MS;
    if (row) return row.format !== OBJECT_FORMAT || isADayAgo(row.endedAt ?? 0);
    const job = await readRow<JobRow>(jobs, jobId, ROW.job);
    // A job that this release made has no old rows: it is looked at like one that was looked at when it was made.
    return job !== undefined && (job.value.objectFormat !== OBJECT_FORMAT || isADayAgo(job.value.createdAt));
  }
}

function refOf({ epoch }: MigrationRow, jobId: string): MigrationRun {
  return { jobId, epoch };
}

function hasMoved({ from, next }: MigrationRow): boolean {
  return from === undefined || from.shard !== next.shard || from.after !== next.after;
}

export interface MigrateRows {
  /** Looks at the next rows. Nothing is done, and it is over, when another run took its place. */
  step(run: MigrationRun): Promise<{ readonly isOver: boolean }>;
}

export function createMigrateRows(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly targetKey: string;
  /** Rows that one step looks at; 1,000 when left out. */
  readonly rowsAStep?: number;
}): MigrateRows {
  const jobs = jobTable(deps.rows);
  const objects = deps.rows.table("objects");

  /** How many of these rows are of the present format afterwards. */
  async function bringUp(partition: string, rows: readonly Row[], inARow: { thrown: number }): Promise<number> {
    let open = rows;
    let done = 0;
    /** New etags; undefined where somebody was first, null where the row can't be written, however often. */
    const write = async (chunk: readonly RowOperation[]): Promise<(string | undefined | null)[]> => {
      try {
        const etags = await writeHalving(objects, partition, chunk);
        inARow.thrown = 0;
        return etags;
      } catch (error) {
        if (chunk.length === 1) {
          if (++inARow.thrown === MOST_THROWN) throw error;
          return [null];
        }
        const middle = Math.ceil(chunk.length / 2);
        const first = await write(chunk.slice(0, middle));
        return [...first, ...(await write(chunk.slice(middle)))];
      }
    };
    for (let tries = 0; tries < TRIES && open.length > 0; tries++) {
      const due = open.flatMap(({ row, etag, values }): RowOperation[] => {
        const lacking = columnsLacking(values);
        return lacking === undefined ? [] : [{ op: "merge", row, values: lacking, etag }];
      });
      const refused: string[] = [];
      for (const chunk of transactionChunks(due)) {
        const etags = await write(chunk);
        chunk.forEach(({ row }, index) => {
          if (etags[index] === undefined) refused.push(row);
          else if (etags[index] !== null) done++;
        });
      }
      // Somebody else wrote them first: mostly they are of the present format by that, or are gone.
      const again = refused.length === 0 ? [] : [...(await objects.getMany(partition, refused)).values()];
      done += again.filter(({ values }) => !isOld(values)).length + (refused.length - again.length);
      open = again.filter(({ values }) => isOld(values));
    }
    return done;
  }

  return {
    async step({ jobId, epoch }) {
      const known = await readRow<MigrationRow>(jobs, jobId, MIGRATION_ROW);
      const job = await readRow<JobRow>(jobs, jobId, ROW.job);
      if (!known || !job || known.value.epoch !== epoch || known.value.state !== "running") return { isOver: true };
      let { next, looked, changed, left } = known.value;
      const { configurationId } = job.value;
      const inARow = { thrown: 0 };
      for (let room = deps.rowsAStep ?? ROWS_A_STEP; room > 0 && next.shard < SHARDS.length; ) {
        const partition = `${deps.targetKey}:${SHARDS[next.shard]}`;
        const from = next.after === "" ? `${configurationId}:` : `${next.after}!`;
        const page: Row[] = [];
        const options = { from, to: `${configurationId};`, select: FORMAT_COLUMNS, limit: room };
        for await (const rows of objects.range(partition, options)) page.push(...rows);
        const old = page.filter(({ values }) => isOld(values));
        const done = await bringUp(partition, old, inARow);
        looked += page.length;
        changed += done;
        left += old.length - done;
        next =
          page.length < room
            ? { shard: next.shard + 1, after: "" }
            : { shard: next.shard, after: page.at(-1)?.row ?? "" };
        room -= page.length;
      }
      const now = deps.clock.now();
      const isOver = next.shard === SHARDS.length;
      const row: MigrationRow = {
        ...{ ...known.value, next, looked, changed, left, movedAt: now },
        ...(isOver ? { state: "done", endedAt: now } : {}),
      };
      // Refused: another run goes on from where this step began, and finds nothing to do in it.
      if (!(await writeMigration(jobs, jobId, known, row))) return { isOver: true };
      const { format } = row;
      if (changed + left > 0 && (isOver || changed > known.value.changed))
        deps.log.info(isOver ? "rows-migrated" : "rows-migrating", { jobId, format, looked, changed, left });
      return { isOver };
    },
  };
}

function isOld(values: Row["values"]): boolean {
  return formatOf(values) < OBJECT_FORMAT;
}

function formatOf({ v }: Row["values"]): number {
  return typeof v === "number" ? v : 1;
}

/** False: somebody else wrote it first. */
async function writeMigration(
  jobs: ReturnType<typeof jobTable>,
  jobId: string,
  known: Stored<MigrationRow> | undefined,
  next: MigrationRow,
): Promise<boolean> {
  const values = pack(next);
  const written = await jobs.transact(jobId, [
    known
      ? { op: "replace", row: MIGRATION_ROW, values, etag: known.etag }
      : { op: "insert", row: MIGRATION_ROW, values },
  ]);
  return written.ok;
}
