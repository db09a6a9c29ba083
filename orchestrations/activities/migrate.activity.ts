/** The one activity of a migration: its next step. */
import type { MigrateRows } from "../../shared/application/backup/migrate-rows.ts";
import { MigrationRef } from "../../shared/contracts/orchestration.ts";
import { ACTIVITY } from "../names.ts";
import { type Activity, type ActivityDeps, activity } from "./answer.ts";

export function migrateActivities(
  deps: ActivityDeps & { readonly migrateRows: MigrateRows },
): Record<string, Activity> {
  return { [ACTIVITY.migrateStep]: activity(deps, MigrationRef, (run) => deps.migrateRows.step(run)) };
}
