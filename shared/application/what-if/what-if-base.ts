/**
 * What a what-if stands on: versions of schema, scope and mapping, the job's settings that decide what becomes of people, and
 * who is on the exclusion list. As long as it is as it was, what was tried is what would happen to those who were known.
 *
 * Not in it: what the directory and the target say, which goes on changing; and settings that decide nothing of it (what logs
 * hide, the schedule, how people sign in). Results of before settings were kept stand on versions alone.
 */
import { createHash } from "node:crypto";
import { type JobRow, mappedVersionOf } from "../state/job-rows.ts";
import type { DecidingSettings, WhatIfBase } from "../state/what-if-rows.ts";

/** `excluded`: GUIDs on the exclusion list, in order. An entry's reason decides nothing. */
export function baseOf(job: JobRow, excluded: readonly string[]): WhatIfBase {
  return {
    schemaVersion: job.schemaVersion,
    scopeVersion: job.scopeVersion,
    mappedVersion: mappedVersionOf(job),
    settings: decidingOf(job),
    excluded: createHash("sha256").update(JSON.stringify(excluded)).digest("base64url").slice(0, 22),
  };
}

/** Which settings are others by now, and whether the exclusion list is: to be read after "changed since: ". Undefined: none. */
export function otherSettings(base: WhatIfBase, now: WhatIfBase): string | undefined {
  const names: string[] = [];
  const { settings: before, excluded } = base;
  const after = now.settings;
  if (before && after)
    for (const name of Object.keys(after) as (keyof DecidingSettings)[])
      if (JSON.stringify(before[name]) !== JSON.stringify(after[name])) names.push(`the job's ${name}`);
  if (excluded !== undefined && excluded !== now.excluded) names.push("the exclusion list");
  return names.length === 0 ? undefined : names.join(", ");
}

function decidingOf({ settings }: JobRow): DecidingSettings {
  const { outOfScope = "delete", expiredAccounts = "ignore", groupDeleteDelayDays = 0 } = settings.lifecycle ?? {};
  const { floor, count, percent } = settings.guard;
  return {
    trustVisibility: settings.trustVisibility !== null,
    lifecycle: { outOfScope, expiredAccounts, groupDeleteDelayDays },
    guard: { floor, count, percent },
    suffixPolicy: settings.suffixPolicy,
    defaultUsageLocation: settings.defaultUsageLocation ?? null,
  };
}
