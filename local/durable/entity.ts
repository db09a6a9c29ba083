/**
 * One entity as the engine holds it, and the journal records that it is rebuilt from; like an orchestration's instance
 * it changes by records alone. The queue's rules are the extension's (`EntityMiddleware`, `TaskEntityShim`): messages
 * in the order in which they came, the lock holder's before all others, a lock request as the last of a batch.
 */

import type { EntityMessage, EntityOperation, EntityResponse, Envelope, LockRequest } from "./entity-messages.ts";

export type QueuedRequest = EntityOperation | LockRequest;

/** What a batch sends out, kept until it has arrived. */
export type Outgoing =
  | { readonly id: string; readonly envelope: Envelope }
  | {
      readonly id: string;
      readonly reply: {
        readonly instanceId: string;
        readonly executionId: string;
        readonly requestId: string;
        readonly body: EntityResponse;
      };
    };

type EntityState = { readonly exists: boolean /** JSON text. */; readonly state: string | null };

type Snapshot = EntityState & {
  readonly id: string;
  readonly updatedAt: number;
  readonly lockedBy: string | null;
  readonly queue: readonly QueuedRequest[];
  readonly scheduled: readonly EntityOperation[];
  readonly seen: readonly string[];
  readonly outbox: readonly Outgoing[];
};

export type EntityRecord =
  | { readonly k: "entity"; readonly at: number; readonly snapshot: Snapshot }
  | { readonly k: "message"; readonly at: number; readonly envelope: Envelope }
  /** The time of scheduled operations has come. */
  | { readonly k: "due"; readonly at: number; readonly ids: readonly string[] }
  | {
      readonly k: "batch";
      readonly at: number;
      /** Ids of the requests that it took. */
      readonly took: readonly string[];
      readonly next: EntityState;
      readonly lockedBy: string | null;
      readonly out: readonly Outgoing[];
    }
  | { readonly k: "sent"; readonly at: number; readonly ids: readonly string[] };

export type Entity = {
  readonly id: string;
  exists: boolean;
  state: string | null;
  updatedAt: number;
  /** The orchestration that holds the lock. */
  lockedBy: string | null;
  queue: QueuedRequest[];
  scheduled: EntityOperation[];
  /** Envelopes that their sender may send once more. */
  readonly seen: Set<string>;
  readonly outbox: Map<string, Outgoing>;
  /** Lines in its file. */
  lines: number;
  /** What is on disk for certain: all that a reader is told. */
  durable: EntityState;
};

/** So many operations at most in one run of the function, as the extension has it on a consumption plan. */
const largestBatch = 50;

export function entityFrom(snapshot: Snapshot): Entity {
  const { id, exists, state, updatedAt, lockedBy } = snapshot;
  return {
    id,
    exists,
    state,
    updatedAt,
    lockedBy,
    queue: [...snapshot.queue],
    scheduled: [...snapshot.scheduled],
    seen: new Set(snapshot.seen),
    outbox: new Map(snapshot.outbox.map((outgoing) => [outgoing.id, outgoing])),
    lines: 1,
    durable: { exists, state },
  };
}

export const newEntity = (id: string, at: number): Entity =>
  entityFrom({
    id,
    updatedAt: at,
    exists: false,
    state: null,
    lockedBy: null,
    queue: [],
    scheduled: [],
    seen: [],
    outbox: [],
  });

export function snapshotOf(entity: Entity): Snapshot {
  const { id, exists, state, updatedAt, lockedBy, queue, scheduled } = entity;
  return {
    id,
    exists,
    state,
    updatedAt,
    lockedBy,
    queue,
    scheduled,
    seen: [...entity.seen],
    outbox: [...entity.outbox.values()],
  };
}

/** Nothing is left to remember: Azure's implicit deletion. */
export function isEmpty(entity: Entity): boolean {
  const idle = entity.queue.length === 0 && entity.scheduled.length === 0 && entity.outbox.size === 0;
  return idle && !entity.exists && entity.lockedBy === null && entity.seen.size === 0;
}

function enqueue(entity: Entity, request: QueuedRequest): void {
  if (entity.lockedBy === null || request.parent !== entity.lockedBy) {
    entity.queue.push(request);
    return;
  }
  const after = entity.queue.findIndex(({ parent }) => parent !== entity.lockedBy);
  entity.queue.splice(after === -1 ? entity.queue.length : after, 0, request);
}

function receive(entity: Entity, message: EntityMessage, at: number): void {
  if (message.kind === "release") {
    if (entity.lockedBy === message.parent) entity.lockedBy = null;
  } else if (message.kind === "operation" && message.dueMs !== undefined && message.dueMs > at) {
    entity.scheduled.push(message);
  } else {
    enqueue(entity, message);
  }
}

export function applyEntityRecord(entity: Entity, record: EntityRecord): void {
  entity.updatedAt = Math.max(entity.updatedAt, record.at);
  entity.lines += 1;
  switch (record.k) {
    case "entity":
      throw new Error(`The journal of entity '${entity.id}' starts twice.`);
    case "message":
      entity.seen.add(record.envelope.id);
      receive(entity, record.envelope.message, record.at);
      break;
    case "due": {
      const due = entity.scheduled.filter(({ id }) => record.ids.includes(id));
      entity.scheduled = entity.scheduled.filter((operation) => !due.includes(operation));
      for (const operation of due) enqueue(entity, operation);
      break;
    }
    case "batch": {
      const took = new Set(record.took);
      entity.queue = entity.queue.filter(({ id }) => !took.has(id));
      entity.exists = record.next.exists;
      entity.state = record.next.state;
      entity.lockedBy = record.lockedBy;
      for (const outgoing of record.out) entity.outbox.set(outgoing.id, outgoing);
      break;
    }
    case "sent":
      for (const id of record.ids) entity.outbox.delete(id);
      break;
  }
}

/** Rebuilds an entity from its file; undefined when the file is empty. Throws when the first line isn't a start. */
export function rebuildEntity(lines: readonly unknown[]): Entity | undefined {
  const [first, ...rest] = lines as readonly EntityRecord[];
  if (first === undefined) return undefined;
  if (first.k !== "entity") throw new Error("The first line is not the start of an entity.");
  const entity = entityFrom(first.snapshot);
  for (const record of rest) applyEntityRecord(entity, record);
  entity.durable = { exists: entity.exists, state: entity.state };
  return entity;
}

/** What the next batch takes: operations up to the first lock request, which is the last; the holder's alone while locked. */
export function nextBatch(entity: Entity): {
  readonly operations: readonly EntityOperation[];
  readonly lock?: LockRequest;
} {
  const operations: EntityOperation[] = [];
  for (const request of entity.queue) {
    if (entity.lockedBy !== null && request.parent !== entity.lockedBy) break;
    if (request.kind === "lock") return { operations, lock: request };
    if (operations.length === largestBatch) break;
    operations.push(request);
  }
  return { operations };
}
