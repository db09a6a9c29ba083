import { describe, expect, it } from "vitest";
import type { Action } from "../../../local/durable/actions.ts";
import { type HistoryEvent, historyEvent } from "../../../local/durable/history.ts";
import { type Replay, replayActions } from "../../../local/durable/replay-actions.ts";

const dayMs = 24 * 3600 * 1000;
const executionId = "e1";
const activity = (name: string): Action => ({ kind: "activity", name, input: null });
const begun = (atMs = 0): HistoryEvent[] => [
  historyEvent("OrchestratorStarted", atMs),
  historyEvent("ExecutionStarted", atMs, { Name: "o" }),
];
const done = (id: number): HistoryEvent => historyEvent("TaskCompleted", 0, { TaskScheduledId: id, Result: "1" });
const failed = (id: number): HistoryEvent =>
  historyEvent("TaskFailed", 0, { TaskScheduledId: id, Reason: "r", Details: "d" });
const scheduled = (id: number, name: string): HistoryEvent =>
  historyEvent("TaskScheduled", 0, { EventId: id, Name: name });
const replay = (actions: Action[], ...history: HistoryEvent[]): Replay =>
  replayActions({ history, actions, executionId, instanceId: "i1", returned: false });
const commandsOf = ({ commands }: Replay): unknown[] =>
  commands.map((c) => [c.taskId, c.kind === "timer" ? c.fireAtMs : c.kind === "send" ? c.to : c.name]);

describe("walking an orchestrator's actions", () => {
  it("schedules nothing before the execution has started", () => {
    expect(replay([activity("a")], historyEvent("OrchestratorStarted", 0)).commands).toEqual([]);
  });

  it("awaits actions in order: the second starts when the first has ended", () => {
    const actions = [activity("a"), activity("b")];
    expect(commandsOf(replay(actions, ...begun()))).toEqual([[0, "a"]]);
    expect(commandsOf(replay(actions, ...begun(), scheduled(0, "a"), done(0)))).toEqual([[1, "b"]]);
  });

  it("goes on after a failure: handling it is the orchestrator's business", () => {
    const result = replay([activity("a"), activity("b")], ...begun(), scheduled(0, "a"), failed(0));
    expect(commandsOf(result)).toEqual([[1, "b"]]);
    expect(result.settled).toBe(false);
  });

  it("numbers the tasks of nested compounds leaf by leaf", () => {
    const actions: Action[] = [
      { kind: "all", actions: [activity("a"), { kind: "any", actions: [activity("b"), activity("c")] }] },
    ];
    expect(commandsOf(replay(actions, ...begun()))).toEqual([
      [0, "a"],
      [1, "b"],
      [2, "c"],
    ]);
  });

  it("waits for every sibling of a failed Task.all before the next action", () => {
    const actions: Action[] = [{ kind: "all", actions: [activity("a"), activity("b")] }, activity("c")];
    const history = [...begun(), scheduled(0, "a"), scheduled(1, "b"), failed(0)];
    expect(commandsOf(replay(actions, ...history))).toEqual([]);
    expect(commandsOf(replay(actions, ...history, done(1)))).toEqual([[2, "c"]]);
  });

  it("leaves a Task.any with its first task and remembers that the others are open", () => {
    const actions: Action[] = [{ kind: "any", actions: [activity("a"), activity("b")] }];
    const result = replay(actions, ...begun(), scheduled(0, "a"), scheduled(1, "b"), done(1));
    expect(result.settled).toBe(true);
    expect([...result.openTaskIds]).toEqual([0]);
  });

  it("gives the retry timer and the next try the numbers that follow, and waits once more after the last failure", () => {
    const retry = { firstRetryIntervalInMilliseconds: 100, maxNumberOfAttempts: 2 };
    const actions: Action[] = [{ kind: "activity", name: "a", input: null, retry }, activity("b")];
    const fired = (id: number): HistoryEvent => historyEvent("TimerFired", 0, { TimerId: id });
    const timer = (id: number): HistoryEvent => historyEvent("TimerCreated", 0, { EventId: id });
    const history = [...begun(1000), scheduled(0, "a"), failed(0)];
    expect(commandsOf(replay(actions, ...history))).toEqual([[1, 1100]]);
    history.push(timer(1), historyEvent("OrchestratorStarted", 1100), fired(1));
    expect(commandsOf(replay(actions, ...history))).toEqual([[2, "a"]]);
    history.push(scheduled(2, "a"), historyEvent("OrchestratorStarted", 1200), failed(2));
    expect(commandsOf(replay(actions, ...history))).toEqual([[3, 1300]]);
    history.push(timer(3), fired(3));
    expect(commandsOf(replay(actions, ...history))).toEqual([[4, "b"]]);
  });

  it("takes a short timer that fired for fired, even if the episode's clock is behind it", () => {
    const actions: Action[] = [{ kind: "timer", fireAtMs: 100, isCanceled: false }, activity("a")];
    const fired = historyEvent("TimerFired", 99, { TimerId: 0, FireAt: new Date(100).toISOString() });
    const history = [...begun(), historyEvent("TimerCreated", 0, { EventId: 0 })];
    const late = replay(actions, ...history, historyEvent("OrchestratorStarted", 99), fired);
    expect(commandsOf(late)).toEqual([[1, "a"]]);
  });

  it("makes a timer of more than six days a chain of three days each", () => {
    const fireAtMs = 8 * dayMs;
    const actions: Action[] = [{ kind: "timer", fireAtMs, isCanceled: false }];
    const link = (id: number, atMs: number): HistoryEvent[] => [
      historyEvent("TimerCreated", 0, { EventId: id }),
      historyEvent("OrchestratorStarted", atMs),
      historyEvent("TimerFired", atMs, { TimerId: id }),
    ];
    expect(commandsOf(replay(actions, ...begun()))).toEqual([[0, 3 * dayMs]]);
    const second = replay(actions, ...begun(), ...link(0, 3 * dayMs));
    expect(commandsOf(second)).toEqual([[1, fireAtMs]]);
    expect(replay(actions, ...begun(), ...link(0, 3 * dayMs), ...link(1, fireAtMs)).settled).toBe(true);
  });

  it("doesn't wait for a cancelled timer, though its number is used up", () => {
    const actions: Action[] = [{ kind: "timer", fireAtMs: dayMs, isCanceled: true }, activity("a")];
    expect(commandsOf(replay(actions, ...begun()))).toEqual([
      [0, dayMs],
      [1, "a"],
    ]);
  });

  it("keeps an event that came before anyone waited, and uses no task number for it", () => {
    const actions: Action[] = [activity("a"), { kind: "event", name: "go" }, activity("b")];
    const raised = historyEvent("EventRaised", 0, { Name: "go", Input: "1" });
    const history = [...begun(), raised, scheduled(0, "a"), done(0)];
    expect(commandsOf(replay(actions, ...history))).toEqual([[1, "b"]]);
  });

  it("names a sub-orchestration without an id after the execution and the task", () => {
    const [command] = replay([{ kind: "sub", name: "child", input: null }], ...begun()).commands;
    expect(command).toMatchObject({ kind: "sub", instanceId: "e1:0" });
  });

  it("tells when the history holds another task than the actions", () => {
    expect(replay([activity("a")], ...begun(), scheduled(0, "other")).nonDeterminism).toContain("'other'");
    expect(replay([activity("a")], ...begun(), scheduled(0, "a")).nonDeterminism).toBeUndefined();
  });
});
