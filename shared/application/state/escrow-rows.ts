/**
 * Escrows: objects whose last attempt failed, by job and shard. A row holds anchor, code and attempts, never a payload:
 * a retry maps the object's present image.
 */
import { type FailureCode, gapAfter } from "../../domain/failure-codes.ts";
import { SHARDS, shardOf } from "../../domain/shard.ts";
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import type { ChangeOrigin } from "../lanes/chunk-files.ts";
import { transactionChunks } from "../transaction-chunks.ts";
import { pack, unpack } from "./job-rows.ts";
import { groupBy } from "./object-store.ts";

export interface EscrowRow {
  readonly objectGuid: string;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly attempts: number;
  /** Of the last attempt: the same one noted again is no further attempt. */
  readonly batchId: string;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly nextAttemptAt: number;
  /** The change whose effect is tried again. */
  readonly origin: ChangeOrigin;
}

export interface EscrowFailure {
  readonly objectGuid: string;
  readonly code: FailureCode;
  readonly message: string;
  readonly remedy: string;
  /** Milliseconds until the next attempt; absent: by the code and the number of attempts. */
  readonly retryAfterMs?: number;
  readonly origin: ChangeOrigin;
}

export interface Escrows {
  put(jobId: string, batchId: string, failures: readonly EscrowFailure[], now: number): Promise<void>;
  clear(jobId: string, objectGuids: readonly string[]): Promise<void>;
  list(jobId: string): Promise<EscrowRow[]>;
  /** The first of them by objectGUID, behind a place in that order. */
  page(jobId: string, after: string, most: number): Promise<EscrowRow[]>;
  /** Those of some objects, by objectGUID. */
  getMany(jobId: string, objectGuids: readonly string[]): Promise<Map<string, EscrowRow>>;
}

export function createEscrows(deps: { readonly rows: RowStore }): Escrows {
  const table = deps.rows.table("escrows");
  const partition = (jobId: string, shard: string) => `${jobId}:${shard}`;
  return {
    async put(jobId, batchId, failures, now) {
      for (const [shard, own] of groupBy(failures, (failure) => shardOf(failure.objectGuid))) {
        const known = await table.getMany(
          partition(jobId, shard),
          own.map((failure) => failure.objectGuid),
        );
        const operations = own.flatMap((failure): RowOperation[] => {
          const before = known.get(failure.objectGuid);
          const old = before && unpack<EscrowRow>(before).value;
          if (old?.batchId === batchId && old.code === failure.code) return [];
          // Tried before it was due, because something moved: no reason to wait longer than before.
          const isEarly = old?.code === failure.code && old.nextAttemptAt > now;
          const attempts = old?.code === failure.code ? old.attempts + (isEarly ? 0 : 1) : 1;
          const gap = failure.retryAfterMs ?? (isEarly ? old.nextAttemptAt - now : gapAfter(failure.code, attempts));
          const row: EscrowRow = {
            objectGuid: failure.objectGuid,
            code: failure.code,
            message: failure.message,
            remedy: failure.remedy,
            attempts,
            batchId,
            firstAt: old?.firstAt ?? now,
            lastAt: now,
            nextAttemptAt: now + gap,
            origin: failure.origin,
          };
          return [{ op: "upsert", row: failure.objectGuid, values: pack(row) }];
        });
        for (const chunk of transactionChunks(operations)) await table.transact(partition(jobId, shard), chunk);
      }
    },
    async clear(jobId, objectGuids) {
      for (const [shard, own] of groupBy(objectGuids, shardOf)) {
        const known = await table.getMany(partition(jobId, shard), own);
        const operations = [...known.keys()].map((row): RowOperation => ({ op: "delete", row }));
        for (const chunk of transactionChunks(operations)) await table.transact(partition(jobId, shard), chunk);
      }
    },
    async getMany(jobId, objectGuids) {
      const found = new Map<string, EscrowRow>();
      for (const [shard, own] of groupBy(objectGuids, shardOf)) {
        const rows = await table.getMany(partition(jobId, shard), own);
        for (const [objectGuid, row] of rows) found.set(objectGuid, unpack<EscrowRow>(row).value);
      }
      return found;
    },
    async page(jobId, after, most) {
      const found: EscrowRow[] = [];
      for (const shard of SHARDS.filter((own) => own >= shardOf(after))) {
        // The place itself comes along, where it is a row.
        const limit = most - found.length + 1;
        const options = shard === shardOf(after) ? { from: after, limit } : { limit };
        for await (const rows of table.range(partition(jobId, shard), options))
          found.push(...rows.map((row) => unpack<EscrowRow>(row).value).filter((own) => own.objectGuid > after));
        if (found.length >= most) break;
      }
      return found.slice(0, most);
    },
    async list(jobId) {
      const found: EscrowRow[] = [];
      // One question for all shards: every tick and every cycle asks, and mostly nobody waits.
      for await (const rows of table.across(`${jobId}:`, `${jobId};`))
        found.push(...rows.map((row) => unpack<EscrowRow>(row).value));
      return found;
    },
  };
}
