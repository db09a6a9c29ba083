/**
 * What the durable engine's journal tells of activities: which were running when the host died, and whether one ran again
 * whose completion stood in the journal.
 *
 * A file is replaced when an orchestration continues as new, and goes when it is forgotten. So each file that is there when the host is dead
 * gets a second name (a hard link): under it the lines written later can be read too, whatever becomes of the first.
 */
import { link, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { completedTaskId, eventType } from "../../../local/durable/history.ts";
import { type JournalRecord, rebuildInstance } from "../../../local/durable/instance.ts";

export type RunningActivity = { readonly instanceId: string; readonly name: string; readonly taskId: number };

export type Testimony = {
  /** Completions that stood in the files. */
  readonly completions: number;
  /** Runs beyond the first. */
  readonly repetitions: number;
  /** In words; empty when all is as it must be. */
  readonly faults: readonly string[];
};

export type JournalWitness = {
  /** To be called while the host is dead. Returns the activities that it left unfinished. */
  keep(): Promise<readonly RunningActivity[]>;
  /** Orchestrations that wait for a durable timer and for nothing else, by id; the host may be alive. */
  waiting(): Promise<readonly string[]>;
  testify(): Promise<Testimony>;
};

export function createJournalWitness(options: {
  /** The host's folder. */
  readonly hostFolder: string;
  /** For the second names; on the same file system. */
  readonly folder: string;
  /** An interrupted activity stays hidden for this long. */
  readonly visibilityTimeoutMs: number;
}): JournalWitness {
  const { folder, hostFolder } = options;
  const instances = join(hostFolder, "durable", "UplinkHub", "instances");
  const kept = new Map<number, { readonly path: string; readonly interrupted: Set<number> }>();

  return {
    async keep() {
      await mkdir(folder, { recursive: true });
      const running: RunningActivity[] = [];
      for (const name of await readdir(instances)) {
        if (!name.endsWith(".jsonl")) continue;
        const source = join(instances, name);
        const { ino } = await stat(source);
        const path = join(folder, `${ino}.jsonl`);
        const file = kept.get(ino) ?? { path, interrupted: new Set<number>() };
        if (!kept.has(ino)) await link(source, path);
        kept.set(ino, file);
        const instance = rebuildInstance(await linesOf(source));
        if (instance === undefined || instance.end !== null) continue;
        for (const [taskId, activity] of instance.activities) {
          if (activity.claimedAt === null) continue;
          file.interrupted.add(taskId);
          running.push({ instanceId: instance.id, name: activity.name, taskId });
        }
      }
      return running;
    },

    async waiting() {
      const ids: string[] = [];
      for (const name of await readdir(instances)) {
        if (!name.endsWith(".jsonl")) continue;
        // An orchestration that has just ended takes its file along.
        const instance = rebuildInstance(await linesOf(join(instances, name)).catch(() => []));
        if (instance === undefined || instance.end !== null || instance.activities.size > 0) continue;
        if (instance.timers.size > 0) ids.push(instance.id);
      }
      return ids;
    },

    async testify() {
      const faults: string[] = [];
      let completions = 0;
      let repetitions = 0;
      for (const { path, interrupted } of kept.values()) {
        const claims = new Map<number, number[]>();
        const completed = new Set<number>();
        let id = "";
        for (const record of await linesOf(path)) {
          if (record.k === "start") id = record.id;
          if (record.k === "message" && isActivityEnd(record)) {
            completed.add(completedTaskId(record.message.event) ?? -1);
            completions += 1;
          }
          if (record.k !== "claim") continue;
          const before = claims.get(record.taskId) ?? [];
          claims.set(record.taskId, [...before, record.at]);
          if (completed.has(record.taskId)) faults.push(`${id}: activity ${record.taskId} ran after its completion.`);
          const last = before.at(-1);
          if (last === undefined) continue;
          repetitions += 1;
          if (record.at - last < options.visibilityTimeoutMs) {
            faults.push(`${id}: activity ${record.taskId} ran again ${record.at - last} ms after it had begun.`);
          }
        }
        for (const taskId of interrupted) {
          if ((claims.get(taskId)?.length ?? 0) < 2) faults.push(`${id}: activity ${taskId} was interrupted for good.`);
        }
      }
      return { completions, repetitions, faults };
    },
  };
}

function isActivityEnd({ message }: JournalRecord & { k: "message" }): boolean {
  return [eventType.TaskCompleted, eventType.TaskFailed].some((type) => type === message.event.EventType);
}

/** Without a last line that the kill tore. */
async function linesOf(path: string): Promise<JournalRecord[]> {
  const text = await readFile(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as JournalRecord]));
}
