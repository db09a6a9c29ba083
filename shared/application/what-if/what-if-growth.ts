/**
 * Whether many came to a job since a what-if was tried, whom it doesn't show: those who approve a first export have to see
 * whom they let in. A few always come; nobody could approve anything in a directory that lives.
 */
import { SHARDS } from "../../domain/shard.ts";
import type { JobRow } from "../state/job-rows.ts";
import type { ObjectStore } from "../state/object-store.ts";
import type { WhatIfRow } from "../state/what-if-rows.ts";
import { isThere } from "./what-if-slices.ts";

/** So many may come, or this part of those that it would create, whichever is more. */
const FLOOR = 20;
const PART = 0.1;

/** Undefined: no more than may; else why the what-if says too little. Reads a few columns of each row of the job. */
export async function grownSince(
  objects: Pick<ObjectStore, "summaries">,
  { configurationId }: Pick<JobRow, "configurationId">,
  { summary }: Pick<WhatIfRow, "summary">,
): Promise<string | undefined> {
  if (!summary) return undefined;
  const parts = await Promise.all(SHARDS.map((shard) => countIn(shard)));
  const grown = parts.reduce((sum, own) => sum + own, 0) - summary.objects;
  const bound = Math.max(FLOOR, Math.floor(summary.counts.create * PART));
  if (grown <= bound) return undefined;
  return `there are ${grown} objects more than it was tried on, and no more than ${bound} may come unseen`;

  async function countIn(shard: string): Promise<number> {
    let count = 0;
    for await (const page of objects.summaries(configurationId, shard)) count += page.filter(isThere).length;
    return count;
  }
}
