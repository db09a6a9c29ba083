/**
 * References to one other object (a user's manager) as part of an action: by GUID in the image, by the target's id in what
 * is sent. Pure; who stands behind a GUID comes in.
 */

import type { Link } from "./object-record.ts";
import type { ObjectAction } from "./plan.ts";
import type { TargetType } from "./target-table.ts";
import { differenceOf } from "./target-value.ts";

/** The target object behind a GUID. */
export interface ReferenceTarget {
  readonly targetId: string;
  readonly type: TargetType;
  /** We deleted it: the target may bring it back. */
  readonly isDeleted: boolean;
}

export interface PendingReference {
  readonly property: string;
  readonly guid: string;
}

export interface BoundAction {
  readonly action: ObjectAction;
  /** What can't be bound: nobody there, deleted by us, or no user. What the target has stays. */
  readonly pending: readonly PendingReference[];
}

/**
 * The action with what its references are bound to. A target object that is new or comes back gets all of them, as does one
 * whose target may have dropped them (`resends`); any other gets what differs from what was exported.
 */
export function bindAction(
  action: ObjectAction,
  link: Link | undefined,
  references: Readonly<Record<string, string>>,
  found: ReadonlyMap<string, ReferenceTarget>,
  resends: boolean,
): BoundAction {
  const values: Record<string, string> = {};
  const pending: PendingReference[] = [];
  for (const [property, guid] of Object.entries(references).sort(([one], [other]) => (one < other ? -1 : 1))) {
    const referee = found.get(guid);
    if (referee?.type === "user" && !referee.isDeleted) values[property] = referee.targetId;
    else pending.push({ property, guid });
  }
  if (action.kind === "delete") return { action, pending: [] };
  const isWhole = resends || action.kind === "create" || action.kind === "adopt" || action.kind === "restore";
  const sent = isWhole ? values : differenceOf(link?.exported ?? {}, values, link?.doubt?.properties).changed;
  if (Object.keys(sent).length === 0) return { action, pending };
  if (action.kind !== "none") return { action: { ...action, values: { ...action.values, ...sent } }, pending };
  if (!link || link.deletedAt !== undefined) return { action, pending };
  return { action: { kind: "update", targetId: link.targetId, values: sent }, pending };
}
