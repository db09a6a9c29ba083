/**
 * Rewind as the Azure Storage backend does it: what failed is asked for once more, what succeeded isn't; anything but a
 * failed instance is refused.
 */

import { afterAll, beforeAll, beforeEach, describe, expect } from "vitest";
import { clearNotes, notes, type SampleStatus } from "../sample-host.ts";
import { type DurableHost, startDurableHost } from "./durable-host.ts";
import { extension, extensionIssue, framework, mirrors, sdk } from "./mirrors.ts";

let host: DurableHost;
const mended = globalThis as { sampleMended?: boolean };
const store = "DurableTask.AzureStorage/Tracking/AzureTableTrackingStore.cs";

const failing = async (name: string, input: unknown): Promise<string> => {
  const id = await host.begin(name, input);
  expect((await host.ended(id)).runtimeStatus).toBe("Failed");
  return id;
};

beforeAll(async () => {
  host = await startDurableHost();
});
afterAll(() => host.close());
beforeEach(() => {
  clearNotes();
  mended.sampleMended = false;
});

describe("rewind", () => {
  mirrors(
    "asks for a failed activity once more and not for one that succeeded",
    [framework(store, "RewindHistoryAsync"), sdk("durableClient/DurableClient.js", 308, "case 202:")],
    async () => {
      const id = await failing("mendable", {});
      mended.sampleMended = true;
      await host.client("rewind", id, "mended");
      const status = await host.ended(id);
      expect(status).toMatchObject({ runtimeStatus: "Completed", output: 4 });
      expect(notes()).toEqual(["fragile 2", "fragile 2"]);
      const history = await host.durable.history(id);
      const rewound = history.flatMap(({ Reason }) => (Reason?.startsWith("Rewound: ") ? [Reason] : []));
      expect(rewound).toEqual(["Rewound: TaskScheduled", "Rewound: TaskFailed", "Rewound: ExecutionCompleted"]);
      expect(history.some(({ Data }) => Data === "mended")).toBe(true);
    },
  );

  mirrors(
    "runs an orchestrator again that threw by itself, and as often as it is asked for",
    [framework(store, "RewindHistoryAsync")],
    async () => {
      const id = await failing("throwing", {});
      await host.client("rewind", id, "too early");
      expect((await host.ended(id)).runtimeStatus).toBe("Failed");
      mended.sampleMended = true;
      await host.client("rewind", id, "now");
      expect(await host.ended(id)).toMatchObject({ runtimeStatus: "Completed", output: 8 });
    },
  );

  mirrors(
    "reaches through failed children to the deepest, which alone are woken",
    [framework(store, "RewindHistoryAsync: failed leaves")],
    async () => {
      const id = await failing("mendable", { depth: 2 });
      mended.sampleMended = true;
      await host.client("rewind", id, "mended");
      expect(await host.ended(id)).toMatchObject({ runtimeStatus: "Completed", output: 4 });
      for (const child of [`${id}-c`, `${id}-c-c`]) {
        expect(await host.client("getStatus", child)).toMatchObject({ runtimeStatus: "Completed", output: 4 });
      }
      expect(notes()).toEqual(["fragile 2", "fragile 2"]);
    },
  );

  mirrors(
    "fails again where the failure was retried: the retries' timers stay in the history without their tries",
    [extensionIssue(617), framework(store, "RewindHistoryAsync: no timers")],
    async () => {
      const id = await failing("mendable", { retry: 2 });
      mended.sampleMended = true;
      await host.client("rewind", id, "in vain");
      const status = await host.ended(id);
      expect(status).toMatchObject({ runtimeStatus: "Failed" });
      expect(status.output).toContain("Non-Deterministic workflow detected");
    },
  );

  mirrors(
    "leaves the failure's output in sight until the instance ends again, and shows it as pending until it runs",
    [extensionIssue(968), framework(store, "UpdateStatusForRewindAsync: Pending")],
    async () => {
      const id = await failing("mendable", {});
      mended.sampleMended = true;
      const { output } = (await host.client("getStatus", id)) as SampleStatus;
      const rewound = host.durable.rewind(id, "look");
      await rewound;
      const seen = host.durable.instance(id);
      expect(seen).toMatchObject({ rewound: true, staleOutput: JSON.stringify(output) });
      expect((await host.ended(id)).output).toBe(4);
    },
  );

  mirrors(
    "is refused for an unknown instance (404) and for one that hasn't failed (412)",
    [
      sdk("durableClient/DurableClient.js", 310, "case 404:"),
      sdk("durableClient/DurableClient.js", 312, "case 412:"),
      extension("HttpApiHandler.cs", "HandleRewindInstanceRequestAsync"),
    ],
    async () => {
      await expect(host.client("rewind", "nobody", "x")).rejects.toThrow(
        'No orchestration with instance ID "$nobody" found.',
      );
      const running = await host.begin("events", 1);
      await host.reached(running, ({ runtimeStatus }) => runtimeStatus === "Running");
      await expect(host.client("rewind", running, "x")).rejects.toThrow(
        'This orchestration has status Running, but only orchestrations in the "Failed" state can be rewound.',
      );
      await host.client("terminate", running, "enough");
      const terminated = await host.ended(running);
      expect(terminated.runtimeStatus).toBe("Terminated");
      await expect(host.client("rewind", running, "x")).rejects.toThrow("has status Terminated");
      const done = await host.begin("sum", 2);
      await host.ended(done);
      await expect(host.client("rewind", done, "x")).rejects.toThrow("has status Completed");
    },
  );

  mirrors(
    "changes nothing when a failed child is gone (Azure falls over half way: the child has no history to read)",
    [framework(store, "RewindHistoryAsync: recentStartRow[0]")],
    async () => {
      const id = await failing("mendable", { depth: 1 });
      await host.client("purgeInstanceHistory", `${id}-c`);
      await expect(host.client("rewind", id, "x")).rejects.toThrow(/500.*is no failed instance any more/);
      expect(await host.client("getStatus", id)).toMatchObject({ runtimeStatus: "Failed" });
    },
  );
});

describe("restart", () => {
  mirrors(
    "starts the same name with the same input, under a new id or the old one, and not while that one runs",
    [extension("HttpApiHandler.cs", "HandleRestartInstanceRequestAsync")],
    async () => {
      const post = { method: "POST" };
      const id = await host.begin("sum", 4);
      await host.ended(id);
      const again = (await (await host.webhook(`instances/${id}/restart`, post)).json()) as { id: string };
      expect(again.id).not.toBe(id);
      expect((await host.ended(again.id)).output).toBe(12);
      const same = await host.webhook(`instances/${id}/restart?restartWithNewInstanceId=false`, post);
      expect([same.status, ((await same.json()) as { id: string }).id]).toEqual([202, id]);
      expect((await host.ended(id)).output).toBe(12);
      const running = await host.begin("events", 1);
      const refused = await host.webhook(`instances/${running}/restart?restartWithNewInstanceId=false`, post);
      expect(refused.status).toBe(409);
      expect((await host.webhook("instances/nobody/restart", post)).status).toBe(400);
    },
  );
});
