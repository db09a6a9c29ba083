/** How many writes a chunk of links will be, by estimate, before anything of it is marked. */
import { isUnsettled } from "../../domain/links.ts";
import { memberWrites } from "../export/write-quota.ts";
import type { LinkRows, StoredLinks } from "../state/link-rows.ts";
import type { LinkChunkHeader, LinkItem } from "./link-files.ts";
import { segmentsFor } from "./link-work.ts";

/** By what the dirty rows say, or, where that is much, by the edges: most of a new group's went with its create. */
export async function openWrites(
  links: Pick<LinkRows, "load">,
  { configurationId }: LinkChunkHeader,
  items: readonly LinkItem[],
): Promise<number> {
  const said = leastWrites(items);
  if (said <= FEW_WRITES) return said;
  const stored = await links.load(
    items.map((item) => ({
      key: { configurationId, referrer: item.referrer, attribute: "member" },
      segmentsOf: (own) => segmentsFor(item, own),
    })),
  );
  return stored.reduce((sum, { segments }) => sum + unsettledWrites(segments), 0);
}

/** Below this it doesn't matter what is booked in vain for a moment. */
const FEW_WRITES = 20;

function unsettledWrites(segments: StoredLinks["segments"]): number {
  const edges = [...segments.values()].flatMap(({ segment }) => [...segment.edges.values()]);
  const open = edges.filter(isUnsettled);
  const adds = open.filter(({ wanted }) => wanted).length;
  return memberWrites("add", adds) + memberWrites("remove", open.length - adds);
}

/** If all of them are to be added, twenty a write; removals are more, and what is too much for the grant goes the next time. */
function leastWrites(items: readonly LinkItem[]): number {
  return items.reduce((sum, { rows, referees }) => {
    const edges = rows.reduce((all, { dirty }) => all + dirty.edges, 0);
    return sum + memberWrites("add", Math.max(1, edges, referees.length));
  }, 0);
}
