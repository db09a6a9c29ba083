/** The activities of a backup: the next parts of a shard, and the manifest. They belong to no job, and never ask for patience. */
import type { BackUp } from "../../shared/application/backup/back-up.ts";
import { BackupPlace, BackupRef } from "../../shared/contracts/backup.ts";
import { ACTIVITY } from "../names.ts";
import type { Activity } from "./answer.ts";

export function backupActivities({ backUp }: { readonly backUp: BackUp }): Record<string, Activity> {
  return {
    [ACTIVITY.backUpPiece]: async (input) => ({ kind: "done", value: await backUp.piece(BackupPlace.parse(input)) }),
    [ACTIVITY.finishBackup]: async (input) => ({ kind: "done", value: await backUp.finish(BackupRef.parse(input)) }),
  };
}
