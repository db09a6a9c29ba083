/**
 * Ways of Azure that the local engine copies because an orchestration can be right on one and wrong on the other. Each
 * test names the lines of the library and the members of the extension and the framework that it mirrors. The library
 * is the unmodified one. Here: status queries, the addresses of the management API.
 */

import { afterAll, beforeAll, beforeEach, describe, expect } from "vitest";
import { eventType } from "../../../local/durable/history.ts";
import { clearNotes, type SampleStatus, until } from "../sample-host.ts";
import { type DurableHost, startDurableHost } from "./durable-host.ts";
import { extension, mirrors, sdk } from "./mirrors.ts";

let host: DurableHost;
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

describe("the status query", () => {
  mirrors(
    "shows a history with names for types, schedules folded into completions, and no bookkeeping",
    [extension("ContextImplementations/DurableClient.cs", "GetDurableOrchestrationStatusAsync")],
    async () => {
      const id = await host.begin("traces");
      await until("the signal", async () =>
        (await host.durable.history(id)).some(({ EventType }) => EventType === eventType.EventSent),
      );
      await host.client("raiseEvent", id, "go", { by: "event" });
      await host.ended(id);
      const query = async (more: string): Promise<Record<string, unknown>[]> =>
        ((await (await host.webhook(`instances/${id}?showHistory=true${more}`)).json()) as SampleStatus)
          .historyEvents as Record<string, unknown>[];
      const plain = await query("&showInput=false");
      expect(plain.map(({ EventType }) => EventType)).toEqual([
        "ExecutionStarted",
        "TaskCompleted",
        "SubOrchestrationInstanceCompleted",
        "TimerCreated",
        "TimerFired",
        "EventSent",
        "EventRaised",
        "ExecutionCompleted",
      ]);
      expect(plain[0]).toEqual({
        EventType: "ExecutionStarted",
        FunctionName: "traces",
        Timestamp: expect.any(String),
      });
      expect(plain[1]).toEqual({
        EventType: "TaskCompleted",
        FunctionName: "double",
        ScheduledTime: expect.any(String),
        Timestamp: expect.any(String),
      });
      expect(plain.at(-1)).toMatchObject({ OrchestrationStatus: "Completed" });
      expect(plain.at(-1)).not.toHaveProperty("Result");
      const full = await query("&showHistoryOutput=true");
      expect(full[1]).toMatchObject({ Result: 6, Input: "3" });
      expect(full[6]).toMatchObject({ Name: "go", Input: '{"by":"event"}' });
      expect(full.at(-1)).toMatchObject({ Result: "traced" });
    },
  );

  mirrors(
    "reaches the client without its history, and with its input even when that wasn't asked for",
    [
      sdk("orchestrations/DurableOrchestrationStatus.js", 17, "this.history = init.history"),
      sdk("durableClient/DurableClient.js", 581, "if (options.showInput)"),
    ],
    async () => {
      const id = await host.begin("sum", 3);
      await host.ended(id);
      const status = await host.client("getStatus", id, { showHistory: true, showInput: false });
      expect(status).toMatchObject({ input: 3 });
      expect(status).not.toHaveProperty("history");
    },
  );

  mirrors(
    "selects by state, time and prefix, a page at a time",
    [extension("HttpApiHandler.cs", "HandleGetStatusRequestAsync(request): OrchestrationStatusQueryCondition")],
    async () => {
      const from = new Date();
      for (const id of ["sel-a", "sel-b", "other"]) await host.ended(await host.begin("sum", 1, { id }));
      const waiting = await host.begin("events", 1, { id: "sel-waiting" });
      await running(waiting);
      const ids = async (query: string): Promise<string[]> =>
        ((await (await host.webhook(`instances?${query}`)).json()) as { instanceId: string }[]).map(
          ({ instanceId }) => instanceId,
        );
      const since = `createdTimeFrom=${from.toISOString()}`;
      expect(await ids(`${since}&instanceIdPrefix=sel-`)).toEqual(["sel-a", "sel-b", "sel-waiting"]);
      expect(await ids(`${since}&runtimeStatus=Running,Pending`)).toEqual(["sel-waiting"]);
      expect(await ids(`createdTimeTo=${from.toISOString()}&instanceIdPrefix=sel-`)).toEqual([]);
      const page = await host.webhook(`instances?${since}&top=3`);
      expect(await page.json()).toHaveLength(3);
      const next = { headers: { "x-ms-continuation-token": page.headers.get("x-ms-continuation-token") ?? "" } };
      expect(await (await host.webhook(`instances?${since}&top=3`, next)).json()).toHaveLength(1);
    },
  );
});

/** The instance's status URL, as a start gives it to a caller outside. */
async function statusUrl(id: string): Promise<string> {
  const links = (await host.client("createHttpManagementPayload", id)) as { statusQueryGetUri: string };
  return links.statusQueryGetUri;
}

describe("the library's own address", () => {
  mirrors(
    "is on loopback and closed to a browser's pages",
    [extension("LocalHttpListener.cs", "StartAsync: loopback")],
    async () => {
      const { rpcBaseUrl } = (await (await fetch(`${host.url}/api/rpc`)).json()) as { rpcBaseUrl: string };
      expect(new URL(rpcBaseUrl).hostname).toBe("127.0.0.1");
      expect((await fetch(`${rpcBaseUrl}instances/`)).status).toBe(200);
      expect((await fetch(`${rpcBaseUrl}instances/`, { headers: { origin: "https://evil.example" } })).status).toBe(
        403,
      );
    },
  );
});

describe("the webhooks", () => {
  mirrors(
    "answer the links that a start hands out, and nobody without the system key",
    [extension("HttpApiHandler.cs", "GetClientResponseLinks")],
    async () => {
      const id = await host.begin("sum", 4);
      await host.ended(id);
      const url = new URL(await statusUrl(id));
      expect(url.origin).toBe(host.url);
      expect(await (await fetch(url)).json()).toMatchObject({ instanceId: id, runtimeStatus: "Completed", output: 12 });
      url.searchParams.delete("code");
      expect((await fetch(url)).status).toBe(401);
    },
  );

  mirrors(
    "say 202 with Location and Retry-After while it runs, 500 for a failure only when asked for",
    [extension("HttpApiHandler.cs", "HandleGetStatusRequestAsync")],
    async () => {
      const waiting = await fetch(await statusUrl(await host.begin("events", 1)));
      expect([waiting.status, waiting.headers.get("retry-after")]).toEqual([202, "5"]);
      const id = await host.begin("failing");
      await host.ended(id);
      expect((await fetch(await statusUrl(id))).status).toBe(200);
      expect((await fetch(`${await statusUrl(id)}&returnInternalServerErrorOnFailure=true`)).status).toBe(500);
    },
  );
});
