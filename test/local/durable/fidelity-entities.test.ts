/** Entities and locks, as the extension and the unmodified library do them together. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from "vitest";
import { clearNotes, notes, until } from "../sample-host.ts";
import { counter, type DurableHost, startDurableHost } from "./durable-host.ts";
import { extension, extensionIssue, mirrors, sdk, sdkIssue } from "./mirrors.ts";

let host: DurableHost;
const gates = globalThis as { sampleEntityGate?: (key: string, operation: string) => Promise<void> };

const signal = (key: string, operation: string, input?: unknown): Promise<unknown> =>
  host.client("signalEntity", counter(key), operation, ...(input === undefined ? [] : [input]));
const read = (key: string) =>
  host.client("readEntityState", counter(key)) as Promise<{ entityExists: boolean; entityState?: unknown }>;
const value = (key: string, expected: unknown) =>
  until(`${key} to be ${String(expected)}`, async () => {
    await host.durable.idle();
    return JSON.stringify((await read(key)).entityState) === JSON.stringify(expected);
  });
const calls = async (...steps: readonly unknown[]): Promise<unknown> => (await host.run("entityCalls", steps)).output;

beforeAll(async () => {
  host = await startDurableHost();
});
afterAll(() => host.close());
beforeEach(clearNotes);
afterEach(() => {
  delete gates.sampleEntityGate;
});

describe("entities", () => {
  mirrors(
    "are signalled and read over the management API, and don't exist before",
    [
      sdk("durableClient/DurableClient.js", 275, "case 404:"),
      sdk("durableClient/DurableClient.js", 353, "case 202:"),
      extension("HttpApiHandler.cs", "HandlePostEntityOperationRequestAsync"),
    ],
    async () => {
      expect(await read("read")).toEqual({ entityExists: false });
      await signal("read", "add", 4);
      await signal("read", "add", 3);
      await value("read", 7);
    },
  );

  mirrors(
    "answer calls of an orchestration, in order with its signals",
    [
      sdk("orchestrations/TaskOrchestrationExecutor.js", 128, "requestMessage.id"),
      sdk("orchestrations/TaskOrchestrationExecutor.js", 301, "this.sequenceNumber += sequenceNumberIncrement"),
      extension("ContextImplementations/DurableOrchestrationContext.cs", "CallDurableTaskFunctionAsync"),
    ],
    async () => {
      const steps = [
        ["call", "ordered", "get"],
        ["signal", "ordered", "add", 5],
        ["signal", "ordered", "add", 6],
        ["call", "ordered", "get"],
        ["call", "ordered", "add", 1],
        ["call", "ordered", "get"],
      ];
      expect(await calls(...steps)).toEqual([0, 11, null, 12]);
    },
  );

  mirrors(
    "lose a failure's words on the way: the caller hears of an object (the library serialises the error, the caller makes an Error of it)",
    [
      sdk("entities/Entity.js", 49, "JSON.stringify(error)"),
      sdk("orchestrations/TaskOrchestrationExecutor.js", 205, "taskResult = Error(taskResult)"),
      sdkIssue(642),
    ],
    async () => {
      expect(await calls(["call", "failing", "fail"], ["call", "failing", "get"])).toEqual([
        { error: "[object Object]" },
        0,
      ]);
    },
  );

  mirrors(
    "run a batch of what has come in one call of the function, with the state of the one before",
    [
      sdk("entities/Entity.js", 37, "entityBinding.batch.length"),
      extension("Listener/TaskEntityShim.cs", "ExecuteOutOfProcBatch"),
    ],
    async () => {
      let release = (): void => undefined;
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      gates.sampleEntityGate = (_key, operation) => (operation === "isNew" ? gate : Promise.resolve());
      await signal("batch", "isNew");
      await until("the first to run", () => notes().length === 1);
      for (const n of [1, 2, 3]) await signal("batch", "keep", n);
      expect(notes()).toHaveLength(1);
      release();
      await value("batch", [1, 2, 3]);
    },
  );

  mirrors(
    "signal one another",
    [
      sdk("entities/Entity.js", 99, "returnState.signals.push"),
      extension("Listener/TaskEntityShim.cs", "OutOfProcResult.Signal"),
    ],
    async () => {
      await signal("sender", "pass", { to: "receiver", amount: 9 });
      await value("receiver", 9);
    },
  );

  mirrors(
    "vanish when they destruct, and are new after",
    [
      sdk("entities/Entity.js", 72, "batchState.entityExists = false"),
      extension("EntityScheduler/SchedulerState.cs", "IsEmpty"),
    ],
    async () => {
      await signal("gone", "add", 1);
      await value("gone", 1);
      expect(await calls(["call", "gone", "isNew"])).toEqual([false]);
      const deleted = await host.webhook("entities/Counter/gone", { method: "DELETE" });
      expect(deleted.status).toBe(202);
      await until("the end", async () => !(await read("gone")).entityExists);
      expect(await calls(["call", "gone", "isNew"])).toEqual([true]);
    },
  );

  mirrors(
    "are one under any spelling of the name, and another for any other key",
    [
      sdk("entities/EntityId.js", 19, "toLowerCase()"),
      extension("EntityScheduler/EntityId.cs", "GetSchedulerIdFromEntityId"),
    ],
    async () => {
      await host.client("signalEntity", { name: "COUNTER", key: "spelt" }, "add", 2);
      await value("spelt", 2);
      expect(await read("SPELT")).toEqual({ entityExists: false });
    },
  );

  mirrors(
    "are listed with their state when asked for, and purged by their scheduler's id",
    [
      extension("HttpApiHandler.cs", "HandleListEntitiesRequestAsync"),
      extension("HttpApiHandler.cs", "HandleDeleteHistoryByIdRequestAsync"),
    ],
    async () => {
      await signal("listed", "add", 2);
      await value("listed", 2);
      const list = (await (await host.webhook("entities/counter?fetchState=true")).json()) as { entityId: object }[];
      expect(list).toContainEqual(expect.objectContaining({ entityId: { name: "counter", key: "listed" }, state: 2 }));
      expect(await (await host.webhook("entities/other")).json()).toEqual([]);
      expect(await host.client("purgeInstanceHistory", "@counter@listed")).toEqual({ instancesDeleted: 1 });
      expect(await read("listed")).toEqual({ entityExists: false });
    },
  );

  mirrors(
    "that no function stands for are a bad request from outside (400), and fail the orchestration that asks",
    [
      extension("ContextImplementations/DurableClient.cs", "SignalEntityAsync, ReadEntityStateAsync"),
      extensionIssue(946),
    ],
    async () => {
      await expect(host.client("signalEntity", { name: "Nobody", key: "x" }, "add")).rejects.toThrow(/400.*Nobody/);
      await expect(host.client("readEntityState", { name: "Nobody", key: "x" })).rejects.toThrow(/400/);
      expect((await host.run("missingEntity")).output).toContain("nosuchentity");
    },
  );

  mirrors(
    "receive signals of an execution that continues as new, each once",
    [extension("Listener/OutOfProcOrchestrationShim.cs", "AsyncActionType.SignalEntity, ContinueAsNew")],
    async () => {
      expect((await host.run("signalAndGoOn", { key: "rounds", left: 4 })).output).toBe(4);
    },
  );
});

describe("critical sections", () => {
  mirrors(
    "keep others out between a read and a write",
    [
      sdk("orchestrations/TaskOrchestrationExecutor.js", 210, "task.lockResult"),
      extension("ContextImplementations/DurableOrchestrationContext.cs", "LockAsync"),
    ],
    async () => {
      const inputs = Array.from({ length: 4 }, () => ({ key: "locked", lock: true }));
      const ended = await Promise.all(inputs.map((input) => host.run("increment", input)));
      const values = ended.map(({ output }) => output as { value: number; locked: boolean });
      expect(values.map((one) => one.value).sort()).toEqual([0, 1, 2, 3]);
      expect(values.every(({ locked }) => !locked)).toBe(true);
      await value("locked", 4);
    },
  );

  mirrors(
    "hold several entities at once, locked in one order for everyone, so that crossing transfers both end",
    [
      sdk("orchestrations/DurableOrchestrationContext.js", 240, "ReleaseEntitiesAction(), deduped.length"),
      extension("Listener/TaskEntityShim.cs", "ProcessLockRequest"),
    ],
    async () => {
      await signal("a", "add", 100);
      await signal("b", "add", 100);
      const [one, two] = await Promise.all([
        host.run("transfer", { from: "a", to: "b", amount: 30 }),
        host.run("transfer", { from: "b", to: "a", amount: 10 }),
      ]);
      expect(one.output).toMatchObject({ owned: ["a", "b"] });
      expect(two.output).toMatchObject({ owned: ["a", "b"] });
      await value("a", 80);
      await value("b", 120);
    },
  );

  mirrors(
    "let signals of others wait, and let go when the orchestration returns without having released",
    [
      extension("Listener/TaskOrchestrationShim.cs", "Execute: ReleaseLocks"),
      extension("DurableTaskExtension.cs", "EntityMiddleware"),
    ],
    async () => {
      const id = await host.begin("holder", { key: "kept", end: "return" });
      await host.reached(id, ({ customStatus }) => customStatus === "holds");
      await signal("kept", "add", 1);
      await host.durable.idle();
      expect(await read("kept")).toEqual({ entityExists: false });
      await host.client("raiseEvent", id, "let go", null);
      await host.ended(id);
      await value("kept", 1);
    },
  );

  mirrors(
    "stay locked for ever when the orchestration throws or is terminated inside one",
    [
      extension("Listener/TaskOrchestrationShim.cs", "InvokeUserCodeAndHandleResults"),
      extensionIssue(1325),
      extensionIssue(1977),
    ],
    async () => {
      const thrower = await host.begin("holder", { key: "orphan1", end: "throw" });
      const ended = await host.begin("holder", { key: "orphan2", end: "return" });
      for (const id of [thrower, ended]) await host.reached(id, ({ customStatus }) => customStatus === "holds");
      await host.client("raiseEvent", thrower, "let go", null);
      await host.client("terminate", ended, "enough");
      for (const id of [thrower, ended]) await host.ended(id);
      for (const key of ["orphan1", "orphan2"]) await signal(key, "add", 1);
      await host.durable.idle();
      for (const key of ["orphan1", "orphan2"]) expect(await read(key)).toEqual({ entityExists: false });
      // The way out: its scheduler is purged, and what waited is forgotten with it.
      expect(await host.client("purgeInstanceHistory", "@counter@orphan1")).toEqual({ instancesDeleted: 1 });
      await signal("orphan1", "add", 5);
      await value("orphan1", 5);
    },
  );

  mirrors(
    "have rules that the library sees to",
    [
      sdk("error/LockingRulesViolationError.js", 17, "Cannot acquire more locks when already holding some locks."),
      sdk(
        "error/LockingRulesViolationError.js",
        18,
        "Cannot invoke sub-orchestrations from within a critical section.",
      ),
      sdk("error/LockingRulesViolationError.js", 19, "Cannot call an entity from within a critical section"),
      sdk("error/LockingRulesViolationError.js", 21, "Cannot signal an entity from within a critical section"),
    ],
    async () => {
      expect((await host.run("lockRules")).output).toEqual([
        expect.stringContaining("Cannot acquire more locks"),
        expect.stringContaining("Cannot invoke sub-orchestrations"),
        expect.stringContaining("Cannot call an entity"),
        expect.stringContaining("Cannot signal an entity"),
        "allowed",
      ]);
    },
  );
});
