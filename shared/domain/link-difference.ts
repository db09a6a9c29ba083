/**
 * What has to be sent for an edge, from what is wanted, what may stand in the target, and what its referee is there.
 *
 * Nothing is sent for a referee whose target object we deleted (`suspended`): the target brings its memberships back with
 * it, and then the difference is sent. One whose target object was handed over loses what it brought that object. One without a target object waits (`pending`). Members that no edge of ours named
 * are nobody's business here. Pure; carried out by `application/export-links.ts`.
 */
import type { Edge } from "./links.ts";
import { RESTORE_WINDOW_MS } from "./plan.ts";

/** A referee as the target knows it; undefined: it has no target object. */
export interface ResolvedReferee {
  readonly targetId: string;
  readonly isDeleted: boolean;
  /** Its target object went to another source object. */
  readonly isElsewhere?: true;
  /** Not to be touched: its memberships stay as they are. */
  readonly isExcluded?: true;
  /** When we deleted it: milliseconds since 1970. */
  readonly deletedAt?: number;
}

export type EdgeStep =
  /** Nothing to send, nothing to write. */
  | { readonly kind: "settled" | "pending" | "suspended" }
  /** Nothing of it stands in the target, and nobody wants it. */
  | { readonly kind: "forget" }
  | { readonly kind: "add" | "remove"; readonly target: string };

export function stepOf(edge: Edge, referee: ResolvedReferee | undefined, now: number): EdgeStep {
  const { target } = edge;
  if (referee?.isExcluded || (edge.wanted && edge.state === "waived")) return { kind: "settled" };
  // What stands in the target by this edge is now somebody else's membership.
  if (referee?.isElsewhere && target !== undefined) return { kind: "remove", target };
  if (referee?.isElsewhere) return { kind: edge.wanted ? "pending" : "forget" };
  if (referee?.isDeleted) {
    const isRestorable = now - (referee.deletedAt ?? now) <= RESTORE_WINDOW_MS;
    if (isRestorable) return { kind: target === undefined && !edge.wanted ? "forget" : "suspended" };
    return { kind: edge.wanted ? "pending" : "forget" };
  }
  if (!edge.wanted) return target === undefined ? { kind: "forget" } : { kind: "remove", target };
  // What was sent stays noted: the object it stood for may live on without a link, and has to be taken out one day.
  if (!referee) return { kind: "pending" };
  const { targetId } = referee;
  if (target === undefined || target === targetId)
    return edge.state === "added" ? { kind: "settled" } : { kind: "add", target: targetId };
  // Another object took its place: the one before goes first.
  return { kind: "remove", target };
}

/** The edge before a call: what it may change is in doubt until its answer comes. */
export function marked(edge: Edge, step: Extract<EdgeStep, { target: string }>): Edge {
  return { ...edge, state: step.kind === "add" ? "adding" : "removing", target: step.target };
}

/** The edge after a call that succeeded. */
export function afterDone(edge: Edge, op: "add" | "remove"): Edge {
  if (op === "add") return { ...edge, state: "added" };
  return withoutTarget(edge);
}

/** Nothing of it stands in the target. */
export function withoutTarget(edge: Edge): Edge {
  const { target: _, ...rest } = edge;
  return { ...rest, state: "none" };
}
