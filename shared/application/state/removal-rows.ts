/**
 * Removals that wait for the end of a cycle: table `removals`, partition `{cycle}`, row `{objectGuid}:{batch}`.
 *
 * A row names the classes that the object needs, and the change that asked for it, so that the outcome can be counted
 * there. No payload: what is removed is decided again from the object's image when the guard has let it pass. What the
 * guard staged lies in table `staged`, partition `{job}`, row `{class}:{objectGuid}`, until an admin decides.
 */
import type { Outcome } from "../../domain/object-record.ts";
import { REMOVAL_CLASSES, type RemovalClass } from "../../domain/plan.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { type ChangeOrigin, type ChunkHeader, originOf, type PlannedObject } from "../chunk-files.ts";
import { transactionChunks } from "../transaction-chunks.ts";
import { afterPrefix, pack, type Stored, unpack } from "./job-rows.ts";

/** The change that asked for a removal, and its outcome so far. */
export interface RemovalOrigin extends ChangeOrigin {
  readonly outcome: Outcome;
}

/** One object's removals. Without origins: no change of this read asked for them. */
export interface Removal {
  readonly objectGuid: string;
  readonly classes: readonly RemovalClass[];
  /** What goes besides when the names that the full read did not bring are blanked; null: it brought all. */
  readonly lacks: readonly RemovalClass[] | null;
  /** Not in a complete full read, and nothing else says that it is gone. */
  readonly isAbsent: boolean;
  readonly origins: readonly RemovalOrigin[];
}

/** `memberships`: of one group, whose objectGUID the row names. */
export type StagedClass = RemovalClass | "memberships";

export interface StagedRow {
  readonly objectGuid: string;
  readonly class: StagedClass;
  readonly cycleId: string;
  readonly reason: string;
  readonly stagedAt: number;
  /** The full read that it is absent from, where nothing else says that it is gone. */
  readonly absentIn?: number;
  /** What it takes to blank the names that a full read did not bring, and which one's. */
  readonly missing?: { readonly readNo: number; readonly lacks: readonly RemovalClass[] };
}

interface RemovalRow {
  readonly classes: readonly RemovalClass[];
  readonly lacks?: readonly RemovalClass[];
  readonly origin: RemovalOrigin | null;
  readonly isOverdue?: boolean;
}

export interface Removals {
  add(
    header: ChunkHeader,
    entries: readonly { readonly planned: PlannedObject; readonly outcome: Outcome }[],
  ): Promise<void>;
  /** `classes`: what the absence takes away; none for an object without link. */
  addAbsences(cycleId: string, objectGuids: readonly string[], classes: readonly RemovalClass[]): Promise<void>;
  /** Objects known to be gone before this read, and still in the target. */
  addOverdue(cycleId: string, objectGuids: readonly string[], classes: readonly RemovalClass[]): Promise<void>;
  /** One entry an object, in the order of GUIDs. */
  list(cycleId: string): Promise<Removal[]>;
  clear(cycleId: string): Promise<void>;
  stage(jobId: string, rows: readonly StagedRow[]): Promise<void>;
  unstage(jobId: string, of: StagedClass, objectGuid: string): Promise<void>;
  staged(jobId: string): Promise<StagedRow[]>;
  /** Of some objects, those that are staged as absent: where one shows itself again, its row has to say so. */
  stagedAbsences(jobId: string, objectGuids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Drops these rows; one that another cycle staged anew stays. */
  forget(jobId: string, rows: readonly StagedRow[]): Promise<void>;
  /** Drops what was staged before a moment (milliseconds since 1970): a complete full read judged everything anew. */
  dropStaged(jobId: string, before: number): Promise<void>;
}

export function createRemovals(deps: { readonly rows: RowStore }): Removals {
  const table = deps.rows.table("removals");
  const stagedTable = deps.rows.table("staged");
  async function write(of: string, operations: readonly RowOperation[]): Promise<void> {
    for (const chunk of transactionChunks(operations)) await table.transact(of, chunk);
  }
  async function stagedRows(jobId: string): Promise<Stored<StagedRow>[]> {
    const found: Stored<StagedRow>[] = [];
    for await (const rows of stagedTable.range(jobId)) found.push(...rows.map((row) => unpack<StagedRow>(row)));
    return found;
  }
  /** One that was staged again at this moment has another etag, and stays. */
  async function drop(jobId: string, rows: readonly Stored<StagedRow>[]): Promise<void> {
    const operations = rows.map(({ row, etag }): RowOperation => ({ op: "delete", row, etag }));
    for (const chunk of transactionChunks(operations)) {
      if ((await stagedTable.transact(jobId, chunk)).ok) continue;
      for (const operation of chunk) await stagedTable.transact(jobId, [operation]);
    }
  }
  return {
    add(header, entries) {
      const rows = entries.map(({ planned, outcome }): RowOperation => {
        const origin: RemovalOrigin = { ...originOf(header, planned), outcome };
        const { waiting: classes, lacks } = planned;
        return {
          op: "upsert",
          row: `${planned.objectGuid}:${header.batchId}`,
          values: pack({ classes, ...(lacks ? { lacks } : {}), origin } satisfies RemovalRow),
        };
      });
      return write(header.cycleId, rows);
    },
    addAbsences(cycleId, objectGuids, classes) {
      const values = pack({ classes, origin: null } satisfies RemovalRow);
      return write(
        cycleId,
        objectGuids.map((objectGuid): RowOperation => ({ op: "upsert", row: `${objectGuid}:absent`, values })),
      );
    },
    addOverdue(cycleId, objectGuids, classes) {
      const values = pack({ classes, origin: null, isOverdue: true } satisfies RemovalRow);
      return write(
        cycleId,
        objectGuids.map((objectGuid): RowOperation => ({ op: "upsert", row: `${objectGuid}:overdue`, values })),
      );
    },
    async list(cycleId) {
      const found = new Map<string, Removal>();
      for await (const rows of table.range(cycleId)) {
        for (const row of rows) {
          const objectGuid = row.row.slice(0, row.row.indexOf(":"));
          const { classes, lacks, origin, isOverdue } = unpack<RemovalRow>(row).value;
          const before = found.get(objectGuid) ?? {
            objectGuid,
            classes: [],
            lacks: null,
            isAbsent: false,
            origins: [],
          };
          found.set(objectGuid, {
            objectGuid,
            classes: unionOf(before.classes, classes),
            lacks: lacks ? unionOf(before.lacks ?? [], lacks) : before.lacks,
            isAbsent: before.isAbsent || (origin === null && isOverdue !== true),
            origins: origin ? [...before.origins, origin] : before.origins,
          });
        }
      }
      return [...found.values()];
    },
    async clear(cycleId) {
      const operations: RowOperation[] = [];
      for await (const rows of table.range(cycleId))
        operations.push(...rows.map((row): RowOperation => ({ op: "delete", row: row.row })));
      await write(cycleId, operations);
    },
    async stage(jobId, rows) {
      const operations = rows.map((row): RowOperation => ({ op: "upsert", row: rowOf(row), values: pack(row) }));
      for (const chunk of transactionChunks(operations)) await stagedTable.transact(jobId, chunk);
    },
    async unstage(jobId, of, objectGuid) {
      // Gone already is fine.
      await stagedTable.transact(jobId, [{ op: "delete", row: `${of}:${objectGuid}` }]);
    },
    async staged(jobId) {
      return (await stagedRows(jobId)).map((row) => row.value);
    },
    async stagedAbsences(jobId, objectGuids) {
      const prefix = "deletes:";
      const first = await stagedTable
        .range(jobId, { from: prefix, to: afterPrefix(prefix), limit: 1 })
        [Symbol.asyncIterator]()
        .next();
      if (first.done || first.value.length === 0) return new Set();
      const found = await stagedTable.getMany(
        jobId,
        [...new Set(objectGuids)].map((own) => `${prefix}${own}`),
      );
      const rows = [...found.values()].map((row) => unpack<StagedRow>(row).value);
      return new Set(rows.flatMap((row) => (row.absentIn === undefined ? [] : [row.objectGuid])));
    },
    async forget(jobId, rows) {
      const cycles = new Map(rows.map((row) => [rowOf(row), row.cycleId]));
      const known = await stagedTable.getMany(jobId, [...cycles.keys()]);
      const own = [...known.values()].map((row) => unpack<StagedRow>(row));
      await drop(
        jobId,
        own.filter(({ row, value }) => cycles.get(row) === value.cycleId),
      );
    },
    async dropStaged(jobId, before) {
      await drop(
        jobId,
        (await stagedRows(jobId)).filter((row) => row.value.stagedAt < before),
      );
    },
  };
}

function rowOf(row: Pick<StagedRow, "class" | "objectGuid">): string {
  return `${row.class}:${row.objectGuid}`;
}

export function unionOf(left: readonly RemovalClass[], right: readonly RemovalClass[]): RemovalClass[] {
  return REMOVAL_CLASSES.filter((name) => left.includes(name) || right.includes(name));
}
