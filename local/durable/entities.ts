/**
 * The entities of a task hub: each runs its batches one after another, different ones at the same time. A message is
 * written down before its sender hears that it arrived, a batch before its answers and signals leave; what was cut off
 * between the two is sent again after a restart and dropped where it had arrived. So every operation takes effect once;
 * a batch that was running when the process died runs again.
 */

import { join } from "node:path";
import type { Clock } from "./clock.ts";
import {
  applyEntityRecord,
  type Entity,
  type EntityRecord,
  isEmpty,
  newEntity,
  nextBatch,
  type Outgoing,
  rebuildEntity,
  snapshotOf,
} from "./entity.ts";
import { type EntityBatchResult, type EntityTrigger, entityTrigger, failedBatch, outgoingOf } from "./entity-batch.ts";
import { type EntityResponse, type Envelope, entityIdOf } from "./entity-messages.ts";
import { openJournal } from "./journal.ts";
import { createWorkQueue } from "./work-queue.ts";

export type Entities = {
  /**
   * Takes a message; resolves when it is durable, to a function that the sender calls once it will never send the
   * message again. One that had arrived before is dropped.
   */
  accept(envelope: Envelope): Promise<() => void>;
  /** An entity that exists, as it is on disk. */
  read(id: string): { readonly state: string | null; readonly updatedAt: number } | undefined;
  /** Ids of the entities that exist. */
  ids(): readonly string[];
  /** Forgets an entity with all that waits for it. */
  purge(id: string): Promise<boolean>;
  /** Sends again what may not have arrived before the last end. To be awaited before `run`. */
  resend(): Promise<void>;
  /** Begins to run batches. */
  run(): void;
  readonly busy: boolean;
  stop(): Promise<void>;
  flush(): Promise<void>;
};

export type EntitiesDeps = {
  readonly dir: string;
  readonly fsync: boolean;
  readonly limit: number;
  readonly clock: Clock;
  readonly runEntity: (name: string, trigger: EntityTrigger) => Promise<EntityBatchResult>;
  /** Answers an orchestration; resolves when the answer is durable or nobody waits for it. */
  readonly reply: (instanceId: string, executionId: string, requestId: string, body: EntityResponse) => Promise<void>;
  readonly onDefect: (error: unknown) => void;
  readonly onIdle: () => void;
};

/** A file is written anew when it has so many lines. */
const mostLines = 400;

export async function openEntities(deps: EntitiesDeps): Promise<Entities> {
  const { clock, onDefect } = deps;
  const journal = await openJournal({ dir: join(deps.dir, "entities"), fsync: deps.fsync });
  const entities = new Map<string, Entity>();
  const queued = new Set<Entity>();
  const sending = new Map<Entity, Promise<void>>();
  const cancelDue = new Map<Entity, () => void>();
  let running = false;

  for (const fileName of await journal.fileNames()) {
    const entity = await journal.rebuild(fileName, rebuildEntity);
    if (entity !== undefined) entities.set(entity.id, entity);
  }
  const isCurrent = (entity: Entity): boolean => entities.get(entity.id) === entity;

  const write = (entity: Entity, record: EntityRecord, urgent = true): Promise<void> => {
    applyEntityRecord(entity, record);
    return isCurrent(entity) ? journal.append(entity.id, record, urgent) : Promise.resolve();
  };

  /** Finds an entity, or begins it with a first line. */
  const entityOf = (id: string): Entity => {
    const known = entities.get(id);
    if (known !== undefined) return known;
    const at = clock.nowMs();
    const fresh = newEntity(id, at);
    entities.set(id, fresh);
    journal.replace(id, [{ k: "entity", at, snapshot: snapshotOf(fresh) } satisfies EntityRecord]).catch(onDefect);
    return fresh;
  };

  /** Keeps files short, and forgets an entity of which nothing is left. */
  const tidy = (entity: Entity): void => {
    if (!isCurrent(entity) || queued.has(entity) || sending.has(entity)) return;
    if (isEmpty(entity)) {
      entities.delete(entity.id);
      journal.remove(entity.id).catch(onDefect);
    } else if (entity.lines > mostLines) {
      entity.lines = 1;
      const line: EntityRecord = { k: "entity", at: clock.nowMs(), snapshot: snapshotOf(entity) };
      journal.replace(entity.id, [line]).catch(onDefect);
    }
  };

  const awaitDue = (entity: Entity): void => {
    cancelDue.get(entity)?.();
    cancelDue.delete(entity);
    const first = Math.min(...entity.scheduled.map(({ dueMs = 0 }) => dueMs));
    if (!running || entity.scheduled.length === 0) return;
    const cancel = clock.wakeAt(first, () => {
      const at = clock.nowMs();
      const ids = entity.scheduled.filter(({ dueMs = 0 }) => dueMs <= at).map(({ id }) => id);
      write(entity, { k: "due", at, ids }).catch(onDefect);
      awaitDue(entity);
      wake(entity);
    });
    cancelDue.set(entity, cancel);
  };

  const wake = (entity: Entity): void => {
    if (!running || queued.has(entity) || !isCurrent(entity)) return;
    const { operations, lock } = nextBatch(entity);
    if (operations.length === 0 && lock === undefined) return;
    queued.add(entity);
    batches.push(entity);
  };

  const accept = async (envelope: Envelope): Promise<() => void> => {
    const entity = entityOf(envelope.to);
    const forget = (): void => {
      entity.seen.delete(envelope.id);
      tidy(entity);
    };
    // Had it arrived before, its record may still be on its way to the disk.
    if (entity.seen.has(envelope.id)) {
      await journal.flush();
      return forget;
    }
    const written = write(entity, { k: "message", at: clock.nowMs(), envelope });
    if (entity.scheduled.length > 0) awaitDue(entity);
    wake(entity);
    await written;
    return forget;
  };

  const sendOne = (outgoing: Outgoing): Promise<() => void> => {
    if ("envelope" in outgoing) return accept(outgoing.envelope);
    const { instanceId, executionId, requestId, body } = outgoing.reply;
    return deps.reply(instanceId, executionId, requestId, body).then(() => () => undefined);
  };

  const sendAll = async (entity: Entity): Promise<void> => {
    while (isCurrent(entity) && entity.outbox.size > 0) {
      const out = [...entity.outbox.values()];
      const forgets: (() => void)[] = [];
      for (const outgoing of out) forgets.push(await sendOne(outgoing));
      await write(entity, { k: "sent", at: clock.nowMs(), ids: out.map(({ id }) => id) }, false);
      for (const forget of forgets) forget();
    }
  };

  /** Sends what lies in the outbox, in order; one sender an entity. */
  const send = (entity: Entity): Promise<void> => {
    const current = sending.get(entity);
    if (current !== undefined) return current;
    const fresh = sendAll(entity).finally(() => {
      sending.delete(entity);
      if (entity.outbox.size > 0 && isCurrent(entity)) send(entity).catch(onDefect);
      tidy(entity);
      deps.onIdle();
    });
    sending.set(entity, fresh);
    return fresh;
  };

  const runBatch = async (entity: Entity): Promise<void> => {
    // What comes in this turn of the event loop shares the batch.
    await new Promise((resolve) => setImmediate(resolve));
    if (!isCurrent(entity)) return;
    const { operations, lock } = nextBatch(entity);
    let result = failedBatch(entity, [], undefined);
    if (operations.length > 0) {
      try {
        result = await deps.runEntity(entityIdOf(entity.id).name, entityTrigger(entity, operations));
      } catch (error) {
        onDefect(error);
        result = failedBatch(entity, operations, error);
      }
    }
    if (!isCurrent(entity)) return;
    await write(entity, {
      k: "batch",
      at: clock.nowMs(),
      took: [...operations, ...(lock === undefined ? [] : [lock])].map(({ id }) => id),
      next: { exists: result.entityExists, state: result.entityExists ? (result.entityState ?? null) : null },
      lockedBy: lock?.parent ?? entity.lockedBy,
      out: outgoingOf(entity, operations, result, lock),
    });
    entity.durable = { exists: entity.exists, state: entity.state };
    send(entity).catch(onDefect);
  };

  const batches = createWorkQueue<Entity>({
    limit: deps.limit,
    onDefect,
    work: (entity) =>
      runBatch(entity).finally(() => {
        queued.delete(entity);
        wake(entity);
        tidy(entity);
        setImmediate(deps.onIdle);
      }),
  });

  return {
    accept,
    read: (id) => {
      const entity = entities.get(id);
      return entity?.durable.exists === true ? { state: entity.durable.state, updatedAt: entity.updatedAt } : undefined;
    },
    ids: () => [...entities.values()].filter(({ durable }) => durable.exists).map(({ id }) => id),
    purge: async (id) => {
      const entity = entities.get(id);
      if (entity === undefined) return false;
      cancelDue.get(entity)?.();
      entities.delete(id);
      await journal.remove(id);
      return true;
    },
    resend: async () => {
      for (const entity of [...entities.values()]) await send(entity);
    },
    run: () => {
      running = true;
      for (const entity of [...entities.values()]) {
        // Everyone has sent again what he hadn't noted as arrived: from now on nothing old comes twice.
        entity.seen.clear();
        awaitDue(entity);
        wake(entity);
        tidy(entity);
      }
    },
    get busy() {
      return queued.size > 0 || sending.size > 0;
    },
    stop: async () => {
      running = false;
      for (const cancel of cancelDue.values()) cancel();
      await batches.stop();
      await Promise.all(sending.values());
    },
    flush: () => journal.flush(),
  };
}
