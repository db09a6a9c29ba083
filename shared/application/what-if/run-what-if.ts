/**
 * A what-if as work of a lane: begun, tried slice by slice (`what-if-slices.ts`), tallied by shard, judged and written down.
 *
 * Of the whole it keeps what an approval has to refer to: a digest over exactly the objects, actions and values, and the
 * versions of schema and scope, settings and exclusions that it stands on (`what-if-base.ts`). When those change under it, it fails and says so: half of one and half of
 * another would be nobody's. Apart from its own row and blobs nothing is written.
 */
import { createHash, type Hash } from "node:crypto";
import type { WhatIfResult } from "../../contracts/admin/what-ifs.ts";
import { type GuardedType, judgeByType, reasonToStage, type TypedVerdict } from "../../domain/guard.ts";
import { NO_NAMES, sumOfNames } from "../../domain/name-changes.ts";
import { REMOVAL_CLASSES } from "../../domain/plan.ts";
import { SHARDS, shardOf } from "../../domain/shard.ts";
import {
  addTallies,
  minutesOf,
  NO_TALLY,
  type TriedAction,
  type TriedObject,
  tallied,
  type WhatIfTally,
  writesOfTally,
} from "../../domain/what-if.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type RecentRemovals, sumOf } from "../guard/recent-removals.ts";
import { windowStart } from "../guard/verdict.ts";
import { readFile, readNeeded, writeOnce } from "../lanes/chunk-files.ts";
import type { Fence, SyncRunInput } from "../lanes/wake-job.ts";
import type { ClaimOwner } from "../state/claim-index.ts";
import type { ExclusionRows } from "../state/exclusion-rows.ts";
import { type JobRow, jobTable, type NamesRow, ROW, readRow } from "../state/job-rows.ts";
import type { ObjectStore } from "../state/object-store.ts";
import { gzipJson } from "../state/packing.ts";
import { changeWhatIf, idOfWork, readWhatIf, WHAT_IF_FILES } from "../state/what-if-rows.ts";
import type { TryObjects } from "./try-objects.ts";
import { baseOf, otherSettings } from "./what-if-base.ts";
import type { WhatIfContexts } from "./what-if-context.ts";
import { type ConflictFile, type SliceFile, type SliceStart, type TallyFile, TRIED_FILES } from "./what-if-files.ts";
import type { ShardState, Trial, WhatIfSlices } from "./what-if-slices.ts";

const ACTIONS: readonly TriedAction[] = [
  "create",
  "adopt",
  "restore",
  "update",
  "disable",
  "delete",
  "none",
  "filtered",
  "failed",
];

export interface RunWhatIf {
  /** Where each shard stands; none when it is over, or can't be carried out. */
  begin(run: SyncRunInput, workId: string): Promise<{ readonly shards: readonly ShardState[] }>;
  map(run: SyncRunInput, workId: string, start: SliceStart): Promise<ShardState>;
  settle(run: SyncRunInput, workId: string, part: number, parts: number): Promise<{ readonly lost: number }>;
  /** `parts`: as they were settled. */
  tally(run: SyncRunInput, workId: string, shard: string, parts: number): Promise<{ readonly objects: number }>;
  finish(run: SyncRunInput, workId: string): Promise<{ readonly state: string }>;
  /** What was given up after several attempts. */
  giveUp(jobId: string, workId: string, why: string): Promise<void>;
}

export function createRunWhatIf(deps: {
  readonly rows: RowStore;
  readonly blobs: BlobStore;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly recent: RecentRemovals;
  readonly exclusionRows: Pick<ExclusionRows, "list">;
  readonly contexts: WhatIfContexts;
  readonly slices: WhatIfSlices;
  readonly tryObjects: TryObjects;
  /** Writes in the target in 150 seconds. */
  readonly quota: number | undefined;
}): RunWhatIf {
  const jobs = jobTable(deps.rows);

  /** Undefined: there is no such what-if any more, or it is over. */
  async function trialOf(run: SyncRunInput, workId: string): Promise<Trial | undefined> {
    await deps.fence.check(run);
    const job = await readRow<JobRow>(jobs, run.jobId, ROW.job);
    const whatIf = await readWhatIf(jobs, run.jobId, idOfWork(run.jobId, workId));
    const isOpen = whatIf?.value.state === "waiting" || whatIf?.value.state === "running";
    return job && isOpen ? { job: job.value, whatIf: whatIf.value } : undefined;
  }

  const excluded = async () => (await deps.exclusionRows.list()).map(({ guid }) => guid);

  async function trialNeeded(run: SyncRunInput, workId: string): Promise<Trial> {
    const trial = await trialOf(run, workId);
    if (!trial) throw new Error(`What-if ${workId} of job ${run.jobId} is over, or gone.`);
    return trial;
  }

  async function end(jobId: string, workId: string): Promise<void> {
    for (const lane of ["bulk", "live"] as const) {
      const work = await jobs.get(jobId, ROW.work(lane, workId));
      if (work) await jobs.transact(jobId, [{ op: "delete", row: work.row, etag: work.etag }]);
    }
    for await (const path of deps.blobs.list(TRIED_FILES.folder(workId))) await deps.blobs.delete(path);
  }

  async function fail(jobId: string, workId: string, failure: string): Promise<void> {
    const id = idOfWork(jobId, workId);
    const failed = await changeWhatIf(jobs, jobId, id, (row) =>
      row.state === "done" || row.state === "failed"
        ? undefined
        : { ...row, state: "failed", failure, endedAt: deps.clock.now() },
    );
    if (failed) deps.log.warn("what-if-failed", { jobId, whatIfId: id, failure });
    await end(jobId, workId);
  }

  /** Objects of a shard that other ones of the run are before, with what they have; and those that come in turn. */
  async function conflictsOf(workId: string, shard: string, parts: number) {
    const lost = new Map<string, Map<string, ClaimOwner>>();
    const inTurn = new Set<string>();
    for (let part = 0; part < parts; part++) {
      const file = await readNeeded<ConflictFile>(deps.blobs, TRIED_FILES.conflicts(workId, part, parts));
      for (const { objectGuid, name, owner } of file.lost)
        if (shardOf(objectGuid) === shard)
          lost.set(objectGuid, (lost.get(objectGuid) ?? new Map<string, ClaimOwner>()).set(name, owner));
      for (const objectGuid of file.inTurn) if (shardOf(objectGuid) === shard) inTurn.add(objectGuid);
    }
    return { lost, inTurn };
  }

  /** A slice's objects, those that others are before tried anew. */
  async function settled(
    trial: Trial,
    { objects }: SliceFile,
    lost: ReadonlyMap<string, ReadonlyMap<string, ClaimOwner>>,
  ): Promise<readonly TriedObject[]> {
    const losing = objects.map((own) => own.objectGuid).filter((guid) => lost.has(guid));
    if (losing.length === 0) return objects;
    const context = await deps.contexts(trial.job, trial.whatIf);
    const stored = await deps.objects.getMany(trial.job.configurationId, losing);
    const names = new Map(losing.flatMap((guid) => [...(lost.get(guid) ?? [])]));
    const again = await deps.tryObjects(context, [...stored.values()], names);
    const byGuid = new Map(again.objects.map((own) => [own.objectGuid, own]));
    return objects.map((own) => byGuid.get(own.objectGuid) ?? own);
  }

  return {
    async begin(run, workId) {
      const trial = await trialOf(run, workId);
      if (!trial) {
        await end(run.jobId, workId);
        return { shards: [] };
      }
      const changed = changedSince(trial, await excluded());
      if (changed !== undefined) {
        await fail(run.jobId, workId, changed);
        return { shards: [] };
      }
      await changeWhatIf(jobs, run.jobId, trial.whatIf.id, (row) =>
        row.state === "waiting" ? { ...row, state: "running" } : undefined,
      );
      return { shards: await deps.slices.states(workId) };
    },

    map: async (run, workId, start) => deps.slices.map(await trialNeeded(run, workId), start),

    settle: async (run, workId, part, parts) => deps.slices.settle(await trialNeeded(run, workId), part, parts),

    async tally(run, workId, shard, parts) {
      const trial = await trialNeeded(run, workId);
      const path = TRIED_FILES.tally(workId, shard);
      const known = await readFile<TallyFile>(deps.blobs, path);
      if (known) return { objects: known.tally.objects };
      const { lost, inTurn } = await conflictsOf(workId, shard, parts);
      let tally: WhatIfTally = NO_TALLY;
      const digest = createHash("sha256");
      for await (const slice of deps.slices.slicesOf(workId, shard)) {
        const objects = (await settled(trial, slice, lost)).map((own) => markedInTurn(own, inTurn));
        for (const own of objects) addToDigest(digest, own);
        tally = tallied(tally, objects);
      }
      await writeOnce(deps.blobs, path, { tally, digest: digest.digest("hex") } satisfies TallyFile);
      return { objects: tally.objects };
    },

    async finish(run, workId) {
      const trial = await trialOf(run, workId);
      if (!trial) {
        await end(run.jobId, workId);
        return { state: "over" };
      }
      const { job, whatIf } = trial;
      const changed = changedSince(trial, await excluded());
      if (changed !== undefined) {
        await fail(run.jobId, workId, changed);
        return { state: "failed" };
      }
      let tally: WhatIfTally = NO_TALLY;
      const digest = createHash("sha256").update(JSON.stringify([job.jobId, await exactly(trial)]));
      for (const shard of SHARDS) {
        const own = await readNeeded<TallyFile>(deps.blobs, TRIED_FILES.tally(workId, shard));
        tally = addTallies(tally, own.tally);
        digest.update(own.digest);
      }
      const { notRead } = await deps.contexts(job, whatIf);
      const result = await resultOf(job, tally, notRead);
      await deps.blobs.put(WHAT_IF_FILES.result(job.jobId, whatIf.id), gzipJson(result));
      const { objects, counts, guard } = result;
      await changeWhatIf(jobs, job.jobId, whatIf.id, (row) => ({
        ...row,
        state: "done",
        endedAt: deps.clock.now(),
        digest: digest.digest("hex").slice(0, 32),
        summary: { objects, counts, guard },
      }));
      deps.log.info("what-if-done", { jobId: job.jobId, whatIfId: whatIf.id, objects, of: whatIf.of.kind });
      await end(job.jobId, workId);
      return { state: "done" };
    },

    giveUp: (jobId, workId, why) => fail(jobId, workId, why),
  };

  /** What is tried, to the letter. */
  async function exactly({ job, whatIf }: Trial): Promise<unknown> {
    const { of, base } = whatIf;
    if (of.kind !== "schema") return [of, base];
    const schema = await deps.blobs.get(WHAT_IF_FILES.schema(job.jobId, whatIf.id));
    return [
      of,
      base,
      createHash("sha256")
        .update(schema ?? "")
        .digest("hex"),
    ];
  }

  /** By the very rules, bounds and counts of the real run. */
  async function judge(job: JobRow, tally: WhatIfTally) {
    const at = deps.clock.now();
    const settings = job.settings.guard;
    const recent = sumOf((await deps.recent.others(job.jobId, "")).others);
    const { users, groups } = await deps.objects.countLinked(job.configurationId, windowStart(job, at));
    const linked = { user: users, group: groups };
    const verdict = judgeByType({ settings, wanted: tally.removes, recent, linked });
    const book = (await readRow<NamesRow>(jobs, job.jobId, ROW.names))?.value ?? NO_NAMES;
    const before = sumOfNames(book, { by: "", cycleId: "", people: [], at });
    const reason = reasonToStage(before + tally.renamed, users, settings, "linked users") ?? null;
    const count = tally.renamed;
    const names =
      count === 0 ? [] : [{ class: "names", of: "user" as const, count, isStaged: reason !== null, reason }];
    return { verdict, names };
  }

  async function resultOf(job: JobRow, tally: WhatIfTally, notRead: readonly string[]): Promise<WhatIfResult> {
    const { verdict, names } = await judge(job, tally);
    const writes = writesOfTally(tally, verdict.allowed);
    const { groups, adds, removes, pending } = tally.memberships;
    const byName = <T>(of: Readonly<Record<string, T>>): T[] =>
      Object.entries(of)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([, value]) => value);
    return {
      objects: tally.objects,
      counts: countsOf(tally.counts),
      classes: Object.entries(tally.classes)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([objectClass, own]) => ({ objectClass, counts: countsOf(own) })),
      samples: Object.fromEntries(Object.entries(tally.samples).map(([action, guids]) => [action, [...guids]])),
      attributes: byName(tally.attributes).map((own) => ({ ...own, samples: [...own.samples] })),
      memberships: { groups, adds, removes, pending },
      guard: [...guardOf(tally, verdict), ...names],
      failures: byName(tally.failures).map((own) => ({ ...own, samples: [...own.samples] })),
      filteredBy: tally.filteredBy,
      undecided: tally.undecided,
      waitingReferences: tally.waitingReferences,
      estimate: { writes, minutes: minutesOf(writes, deps.quota) },
      notRead: [...notRead],
    };
  }
}

/** What of the job is another by now; undefined: nothing that it stands on. */
function changedSince({ job, whatIf: { base } }: Trial, excluded: readonly string[]): string | undefined {
  const now = baseOf(job, excluded);
  if (now.schemaVersion !== base.schemaVersion)
    return `The job's schema was changed meanwhile (version ${base.schemaVersion} before, ${now.schemaVersion} now).`;
  if (now.scopeVersion !== base.scopeVersion) return "The scope of the job's agents was changed meanwhile.";
  if (now.mappedVersion !== base.mappedVersion) return "Objects were read for another schema meanwhile.";
  const others = otherSettings(base, now);
  return others === undefined ? undefined : `Changed meanwhile: ${others}.`;
}

function guardOf(tally: WhatIfTally, { allowed, staged }: TypedVerdict): WhatIfResult["guard"] {
  const types: readonly GuardedType[] = ["user", "group"];
  return REMOVAL_CLASSES.flatMap((name) => {
    // In the order of types, those that are staged.
    const reasons = staged.filter((own) => own.class === name).map((own) => own.reason);
    return types.flatMap((of) => {
      const count = tally.removes[of][name];
      if (count === 0) return [];
      const isStaged = !allowed[of].includes(name);
      return [{ class: name, of, count, isStaged, reason: isStaged ? (reasons.shift() ?? "") : null }];
    });
  });
}

function markedInTurn(object: TriedObject, inTurn: ReadonlySet<string>): TriedObject {
  if (!object.failure || !inTurn.has(object.objectGuid)) return object;
  return { ...object, failure: { ...object.failure, isInTurn: true } };
}

/** Each object in a line of its own, in the order of GUIDs; what stays as it is, too, for who is there is part of it. */
function addToDigest(digest: Hash, { objectGuid, action, changes, removes, failure }: TriedObject): void {
  const values = changes.map(({ attribute, after }) => [attribute, after]);
  digest.update(`${JSON.stringify([objectGuid, action, values, removes, failure?.code ?? null])}\n`);
}

function countsOf(counts: Readonly<Record<string, number>>): WhatIfResult["counts"] {
  return Object.fromEntries(ACTIONS.map((action) => [action, counts[action] ?? 0])) as WhatIfResult["counts"];
}
