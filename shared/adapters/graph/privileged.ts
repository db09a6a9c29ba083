/**
 * Who holds a directory role or is in a role-assignable group: read as two lists, not object by object, and kept for a
 * minute. Someone who became an administrator within that minute is protected by Graph itself, which refuses the write.
 */

import type { Clock } from "../../ports/clock.ts";
import type { ReadClient } from "./read-client.ts";

const KEPT_MS = 60_000;

export interface Privileged {
  ids(): Promise<ReadonlySet<string>>;
}

export function createPrivileged(deps: { readonly reads: ReadClient; readonly clock: Clock }): Privileged {
  let kept: { readonly at: number; readonly ids: Promise<ReadonlySet<string>> } | undefined;
  return {
    ids() {
      if (kept && deps.clock.now() - kept.at < KEPT_MS) return kept.ids;
      const ids = readIds(deps.reads);
      const fresh = { at: deps.clock.now(), ids };
      kept = fresh;
      ids.catch(() => {
        if (kept === fresh) kept = undefined;
      });
      return ids;
    },
  };
}

/** A role given to a group makes its members holders; such a group is role-assignable, and has no groups in it. */
async function readIds(reads: ReadClient): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const page of reads.pages("/roleManagement/directory/roleAssignments")) {
    for (const assignment of page) addText(ids, assignment, "principalId");
  }
  const groups = new Set<string>();
  const filter = encodeURIComponent("isAssignableToRole eq true");
  for await (const page of reads.pages(`/groups?$filter=${filter}&$select=id&$top=999`)) {
    for (const group of page) addText(groups, group, "id");
  }
  for (const group of groups) {
    for await (const page of reads.pages(`/groups/${encodeURIComponent(group)}/members?$select=id&$top=999`)) {
      for (const member of page) addText(ids, member, "id");
    }
  }
  return ids;
}

function addText(to: Set<string>, item: unknown, name: string): void {
  const value = (item as Readonly<Record<string, unknown>> | null)?.[name];
  if (typeof value === "string") to.add(value);
}
