/**
 * Links that have to be looked at: table `dirtylinks`, partition `{job}`, row `{referrer}:{attribute}:{segment}`; and
 * `…:missing` for what a full read's lists lacked, which only that read's end may conclude.
 *
 * The etag decides who is done: a row that was made dirty again since it was read stays. A row says where to look, never
 * what to do: that follows from the edges. So of one that is damaged its key is enough.
 */
import type { Row, RowOperation, RowStore } from "../../ports/row-store.ts";
import type { ChangeOrigin } from "../lanes/chunk-files.ts";
import { pack, unpack } from "./job-rows.ts";
import { writeHalving } from "./write-halving.ts";

export interface DirtyLinks {
  readonly referrer: string;
  readonly attribute: string;
  /** "": all of them. */
  readonly segment: string;
  /** About how many edges have to be looked at. */
  readonly edges: number;
  /** The change that made it dirty last. */
  readonly origin: ChangeOrigin;
  /** Edges to look at even if they seem settled: their referees' target objects are new. */
  readonly referees?: readonly string[];
  /** The cycle in which those appeared: one row each, so that none is written over. */
  readonly by?: string;
  /** What a full read's lists lacked, and which one's. */
  readonly missingIn?: number;
  /** Removals that were staged, and that an admin approved: the set of members, by its digest. */
  readonly approved?: { readonly digest: string; readonly by: string };
  /** The last attempt failed. */
  readonly failure?: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
    readonly attempts: number;
    readonly firstAt: number;
    /** Not before then: milliseconds since 1970. */
    readonly nextAttemptAt: number;
  };
}

export interface StoredDirty {
  readonly dirty: DirtyLinks;
  readonly row: string;
  readonly etag: string;
}

export interface DirtyRows {
  put(jobId: string, dirty: readonly DirtyLinks[]): Promise<void>;
  list(jobId: string): Promise<StoredDirty[]>;
  /** Notes failures; what was made dirty again meanwhile stays as it is. */
  fail(jobId: string, failed: readonly StoredDirty[]): Promise<void>;
  /** What was made dirty again meanwhile stays. */
  drain(jobId: string, done: readonly Pick<StoredDirty, "row" | "etag">[]): Promise<void>;
}

export function createDirtyRows(deps: { readonly rows: RowStore }): DirtyRows {
  const table = deps.rows.table("dirtylinks");
  return {
    async put(jobId, dirty) {
      const byRow = new Map(dirty.map((own) => [rowOf(own), own]));
      const operations = [...byRow].map(([row, own]): RowOperation => ({ op: "upsert", row, values: pack(own) }));
      await writeHalving(table, jobId, operations);
    },
    async list(jobId) {
      const found: StoredDirty[] = [];
      for await (const rows of table.range(jobId))
        found.push(...rows.map((row) => ({ dirty: dirtyIn(row), row: row.row, etag: row.etag })));
      return found;
    },
    async fail(jobId, failed) {
      await writeHalving(
        table,
        jobId,
        failed.map(({ dirty, row, etag }): RowOperation => ({ op: "replace", row, values: pack(dirty), etag })),
      );
    },
    async drain(jobId, done) {
      await writeHalving(
        table,
        jobId,
        done.map(({ row, etag }): RowOperation => ({ op: "delete", row, etag })),
      );
    },
  };
}

function dirtyIn(row: Row): DirtyLinks {
  try {
    return unpack<DirtyLinks>(row).value;
  } catch {
    const [referrer = "", attribute = ""] = row.row.split(":");
    return { referrer, attribute, segment: "", edges: 1, origin: { batchId: "", index: 0, agentId: "", server: "" } };
  }
}

function rowOf({ referrer, attribute, segment, missingIn, by }: DirtyLinks): string {
  const kind = missingIn !== undefined ? ":missing" : by !== undefined ? `:by:${by}` : "";
  return `${referrer}:${attribute}:${segment}${kind}`;
}
