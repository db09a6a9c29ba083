/**
 * `kill -9` at random moments. A real process runs the engine over a real app and is killed again and again; what it
 * had written is compared with what happens after. Afterwards everything has ended as if nothing had happened, and:
 * no activity ran again whose completion was in the journal; one that was running came back after its visibility
 * time-out, not before; every acknowledged signal and event is there once, every other one at most once.
 *
 * The seed is printed; UPLINK_TEST_SEED repeats the moments (not what the scheduler makes of them).
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventType, type HistoryEvent } from "../../../local/durable/history.ts";
import type { JournalRecord } from "../../../local/durable/instance.ts";

const seed = Number(process.env["UPLINK_TEST_SEED"] ?? Date.now() % 1_000_000);
const kills = 10;
const visibilityMs = 1500;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

let dir: string;
let child: ChildProcess | undefined;

/** Mulberry32: 32 bits of state, so a seed is a number that can be typed. */
function createRandom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const ledgerPath = (): string => join(dir, "ledger");
const ledger = async (): Promise<string[][]> => {
  const text = await readFile(ledgerPath(), "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => (line === "" ? [] : [line.split(" ")]));
};

function startChild(finish: boolean): { readonly out: () => string; readonly ended: Promise<number | null> } {
  let text = "";
  const started = spawn(process.execPath, [join(dir, "child.mjs")], {
    env: {
      ...process.env,
      CRASH_APP: join(dir, "app.cjs"),
      CRASH_DIR: join(dir, "state"),
      CRASH_LEDGER: ledgerPath(),
      CRASH_VISIBILITY_MS: String(visibilityMs),
      CRASH_FINISH: finish ? "1" : "0",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child = started;
  started.stdout.on("data", (part: Buffer) => {
    text += part.toString("utf8");
  });
  let errors = "";
  started.stderr.on("data", (part: Buffer) => {
    errors += part.toString("utf8");
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    started.on("error", reject);
    started.on("exit", (code, signal) => {
      child = undefined;
      if (signal === null && code !== 0) reject(new Error(`The child ended by itself with ${code}: ${errors}`));
      else resolve(code);
    });
  });
  return { out: () => text, ended };
}

type Written = {
  /** Keys of the activities whose completion is in the journal. */
  readonly completed: Set<string>;
  /** Key → when it was claimed, of those that aren't completed. */
  readonly claimed: Map<string, number>;
};

/** What the journals hold at this moment; a torn last line counts as nothing. */
async function written(): Promise<Written> {
  const completed = new Set<string>();
  const claimed = new Map<string, number>();
  const folder = join(dir, "state", "instances");
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.endsWith(".jsonl")) continue;
    const lines = (await readFile(join(folder, name), "utf8")).split("\n").slice(0, -1);
    const keys = new Map<number, string>();
    for (const record of lines.map((line) => JSON.parse(line) as JournalRecord)) {
      const events: readonly HistoryEvent[] =
        record.k === "episode" ? record.events : record.k === "message" ? [record.message.event] : [];
      for (const event of events) {
        if (event.EventType === eventType.TaskScheduled) keys.set(event.EventId, JSON.parse(event.Input ?? "").key);
        if (event.EventType !== eventType.TaskCompleted) continue;
        completed.add(JSON.parse(event.Result ?? "").key);
      }
      if (record.k === "claim") claimed.set(keys.get(record.taskId) ?? "", record.at);
    }
  }
  for (const key of completed) claimed.delete(key);
  return { completed, claimed };
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "uplink-crash-"));
  const common = { bundle: true, platform: "node", logLevel: "error" } as const;
  await build({
    ...common,
    entryPoints: [fileURLToPath(new URL("./crash-child.ts", import.meta.url))],
    outfile: join(dir, "child.mjs"),
    format: "esm",
  });
  await build({
    ...common,
    entryPoints: [here("../../fixtures/functions-app/crash-app.cjs")],
    outfile: join(dir, "app.cjs"),
    format: "cjs",
    external: ["@azure/functions-core"],
  });
});
afterAll(async () => {
  child?.kill("SIGKILL");
  await rm(dir, { recursive: true, force: true });
});

describe(`the durable engine, killed ${kills} times (seed ${seed})`, () => {
  it("goes on where it was: nothing lost, nothing completed done again", async () => {
    console.info(`crash test: UPLINK_TEST_SEED=${seed}`);
    const random = createRandom(seed);
    const done = new Map<string, number>();
    const moments: string[] = [];
    const pending: { readonly key: string; readonly at: number; readonly begun: number }[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      const run = startChild(false);
      const atStart = random() < 0.2;
      const afterMs = Math.floor(random() * (atStart ? 250 : 220));
      while (!atStart && !run.out().includes("ready")) await new Promise((resolve) => setTimeout(resolve, 2));
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      child?.kill("SIGKILL");
      await run.ended;
      const lines = await ledger();
      const begins = lines.flatMap(([what, key, at]) => (what === "begin" ? [[key, Number(at)] as const] : []));
      const now = await written();
      for (const key of now.completed) {
        const times = begins.filter(([own]) => own === key).length;
        if (!done.has(key)) done.set(key, times);
      }
      moments.push(`${atStart ? "start" : "ready"}+${afterMs} (${done.size} completed, ${now.claimed.size} claimed)`);
      for (const [key, at] of now.claimed) pending.push({ key, at, begun: begins.length });
    }
    const last = startChild(true);
    await last.ended;
    const why = `seed ${seed}; kills at ${moments.join(", ")}`;

    const lines = await ledger();
    const begins = lines.flatMap(([what, key, at]) => (what === "begin" ? [[key ?? "", Number(at)] as const] : []));
    const count = (key: string): number => begins.filter(([own]) => own === key).length;
    for (const [key, times] of done) expect([key, count(key)], why).toEqual([key, times]);
    for (const { key, at, begun } of pending) {
      const next = begins.slice(begun).find(([own]) => own === key);
      if (next !== undefined)
        expect(next[1] - at, `${key} came back too early; ${why}`).toBeGreaterThanOrEqual(visibilityMs - 1);
    }
    const again = new Set(pending.map(({ key }) => key).filter((key) => count(key) > 1));

    const { instances, entities } = JSON.parse(last.out().split("\n").at(-2) ?? "") as {
      instances: Record<string, { status: string; output: string }>;
      entities: Record<string, string[]>;
    };
    const outputs = Object.fromEntries(Object.entries(instances).map(([id, one]) => [id, JSON.parse(one.output)]));
    expect(outputs, why).toMatchObject({ chain: 24, fan: 28, "teller-a": 8, "teller-b": 8 });
    const expected = ["teller-a", "teller-b"].flatMap((id) => Array.from({ length: 8 }, (_, i) => `${id}/${i + 1}`));
    const sorted = (values: readonly string[]): string[] => [...values].sort();
    const all = (...ends: readonly string[]): string[] =>
      sorted(expected.flatMap((key) => ends.map((end) => key + end)));
    expect(sorted(entities["told"]!), why).toEqual(all("/call", "/signal"));
    expect(sorted(entities["far"]!), why).toEqual(all("/signal"));
    expect(sorted(entities["locked"]!), why).toEqual(all("/locked"));

    for (const [kind, got] of [
      ["signal", entities["outside"]!],
      ["event", outputs["collector"] as string[]],
    ] as const) {
      const tokens = (what: string): string[] =>
        lines.flatMap(([own, own2, token]) => (own === what && own2 === kind ? [token ?? ""] : []));
      expect(new Set(got).size, `${kind}s that came twice; ${why}`).toBe(got.length);
      expect(
        tokens("ack").filter((token) => !got.includes(token)),
        `${kind}s lost; ${why}`,
      ).toEqual([]);
      const tried = new Set(tokens("try"));
      expect(
        got.filter((token) => !tried.has(token)),
        why,
      ).toEqual([]);
    }
    // The test must have seen what it is about.
    expect(done.size, why).toBeGreaterThan(10);
    expect(again.size, `activities that were cut off and ran again; ${why}`).toBeGreaterThan(0);
    expect(
      lines.filter(([what, level]) => what === "log" && level === "error"),
      why,
    ).toEqual([]);
  }, 60_000);
});
