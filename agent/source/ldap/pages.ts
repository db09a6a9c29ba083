/** Groups of changes as source pages of bounded size; the watermark stands on the last of them. */
import type { Change, Watermark } from "../../../shared/contracts/change.ts";
import type { SourcePage } from "../../../shared/ports/source-directory.ts";
import { VALUES_PER_PART, weightOf } from "../member-lists.ts";

const CHANGES_PER_PAGE = 500;

/** One page of the directory: always ends with a source page that carries `watermarkAfter`, empty or not. */
export async function* inPages(
  groups: AsyncIterable<readonly Change[]>,
  watermarkAfter: Watermark,
  isLast: boolean,
): AsyncGenerator<SourcePage> {
  let pending: Change[] = [];
  let weight = 0;
  for await (const group of groups) {
    for (const change of group) {
      if (pending.length === CHANGES_PER_PAGE || weight >= VALUES_PER_PART) {
        yield { changes: pending, isLast: false };
        pending = [];
        weight = 0;
      }
      pending.push(change);
      weight += weightOf(change);
    }
  }
  yield { changes: pending, watermarkAfter, isLast };
}
