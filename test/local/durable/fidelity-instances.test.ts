/**
 * Ways of Azure that the local engine copies because an orchestration can be right on one and wrong on the other. Each
 * test names the lines of the library and the members of the extension and the framework that it mirrors. The library
 * is the unmodified one. Here: events and the life of an instance.
 */

import { afterAll, beforeAll, beforeEach, describe, expect } from "vitest";
import { clearNotes, notes, type SampleStatus, until } from "../sample-host.ts";
import { type DurableHost, startDurableHost } from "./durable-host.ts";
import { extension, framework, mirrors, sdk } from "./mirrors.ts";

let host: DurableHost;
const run = async (name: string, input?: unknown): Promise<SampleStatus> => host.ended(await host.begin(name, input));
const running = (id: string) =>
  until(`${id} to run`, async () => {
    const { runtimeStatus } = (await host.client("getStatus", id)) as SampleStatus;
    return runtimeStatus === "Running";
  });

beforeAll(async () => {
  host = await startDurableHost({ durableTask: { defaultVersion: "1.0" } });
});
afterAll(() => host.close());
beforeEach(clearNotes);

describe("timers and events", () => {
  mirrors(
    "let the first of an event and a timer win",
    [
      sdk("task/WhenAnyTask.js", 9, "this.setValue(false, child)"),
      extension("Listener/OutOfProcOrchestrationShim.cs", "InvokeAPIFromAction: Task.WhenAny"),
    ],
    async () => {
      expect((await run("race", { timeoutMs: 30 })).output).toBe("timeout");
      const id = await host.begin("race", { timeoutMs: 60_000 });
      await running(id);
      await host.client("raiseEvent", id, "go", { by: "event" });
      expect((await host.ended(id)).output).toEqual({ by: "event" });
    },
  );

  mirrors(
    "keep events that arrive before they are waited for, in their order",
    [
      sdk("orchestrations/TaskOrchestrationExecutor.js", 188, "this.deferredTasks[key].push"),
      extension("ContextImplementations/DurableOrchestrationContext.cs", "RaiseEvent: bufferedExternalEvents"),
    ],
    async () => {
      const id = await host.begin("events", 3);
      for (const value of ["a", "b", "c"]) await host.client("raiseEvent", id, "go", value);
      expect((await host.ended(id)).output).toEqual(["a", "b", "c"]);
    },
  );

  mirrors(
    "are lost at continueAsNew when they were not consumed",
    [
      extension(
        "Listener/OutOfProcOrchestrationShim.cs",
        "InvokeAPIFromAction: ContinueAsNew without preserveUnprocessedEvents",
      ),
    ],
    async () => {
      const id = await host.begin("restarting", { round: 0 });
      await running(id);
      await host.client("raiseEvent", id, "kept", 1);
      await host.durable.idle();
      await host.client("raiseEvent", id, "again", 1);
      expect((await host.ended(id)).output).toBe("lost");
    },
  );

  mirrors(
    "reach the new execution when they arrive after continueAsNew",
    [framework("DurableTask.Core/TaskOrchestrationDispatcher.cs", "OnProcessWorkItemAsync: carry over of new events")],
    async () => {
      const id = await host.begin("restarting", { round: 0 });
      await running(id);
      await host.client("raiseEvent", id, "again", 1);
      await until("the second round", async () => {
        const { input } = (await host.client("getStatus", id)) as { input: { round: number } };
        return input.round === 1;
      });
      await host.client("raiseEvent", id, "kept", 1);
      expect((await host.ended(id)).output).toBe("kept");
    },
  );

  mirrors(
    "are swallowed when the instance has finished: 410, which the client calls success",
    [
      sdk("durableClient/DurableClient.js", 238, "case 410:"),
      extension("HttpApiHandler.cs", "HandleRaiseEventRequestAsync"),
    ],
    async () => {
      const id = await host.begin("sum", 1);
      await host.ended(id);
      await expect(host.client("raiseEvent", id, "go", 1)).resolves.toBeNull();
      await expect(host.client("raiseEvent", "nobody", "go", 1)).rejects.toThrow("No instance with ID 'nobody' found");
    },
  );

  mirrors(
    "serve the one that came last first when two wait for the same name",
    [
      sdk("orchestrations/TaskOrchestrationExecutor.js", 175, "task = taskList.pop()"),
      extension("ContextImplementations/DurableOrchestrationContext.cs", "WaitForExternalEvent: a stack"),
    ],
    async () => {
      const id = await host.begin("twoWaiters");
      await running(id);
      await host.durable.idle();
      await host.client("raiseEvent", id, "go", "a");
      expect((await host.ended(id)).output).toEqual(["second", "a"]);
    },
  );

  mirrors(
    "don't keep anybody: a timer of an hour that is cancelled lets the orchestration end at once",
    [
      sdk("task/DFTimerTask.js", 18, "this.action.isCanceled = true"),
      extension("Listener/OutOfProcOrchestrationShim.cs", "InvokeAPIFromAction: CreateTimer, IsCanceled"),
    ],
    async () => {
      const cancelled = await host.begin("cancelling");
      expect((await host.ended(cancelled)).output).toBe(42);
    },
  );
});

describe("an instance's life", () => {
  mirrors(
    "refuses to start a second instance under an id that hasn't ended (409), and takes it after",
    [extension("HttpApiHandler.cs", "HandleStartOrchestratorRequestAsync: OrchestrationAlreadyExistsException")],
    async () => {
      const id = await host.begin("events", 1, { id: "only-one" });
      await expect(host.client("startNew", "sum", { instanceId: id, input: 1 })).rejects.toThrow(/409.*already exists/);
      await host.client("raiseEvent", id, "go", 1);
      await host.ended(id);
      await host.begin("sum", 3, { id });
      expect((await host.ended(id)).output).toBe(6);
    },
  );

  mirrors(
    "refuses to start what isn't an orchestrator",
    [extension("HttpApiHandler.cs", "HandleStartOrchestratorRequestAsync: ArgumentException")],
    async () => {
      await expect(host.client("startNew", "double")).rejects.toThrow(/400.*not an orchestrator/);
    },
  );

  mirrors(
    "begins anew at continueAsNew with the new input and no history",
    [sdk("orchestrations/DurableOrchestrationContext.js", 167, "willContinueAsNew = true")],
    async () => {
      const id = await host.begin("counting", { left: 10 });
      const status = await host.ended(id);
      expect(status).toMatchObject({ output: 10, input: { left: 0, done: 10 } });
      const { historyEvents } = (await (await fetch(`${await statusUrl(id)}&showHistory=true`)).json()) as SampleStatus;
      expect(historyEvents!.filter(({ EventType }) => EventType === "TaskScheduled")).toHaveLength(0);
    },
  );

  mirrors(
    "shows its custom status and runs under the version it was started with, else the default",
    [
      sdk("orchestrations/DurableOrchestrationContext.js", 196, "this.customStatus = customStatusObject"),
      sdk("orchestrations/DurableOrchestrationContext.js", 76, ".Version"),
      extension("HttpApiHandler.cs", "HandleStartOrchestratorRequestAsync: DefaultVersion"),
    ],
    async () => {
      for (const [version, expected] of [
        [undefined, "1.0"],
        ["2.5", "2.5"],
      ] as const) {
        const id = await host.begin("statuses", undefined, version === undefined ? {} : { version });
        await until("the custom status", async () => {
          const { customStatus } = (await host.client("getStatus", id)) as SampleStatus;
          return JSON.stringify(customStatus) === '{"stage":"waiting"}';
        });
        await host.client("raiseEvent", id, "next", null);
        expect(await host.ended(id)).toMatchObject({ output: expected, customStatus: "done" });
      }
    },
  );

  mirrors(
    "ends at once when it is terminated, with the reason as its output; an activity that runs is not stopped",
    [
      extension("HttpApiHandler.cs", "HandleTerminateInstanceRequestAsync"),
      sdk("durableClient/DurableClient.js", 410, "case 410:"),
    ],
    async () => {
      const id = await host.begin("failFast");
      await until("an activity", () => notes().includes("slow begins"));
      await host.client("terminate", id, "enough");
      expect(await host.ended(id)).toMatchObject({ runtimeStatus: "Terminated", output: "enough" });
      await until("the activity to end all the same", () => notes().includes("slow ends"));
      expect(notes()).not.toContain("next begins");
      await expect(host.client("terminate", id, "again")).resolves.toBeNull();
    },
  );

  mirrors(
    "looks at nothing while it is suspended, and at everything after",
    [
      framework(
        "DurableTask.Core/TaskOrchestrationContext.cs",
        "HandleExecutionSuspendedEvent, HandleExecutionResumedEvent",
      ),
    ],
    async () => {
      const id = await host.begin("events", 1);
      await running(id);
      await host.client("suspend", id, "wait");
      await host.client("raiseEvent", id, "go", "late");
      await host.durable.idle();
      expect(await host.client("getStatus", id)).toMatchObject({ runtimeStatus: "Suspended" });
      await host.client("resume", id, "go on");
      expect((await host.ended(id)).output).toEqual(["late"]);
    },
  );

  mirrors(
    "can be purged once it has ended, not before (412)",
    [extension("HttpApiHandler.cs", "HandleDeleteHistoryByIdRequestAsync")],
    async () => {
      const id = await host.begin("events", 1);
      await expect(host.client("purgeInstanceHistory", id)).rejects.toThrow("412");
      await host.client("raiseEvent", id, "go", 1);
      await host.ended(id);
      expect(await host.client("purgeInstanceHistory", id)).toEqual({ instancesDeleted: 1 });
      expect(await host.client("purgeInstanceHistory", id)).toEqual({ instancesDeleted: 0 });
      await expect(host.client("getStatus", id)).rejects.toThrow("404");
    },
  );

  mirrors(
    "is listed page by page, and purged by conditions",
    [
      sdk("durableClient/DurableClient.js", 639, "x-ms-continuation-token"),
      extension("HttpApiHandler.cs", "HandleDeleteHistoryWithFiltersRequestAsync"),
    ],
    async () => {
      const before = new Date();
      const start = (i: number) => host.durable.startNew({ name: "sum", instanceId: `page-${i}`, input: "1" });
      await Promise.all(Array.from({ length: 120 }, (_, i) => start(i)));
      await host.durable.idle();
      const filter = { createdTimeFrom: before.toISOString(), runtimeStatus: ["Completed"] };
      const listed = (await host.client("getStatusBy", filter)) as { instanceId: string }[];
      expect(new Set(listed.map(({ instanceId }) => instanceId)).size).toBe(120);
      expect(await host.client("purgeInstanceHistoryBy", filter)).toEqual({ instancesDeleted: 120 });
      expect(await host.client("getStatusBy", filter)).toEqual([]);
    },
  );
});

/** The instance's status URL, as a start gives it to a caller outside. */
async function statusUrl(id: string): Promise<string> {
  const links = (await host.client("createHttpManagementPayload", id)) as { statusQueryGetUri: string };
  return links.statusQueryGetUri;
}
