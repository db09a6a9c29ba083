/** The nightly backup of rows: every shard of both tables, a few at a time and piece by piece; then it is made whole. */
import type { OrchestrationContext, OrchestrationHandler, Task } from "durable-functions";
import { BACKUP_TABLES, type BackedUp, type BackupPlace, type BackupRef } from "../shared/contracts/backup.ts";
import { SHARDS } from "../shared/domain/shard.ts";
import { ACTIVITY } from "./names.ts";
import { inWaves, once } from "./patience.ts";
import { replaySafeLog } from "./replay-safe-log.ts";

/** Shards that are read at once: it is nobody's hurry, and the store is needed for other things. */
const AT_ONCE = 4;

export const backUp: OrchestrationHandler = function* (
  context: OrchestrationContext,
): Generator<Task, string, unknown> {
  const ref = context.df.getInput<BackupRef>();
  let open = BACKUP_TABLES.flatMap((table) =>
    SHARDS.map((shard): BackupPlace => ({ ...ref, table, shard, part: 0, after: "" })),
  );
  try {
    while (open.length > 0) {
      const wave = open.slice(0, AT_ONCE);
      const done = yield* inWaves<BackedUp>(context, ACTIVITY.backUpPiece, wave);
      if (done.kind !== "done") return done.kind;
      const further = wave.flatMap((place, at): BackupPlace[] => {
        const { part = 0, after } = done.values[at] ?? {};
        return after === undefined ? [] : [{ ...place, part, after }];
      });
      open = [...further, ...open.slice(AT_ONCE)];
    }
    yield* once(context, ACTIVITY.finishBackup, ref);
    return "done";
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).slice(0, 1_000);
    replaySafeLog(context).error("backup-failed", { backupId: ref.backupId, message });
    return "failed";
  }
};
