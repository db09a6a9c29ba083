/**
 * Ways of Azure that the local engine copies because an orchestration can be right on one and wrong on the other. Each
 * test names what it mirrors: the Durable extension's out-of-process shim (`OutOfProcOrchestrationShim`), its context
 * (`DurableOrchestrationContext`), its HTTP handler (`HttpApiHandler`), the framework below (`DurableTask.Core`), and
 * the library's reading of all of them. The library is the unmodified one.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { clearNotes, notes, type SampleHost, type SampleStatus, startSampleHost, until } from "../sample-host.ts";

let host: SampleHost;
const run = async (name: string, input?: unknown): Promise<SampleStatus> => host.ended(await host.begin(name, input));
const running = (id: string) =>
  until(`${id} to run`, async () => {
    const { runtimeStatus } = (await host.client("getStatus", id)) as SampleStatus;
    return runtimeStatus === "Running";
  });

beforeAll(async () => {
  host = await startSampleHost({ durableTask: { defaultVersion: "1.0" } });
});
afterAll(() => host.close());
beforeEach(clearNotes);

describe("the order of actions", () => {
  it("starts the next action only when all siblings of a Task.all that failed fast have ended (shim awaits Task.WhenAll)", async () => {
    expect((await run("failFast")).output).toBe("done");
    const seen = notes();
    expect(seen.indexOf("caught")).toBeLessThan(seen.indexOf("slow ends"));
    expect(seen.indexOf("next begins")).toBeGreaterThan(seen.indexOf("slow ends"));
  });

  it("lets an orchestrator that failed fast fail only when the siblings have ended (shim replays actions before it throws)", async () => {
    const status = await run("failFastEnd");
    expect(status.runtimeStatus).toBe("Failed");
    expect(notes()).toContain("slow ends");
  });

  it("schedules a task when it is yielded, not when it is made (library's addToActions)", async () => {
    expect((await run("laterYield")).output).toBe("done");
    expect(notes().filter((note) => note !== "between")).toEqual([
      "second begins",
      "second ends",
      "first begins",
      "first ends",
    ]);
  });

  it("runs activities again whose tasks are yielded again in another Task.any (durable-js issue 574)", async () => {
    expect((await run("reYielding")).output).toEqual(["a", "b", "c"]);
    const begins = notes().filter((note) => String(note).endsWith("begins"));
    expect(begins.filter((note) => note === "a begins")).toHaveLength(1);
    expect(begins.filter((note) => note === "b begins").length).toBeGreaterThan(1);
    expect(begins.filter((note) => note === "c begins").length).toBeGreaterThan(1);
  });

  it("throws on an empty Task.all (library's CompoundTask)", async () => {
    expect((await run("emptyAll")).output).toContain("at least one Task");
  });

  it("fails an orchestrator that decides otherwise on replay (framework's NonDeterministicOrchestrationException)", async () => {
    expect((await run("whimsical")).output).toContain("Non-Deterministic workflow detected");
  });
});

describe("values", () => {
  it("pass through JSON: null arrives as undefined, a boolean as .NET's text (extension's DurableActivityContext)", async () => {
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
  });

  it("tell an activity the id of the instance that called it (extension's binding data)", async () => {
    const id = await host.begin("inputs", ["x"]);
    expect((await host.ended(id)).output).toMatchObject([{ instanceId: id }]);
  });

  it("carry a failure's reason and details as one text (extension's TaskFailureException, library's extractResult)", async () => {
    const { output } = await run("retrying", { failures: 9, attempts: 1 });
    const { failed } = output as { failed: string };
    expect(failed).toMatch(/^Activity function 'flaky' failed: try 1 \n \{.*"Message":"TypeError: try 1"/);
  });

  it("prefix an orchestrator's failure with its name (extension's OrchestrationFailureException)", async () => {
    const status = await run("failing");
    expect(status.runtimeStatus).toBe("Failed");
    expect(status.output).toMatch(/^Orchestrator function 'failing' failed: Activity function 'record' failed: doomed/);
  });
});

describe("retries", () => {
  it("run in the framework until a try succeeds (framework's RetryInterceptor)", async () => {
    expect((await run("retrying", { failures: 2, attempts: 3 })).output).toEqual({ tries: 3 });
  });

  it("wait once more after the last failure (RetryInterceptor makes the timer, the library waits for it)", async () => {
    const first = 120;
    const { output } = await run("retrying", { failures: 9, attempts: 2, first });
    const ended = Date.now();
    expect(output).toHaveProperty("failed");
    const tries = notes() as { at: number }[];
    expect(tries).toHaveLength(2);
    expect(ended - tries[1]!.at).toBeGreaterThanOrEqual(first - 5);
  });

  it("start a failed sub-orchestration anew under another id", async () => {
    const { output } = await run("parent", { children: [{ fail: true }], retry: 3 });
    expect(output).toMatchObject([{ error: expect.stringContaining("child says no") }]);
    const all = (await host.client("getStatusAll")) as { name: string; instanceId: string }[];
    const ids = all.filter(({ name }) => name === "child").map(({ instanceId }) => instanceId);
    expect(new Set(ids).size).toBe(3);
  });
});

describe("sub-orchestrations", () => {
  it("are named after the parent's execution, know their parent and give their result", async () => {
    const id = await host.begin("parent", { children: [{ value: 2 }, { value: 3, id: "own-name" }] });
    expect((await host.ended(id)).output).toEqual([
      { doubled: 4, id: expect.stringMatching(/^[0-9a-f]{32}:0$/), parent: id },
      { doubled: 6, id: "own-name", parent: id },
    ]);
  });

  it("give their failure, name first", async () => {
    const { output } = await run("parent", { children: [{ fail: true }] });
    expect(output).toMatchObject([
      { error: expect.stringMatching(/^Orchestrator function 'child' failed: child says no/) },
    ]);
  });
});

describe("timers and events", () => {
  it("let the first of an event and a timer win", async () => {
    expect((await run("race", { timeoutMs: 30 })).output).toBe("timeout");
    const id = await host.begin("race", { timeoutMs: 60_000 });
    await running(id);
    await host.client("raiseEvent", id, "go", { by: "event" });
    expect((await host.ended(id)).output).toEqual({ by: "event" });
  });

  it("keep events that arrive before they are waited for, in their order (context's bufferedExternalEvents)", async () => {
    const id = await host.begin("events", 3);
    for (const value of ["a", "b", "c"]) await host.client("raiseEvent", id, "go", value);
    expect((await host.ended(id)).output).toEqual(["a", "b", "c"]);
  });

  it("are lost at continueAsNew when they were not consumed (shim passes preserveUnprocessedEvents: false)", async () => {
    const id = await host.begin("restarting", { round: 0 });
    await running(id);
    await host.client("raiseEvent", id, "kept", 1);
    await host.durable.idle();
    await host.client("raiseEvent", id, "again", 1);
    expect((await host.ended(id)).output).toBe("lost");
  });

  it("reach the new execution when they arrive after continueAsNew", async () => {
    const id = await host.begin("restarting", { round: 0 });
    await running(id);
    await host.client("raiseEvent", id, "again", 1);
    await until("the second round", async () => {
      const { input } = (await host.client("getStatus", id)) as { input: { round: number } };
      return input.round === 1;
    });
    await host.client("raiseEvent", id, "kept", 1);
    expect((await host.ended(id)).output).toBe("kept");
  });

  it("are swallowed when the instance has finished: 410, which the client calls success", async () => {
    const id = await host.begin("sum", 1);
    await host.ended(id);
    await expect(host.client("raiseEvent", id, "go", 1)).resolves.toBeNull();
    await expect(host.client("raiseEvent", "nobody", "go", 1)).rejects.toThrow("No instance with ID 'nobody' found");
  });
});

describe("an instance's life", () => {
  it("refuses to start a second instance under an id that hasn't ended (handler answers 409), and takes it after", async () => {
    const id = await host.begin("events", 1, { id: "only-one" });
    await expect(host.client("startNew", "sum", { instanceId: id, input: 1 })).rejects.toThrow(/409.*already exists/);
    await host.client("raiseEvent", id, "go", 1);
    await host.ended(id);
    await host.begin("sum", 3, { id });
    expect((await host.ended(id)).output).toBe(6);
  });

  it("refuses to start what isn't an orchestrator", async () => {
    await expect(host.client("startNew", "double")).rejects.toThrow(/400.*not an orchestrator/);
  });

  it("begins anew at continueAsNew with the new input and no history", async () => {
    const id = await host.begin("counting", { left: 10 });
    const status = await host.ended(id);
    expect(status).toMatchObject({ output: 10, input: { left: 0, done: 10 } });
    const { historyEvents } = (await (await fetch(`${await statusUrl(id)}&showHistory=true`)).json()) as SampleStatus;
    expect(historyEvents!.filter(({ EventType }) => EventType === "TaskScheduled")).toHaveLength(0);
  });

  it("shows its custom status and runs under the version it was started with, else the default", async () => {
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
  });

  it("ends at once when it is terminated, with the reason as its output; an activity that runs is not stopped", async () => {
    const id = await host.begin("failFast");
    await until("an activity", () => notes().includes("slow begins"));
    await host.client("terminate", id, "enough");
    expect(await host.ended(id)).toMatchObject({ runtimeStatus: "Terminated", output: "enough" });
    await until("the activity to end all the same", () => notes().includes("slow ends"));
    expect(notes()).not.toContain("next begins");
    await expect(host.client("terminate", id, "again")).resolves.toBeNull();
  });

  it("looks at nothing while it is suspended, and at everything after", async () => {
    const id = await host.begin("events", 1);
    await running(id);
    await host.client("suspend", id, "wait");
    await host.client("raiseEvent", id, "go", "late");
    await host.durable.idle();
    expect(await host.client("getStatus", id)).toMatchObject({ runtimeStatus: "Suspended" });
    await host.client("resume", id, "go on");
    expect((await host.ended(id)).output).toEqual(["late"]);
  });

  it("can be purged once it has ended, not before (handler answers 412)", async () => {
    const id = await host.begin("events", 1);
    await expect(host.client("purgeInstanceHistory", id)).rejects.toThrow("412");
    await host.client("raiseEvent", id, "go", 1);
    await host.ended(id);
    expect(await host.client("purgeInstanceHistory", id)).toEqual({ instancesDeleted: 1 });
    expect(await host.client("purgeInstanceHistory", id)).toEqual({ instancesDeleted: 0 });
    await expect(host.client("getStatus", id)).rejects.toThrow("404");
  });

  it("is listed page by page, and purged by conditions", async () => {
    const before = new Date();
    const start = (i: number) => host.durable.startNew({ name: "sum", instanceId: `page-${i}`, input: "1" });
    await Promise.all(Array.from({ length: 120 }, (_, i) => start(i)));
    await host.durable.idle();
    const filter = { createdTimeFrom: before.toISOString(), runtimeStatus: ["Completed"] };
    const listed = (await host.client("getStatusBy", filter)) as { instanceId: string }[];
    expect(new Set(listed.map(({ instanceId }) => instanceId)).size).toBe(120);
    expect(await host.client("purgeInstanceHistoryBy", filter)).toEqual({ instancesDeleted: 120 });
    expect(await host.client("getStatusBy", filter)).toEqual([]);
  });
});

/** The instance's status URL, as a start gives it to a caller outside. */
async function statusUrl(id: string): Promise<string> {
  const links = (await host.client("createHttpManagementPayload", id)) as { statusQueryGetUri: string };
  return links.statusQueryGetUri;
}

describe("the library's own address", () => {
  it("is on loopback and closed to a browser's pages", async () => {
    const { rpcBaseUrl } = (await (await fetch(`${host.url}/api/rpc`)).json()) as { rpcBaseUrl: string };
    expect(new URL(rpcBaseUrl).hostname).toBe("127.0.0.1");
    expect((await fetch(`${rpcBaseUrl}instances/`)).status).toBe(200);
    expect((await fetch(`${rpcBaseUrl}instances/`, { headers: { origin: "https://evil.example" } })).status).toBe(403);
  });
});

describe("the webhooks", () => {
  it("answer the links that a start hands out, and nobody without the system key", async () => {
    const id = await host.begin("sum", 4);
    await host.ended(id);
    const url = new URL(await statusUrl(id));
    expect(url.origin).toBe(host.url);
    expect(await (await fetch(url)).json()).toMatchObject({ instanceId: id, runtimeStatus: "Completed", output: 12 });
    url.searchParams.delete("code");
    expect((await fetch(url)).status).toBe(401);
  });

  it("say 202 with Location and Retry-After while it runs, 500 for a failure only when asked for", async () => {
    const waiting = await fetch(await statusUrl(await host.begin("events", 1)));
    expect([waiting.status, waiting.headers.get("retry-after")]).toEqual([202, "5"]);
    const id = await host.begin("failing");
    await host.ended(id);
    expect((await fetch(await statusUrl(id))).status).toBe(200);
    expect((await fetch(`${await statusUrl(id)}&returnInternalServerErrorOnFailure=true`)).status).toBe(500);
  });
});
