/** Objects lie in 16 shards by the first hex digit of their GUID; within a job and lane one chunk at a time writes a shard. */
export const SHARDS: readonly string[] = [..."0123456789abcdef"];

export function shardOf(objectGuid: string): string {
  return objectGuid.slice(0, 1);
}

export interface Sharded {
  readonly objectGuid: string;
}

/**
 * Splits items into chunks of whole shards, merged up to `maxObjects` distinct objects, in shard order; a shard with
 * more objects is cut by GUID. One object is in one chunk, and its items keep their order.
 */
export function chunksByShard<T extends Sharded>(items: readonly T[], maxObjects: number): T[][] {
  const byGuid = new Map<string, T[]>();
  for (const item of items) {
    const own = byGuid.get(item.objectGuid);
    if (own) own.push(item);
    else byGuid.set(item.objectGuid, [item]);
  }
  const guids = [...byGuid.keys()].sort();
  const chunks: { guids: string[]; shard: string }[] = [];
  for (const shard of SHARDS) {
    const own = guids.filter((guid) => shardOf(guid) === shard);
    const last = chunks.at(-1);
    if (own.length === 0) continue;
    if (last && last.guids.length + own.length <= maxObjects) last.guids.push(...own);
    else
      for (let at = 0; at < own.length; at += maxObjects) chunks.push({ guids: own.slice(at, at + maxObjects), shard });
  }
  return chunks.map((chunk) => chunk.guids.flatMap((guid) => byGuid.get(guid) ?? []));
}
