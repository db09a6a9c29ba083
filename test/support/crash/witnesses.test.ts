/** What the crash tests rely on tells a fault when there is one: the journal's witness, the effects' log, the door. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { historyEvent } from "../../../local/durable/history.ts";
import type { JournalRecord } from "../../../local/durable/instance.ts";
import { createMemoryRowStore } from "../../../shared/adapters/memory/row-store.ts";
import { createProvisioningLog, type LogEntry } from "../../../shared/application/state/provisioning-log.ts";
import { readLoggedEffects } from "./effects.ts";
import { createJournalWitness } from "./journal-witness.ts";
import { createStorageDoor } from "./storage-door.ts";

describe("the journal's witness", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "uplink-witness-"));
    await mkdir(join(folder, "durable", "UplinkHub", "instances"), { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const at = Date.parse("2026-03-01T08:00:00Z");
  const start: JournalRecord = {
    ...{ k: "start", at, id: "run-1", name: "SyncRun", version: null, input: null, executionId: "e", parent: null },
    ...{ createdAt: at, customStatus: null, inbox: [], suspended: false },
  };
  const scheduled: JournalRecord = {
    ...{ k: "episode", at, took: 0, customStatus: null, end: null },
    events: [historyEvent("TaskScheduled", at, { EventId: 0, Name: "MapChunk" })],
  };
  const claim = (afterMs: number): JournalRecord => ({ k: "claim", at: at + afterMs, taskId: 0 });
  const completion: JournalRecord = {
    ...{ k: "message", at },
    message: { event: historyEvent("TaskCompleted", at, { TaskScheduledId: 0, Result: "1" }), executionId: "e" },
  };

  /** What it says when the host died after the first records and wrote the others later. */
  async function testimony(before: readonly JournalRecord[], after: readonly JournalRecord[]) {
    const file = join(folder, "durable", "UplinkHub", "instances", "run-1.jsonl");
    const write = (records: readonly JournalRecord[]): Promise<void> =>
      writeFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(""), { flag: "a" });
    const witness = createJournalWitness({
      ...{ hostFolder: folder, folder: join(folder, "witness"), visibilityTimeoutMs: 1000 },
    });
    await write(before);
    const running = await witness.keep();
    await write(after);
    // The orchestration goes on as new: its file is another one from now on.
    await rm(file);
    return { running: running.map(({ name }) => name), ...(await witness.testify()) };
  }

  it("names orchestrations that wait for a timer and for nothing else", async () => {
    const timer = (EventId: number) =>
      historyEvent("TimerCreated", at, { EventId, FireAt: new Date(at + 5000).toISOString() });
    const waiting: JournalRecord = {
      ...{ k: "episode", at, took: 0, customStatus: null, end: null },
      events: [timer(0)],
    };
    const file = (id: string): string => join(folder, "durable", "UplinkHub", "instances", `${id}.jsonl`);
    const write = (id: string, records: readonly JournalRecord[]): Promise<void> =>
      writeFile(file(id), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    await write("waits", [{ ...start, id: "waits" }, waiting]);
    await write("works", [
      { ...start, id: "works" },
      { ...scheduled, events: [...scheduled.events, timer(1)] },
    ]);
    const witness = createJournalWitness({
      ...{ hostFolder: folder, folder: join(folder, "witness"), visibilityTimeoutMs: 1000 },
    });
    expect(await witness.waiting()).toEqual(["waits"]);
  });

  it("finds nothing where an interrupted activity ran again in time", async () => {
    const said = await testimony([start, scheduled, claim(0)], [claim(1000), completion]);
    expect(said).toEqual({ running: ["MapChunk"], completions: 1, repetitions: 1, faults: [] });
  });

  it.each<[string, readonly JournalRecord[], readonly JournalRecord[]]>([
    ["ran after its completion", [start, scheduled, claim(0), completion], [claim(5000)]],
    ["ran again 400 ms after it had begun", [start, scheduled, claim(0)], [claim(400), completion]],
    ["was interrupted for good", [start, scheduled, claim(0)], []],
  ])("tells of an activity that %s", async (words, before, after) => {
    expect((await testimony(before, after)).faults).toEqual([expect.stringContaining(words)]);
  });
});

describe("the reader of logged effects", () => {
  const entry = (index: number, overrides: Partial<LogEntry>): LogEntry => ({
    ...{ jobId: "job", cycleId: "job-1", batchId: "job-1-1", index, at: Date.parse("2026-03-01T08:00:00Z") },
    ...{ action: "create", outcome: "exported", status: "success", targetId: "t" },
    source: { objectGuid: "11111111-1111-4111-8111-111111111111", dn: "CN=a", objectClass: "user" },
    ...{ before: {}, after: { displayName: "A" }, steps: [], change: "", agentId: "", server: "", schemaVersion: 1 },
    ...overrides,
  });

  it.each<[string, Partial<LogEntry>]>([
    ["creates what is there", {}],
    ["sets what was set", { action: "update" }],
    ["sets what was set", { action: "update", batchId: "job-1-links" }],
  ])("tells of an entry that %s", async (words, second) => {
    const rows = createMemoryRowStore();
    await createProvisioningLog({ rows }).write([entry(0, {}), entry(1, second)]);
    expect((await readLoggedEffects(rows, "job")).faults).toEqual([expect.stringContaining(words)]);
  });

  it("tells of an effect that is logged at two times", async () => {
    const rows = createMemoryRowStore();
    const log = createProvisioningLog({ rows });
    await log.write([entry(0, {})]);
    await log.write([entry(0, { at: Date.parse("2026-03-01T10:00:00Z") })]);
    expect((await readLoggedEffects(rows, "job")).faults).toContainEqual(expect.stringContaining("in the log twice"));
  });

  it("finds nothing in a life of changes", async () => {
    const rows = createMemoryRowStore();
    await createProvisioningLog({ rows }).write([
      entry(0, {}),
      entry(1, { action: "update", after: { displayName: "B" } }),
      entry(2, { action: "delete", after: {} }),
      entry(3, { action: "create" }),
    ]);
    expect(await readLoggedEffects(rows, "job")).toMatchObject({ faults: [] });
  });

  const members = (index: number, came: readonly string[], went: readonly string[] = []): LogEntry =>
    entry(index, {
      ...{ action: "update", batchId: `job-${index}-links`, after: { members: [`+${came.length}`, ...came] } },
      before: went.length === 0 ? {} : { members: [`-${went.length}`, ...went] },
    });

  it("tells of members who come to a group twice", async () => {
    const rows = createMemoryRowStore();
    await createProvisioningLog({ rows }).write([entry(4, {}), members(0, ["a"]), members(1, ["a"])]);
    expect((await readLoggedEffects(rows, "job")).faults).toEqual([expect.stringContaining("sets what was set")]);
  });

  it("finds nothing in members who come, go and come again, nor in those who wait", async () => {
    const rows = createMemoryRowStore();
    await createProvisioningLog({ rows }).write([
      entry(4, {}),
      ...[members(0, ["a"]), members(1, []), members(2, [], ["a"]), members(3, ["a"])],
    ]);
    expect(await readLoggedEffects(rows, "job")).toMatchObject({ faults: [] });
  });
});

it("a storage door that is shut refuses, and lets through again once it is open", async () => {
  const server = createServer((_request, response) => void response.end("there"));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const door = createStorageDoor();
  const url = await door.through(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const ask = async (): Promise<string> => (await fetch(url)).text();
  expect(await ask()).toBe("there");
  await door.shut();
  await expect(ask()).rejects.toThrow("fetch failed");
  await door.open();
  expect(await ask()).toBe("there");
  await door.end();
  server.closeAllConnections();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
});
