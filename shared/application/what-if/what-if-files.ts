/**
 * What the steps of a what-if leave for each other, in the folder of its work: slices of the population as they were tried,
 * conflicts among them by part of the values, tallies by shard. Each is written once; a repeated step uses what is there.
 */
import type { TriedObject, WhatIfTally } from "../../domain/what-if.ts";
import type { ClaimOwner } from "../state/claim-index.ts";

/** Where the next slice of a shard begins. */
export interface SliceStart {
  readonly shard: string;
  readonly number: number;
  /** The objectGUID of the last object before it; "": none. */
  readonly after: string;
  /** New values of the slices of that shard before it. */
  readonly fresh: number;
}

export interface SliceFile {
  readonly start: SliceStart;
  /** Null: it was the last one of its shard. */
  readonly next: SliceStart | null;
  /** With this one. */
  readonly fresh: number;
  readonly objects: readonly TriedObject[];
  /** By name (`kind:value`): new values and whose; wanted ones that somebody else holds; held ones that are given up. */
  readonly claims: {
    readonly fresh: readonly (readonly [name: string, objectGuid: string])[];
    readonly blocked: readonly (readonly [name: string, objectGuid: string, holder: ClaimOwner])[];
    readonly freed: readonly (readonly [name: string, objectGuid: string])[];
  };
}

export interface ConflictFile {
  /** Values that an object wants and another one of the run has before it. */
  readonly lost: readonly { readonly objectGuid: string; readonly name: string; readonly owner: ClaimOwner }[];
  /** Objects of which a value is held by one that gives it up in this run. */
  readonly inTurn: readonly string[];
}

export interface TallyFile {
  readonly tally: WhatIfTally;
  /** Of the shard's objects, what is done with each and with which values. */
  readonly digest: string;
}

export const TRIED_FILES = {
  folder: (workId: string) => `plans/${workId}/`,
  slices: (workId: string, shard: string) => `plans/${workId}/slice-${shard}-`,
  slice: (workId: string, shard: string, number: number) =>
    `plans/${workId}/slice-${shard}-${String(number).padStart(6, "0")}.json.gz`,
  conflicts: (workId: string, part: number, parts: number) => `plans/${workId}/conflicts-${parts}-${part}.json.gz`,
  tally: (workId: string, shard: string) => `plans/${workId}/tally-${shard}.json.gz`,
} as const;
