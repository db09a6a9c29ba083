/**
 * The files between planning and exporting the links of a cycle: one plan, written once; its chunks, which follow from
 * it; and what became of each chunk, once.
 */
import type { TargetAnswer } from "../../ports/target-directory.ts";
import type { ChangeOrigin, ChunkItem } from "../lanes/chunk-files.ts";
import type { StoredDirty } from "../state/dirty-links.ts";
import type { LinkCounts } from "../state/job-rows.ts";

/** Whose links, and what may be concluded from its read. */
export interface LinkChunkHeader {
  /** `{cycle}-links`: outcomes and log rows are keyed by it. */
  readonly linksId: string;
  readonly jobId: string;
  readonly configurationId: string;
  readonly cycleId: string;
  /** Milliseconds since 1970: the time in log keys. */
  readonly at: number;
  readonly schemaVersion: number;
  /** The full read whose lists' gaps are evidence; null: there is none. */
  readonly concludes: number | null;
  /** The other lane may still bring older statements: what is gone is kept with its version. */
  readonly keepsVersions: boolean;
  /** Nothing was in the target before, and nothing goes away. */
  readonly isFirst: boolean;
  /** Writes may wait for those of other lanes. */
  readonly isBulk: boolean;
}

/** One referrer, and where to look. */
export interface LinkItem {
  readonly referrer: string;
  /** Over all chunks: log rows are keyed by it. */
  readonly index: number;
  readonly segments: readonly string[];
  /** Besides what is unsettled: edges to look at, for their referees' target objects are new. */
  readonly referees: readonly string[];
  readonly origin: ChangeOrigin;
  /** Dirty rows that it settles, as they were read. */
  readonly rows: readonly StoredDirty[];
}

export interface LinkChunkFile {
  readonly header: LinkChunkHeader;
  readonly items: readonly LinkItem[];
}

export interface LinkPlanFile {
  readonly header: LinkChunkHeader;
  readonly chunks: readonly (readonly LinkItem[])[];
  /** Objects whose references have to be bound again, mapped under `{cycle}-refs`. */
  readonly refs: readonly ChunkItem[];
  readonly refChunks: number;
  readonly refRows: readonly Pick<StoredDirty, "row" | "etag">[];
}

export interface LinkOutcomeFile {
  readonly counts: LinkCounts;
  readonly writes: number;
  /** Why removals of the first such group are held back. */
  readonly stagedBecause?: string;
  /** Nothing was sent because exports were held; what made the groups dirty stands. */
  readonly isHeld?: boolean;
  /** What the target said to the last write of the chunk, in this attempt. */
  readonly answer?: TargetAnswer;
}

export function linksIdOf(cycleId: string): string {
  return `${cycleId}-links`;
}

export function refsIdOf(cycleId: string): string {
  return `${cycleId}-refs`;
}
