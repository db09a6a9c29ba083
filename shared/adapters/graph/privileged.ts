/**
 * Who holds a directory role, may take one up (is eligible), or is in a role-assignable group: read as lists, not object by object,
 * and kept for a minute. Who is eligible is told only with a licence and a permission of its own: without them a warning says
 * once that they aren't known. Someone who became an administrator within that minute is protected by Graph itself, which refuses the write;
 * where more depends on it than that write, it is asked anew.
 */

import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { TargetUnavailable } from "../../ports/target-directory.ts";
import type { ReadClient } from "./read-client.ts";

const KEPT_MS = 60_000;

export interface Privileged {
  ids(options?: { readonly anew?: boolean }): Promise<ReadonlySet<string>>;
}

export function createPrivileged(deps: {
  readonly reads: ReadClient;
  readonly clock: Clock;
  readonly log: Log;
}): Privileged {
  let isTold = false;
  const warnOnce = (error: TargetUnavailable) => {
    if (isTold) return;
    isTold = true;
    deps.log.warn("eligible-roles-unknown", {
      message: `Who is eligible for a directory role can't be read, so they are matched like anybody else: ${error.message}`,
      remedy: "Give the application RoleEligibilitySchedule.Read.Directory; it needs Microsoft Entra ID P2.",
    });
  };
  let kept: { readonly at: number; readonly ids: Promise<ReadonlySet<string>> } | undefined;
  return {
    ids({ anew = false } = {}) {
      if (kept && !anew && deps.clock.now() - kept.at < KEPT_MS) return kept.ids;
      const ids = readIds(deps.reads, warnOnce);
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
async function readIds(reads: ReadClient, onUnknown: (error: TargetUnavailable) => void): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const page of reads.pages("/roleManagement/directory/roleAssignments")) {
    for (const assignment of page) addText(ids, assignment, "principalId");
  }
  try {
    for await (const page of reads.pages("/roleManagement/directory/roleEligibilityScheduleInstances")) {
      for (const instance of page) addText(ids, instance, "principalId");
    }
  } catch (error) {
    if (!(error instanceof TargetUnavailable) || error.code !== "target-refused") throw error;
    onUnknown(error);
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
