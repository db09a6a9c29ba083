/**
 * The guard over one group's memberships (N6): the removals of this export and of the last 24 hours, against the members
 * that it had by our doing as those began. What is let pass is booked on the group's row with the marks, before the first
 * is sent; a repetition that wants no more than was booked goes on. Edges that an admin approved go and don't count.
 */
import { type GuardSettings, reasonToStage } from "../../domain/guard.ts";
import type { LinkHeader } from "../state/link-codec.ts";
import { exportedBy } from "./link-results.ts";
import type { LinkSteps, LinkWork } from "./link-work.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export interface LinkVerdict {
  /** Undefined: they may go. */
  readonly stagedBecause?: string;
  /** Members that stay for now. */
  readonly held: readonly string[];
  readonly head: Pick<LinkHeader, "removed" | "staged">;
}

export interface LinkLimits {
  readonly settings: GuardSettings;
  /** Members whose removal an admin approved. */
  readonly approved: ReadonlySet<string>;
  /** How many edges of the whole group stand in the target; asked only where the floor doesn't decide. */
  readonly countMembers: () => Promise<number>;
}

export async function judgeLinks(
  { stored }: LinkWork,
  { removals }: LinkSteps,
  by: string,
  now: number,
  { settings, approved, countMembers }: LinkLimits,
): Promise<LinkVerdict> {
  const { removed } = stored.header;
  const recent = removed.filter((entry) => entry.at > now - DAY_MS);
  if (removals.length === 0) return { held: [], head: { removed: keep(removed, recent), staged: 0 } };
  const booked = recent.find((entry) => entry.by === by);
  const others = recent.filter((entry) => entry.by !== by);
  const sent = exportedBy(stored, by).removed;
  if (booked && removals.length + sent <= booked.count + (booked.approved ?? 0))
    return { held: [], head: { removed, staged: 0 } };
  const counted = removals.filter((guid) => !approved.has(guid));
  // Of what an attempt before sent, as many as may be are taken for counted ones.
  const sentCounted = Math.min(sent, booked?.count ?? 0);
  const free = removals.length - counted.length + sent - sentCounted;
  const entry = (count: number) => ({ by, at: booked?.at ?? now, count, ...(free > 0 ? { approved: free } : {}) });
  const count = counted.length + sentCounted;
  const passing: LinkVerdict = { held: [], head: { removed: [...others, entry(count)], staged: 0 } };
  const before = others.reduce((total, own) => total + own.count, 0);
  if (counted.length === 0 || before + count <= settings.floor) return passing;
  const gone = others.reduce((total, own) => total + own.count + (own.approved ?? 0), sent);
  const because = reasonToStage(before + count, (await countMembers()) + gone, settings, "members of the group");
  if (because === undefined) return passing;
  const kept = free > 0 || booked ? [...others, entry(sentCounted)] : keep(removed, recent);
  return { stagedBecause: because, held: counted, head: { removed: kept, staged: counted.length } };
}

/** The same list when nothing fell out of it: a row isn't written for that alone. */
function keep(all: LinkHeader["removed"], recent: LinkHeader["removed"]): LinkHeader["removed"] {
  return recent.length === all.length ? all : recent;
}
