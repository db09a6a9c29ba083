/**
 * All instances: the live ones whole, the finished ones as a line of summary, both backed by the journal. Changing an
 * instance and writing down the change are one call; the change holds at once, the returned promise says when it is
 * durable. Finished instances are forgotten after a while and beyond a number, so that disk and memory stay bounded.
 */

import { join } from "node:path";
import type { Clock } from "./clock.ts";
import type { HistoryEvent } from "./history.ts";
import {
  applyRecord,
  beginInstance,
  type EndStatus,
  type Instance,
  type JournalRecord,
  type Parent,
  rebuildInstance,
} from "./instance.ts";
import { openJournal } from "./journal.ts";

export type FinishedInstance = {
  readonly id: string;
  readonly name: string;
  readonly executionId: string;
  readonly parent: Parent | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly status: EndStatus;
  readonly input: string | null;
  readonly output: string | null;
  readonly customStatus: string | null;
};

type IndexLine =
  | { readonly k: "finished"; readonly instance: FinishedInstance }
  | { readonly k: "gone"; readonly id: string };

export type Store = {
  /** Those that ended just before the last stop are still among the live ones until somebody retires them. */
  readonly live: ReadonlyMap<string, Instance>;
  readonly finished: ReadonlyMap<string, FinishedInstance>;
  /** Creates an instance, or begins an existing one anew (its file and its summary are replaced). */
  begin(record: JournalRecord & { k: "start" }): { instance: Instance; durable: Promise<void> };
  /** Not `urgent`: what a lost machine may forget, because it would only be done again. */
  write(instance: Instance, record: JournalRecord, urgent?: boolean): Promise<void>;
  /** Moves an instance that has ended to the finished ones. */
  retire(instance: Instance): Promise<void>;
  /** A finished instance as its file has it, for `revive`; undefined when there is none. */
  peek(id: string): Promise<Instance | undefined>;
  /** Makes a finished instance live again by a record that takes its end back. */
  revive(instance: Instance, record: JournalRecord): Promise<void>;
  /** Forgets a finished instance. */
  forget(id: string): Promise<void>;
  /** The history of a live or finished instance; empty when there is none. */
  history(id: string): Promise<readonly HistoryEvent[]>;
  /** Forgets finished instances that are too old or too many. Returns how many. */
  sweep(): Promise<number>;
  flush(): Promise<void>;
};

export type StoreDeps = {
  readonly dir: string;
  readonly fsync: boolean;
  readonly keepFinishedMs: number;
  readonly keepFinishedInstances: number;
  readonly clock: Clock;
};

const indexKey = "finished";

export async function openStore(deps: StoreDeps): Promise<Store> {
  const instances = await openJournal({ dir: join(deps.dir, "instances"), fsync: deps.fsync });
  const index = await openJournal({ dir: deps.dir, fsync: deps.fsync });
  const live = new Map<string, Instance>();
  const finished = new Map<string, FinishedInstance>();
  let indexLines = 0;

  const summarise = (instance: Instance): FinishedInstance => {
    if (instance.end === null) throw new Error(`Instance '${instance.id}' has not ended.`);
    const { id, name, executionId, parent, createdAt, updatedAt, input, customStatus, end } = instance;
    return { id, name, executionId, parent, createdAt, updatedAt, input, customStatus, ...end };
  };

  const noteInIndex = (line: IndexLine): Promise<void> => {
    indexLines += 1;
    // Rewritten once most of its lines speak of instances that are gone.
    if (indexLines < 1000 || indexLines < finished.size * 3) return index.append(indexKey, line);
    indexLines = finished.size;
    return index.replace(
      indexKey,
      [...finished.values()].map((instance): IndexLine => ({ k: "finished", instance })),
    );
  };

  const retire = (instance: Instance): Promise<void> => {
    const summary = summarise(instance);
    live.delete(instance.id);
    finished.delete(instance.id);
    finished.set(instance.id, summary);
    return noteInIndex({ k: "finished", instance: summary });
  };

  const forget = async (id: string): Promise<void> => {
    if (!finished.delete(id)) return;
    await instances.remove(id);
    await noteInIndex({ k: "gone", id });
  };

  const load = async (): Promise<void> => {
    if ((await index.fileNames()).includes(index.fileNameOf(indexKey))) {
      for (const line of (await index.readFileNamed(index.fileNameOf(indexKey))) as readonly IndexLine[]) {
        indexLines += 1;
        if (line.k === "finished") finished.set(line.instance.id, line.instance);
        else finished.delete(line.id);
      }
    }
    const known = new Set([...finished.keys()].map(instances.fileNameOf));
    for (const fileName of await instances.fileNames()) {
      if (known.has(fileName)) continue;
      const instance = await instances.rebuild(fileName, rebuildInstance);
      if (instance !== undefined) live.set(instance.id, instance);
    }
  };
  await load();

  return {
    live,
    finished,
    begin: (record) => {
      const instance = beginInstance(record);
      live.set(record.id, instance);
      const wasFinished = finished.delete(record.id);
      const durable = instances.replace(record.id, [record]).catch((error: unknown) => {
        if (live.get(record.id) === instance) live.delete(record.id);
        throw error;
      });
      return {
        instance,
        durable: wasFinished ? durable.then(() => noteInIndex({ k: "gone", id: record.id })) : durable,
      };
    },
    write: (instance, record, urgent = true) => {
      applyRecord(instance, record);
      return live.get(instance.id) === instance ? instances.append(instance.id, record, urgent) : Promise.resolve();
    },
    retire,
    peek: async (id) => (finished.has(id) ? rebuildInstance(await instances.read(id)) : undefined),
    revive: (instance, record) => {
      const { id } = instance;
      applyRecord(instance, record);
      live.set(id, instance);
      finished.delete(id);
      return instances.append(id, record).then(() => noteInIndex({ k: "gone", id }));
    },
    forget,
    history: async (id) => {
      const instance = live.get(id);
      if (instance !== undefined) return instance.history;
      return finished.has(id) ? (rebuildInstance(await instances.read(id))?.history ?? []) : [];
    },
    sweep: async () => {
      const oldest = deps.clock.nowMs() - deps.keepFinishedMs;
      let excess = finished.size - deps.keepFinishedInstances;
      const old: string[] = [];
      // Insertion order is the order in which they ended.
      for (const [id, instance] of finished) {
        if (excess <= 0 && instance.updatedAt >= oldest) break;
        excess -= 1;
        old.push(id);
      }
      await Promise.all(old.map(forget));
      return old.length;
    },
    flush: async () => {
      await instances.flush();
      await index.flush();
    },
  };
}
