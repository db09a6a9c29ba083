import { expect, it } from "vitest";
import { parseOrchestratorState } from "../../../local/durable/actions.ts";

const actionsOf = (...actions: readonly object[]) =>
  parseOrchestratorState({ isDone: false, actions: [actions] }).actions;

it("reads a signal that waits for its time, which the extension takes and the library never sends", () => {
  const action = {
    actionType: 10,
    instanceId: "@e@1",
    operation: "add",
    input: { a: 1 },
    fireAt: "2030-01-02T03:04:05Z",
  };
  expect(actionsOf(action)).toEqual([
    {
      kind: "signalEntity",
      entity: "@e@1",
      operation: "add",
      input: '{"a":1}',
      dueMs: Date.parse("2030-01-02T03:04:05Z"),
    },
  ]);
});

it("orders the entities of a lock and takes each once", () => {
  const lockSet = [
    { name: "B", key: "1" },
    { name: "a", key: "2" },
    { name: "b", key: "1" },
  ];
  expect(actionsOf({ actionType: 13, lockSet })).toEqual([{ kind: "lock", entities: ["@a@2", "@b@1"] }]);
  expect(() => actionsOf({ actionType: 13, lockSet: [] })).toThrow("lock of no entities");
});

it("refuses what it doesn't know, by name", () => {
  expect(() => actionsOf({ actionType: 99 })).toThrow(/action type 99.*Use durable-functions 3\.5/);
  expect(() => actionsOf({ actionType: 8, httpRequest: { method: "GET" } })).toThrow("without a method and a URL");
  expect(() => parseOrchestratorState({})).toThrow("something else than its state");
});
