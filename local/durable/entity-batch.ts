/**
 * One run of an entity's function over a batch of operations: what the function is given, what it answers, and what
 * becomes of it: the next state, the answers to callers and the signals to others. Forms as the extension has them for
 * Node (`EntityContextToString`, `OutOfProcResult`). Nothing is written and nothing sent here.
 */

import { randomUUID } from "node:crypto";
import type { Entity, Outgoing } from "./entity.ts";
import { type EntityOperation, entityIdOf, type LockRequest, lockResponse, schedulerId } from "./entity-messages.ts";

export type EntityTrigger = {
  readonly self: { readonly name: string; readonly key: string };
  readonly exists: boolean;
  readonly state: string | null;
  readonly batch: readonly {
    readonly name: string;
    readonly input: string | null;
    readonly isSignal: boolean;
    readonly id: string;
  }[];
};

/** `EntityState` of the library. */
export type EntityBatchResult = {
  readonly entityExists: boolean;
  readonly entityState?: string | null;
  readonly results: readonly { readonly isError: boolean; readonly result?: string | null }[];
  readonly signals: readonly {
    readonly target: { readonly name: string; readonly key: string };
    readonly name: string;
    readonly input?: string | null;
  }[];
};

export function entityTrigger(entity: Entity, operations: readonly EntityOperation[]): EntityTrigger {
  return {
    self: entityIdOf(entity.id),
    exists: entity.exists,
    state: entity.state,
    batch: operations.map(({ id, operation, input, signal }) => ({ name: operation, input, isSignal: signal, id })),
  };
}

/** A function that didn't answer at all (time-out, defect) fails every operation and changes nothing. */
export function failedBatch(entity: Entity, operations: readonly EntityOperation[], error: unknown): EntityBatchResult {
  const message = error instanceof Error ? error.message : String(error);
  return {
    entityExists: entity.exists,
    entityState: entity.state,
    results: operations.map(() => ({ isError: true, result: JSON.stringify(message) })),
    signals: [],
  };
}

const isOneOf = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Reads what the library returned. Throws a TypeError when it is something else. */
export function parseBatchResult(value: unknown): EntityBatchResult {
  const raw: unknown = typeof value === "string" ? JSON.parse(value) : value;
  if (!isOneOf(raw) || !Array.isArray(raw["results"]) || !Array.isArray(raw["signals"])) {
    throw new TypeError("An entity function returned something else than its state: is it registered with df.app?");
  }
  return raw as EntityBatchResult;
}

/** What a batch sends: answers in the order of the operations, then its signals, then the lock request's way on. */
export function outgoingOf(
  entity: Entity,
  operations: readonly EntityOperation[],
  { results, signals }: EntityBatchResult,
  lock: LockRequest | undefined,
): readonly Outgoing[] {
  const out: Outgoing[] = [];
  for (const [index, { id, signal, parent, parentExecution }] of operations.entries()) {
    if (signal || parent === null || parentExecution === null) continue;
    const { isError = true, result } = results[index] ?? {};
    const body = {
      ...(typeof result === "string" ? { result } : {}),
      ...(isError ? { exceptionType: "Error" } : {}),
    };
    out.push({ id: randomUUID(), reply: { instanceId: parent, executionId: parentExecution, requestId: id, body } });
  }
  for (const { target, name, input } of signals) {
    const id = randomUUID();
    const from = { parent: entity.id, parentExecution: null };
    const message = { kind: "operation", id, operation: name, input: input || null, signal: true, ...from } as const;
    out.push({ id, envelope: { id, to: schedulerId(target.name, target.key), message } });
  }
  if (lock === undefined) return out;
  const position = lock.position + 1;
  const next = lock.lockSet[position];
  const id = randomUUID();
  if (next !== undefined) return [...out, { id, envelope: { id, to: next, message: { ...lock, position } } }];
  const reply = { instanceId: lock.parent, executionId: lock.parentExecution, requestId: lock.id, body: lockResponse };
  return [...out, { id, reply }];
}
