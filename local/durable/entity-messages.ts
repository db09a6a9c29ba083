/**
 * What entities and orchestrations say to each other: operations (calls and signals), lock requests, releases, and the
 * answers. In the history of an orchestration they stand as the extension writes them (`RequestMessage`,
 * `ReleaseMessage`, `ResponseMessage`), because the library reads the id out of an EventSent; between journals they
 * travel in envelopes, whose ids let a receiver drop what a crash made a sender send twice.
 */

import { createHash } from "node:crypto";
import type { HistoryEvent } from "./history.ts";

export type EntityOperation = {
  readonly kind: "operation";
  /** Names the answer's event, where one is awaited. */
  readonly id: string;
  readonly operation: string;
  /** JSON text. */
  readonly input: string | null;
  readonly signal: boolean;
  /** The sending instance (an orchestration's id, or an entity's); null from a client. */
  readonly parent: string | null;
  readonly parentExecution: string | null;
  /** Not before this, in epoch milliseconds. */
  readonly dueMs?: number;
};

export type LockRequest = {
  readonly kind: "lock";
  readonly id: string;
  readonly parent: string;
  readonly parentExecution: string;
  /** All entities to be locked, in order; each forwards the request to the next. */
  readonly lockSet: readonly string[];
  readonly position: number;
};

type LockRelease = { readonly kind: "release"; readonly parent: string };

export type EntityMessage = EntityOperation | LockRequest | LockRelease;

export type Envelope = {
  readonly id: string;
  /** The receiving entity. */
  readonly to: string;
  readonly message: EntityMessage;
};

/** An answer to an orchestration, in the extension's JSON. */
export type EntityResponse = { readonly result?: string; readonly exceptionType?: string };

const lockAcquired = "Lock Acquisition Completed";
export const lockResponse: EntityResponse = { result: JSON.stringify(lockAcquired) };

/** `@name@key`; names don't care for case, keys do. */
export const schedulerId = (name: string, key: string): string => `@${name.toLowerCase()}@${key}`;

export function entityIdOf(id: string): { readonly name: string; readonly key: string } {
  const at = id.indexOf("@", 1);
  return { name: id.slice(1, at), key: id.slice(at + 1) };
}

/** The id of a request: the same each time the same orchestrator is walked through, never the same for another. */
export function requestId(executionId: string, taskId: number): string {
  const hex = createHash("sha256").update(`${executionId}:${taskId}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

/** The name and the JSON input of the EventSent that stands for a message. */
export function toWire(message: EntityMessage): { readonly Name: string; readonly Input: string } {
  switch (message.kind) {
    case "operation": {
      const { id, operation: op, input, signal, parent, parentExecution, dueMs } = message;
      const due = dueMs === undefined ? undefined : new Date(dueMs).toISOString();
      const body = {
        op,
        id,
        parent,
        parentExecution,
        ...(signal ? { signal } : {}),
        ...(input === null ? {} : { input }),
      };
      return {
        Name: due === undefined ? "op" : `op@${due}`,
        Input: JSON.stringify(due === undefined ? body : { ...body, due }),
      };
    }
    case "lock": {
      const { id, parent, parentExecution, position: pos } = message;
      return {
        Name: "op",
        Input: JSON.stringify({ id, parent, parentExecution, lockset: message.lockSet.map(entityIdOf), pos }),
      };
    }
    case "release":
      return { Name: "release", Input: JSON.stringify({ parent: message.parent }) };
  }
}

type Wire = {
  readonly op?: string;
  readonly id: string;
  readonly parent: string;
  readonly parentExecution: string;
  readonly signal?: boolean;
  readonly input?: string;
  readonly due?: string;
  readonly lockset?: readonly { readonly name: string; readonly key: string }[];
  readonly pos?: number;
};

function fromWire(event: HistoryEvent): EntityMessage {
  const wire = JSON.parse(event.Input ?? "{}") as Wire;
  const { id, parent, parentExecution } = wire;
  if (event.Name === "release") return { kind: "release", parent };
  if (wire.lockset !== undefined) {
    const lockSet = wire.lockset.map(({ name, key }) => schedulerId(name, key));
    return { kind: "lock", id, parent, parentExecution, lockSet, position: wire.pos ?? 0 };
  }
  return {
    kind: "operation",
    id,
    operation: wire.op ?? "",
    input: wire.input ?? null,
    signal: wire.signal === true,
    parent,
    parentExecution,
    ...(wire.due === undefined ? {} : { dueMs: Date.parse(wire.due) }),
  };
}

/** The envelope that an EventSent of this execution stands for. */
export const envelopeOf = (event: HistoryEvent, executionId: string): Envelope => ({
  id: `${executionId}:${event.EventId}`,
  to: event.InstanceId ?? "",
  message: fromWire(event),
});

/** The id under which the sender awaits an answer, or undefined when it awaits none. */
export function awaitedId(message: EntityMessage): string | undefined {
  if (message.kind === "release" || (message.kind === "operation" && message.signal)) return undefined;
  return message.id;
}
