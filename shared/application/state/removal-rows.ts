/**
 * Removals that wait for the end of a cycle: table `removals`, partition `{cycle}`, row `{objectGuid}:{batch}`.
 *
 * A row names the classes that the object needs, and the change that asked for it, so that the outcome can be counted
 * there. No payload: what is removed is decided again from the object's image when the guard has let it pass. What the
 * guard staged lies in table `staged`, partition `{job}`, row `{class}:{objectGuid}`, until an admin decides.
 */
import type { FailureCode } from "../../domain/failure-codes.ts";
import { type GuardedType, typeOfClass } from "../../domain/guard.ts";
import { sameNames } from "../../domain/name-changes.ts";
import type { Outcome } from "../../domain/object-record.ts";
import { REMOVAL_CLASSES, type RemovalClass } from "../../domain/plan.ts";
import type { TargetValues } from "../../domain/target-value.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { type ChangeOrigin, type ChunkHeader, originOf, type PlannedObject } from "../lanes/chunk-files.ts";
import type { StagedMembers } from "../members/staged-members.ts";
import { transactionChunks } from "../transaction-chunks.ts";
import { afterPrefix, pack, type Stored, unpack } from "./job-rows.ts";
import { groupBy } from "./object-store.ts";

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
  /** What it is; absent: a user. */
  readonly type?: GuardedType;
}

/** `names`: a changed userPrincipalName or mail. `memberships`: of one group, whose objectGUID the row names. */
export type StagedClass = RemovalClass | "names" | "memberships";

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
  /** Of names: what they would become. */
  readonly names?: TargetValues;
  /** Of memberships: how many, and the digest of just those; absent in rows of before they could be approved. */
  readonly members?: StagedMembers;
  /**
   * An admin dropped it. Names stay as they are until the directory changes them again, removals wait until a read brings
   * them again, or everybody is mapped anew.
   */
  readonly droppedBy?: string;
  /** Approved, and not carried out yet, for it failed: it is tried again like any failure, and still approved. */
  readonly approvedBy?: string;
  /** The work on what an admin had approved was given up as a whole. */
  readonly lastFailure?: ApprovalFailure;
}

export interface ApprovalFailure {
  readonly code: FailureCode;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly approvedBy: string;
}

interface RemovalRow {
  readonly classes: readonly RemovalClass[];
  readonly lacks?: readonly RemovalClass[];
  readonly origin: RemovalOrigin | null;
  readonly isOverdue?: boolean;
  readonly type?: GuardedType;
}

/** An object that a read missed, or that is gone and still in the target. */
export interface Missed {
  readonly objectGuid: string;
  readonly objectClass: string;
}

/** Of names: those that were approved, and no others. */
export type ApprovedOne = Pick<StagedRow, "class" | "objectGuid" | "names">;

export interface DecidedObject {
  readonly objectGuid: string;
  /** Classes whose evidence still stands. */
  readonly except: readonly RemovalClass[];
}

export interface Removals {
  add(
    header: ChunkHeader,
    entries: readonly { readonly planned: PlannedObject; readonly outcome: Outcome }[],
  ): Promise<void>;
  /** `classes`: what the absence takes away; none for an object without link. */
  addAbsences(cycleId: string, missed: readonly Missed[], classes: readonly RemovalClass[]): Promise<void>;
  /** Objects known to be gone before this read, and still in the target. */
  addOverdue(cycleId: string, missed: readonly Missed[], classes: readonly RemovalClass[]): Promise<void>;
  /** One entry an object, in the order of GUIDs. */
  list(cycleId: string): Promise<Removal[]>;
  clear(cycleId: string): Promise<void>;
  stage(jobId: string, rows: readonly StagedRow[]): Promise<void>;
  unstage(jobId: string, of: StagedClass, objectGuid: string): Promise<void>;
  /** What an admin may decide on. */
  staged(jobId: string): Promise<StagedRow[]>;
  /** Of some objects: what was staged of one class, dropped ones too. By objectGUID. */
  stagedOf(jobId: string, of: StagedClass, objectGuids: readonly string[]): Promise<ReadonlyMap<string, StagedRow>>;
  /** Of some objects: the removals that are staged, dropped, or approved and not carried out yet. By objectGUID. */
  stagedRemovals(jobId: string, objectGuids: readonly string[]): Promise<ReadonlyMap<string, readonly StagedRow[]>>;
  /** Has rows that are there say that they were approved: what they stand for wasn't carried out, and is tried again. */
  keepApproved(jobId: string, of: readonly ApprovedOne[], by: string): Promise<void>;
  /** Drops what was decided of these objects' removals: it was carried out, or its evidence stands no more. */
  dropDecided(jobId: string, of: readonly DecidedObject[]): Promise<void>;
  /** Has these rows say that they were dropped; one that was staged anew since stays. */
  keepDropped(jobId: string, rows: readonly StagedRow[], by: string): Promise<void>;
  /** Has these rows say that nobody carried out what was approved of them; one that was staged anew since stays. */
  keepFailure(jobId: string, rows: readonly StagedRow[], failure: ApprovalFailure): Promise<void>;
  /** Of some objects, those that are staged as absent: where one shows itself again, its row has to say so. */
  stagedAbsences(jobId: string, objectGuids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Drops these rows; one that another cycle staged anew stays, one that is approved and failed, and dropped names. */
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
  /** Those of some rows that are there as they were staged. */
  async function sameRows(jobId: string, rows: readonly StagedRow[]): Promise<Stored<StagedRow>[]> {
    const cycles = new Map(rows.map((row) => [rowOf(row), row.cycleId]));
    const known = await stagedTable.getMany(jobId, [...cycles.keys()]);
    return [...known.values()]
      .map((row) => unpack<StagedRow>(row))
      .filter(({ row, value }) => cycles.get(row) === value.cycleId);
  }
  async function hasRows(jobId: string, prefix: string): Promise<boolean> {
    const rows = stagedTable.range(jobId, { from: prefix, to: afterPrefix(prefix), limit: 1 });
    const first = await rows[Symbol.asyncIterator]().next();
    return !first.done && first.value.length > 0;
  }
  async function removalRows(jobId: string, objectGuids: readonly string[]): Promise<Stored<StagedRow>[]> {
    const guids = [...new Set(objectGuids)];
    const found: Stored<StagedRow>[] = [];
    for (const name of guids.length === 0 ? [] : REMOVAL_CLASSES) {
      if (!(await hasRows(jobId, `${name}:`))) continue;
      const rows = await stagedTable.getMany(
        jobId,
        guids.map((own) => `${name}:${own}`),
      );
      found.push(...[...rows.values()].map((row) => unpack<StagedRow>(row)));
    }
    return found;
  }
  /** Adds to those of some rows that are there as they were staged. */
  async function keep(jobId: string, rows: readonly StagedRow[], more: Partial<StagedRow>): Promise<void> {
    for (const { row, value, etag } of await sameRows(jobId, rows))
      await stagedTable.transact(jobId, [
        { op: "replace", row, values: pack({ ...value, ...more } satisfies StagedRow), etag },
      ]);
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
          values: pack({
            classes,
            ...(lacks ? { lacks } : {}),
            origin,
            ...typed(planned.record.objectClass),
          } satisfies RemovalRow),
        };
      });
      return write(header.cycleId, rows);
    },
    addAbsences(cycleId, missed, classes) {
      return write(
        cycleId,
        missed.map(({ objectGuid, objectClass }): RowOperation => {
          const values = pack({ classes, origin: null, ...typed(objectClass) } satisfies RemovalRow);
          return { op: "upsert", row: `${objectGuid}:absent`, values };
        }),
      );
    },
    addOverdue(cycleId, missed, classes) {
      return write(
        cycleId,
        missed.map(({ objectGuid, objectClass }): RowOperation => {
          const values = pack({ classes, origin: null, isOverdue: true, ...typed(objectClass) } satisfies RemovalRow);
          return { op: "upsert", row: `${objectGuid}:overdue`, values };
        }),
      );
    },
    async list(cycleId) {
      const found = new Map<string, Removal>();
      for await (const rows of table.range(cycleId)) {
        for (const row of rows) {
          const objectGuid = row.row.slice(0, row.row.indexOf(":"));
          const { classes, lacks, origin, isOverdue, type } = unpack<RemovalRow>(row).value;
          const before: Removal = found.get(objectGuid) ?? {
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
            ...(type || before.type ? { type: type ?? before.type } : {}),
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
      return (await stagedRows(jobId)).map((row) => row.value).filter((row) => !isDecided(row));
    },
    async stagedOf(jobId, of, objectGuids) {
      if (objectGuids.length === 0) return new Map();
      const rows = await stagedTable.getMany(
        jobId,
        objectGuids.map((objectGuid) => `${of}:${objectGuid}`),
      );
      const found = [...rows.values()].map((row) => unpack<StagedRow>(row).value);
      return new Map(found.map((row) => [row.objectGuid, row]));
    },
    stagedRemovals: async (jobId, objectGuids) =>
      new Map(
        groupBy(
          (await removalRows(jobId, objectGuids)).map((row) => row.value),
          (row) => row.objectGuid,
        ),
      ),
    async keepApproved(jobId, of, by) {
      if (of.length === 0) return;
      const approved = new Map(of.map((own) => [rowOf(own), own.names]));
      for (const stored of (await stagedTable.getMany(jobId, [...approved.keys()])).values()) {
        const { row, value, etag } = unpack<StagedRow>(stored);
        // Staged anew meanwhile, with names that nobody approved.
        if (!sameNames(approved.get(row) ?? {}, value.names ?? {})) continue;
        const values = pack({ ...value, approvedBy: by } satisfies StagedRow);
        await stagedTable.transact(jobId, [{ op: "replace", row, values, etag }]);
      }
    },
    async dropDecided(jobId, of) {
      const kept = new Map(of.map(({ objectGuid, except }) => [objectGuid, except]));
      const isKept = ({ objectGuid, class: own }: StagedRow) =>
        (kept.get(objectGuid) ?? []).some((name) => name === own);
      const rows = await removalRows(jobId, [...kept.keys()]);
      await drop(
        jobId,
        rows.filter(({ value }) => isDecided(value) && !isKept(value)),
      );
    },
    keepDropped: (jobId, rows, by) => keep(jobId, rows, { droppedBy: by }),
    keepFailure: (jobId, rows, lastFailure) => keep(jobId, rows, { lastFailure }),
    async stagedAbsences(jobId, objectGuids) {
      const absent = new Set<string>();
      for (const prefix of ["deletes:", "disables:"]) {
        if (!(await hasRows(jobId, prefix))) continue;
        const found = await stagedTable.getMany(
          jobId,
          [...new Set(objectGuids)].map((own) => `${prefix}${own}`),
        );
        const rows = [...found.values()].map((row) => unpack<StagedRow>(row).value);
        for (const row of rows) if (row.absentIn !== undefined) absent.add(row.objectGuid);
      }
      return absent;
    },
    async forget(jobId, rows) {
      const known = await sameRows(jobId, rows);
      await drop(
        jobId,
        known.filter((row) => !outlasts(row.value)),
      );
    },
    async dropStaged(jobId, before) {
      await drop(
        jobId,
        (await stagedRows(jobId)).filter(({ value }) => value.stagedAt < before && !outlasts(value)),
      );
    },
  };
}

function typed(objectClass: string): Pick<RemovalRow, "type"> {
  return typeOfClass(objectClass) === "group" ? { type: "group" } : {};
}

function isDecided({ droppedBy, approvedBy }: StagedRow): boolean {
  return droppedBy !== undefined || approvedBy !== undefined;
}

/** What judging it anew doesn't end: an approval, and names that an admin wants to stay. */
function outlasts({ class: of, droppedBy, approvedBy }: StagedRow): boolean {
  return approvedBy !== undefined || (of === "names" && droppedBy !== undefined);
}

function rowOf(row: Pick<StagedRow, "class" | "objectGuid">): string {
  return `${row.class}:${row.objectGuid}`;
}

export function unionOf(left: readonly RemovalClass[], right: readonly RemovalClass[]): RemovalClass[] {
  return REMOVAL_CLASSES.filter((name) => left.includes(name) || right.includes(name));
}
