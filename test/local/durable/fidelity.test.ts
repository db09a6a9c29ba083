/**
 * Ways of Azure that the local engine copies because an orchestration can be right on one and wrong on the other. Each
 * test names the lines of the library and the members of the extension and the framework that it mirrors. The library
 * is the unmodified one. Entities, HTTP calls and rewind have files of their own.
 */

import { afterAll, beforeAll, beforeEach, describe, expect } from "vitest";
import { clearNotes, notes, type SampleStatus } from "../sample-host.ts";
import { type DurableHost, startDurableHost } from "./durable-host.ts";
import { extension, framework, mirrors, sdk, sdkIssue } from "./mirrors.ts";

let host: DurableHost;
const run = async (name: string, input?: unknown): Promise<SampleStatus> => host.ended(await host.begin(name, input));
beforeAll(async () => {
  host = await startDurableHost({ durableTask: { defaultVersion: "1.0" } });
});
afterAll(() => host.close());
beforeEach(clearNotes);

describe("the order of actions", () => {
  mirrors(
    "starts the next action only when all siblings of a Task.all that failed fast have ended",
    [
      sdk("task/WhenAllTask.js", 22, "this.setValue(true, this.firstError)"),
      extension("Listener/OutOfProcOrchestrationShim.cs", "InvokeAPIFromAction: Task.WhenAll"),
    ],
    async () => {
      expect((await run("failFast")).output).toBe("done");
      const seen = notes();
      expect(seen.indexOf("caught")).toBeLessThan(seen.indexOf("slow ends"));
      expect(seen.indexOf("next begins")).toBeGreaterThan(seen.indexOf("slow ends"));
    },
  );

  mirrors(
    "lets an orchestrator that failed fast fail only when the siblings have ended",
    [
      extension(
        "Listener/OutOfProcOrchestrationShim.cs",
        "ScheduleDurableTaskEvents: replays the actions before it throws",
      ),
    ],
    async () => {
      const status = await run("failFastEnd");
      expect(status.runtimeStatus).toBe("Failed");
      expect(notes()).toContain("slow ends");
    },
  );

  mirrors(
    "schedules a task when it is yielded, not when it is made",
    [sdk("orchestrations/TaskOrchestrationExecutor.js", 284, "this.addToActions(newTask.actionObj)")],
    async () => {
      expect((await run("laterYield")).output).toBe("done");
      expect(notes().filter((note) => note !== "between")).toEqual([
        "second begins",
        "second ends",
        "first begins",
        "first ends",
      ]);
    },
  );

  mirrors(
    "runs activities again whose tasks are yielded again in another Task.any",
    [sdkIssue(574), sdk("orchestrations/TaskOrchestrationExecutor.js", 282, "!newTask.alreadyScheduled")],
    async () => {
      expect((await run("reYielding")).output).toEqual(["a", "b", "c"]);
      const begins = notes().filter((note) => String(note).endsWith("begins"));
      expect(begins.filter((note) => note === "a begins")).toHaveLength(1);
      expect(begins.filter((note) => note === "b begins").length).toBeGreaterThan(1);
      expect(begins.filter((note) => note === "c begins").length).toBeGreaterThan(1);
    },
  );

  mirrors(
    "throws on an empty Task.all",
    [sdk("task/CompoundTask.js", 13, "you must specify at least one Task")],
    async () => {
      expect((await run("emptyAll")).output).toContain("at least one Task");
    },
  );

  mirrors(
    "fails an orchestrator that decides otherwise on replay",
    [
      framework(
        "DurableTask.Core/TaskOrchestrationContext.cs",
        "HandleTaskScheduledEvent: NonDeterministicOrchestrationException",
      ),
    ],
    async () => {
      expect((await run("whimsical")).output).toContain("Non-Deterministic workflow detected");
    },
  );
});

describe("values", () => {
  mirrors(
    "pass through JSON: null arrives as undefined, a boolean as .NET's text",
    [
      extension("ContextImplementations/DurableActivityContext.cs", "GetInput: value.ToObject(string)"),
      sdk("actions/CallActivityAction.js", 10, "processInput(input)"),
    ],
    async () => {
      const { output } = await run("inputs", ["a", "123", 5, true, null, { a: 1 }]);
      const seen = (output as { type: string; value: unknown }[]).map(({ type, value }) => [type, value]);
      expect(seen).toEqual([
        ["string", "a"],
        ["string", "123"],
        ["number", 5],
        ["string", "True"],
        ["undefined", null],
        ["object", { a: 1 }],
      ]);
    },
  );

  mirrors(
    "tell an activity the id of the instance that called it",
    [extension("Bindings/ActivityTriggerAttributeBindingProvider.cs", "BindAsync: binding data")],
    async () => {
      const id = await host.begin("inputs", ["x"]);
      expect((await host.ended(id)).output).toMatchObject([{ instanceId: id }]);
    },
  );

  mirrors(
    "carry a failure's reason and details as one text",
    [
      sdk("orchestrations/TaskOrchestrationExecutor.js", 225, "taskResult = new Error("),
      extension("Listener/TaskActivityShim.cs", "RunAsync: TaskFailureException"),
    ],
    async () => {
      const { output } = await run("retrying", { failures: 9, attempts: 1 });
      const { failed } = output as { failed: string };
      expect(failed).toMatch(/^Activity function 'flaky' failed: try 1 \n \{.*"Message":"TypeError: try 1"/);
    },
  );

  mirrors(
    "prefix an orchestrator's failure with its name",
    [extension("Listener/OutOfProcOrchestrationShim.cs", "ScheduleDurableTaskEvents: OrchestrationFailureException")],
    async () => {
      const status = await run("failing");
      expect(status.runtimeStatus).toBe("Failed");
      expect(status.output).toMatch(
        /^Orchestrator function 'failing' failed: Activity function 'record' failed: doomed/,
      );
    },
  );
});

describe("retries", () => {
  mirrors(
    "run in the framework until a try succeeds",
    [framework("DurableTask.Core/RetryInterceptor.cs", "Invoke")],
    async () => {
      expect((await run("retrying", { failures: 2, attempts: 3 })).output).toEqual({ tries: 3 });
    },
  );

  mirrors(
    "wait once more after the last failure",
    [
      framework("DurableTask.Core/RetryInterceptor.cs", "Invoke: the timer comes before the count"),
      sdk("task/RetryableTask.js", 44, "this.isWaitingOnTimer = true"),
      sdk("task/RetryableTask.js", 26, "this.attemptNumber > this.retryOptions.maxNumberOfAttempts"),
    ],
    async () => {
      const first = 120;
      const { output } = await run("retrying", { failures: 9, attempts: 2, first });
      const ended = Date.now();
      expect(output).toHaveProperty("failed");
      const tries = notes() as { at: number }[];
      expect(tries).toHaveLength(2);
      expect(ended - tries[1]!.at).toBeGreaterThanOrEqual(first - 5);
    },
  );

  mirrors(
    "start a failed sub-orchestration anew under another id",
    [framework("DurableTask.Core/TaskOrchestrationContext.cs", "CreateSubOrchestrationInstanceCore")],
    async () => {
      const { output } = await run("parent", { children: [{ fail: true }], retry: 3 });
      expect(output).toMatchObject([{ error: expect.stringContaining("child says no") }]);
      const all = (await host.client("getStatusAll")) as { name: string; instanceId: string }[];
      const ids = all.filter(({ name }) => name === "child").map(({ instanceId }) => instanceId);
      expect(new Set(ids).size).toBe(3);
    },
  );
});

describe("sub-orchestrations", () => {
  mirrors(
    "are named after the parent's execution, know their parent and give their result",
    [
      framework(
        "DurableTask.Core/TaskOrchestrationContext.cs",
        "CreateSubOrchestrationInstanceCore: ExecutionId and task number",
      ),
    ],
    async () => {
      const id = await host.begin("parent", { children: [{ value: 2 }, { value: 3, id: "own-name" }] });
      expect((await host.ended(id)).output).toEqual([
        { doubled: 4, id: expect.stringMatching(/^[0-9a-f]{32}:0$/), parent: id },
        { doubled: 6, id: "own-name", parent: id },
      ]);
    },
  );

  mirrors(
    "give their failure, name first",
    [
      framework(
        "DurableTask.Core/TaskOrchestrationDispatcher.cs",
        "ProcessWorkflowCompletedTaskDecision: SubOrchestrationInstanceFailedEvent",
      ),
    ],
    async () => {
      const { output } = await run("parent", { children: [{ fail: true }] });
      expect(output).toMatchObject([
        { error: expect.stringMatching(/^Orchestrator function 'child' failed: child says no/) },
      ]);
    },
  );
});
