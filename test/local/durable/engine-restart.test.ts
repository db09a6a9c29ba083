/** What a process that is left behind as killed owes to the next one: entities, locks, scheduled signals, rewinds. */

import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EntityTrigger } from "../../../local/durable/entity-batch.ts";
import { notes, until } from "../sample-host.ts";
import { createStoppedClock, outcome, start, useEngines } from "./engine-harness.ts";

const { dir, engineWith, abandon } = useEngines();
const hang = (): Promise<never> => new Promise(() => undefined);
const values = (trigger: EntityTrigger): unknown => JSON.parse(trigger.state ?? "null");
const entityFile = async (): Promise<string> => {
  const folder = join(dir(), "entities");
  const [name = ""] = await readdir(folder);
  return join(folder, name);
};

describe("entities, after a restart", () => {
  it("have every acknowledged signal once, also those whose batch was cut off", async () => {
    const first = await engineWith({ runEntity: hang });
    for (const n of [1, 2, 3]) await first.signalEntity("Counter", "a", "add", String(n));
    await until("the batch to run", () => first.counters() !== undefined);
    abandon(first);
    const second = await engineWith();
    await until("the sum", () => second.entity("Counter", "a")?.state === "6");
    abandon(second);
    const third = await engineWith();
    await third.idle();
    expect(third.entity("Counter", "a")?.state).toBe("6");
    expect(notes()).toHaveLength(3);
  });

  it("answer a call that nobody had answered, and don't carry it out again", async () => {
    const first = await engineWith({ runEntity: hang });
    const id = await start(first, "entityCalls", [
      ["call", "b", "add", 5],
      ["call", "b", "get"],
    ]);
    await until("the call to arrive", async () => (await readdir(join(dir(), "entities"))).length === 1);
    await until("it to be written", async () => (await readFile(await entityFile(), "utf8")).includes('"add"'));
    abandon(first);
    const second = await engineWith();
    expect((await outcome(second, id)).output).toBe("[null,5]");
  });

  it("send an answer again that may not have arrived, and an orchestration takes the first alone", async () => {
    const first = await engineWith();
    const id = await start(first, "entityCalls", [["call", "c", "get"]], "asker");
    await outcome(first, id);
    const waiting = await start(first, "holder", { key: "d", end: "release" }, "holder");
    await until("the lock", () => first.instance(waiting)?.customStatus === '"holds"');
    await first.stop();
    // The note that it was sent is cut off: the lock's answer goes out once more.
    const path = await until("the file", async () => {
      for (const name of await readdir(join(dir(), "entities")))
        if (name.includes("d-")) return join(dir(), "entities", name);
      return undefined;
    });
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    const batch = lines.findLastIndex((line) => line.includes('"k":"batch"'));
    await writeFile(path, `${lines.slice(0, batch + 1).join("\n")}\n`);
    const second = await engineWith();
    await second.raiseEvent(waiting, "let go", "null");
    expect((await outcome(second, waiting)).output).toBe('"release"');
    const answers = (await second.history(waiting)).filter(({ Name }) => Name?.includes("-"));
    expect(answers).toHaveLength(1);
  });

  it("stay locked by who held them", async () => {
    const first = await engineWith();
    const id = await start(first, "holder", { key: "e", end: "release" });
    await until("the lock", () => first.instance(id)?.customStatus === '"holds"');
    abandon(first);
    const second = await engineWith();
    await second.signalEntity("Counter", "e", "add", "1");
    await second.idle();
    expect(second.entity("Counter", "e")).toBeUndefined();
    await second.raiseEvent(id, "let go", "null");
    await outcome(second, id);
    await until("the signal", () => second.entity("Counter", "e")?.state === "1");
  });

  it("carry out signals whose time came while nobody ran, and wait for the others", async () => {
    const clock = createStoppedClock();
    const first = await engineWith({ clock });
    await first.signalEntity("Counter", "f", "keep", '"before"');
    await first.idle();
    await first.stop(0);
    const path = await entityFile();
    for (const [id, dueMs] of [
      ["soon", clock.nowMs() + 1000],
      ["later", clock.nowMs() + 60_000],
    ] as const) {
      const from = { parent: null, parentExecution: null };
      const message = { kind: "operation", id, operation: "keep", input: `"${id}"`, signal: true, dueMs, ...from };
      const record = { k: "message", at: clock.nowMs(), envelope: { id, to: "@counter@f", message } };
      await appendFile(path, `${JSON.stringify(record)}\n`);
    }
    await clock.forward(5000, first);
    const seen: unknown[] = [];
    const second = await engineWith({
      clock,
      runEntity: async (_name, trigger) => {
        const kept = trigger.batch.flatMap(({ name, input }) => (name === "keep" ? [JSON.parse(input ?? "null")] : []));
        seen.push(...kept);
        const state = JSON.stringify([...((values(trigger) as unknown[] | null) ?? []), ...kept]);
        const results = trigger.batch.map(() => ({ isError: false }));
        return { entityExists: true, entityState: state, results, signals: [] };
      },
    });
    await clock.forward(0, second);
    expect(seen).toEqual(["soon"]);
    await clock.forward(54_999, second);
    expect(seen).toEqual(["soon"]);
    await clock.forward(1, second);
    expect(seen).toEqual(["soon", "later"]);
    expect(second.entity("Counter", "f")?.state).toBe('["before","soon","later"]');
  });

  it("keep their files short", async () => {
    const engine = await engineWith();
    for (let i = 0; i < 300; i += 1) await engine.signalEntity("Counter", "g", "add", "1");
    await until("the sum", () => engine.entity("Counter", "g")?.state === "300");
    await engine.stop();
    expect((await readFile(await entityFile(), "utf8")).split("\n").length).toBeLessThan(450);
    const second = await engineWith();
    expect(second.entity("Counter", "g")?.state).toBe("300");
  });

  it("leave nothing behind when they are gone", async () => {
    const engine = await engineWith();
    await engine.signalEntity("Counter", "h", "add", "1");
    await engine.signalEntity("Counter", "h", "delete", null);
    await until("the file to go", async () => (await readdir(join(dir(), "entities"))).length === 0);
  });

  it("refuse to start from a damaged file, by name", async () => {
    const first = await engineWith();
    await first.signalEntity("Counter", "i", "add", "1");
    await first.stop();
    const path = await entityFile();
    await appendFile(path, "{}x\n{}\n");
    await expect(engineWith()).rejects.toThrow(`The journal ${path} is damaged: line`);
  });
});

describe("rewinds, after a restart", () => {
  it("go on: a process that died after it had accepted one", async () => {
    let mended = false;
    const runActivity = (name: string): Promise<string | null> =>
      name === "fragile" && !mended ? Promise.reject(new Error("not mended")) : Promise.resolve("2");
    const first = await engineWith({ runActivity });
    const id = await start(first, "mendable", { depth: 1 }, "root");
    expect((await outcome(first, id)).status).toBe("Failed");
    abandon(first);
    const second = await engineWith({ runActivity: hang });
    expect(await second.rewind(id, "mended")).toBe("accepted");
    abandon(second);
    mended = true;
    const third = await engineWith({ runActivity, visibilityTimeoutMs: 0 });
    expect(await outcome(third, id)).toMatchObject({ status: "Completed", output: "2" });
    expect(third.instance("root-c")).toMatchObject({ status: "Completed" });
  });
});
