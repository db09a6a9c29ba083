import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clearNotes, notes, type SampleHost, type SampleOptions, startSampleHost, until } from "../sample-host.ts";

type TimerNote = {
  timer: {
    isPastDue: boolean;
    schedule: unknown;
    scheduleStatus?: { last: string; next: string; lastUpdated: string };
  };
  hub: string;
};
const gates = globalThis as { sampleTimerGate?: (() => Promise<void>) | undefined };
const timerNotes = (): TimerNote[] => notes() as TimerNote[];

let stateDir: string;
let host: SampleHost | undefined;
const start = async (options: SampleOptions): Promise<SampleHost> => {
  host = await startSampleHost({ stateDir, ...options });
  return host;
};
const monitor = async (next: string): Promise<void> => {
  await mkdir(join(stateDir, "timers"), { recursive: true });
  const status = { Last: "2020-01-01T02:00:00.000Z", Next: next, LastUpdated: "2020-01-01T02:00:00.000Z" };
  await writeFile(join(stateDir, "timers", "nightly.json"), JSON.stringify(status));
};

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "uplink-timers-"));
  clearNotes();
});
afterEach(async () => {
  gates.sampleTimerGate = undefined;
  await host?.stop();
  host = undefined;
  await rm(stateDir, { recursive: true, force: true });
});

describe("a timer trigger", () => {
  it("runs on its schedule, with the timer's information and its extra inputs", async () => {
    await start({ env: { SAMPLE_SCHEDULE: "* * * * * *" } });
    await until("a run", () => timerNotes()[0]);
    expect(timerNotes()[0]).toMatchObject({
      timer: { isPastDue: false, schedule: { adjustForDST: true } },
      hub: "SampleHub",
    });
  });

  it("takes a TimeSpan as an interval", async () => {
    await start({ env: { SAMPLE_SCHEDULE: "00:00:00.050" } });
    await until("three runs", () => timerNotes().length >= 3);
  });

  it("never runs twice at once: an occurrence that falls into a run is skipped, a run by hand waits", async () => {
    let running = 0;
    let most = 0;
    gates.sampleTimerGate = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 60));
      running -= 1;
    };
    const { runTimer } = await start({ env: { SAMPLE_SCHEDULE: "00:00:00.020" } });
    await until("a run", () => running === 1);
    await Promise.all([runTimer("nightly"), runTimer("nightly")]);
    expect(timerNotes().length).toBeGreaterThanOrEqual(3);
    expect(most).toBe(1);
  });

  it("runs by hand with the status of its schedule, and gives the caller its failure", async () => {
    await monitor("2099-01-01T02:00:00.000Z");
    const { runTimer } = await start({});
    await runTimer("nightly");
    expect(timerNotes()[0]!.timer).toMatchObject({
      isPastDue: false,
      scheduleStatus: { last: "2020-01-01T02:00:00.000Z", next: "2099-01-01T02:00:00.000Z" },
    });
    gates.sampleTimerGate = () => Promise.reject(new Error("no"));
    await expect(runTimer("nightly")).rejects.toThrow("no");
    await expect(runTimer("daily")).rejects.toThrow("no timer function 'daily'");
  });

  it("runs by hand through the administration API, which doesn't wait", async () => {
    const { url } = await start({});
    const response = await fetch(`${url}/admin/functions/nightly`, {
      method: "POST",
      body: JSON.stringify({ input: "" }),
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(202);
    await until("the run", () => timerNotes().length === 1);
  });

  it("runs at the start when an occurrence was missed, and says that it is past due", async () => {
    await monitor("2020-01-02T02:00:00.000Z");
    await start({});
    await until("the late run", () => timerNotes()[0]);
    expect(timerNotes()[0]!.timer.isPastDue).toBe(true);
  });

  it("doesn't run at the start when none was missed", async () => {
    await monitor("2099-01-02T02:00:00.000Z");
    await start({});
    await new Promise((resolve) => setImmediate(resolve));
    expect(notes()).toEqual([]);
  });

  it("runs at the start when it says so, unless it is switched off", async () => {
    await start({ env: { "AzureWebJobs.atStart.Disabled": "false" } });
    await until("the run", () => notes().includes("atStart"));
    await host?.stop();
    clearNotes();
    await start({});
    expect(host?.functions).not.toContain("atStart");
    expect(notes()).toEqual([]);
  });

  it("logs a failure and waits for its next time", async () => {
    gates.sampleTimerGate = () => Promise.reject(new Error("broken tonight"));
    const { logs } = await start({ env: { SAMPLE_SCHEDULE: "00:00:00.020" } });
    await until("two runs", () => timerNotes().length >= 2);
    expect(logs.join("\n")).toContain("broken tonight");
  });
});
