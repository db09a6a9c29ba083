/** A page of a list that is at hand as a whole, in the order of a key that each entry has for itself: what is added or goes in between moves no other entry. */

export interface Page<T> {
  readonly value: readonly T[];
  /** The key of its last entry: the next page begins behind it. Absent: this was the last one. */
  readonly next?: string;
}

/** At most `top` entries whose keys come behind `after`; undefined: from the start. */
export function keysetPage<T>(
  all: readonly T[],
  keyOf: (entry: T) => string,
  {
    top,
    after,
    order = "ascending",
  }: { readonly top: number; readonly after: string | undefined; readonly order?: "ascending" | "descending" },
): Page<T> {
  const isBefore = (one: string, other: string) => (order === "ascending" ? one < other : one > other);
  const keyed = all
    .map((entry) => ({ entry, key: keyOf(entry) }))
    .filter(({ key }) => after === undefined || isBefore(after, key));
  const sorted = keyed.sort((one, other) => (isBefore(one.key, other.key) ? -1 : 1));
  const page = sorted.slice(0, top);
  const last = page.at(-1);
  return {
    value: page.map(({ entry }) => entry),
    ...(last && sorted.length > top ? { next: last.key } : {}),
  };
}
