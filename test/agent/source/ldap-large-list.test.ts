/** A list above one part on the wire: split over changes and pages, whole when put together again, and never held whole. */
import { describe, expect, it } from "vitest";
import { VALUES_PER_PART, weightOf } from "../../../agent/source/member-lists.ts";
import { type Read, useDirectory } from "./directory-fixture.ts";

const f = useDirectory();
const ORDER = { attributes: ["displayName", "member"], objectClasses: ["group"] };

function addMembers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => f.served.dc.add({ class: "contact", name: `Contact ${index}` }));
}

/** In parts without a gap, the last one said, no page heavier than two parts. */
function expectWholeList({ pages, changes }: Read, members: readonly string[]): void {
  const links = changes
    .flatMap((change) => (change.op === "upsert" ? (change.links ?? []) : []))
    .filter(({ mode }) => mode === "replace");
  expect(links.map(({ part, last }) => [part, last])).toEqual(links.map((_, at) => [at, at === links.length - 1]));
  expect(Math.max(...links.map(({ add }) => add.length))).toBeLessThanOrEqual(VALUES_PER_PART);
  for (const page of pages)
    expect(page.changes.reduce((sum, change) => sum + weightOf(change), 0)).toBeLessThan(2 * VALUES_PER_PART);
  const guids = links.flatMap(({ add }) => add.map(({ guid }) => guid));
  expect(new Set(guids)).toEqual(new Set(members));
  expect(guids).toHaveLength(members.length);
}

describe("a group of 22,000", () => {
  it("comes in parts over several pages, in a full read and as a new group of a delta", async () => {
    const members = addMembers(22_000);
    const { watermark } = await f.read(ORDER);
    f.served.limits.valueRange = 5_000;
    const group = f.served.dc.add({ class: "group", name: "All", attributes: { displayName: "All" } });
    f.served.dc.addMembers(group, members);
    const delta = await f.delta(watermark, ORDER);
    expectWholeList(delta, members);
    // What follows says once more, value by value, what DirSync has in later entries.
    expect(delta.changes.slice(0, 3)).toMatchObject([
      { attributes: { displayName: ["All"] } },
      { attributes: {}, changed: [] },
      { attributes: {}, changed: [] },
    ]);
    expect(delta.pages.filter(({ changes }) => changes.length > 0).length).toBeGreaterThan(1);
    const full = await f.read(ORDER);
    expectWholeList(full, members);
    expect(full.pages.filter(({ changes }) => changes.length > 0).length).toBeGreaterThan(1);
  });
});
