/**
 * The guard over one group's memberships (N6): the removals of this export and of the last 24 hours, against the members
 * that it has by our doing. What is let pass is booked on the group's row with the marks, before the first is sent;
 * a repetition that wants no more than was booked goes on.
 */
import { type GuardSettings, reasonToStage } from "../domain/guard.ts";
import { exportedBy } from "./link-results.ts";
import type { LinkSteps, LinkWork } from "./link-work.ts";
import type { LinkHeader } from "./state/link-codec.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export interface LinkVerdict {
  /** Undefined: they may go. */
  readonly stagedBecause?: string;
  readonly head: Pick<LinkHeader, "removed" | "staged">;
}

/** `countMembers`: how many edges of the whole group stand in the target; asked only where the floor doesn't decide. */
export async function judgeLinks(
  { stored }: LinkWork,
  { removals }: LinkSteps,
  by: string,
  now: number,
  settings: GuardSettings,
  countMembers: () => Promise<number>,
): Promise<LinkVerdict> {
  const recent = stored.header.removed.filter((entry) => entry.at > now - DAY_MS);
  if (removals.length === 0) return { head: { removed: keep(stored.header.removed, recent), staged: 0 } };
  const booked = recent.find((entry) => entry.by === by);
  const others = recent.filter((entry) => entry.by !== by);
  const count = removals.length + exportedBy(stored, by).removed;
  const passing = { head: { removed: [...others, { by, at: booked?.at ?? now, count }], staged: 0 } };
  if (booked && count <= booked.count) return { head: { removed: stored.header.removed, staged: 0 } };
  const sum = others.reduce((total, entry) => total + entry.count, count);
  if (sum <= settings.floor) return passing;
  const because = reasonToStage(sum, await countMembers(), settings, "members of the group");
  if (because === undefined) return passing;
  return { stagedBecause: because, head: { removed: keep(stored.header.removed, recent), staged: removals.length } };
}

/** The same list when nothing fell out of it: a row isn't written for that alone. */
function keep(all: LinkHeader["removed"], recent: LinkHeader["removed"]): LinkHeader["removed"] {
  return recent.length === all.length ? all : recent;
}
