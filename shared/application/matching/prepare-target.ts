/**
 * Before the first batch of a tenant set: the target's existing users are read once, in pages, into the index, so that
 * matching needs no question for each object. Done once a target; who comes later conflicts and is matched then.
 */

import type { Claim } from "../../domain/object-record.ts";
import { normalUpn } from "../../domain/values.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import type { TargetObject } from "../../ports/target-directory.ts";
import type { JobContext } from "../export/export-chunk.ts";
import { CATALOGUE } from "../jobs/configurations.ts";
import type { SyncRunInput } from "../lanes/wake-job.ts";
import { type JobRow, jobTable, ROW, readRow } from "../state/job-rows.ts";

export type PrepareTarget = (run: SyncRunInput) => Promise<{ readonly objects: number }>;

export interface TargetPreparation {
  readonly prepare: PrepareTarget;
  readonly isPrepared: (targetKey: string) => Promise<boolean>;
}

export function createTargetPreparation(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly contextOf: (jobId: string) => Promise<JobContext>;
}): TargetPreparation {
  const jobs = jobTable(deps.rows);
  const rowOf = (targetKey: string) => `target:${targetKey}`;
  const known = new Set<string>();
  return {
    async isPrepared(targetKey) {
      if (known.has(targetKey)) return true;
      const found = (await jobs.get(CATALOGUE, rowOf(targetKey))) !== undefined;
      if (found) known.add(targetKey);
      return found;
    },
    async prepare(run) {
      const job = await readRow<JobRow>(jobs, run.jobId, ROW.job);
      if (!job) throw new Error(`Job ${run.jobId} is gone.`);
      const { claims, target } = await deps.contextOf(run.jobId);
      let objects = 0;
      for await (const page of target.users()) {
        objects += page.length;
        await claims.addCandidates(page.map((object) => ({ targetId: object.id, claims: claimsOf(object) })));
      }
      await jobs.transact(CATALOGUE, [
        { op: "upsert", row: rowOf(job.value.targetKey), values: { objects, at: deps.clock.now() } },
      ]);
      deps.log.info("target-read", { targetKey: job.value.targetKey, objects });
      return { objects };
    },
  };
}

/** The values that a user of the target has, as the index names them. */
export function claimsOf(object: TargetObject): Claim[] {
  return [
    ...(object.immutableId === undefined ? [] : [{ kind: "sourceAnchor" as const, value: object.immutableId }]),
    ...(object.userPrincipalName === undefined
      ? []
      : [{ kind: "userPrincipalName" as const, value: normalUpn(object.userPrincipalName) }]),
    ...(object.mail === undefined ? [] : [{ kind: "mail" as const, value: normalUpn(object.mail) }]),
  ];
}
