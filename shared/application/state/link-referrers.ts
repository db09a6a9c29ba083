/** Who has edges of its own at all: the names of the header rows of table `links` (see `link-rows.ts`), nothing else of them. */
import { SHARDS } from "../../domain/shard.ts";
import type { RowStore } from "../../ports/row-store.ts";

/** The referrers of a configuration, by objectGUID. */
export type LinkReferrers = (configurationId: string, attribute: string) => Promise<ReadonlySet<string>>;

export function createLinkReferrers(deps: { readonly rows: RowStore; readonly targetKey: string }): LinkReferrers {
  const table = deps.rows.table("links");
  return async (configurationId, attribute) => {
    const found = new Set<string>();
    const options = { from: `h:${configurationId}:`, to: `h:${configurationId};`, select: [] };
    await Promise.all(
      SHARDS.map(async (shard) => {
        for await (const rows of table.range(`${deps.targetKey}:${shard}`, options))
          for (const { row } of rows) {
            const [, , referrer, own] = row.split(":");
            if (referrer !== undefined && own === attribute) found.add(referrer);
          }
      }),
    );
    return found;
  };
}
