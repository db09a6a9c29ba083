/**
 * The population of a what-if in slices, shard by shard: each is read, tried and written down by one activity, so that none has
 * more than a slice in memory. What objects of different slices want of each other (one value for two of them, a value that
 * another one gives up) is found afterwards, by parts of the values' names; the one with the smaller GUID has it, as within a
 * slice. Every file is written once.
 */
import { createHash } from "node:crypto";
import { SHARDS } from "../../domain/shard.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import { readFile, readNeeded, writeOnce } from "../lanes/chunk-files.ts";
import { objectOf, ownerOf } from "../state/claim-index.ts";
import type { JobRow } from "../state/job-rows.ts";
import type { ObjectSummary } from "../state/object-row.ts";
import type { ObjectStore, StoredObject } from "../state/object-store.ts";
import type { WhatIfRow } from "../state/what-if-rows.ts";
import type { TryObjects } from "./try-objects.ts";
import type { WhatIfContexts } from "./what-if-context.ts";
import { type ConflictFile, type SliceFile, type SliceStart, TRIED_FILES } from "./what-if-files.ts";

export interface ShardState {
  readonly shard: string;
  /** Null: all of it was tried. */
  readonly next: SliceStart | null;
  /** New values of it so far. */
  readonly fresh: number;
}

/** The job and what is tried of it. */
export interface Trial {
  readonly job: JobRow;
  readonly whatIf: WhatIfRow;
}

export interface WhatIfSlices {
  /** Where each shard stands. */
  states(workId: string): Promise<ShardState[]>;
  map(trial: Trial, start: SliceStart): Promise<ShardState>;
  /** Finds what the objects of part `part` of `parts` want of each other. */
  settle(trial: Trial, part: number, parts: number): Promise<{ readonly lost: number }>;
  /** The slices of a shard in their order. */
  slicesOf(workId: string, shard: string): AsyncIterable<SliceFile>;
}

export function createWhatIfSlices(deps: {
  readonly blobs: BlobStore;
  readonly objects: ObjectStore;
  readonly contexts: WhatIfContexts;
  readonly tryObjects: TryObjects;
  readonly sliceObjects: number;
}): WhatIfSlices {
  const { blobs } = deps;

  async function* slicesOf(workId: string, shard: string): AsyncGenerator<SliceFile> {
    for (let start: SliceStart | null = firstOf(shard); start !== null; ) {
      const slice: SliceFile = await readNeeded<SliceFile>(blobs, TRIED_FILES.slice(workId, shard, start.number));
      yield slice;
      start = slice.next;
    }
  }

  async function tryOut({ job, whatIf }: Trial, start: SliceStart): Promise<SliceFile> {
    const { configurationId } = job;
    const page = await deps.objects.page(configurationId, start.shard, start.after, deps.sliceObjects);
    const context = await deps.contexts(job, whatIf);
    const tried = await deps.tryObjects(context, page.filter(counts));
    const fresh = [...tried.fresh].map(([name, owner]) => [name, objectOf(owner).objectGuid] as const);
    const sum = start.fresh + fresh.length;
    const last = page.length < deps.sliceObjects ? undefined : page.at(-1)?.record.objectGuid;
    return {
      start,
      next: last === undefined ? null : { shard: start.shard, number: start.number + 1, after: last, fresh: sum },
      fresh: sum,
      objects: tried.objects,
      claims: {
        fresh,
        blocked: tried.blocked.map(({ name, owner, holder }) => [name, objectOf(owner).objectGuid, holder] as const),
        freed: tried.freed.map(({ name, objectGuid }) => [name, objectGuid] as const),
      },
    };
  }

  return {
    slicesOf,

    async states(workId) {
      return Promise.all(
        SHARDS.map(async (shard) => {
          const paths: string[] = [];
          for await (const path of blobs.list(TRIED_FILES.slices(workId, shard))) paths.push(path);
          const last = paths.at(-1);
          const slice = last === undefined ? undefined : await readNeeded<SliceFile>(blobs, last);
          return slice ? stateOf(slice) : { shard, next: firstOf(shard), fresh: 0 };
        }),
      );
    },

    async map(trial, start) {
      const path = TRIED_FILES.slice(trial.whatIf.workId, start.shard, start.number);
      const known = await readFile<SliceFile>(blobs, path);
      if (known) return stateOf(known);
      await writeOnce(blobs, path, await tryOut(trial, start));
      return stateOf(await readNeeded<SliceFile>(blobs, path));
    },

    async settle({ job, whatIf: { workId } }, part, parts) {
      const path = TRIED_FILES.conflicts(workId, part, parts);
      const known = await readFile<ConflictFile>(blobs, path);
      if (known) return { lost: known.lost.length };
      const first = new Map<string, string>();
      const freed = new Set<string>();
      const lost: ConflictFile["lost"][number][] = [];
      const waiting: { readonly objectGuid: string; readonly key: string }[] = [];
      const isOwn = (name: string) => partOf(name, parts) === part;
      const keyOf = (name: string, holder: string) => `${holder} ${name}`;
      // In the order of GUIDs: the first one has it.
      for (const shard of SHARDS) {
        for await (const { claims } of slicesOf(workId, shard)) {
          for (const [name, objectGuid] of claims.fresh) {
            if (!isOwn(name)) continue;
            const holder = first.get(name);
            if (holder === undefined) first.set(name, objectGuid);
            else lost.push({ objectGuid, name, owner: ownerOf(job.configurationId, holder) });
          }
          for (const [name, objectGuid] of claims.freed)
            if (isOwn(name)) freed.add(keyOf(name, ownerOf(job.configurationId, objectGuid)));
          for (const [name, objectGuid, holder] of claims.blocked)
            if (isOwn(name)) waiting.push({ objectGuid, key: keyOf(name, holder) });
        }
      }
      const inTurn = waiting.filter(({ key }) => freed.has(key)).map(({ objectGuid }) => objectGuid);
      await writeOnce(blobs, path, { lost, inTurn: [...new Set(inTurn)] } satisfies ConflictFile);
      return { lost: lost.length };
    },
  };
}

/** Whoever is in the directory, and whoever is in the target; rows of others are tombstones. */
export function counts({ record }: StoredObject): boolean {
  return isThere({ ...record, linked: record.link !== undefined && record.link.deletedAt === undefined });
}

/** The same of a few columns. */
export function isThere({
  objectClass,
  state,
  linked,
}: Pick<ObjectSummary, "objectClass" | "state" | "linked">): boolean {
  return objectClass !== "" && (state === "live" || linked);
}

function firstOf(shard: string): SliceStart {
  return { shard, number: 0, after: "", fresh: 0 };
}

function stateOf({ start, next, fresh }: SliceFile): ShardState {
  return { shard: start.shard, next, fresh };
}

function partOf(name: string, parts: number): number {
  return parts === 1 ? 0 : createHash("sha256").update(name).digest().readUInt32BE(0) % parts;
}
