import { describe, expect, it } from "vitest";
import {
  applyEntityRecord,
  type Entity,
  isEmpty,
  newEntity,
  nextBatch,
  rebuildEntity,
  snapshotOf,
} from "../../../local/durable/entity.ts";
import { outgoingOf } from "../../../local/durable/entity-batch.ts";
import {
  awaitedId,
  type EntityMessage,
  type EntityOperation,
  envelopeOf,
  type LockRequest,
  requestId,
  toWire,
} from "../../../local/durable/entity-messages.ts";
import { historyEvent } from "../../../local/durable/history.ts";

const operation = (id: string, parent: string | null = null, more: Partial<EntityOperation> = {}): EntityOperation => ({
  kind: "operation",
  id,
  operation: "add",
  input: "1",
  signal: false,
  parent,
  parentExecution: parent === null ? null : `${parent}-x`,
  ...more,
});
const lock = (id: string, parent: string, lockSet = ["@e@1"]): LockRequest => ({
  kind: "lock",
  id,
  parent,
  parentExecution: `${parent}-x`,
  lockSet,
  position: 0,
});
const receive = (entity: Entity, at: number, ...messages: EntityMessage[]): void => {
  for (const [index, message] of messages.entries()) {
    const id = message.kind === "release" ? `release-${at}-${index}` : message.id;
    applyEntityRecord(entity, { k: "message", at, envelope: { id, to: entity.id, message } });
  }
};
const took = (entity: Entity): string[] => {
  const { operations, lock: request } = nextBatch(entity);
  return [...operations, ...(request === undefined ? [] : [request])].map(({ id }) => id);
};
const commit = (entity: Entity): void => {
  const { operations, lock: request } = nextBatch(entity);
  applyEntityRecord(entity, {
    k: "batch",
    at: 1,
    took: [...operations.map(({ id }) => id), ...(request === undefined ? [] : [request.id])],
    next: { exists: true, state: "1" },
    lockedBy: request?.parent ?? entity.lockedBy,
    out: [],
  });
};

describe("an entity's queue", () => {
  it("takes what came up to the first lock request, which ends the batch", () => {
    const entity = newEntity("@e@1", 0);
    receive(entity, 1, operation("a"), operation("b"), lock("l", "o1"), operation("c"));
    expect(took(entity)).toEqual(["a", "b", "l"]);
  });

  it("serves the holder alone while it is locked, and the others in their order after", () => {
    const entity = newEntity("@e@1", 0);
    receive(entity, 1, lock("l", "o1"), operation("other"));
    commit(entity);
    expect(took(entity)).toEqual([]);
    receive(entity, 2, operation("client"), operation("h1", "o1"), operation("h2", "o1"));
    expect(took(entity)).toEqual(["h1", "h2"]);
    commit(entity);
    expect(took(entity)).toEqual([]);
    receive(entity, 3, { kind: "release", parent: "somebody else" });
    expect(took(entity)).toEqual([]);
    receive(entity, 4, { kind: "release", parent: "o1" });
    expect(took(entity)).toEqual(["other", "client"]);
  });

  it("keeps what is scheduled aside until its time, and takes at once what is late already", () => {
    const entity = newEntity("@e@1", 0);
    receive(entity, 100, operation("early", null, { dueMs: 150 }), operation("late", null, { dueMs: 100 }));
    expect(took(entity)).toEqual(["late"]);
    applyEntityRecord(entity, { k: "due", at: 150, ids: ["early"] });
    expect(took(entity)).toEqual(["late", "early"]);
  });

  it("runs fifty operations at most in a batch", () => {
    const entity = newEntity("@e@1", 0);
    receive(entity, 1, ...Array.from({ length: 70 }, (_, i) => operation(`${i}`)));
    expect(took(entity)).toHaveLength(50);
    commit(entity);
    expect(took(entity)).toHaveLength(20);
  });
});

describe("an entity's journal", () => {
  it("rebuilds what its records made, and the same from a snapshot", () => {
    const first = newEntity("@e@1", 5);
    const start = { k: "entity", at: 5, snapshot: snapshotOf(first) } as const;
    const records = [
      { k: "message", at: 6, envelope: { id: "m1", to: "@e@1", message: operation("a", "o1") } },
      { k: "message", at: 7, envelope: { id: "m2", to: "@e@1", message: operation("s", null, { dueMs: 99 }) } },
      {
        k: "batch",
        at: 8,
        took: ["a"],
        next: { exists: true, state: "41" },
        lockedBy: "o1",
        out: [{ id: "out", reply: { instanceId: "o1", executionId: "o1-x", requestId: "a", body: {} } }],
      },
    ] as const;
    const rebuilt = rebuildEntity([start, ...records])!;
    expect(snapshotOf(rebuilt)).toMatchObject({
      exists: true,
      state: "41",
      lockedBy: "o1",
      seen: ["m1", "m2"],
      updatedAt: 8,
    });
    expect(rebuilt.durable).toEqual({ exists: true, state: "41" });
    const again = rebuildEntity([{ k: "entity", at: 9, snapshot: snapshotOf(rebuilt) }])!;
    expect(snapshotOf(again)).toEqual(snapshotOf(rebuilt));
    expect(() => rebuildEntity(records)).toThrow("not the start of an entity");
    expect(rebuildEntity([])).toBeUndefined();
  });

  it("can be forgotten when nothing is left, not while anything waits", () => {
    const entity = newEntity("@e@1", 0);
    expect(isEmpty(entity)).toBe(true);
    receive(entity, 1, { kind: "release", parent: "nobody" });
    expect(isEmpty(entity)).toBe(false);
    entity.seen.clear();
    expect(isEmpty(entity)).toBe(true);
    receive(entity, 2, operation("a", null, { dueMs: 99 }));
    entity.seen.clear();
    expect(isEmpty(entity)).toBe(false);
  });
});

describe("messages", () => {
  it("come out of an EventSent as they went in", () => {
    const messages: EntityMessage[] = [
      operation("1", "o1"),
      operation("2", "o1", { signal: true, input: null, dueMs: Date.parse("2030-01-02T03:04:05.000Z") }),
      { ...lock("3", "o1", ["@e@1", "@e@a@b"]), position: 1 },
      { kind: "release", parent: "o1" },
    ];
    for (const message of messages) {
      const event = historyEvent("EventSent", 0, { EventId: 7, InstanceId: "@e@1", ...toWire(message) });
      expect(envelopeOf(event, "ex")).toEqual({ id: "ex:7", to: "@e@1", message });
    }
    expect(messages.map(awaitedId)).toEqual(["1", undefined, "3", undefined]);
  });

  it("have ids that depend on execution and number alone", () => {
    expect(requestId("ex", 1)).toBe(requestId("ex", 1));
    expect(new Set([requestId("ex", 1), requestId("ex", 2), requestId("ey", 1)]).size).toBe(3);
    expect(requestId("ex", 1)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
});

describe("what a batch sends", () => {
  const entity = newEntity("@e@1", 0);
  const results = [{ isError: false, result: "5" }, { isError: true, result: "{}" }, { isError: false }];

  it("is an answer for each call, none for a signal, then the signals", () => {
    const operations = [operation("a", "o1"), operation("b", "o2"), operation("c", "o3", { signal: true })];
    const signals = [{ target: { name: "Other", key: "K" }, name: "add", input: "" }];
    const out = outgoingOf(entity, operations, { entityExists: true, results, signals }, undefined);
    expect(out).toMatchObject([
      { reply: { instanceId: "o1", executionId: "o1-x", requestId: "a", body: { result: "5" } } },
      { reply: { instanceId: "o2", requestId: "b", body: { result: "{}", exceptionType: "Error" } } },
      { envelope: { to: "@other@K", message: { operation: "add", input: null, signal: true, parent: "@e@1" } } },
    ]);
    expect(out[0]).not.toHaveProperty("reply.body.exceptionType");
  });

  it("passes a lock request on to the next entity, and answers after the last", () => {
    const nothing = { entityExists: false, results: [], signals: [] };
    const request = lock("l", "o1", ["@e@1", "@e@2"]);
    expect(outgoingOf(entity, [], nothing, request)).toMatchObject([
      { envelope: { to: "@e@2", message: { kind: "lock", position: 1 } } },
    ]);
    expect(outgoingOf(entity, [], nothing, { ...request, position: 1 })).toMatchObject([
      { reply: { instanceId: "o1", requestId: "l", body: { result: '"Lock Acquisition Completed"' } } },
    ]);
  });
});
