/** The registered names of durable functions and the instance ids of orchestrations: each is written here, and nowhere else. */
import type { SyncRunState } from "../shared/contracts/orchestration.ts";

export const ORCHESTRATOR = {
  syncRun: "SyncRun",
  processBatch: "ProcessBatch",
  processWork: "ProcessWork",
  readEnd: "ReadEnd",
  whatIf: "WhatIf",
  reconcile: "Reconcile",
  backUp: "BackUp",
  migrate: "Migrate",
} as const;

export const ACTIVITY = {
  nextBatch: "NextBatch",
  prepareTarget: "PrepareTarget",
  planChunks: "PlanChunks",
  planWork: "PlanWork",
  foldLinks: "FoldLinks",
  planLinks: "PlanLinks",
  exportLinks: "ExportLinks",
  mapChunk: "MapChunk",
  exportChunk: "ExportChunk",
  commitBatch: "CommitBatch",
  beginReadEnd: "BeginReadEnd",
  findAbsences: "FindAbsences",
  decideRemovals: "DecideRemovals",
  commitCycle: "CommitCycle",
  commitWork: "CommitWork",
  noteFailure: "NoteFailure",
  beginWhatIf: "BeginWhatIf",
  mapWhatIf: "MapWhatIf",
  settleWhatIf: "SettleWhatIf",
  tallyWhatIf: "TallyWhatIf",
  finishWhatIf: "FinishWhatIf",
  reconcileStep: "ReconcileStep",
  backUpPiece: "BackUpPiece",
  finishBackup: "FinishBackup",
  migrateStep: "MigrateStep",
} as const;

/** A run's id is never used twice: its epoch is written before it starts. */
export function syncRunId(jobId: string, lane: string, epoch: number): string {
  return `sync-${jobId}-${lane}-${epoch}`;
}

/** Never used twice, like a run's. */
export function migrationId(jobId: string, epoch: number): string {
  return `migrate-${jobId}-${epoch}`;
}

/** The id of a part of a run: by the run's turn, so that a repetition is a new instance. */
export function partId(part: "batch" | "work" | "end" | "whatif" | "reconcile", run: SyncRunState): string {
  return `${part}-${run.jobId}-${run.lane}-${run.epoch}-${run.turn}`;
}

/** A backup's id is made of its moment and chance, and never used twice. */
export function backupInstanceId(backupId: string): string {
  return `backup-${backupId}`;
}
