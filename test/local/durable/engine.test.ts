import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { until } from "../sample-host.ts";
import { createStoppedClock, outcome, start, useEngines } from "./engine-harness.ts";

const dayMs = 24 * 3600 * 1000;
const { dir, engineWith, abandon } = useEngines();

describe("the durable engine", () => {
  it("runs hundreds of instances at once within its limits", async () => {
    let running = 0;
    let most = 0;
    const orchestrators = { running: 0, most: 0 };
    const engine = await engineWith({
      onOrchestrator: async () => {
        orchestrators.running += 1;
        orchestrators.most = Math.max(orchestrators.most, orchestrators.running);
        await new Promise((resolve) => setImmediate(resolve));
        orchestrators.running -= 1;
      },
      runActivity: async (_name, input) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return String(Number(input) * 2);
      },
    });
    const ids = await Promise.all(Array.from({ length: 300 }, (_, i) => start(engine, "sum", 5, `many-${i}`)));
    for (const id of ids) expect((await outcome(engine, id)).output).toBe("20");
    expect(most).toBe(4);
    expect(orchestrators.most).toBe(2);
    expect(engine.counters()["sum"]).toMatchObject({ started: 300, completed: 300, activities: 1500 });
  });

  it("coalesces completions that are ready into one episode", async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const engine = await engineWith({
      maxConcurrentActivities: 50,
      runActivity: async () => {
        await gate;
        return "1";
      },
    });
    const id = await start(engine, "sum", 50);
    await until("all activities to run", () => engine.counters()["sum"]?.activities === 50);
    release();
    await outcome(engine, id);
    expect(engine.counters()["sum"]?.episodes).toBe(2);
  });

  it("fires timers of more than six days on the day", async () => {
    const clock = createStoppedClock();
    const engine = await engineWith({ clock });
    const id = await start(engine, "sleeper", 20 * dayMs);
    await clock.forward(20 * dayMs - 1, engine);
    expect(engine.instance(id)).not.toHaveProperty("status");
    await clock.forward(1, engine);
    expect(await outcome(engine, id)).toMatchObject({ status: "Completed", output: '"slept"' });
  });

  it("backs off between tries up to the maximum interval", async () => {
    const clock = createStoppedClock();
    const tries: number[] = [];
    const engine = await engineWith({
      clock,
      runActivity: () => {
        tries.push(clock.nowMs());
        return Promise.reject(new Error("no"));
      },
    });
    const id = await start(engine, "retrying", { failures: 9, attempts: 5, first: 1000, backoff: 2, max: 3000 });
    await clock.forward(60_000, engine);
    expect((await outcome(engine, id)).output).toContain("Activity function 'flaky' failed: no");
    expect(tries.map((at, index) => at - (tries[index - 1] ?? at))).toEqual([0, 1000, 2000, 3000, 3000]);
  });

  it("forgets finished instances after their time, with their files", async () => {
    const clock = createStoppedClock();
    const engine = await engineWith({ clock, keepFinishedMs: 3_600_000 });
    const id = await start(engine, "sum", 1);
    await clock.forward(0, engine);
    await outcome(engine, id);
    expect(await readdir(join(dir(), "instances"))).toHaveLength(1);
    await clock.forward(2 * 3_600_000, engine);
    await until("the file to go", async () => (await readdir(join(dir(), "instances"))).length === 0);
    expect(engine.instance(id)).toBeUndefined();
  });

  it("keeps no more finished instances than it may", async () => {
    const engine = await engineWith({ keepFinishedInstances: 20 });
    for (let i = 0; i < 60; i += 1) await outcome(engine, await start(engine, "sum", 1, `n-${i}`));
    await until("the sweep", () => [...engine.instances()].length <= 22);
    expect(engine.instance("n-59")).toBeDefined();
    expect(engine.instance("n-0")).toBeUndefined();
    expect((await readdir(join(dir(), "instances"))).length).toBeLessThanOrEqual(22);
  });
});

describe("the durable engine, started again on the same folder", () => {
  const hang = (): Promise<string | null> => new Promise(() => undefined);
  const claimsOnDisk = async (): Promise<number> => {
    const folder = join(dir(), "instances");
    const texts = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), "utf8")));
    return texts.join("").split('"k":"claim"').length - 1;
  };

  it("doesn't run completed activities again and runs the interrupted one after its visibility time-out", async () => {
    const first = await engineWith({
      runActivity: (_name, input) => (input === "4" ? hang() : Promise.resolve(String(Number(input) * 2))),
    });
    const id = await start(first, "steps", 4);
    await until("the third step to hang", () => first.counters()["steps"]?.activities === 3);
    await until("its claim to be written", () => claimsOnDisk().then((claims) => claims === 3));
    abandon(first);

    const ran: { input: string | null; at: number }[] = [];
    const begun = Date.now();
    const second = await engineWith({
      visibilityTimeoutMs: 300,
      runActivity: (_name, input) => {
        ran.push({ input, at: Date.now() });
        return Promise.resolve(String(Number(input) * 2));
      },
    });
    expect((await outcome(second, id)).output).toBe("16");
    expect(ran.map(({ input }) => input)).toEqual(["4", "8"]);
    expect(ran[0]!.at - begun).toBeGreaterThan(150);
  });

  it("fires the timers that fell due meanwhile and keeps waiting for the others", async () => {
    const first = await engineWith();
    const due = await start(first, "sleeper", 30);
    const later = await start(first, "sleeper", 60_000);
    await until(
      "both to wait",
      async () => (await first.history(later)).length > 2 && (await first.history(due)).length > 2,
    );
    await first.stop();
    await new Promise((resolve) => setTimeout(resolve, 40));
    const second = await engineWith();
    expect((await outcome(second, due)).output).toBe('"slept"');
    expect(second.instance(later)).not.toHaveProperty("status");
  });

  it("keeps events that were raised, suspended instances and what has finished", async () => {
    const first = await engineWith();
    const waiting = await start(first, "events", 2);
    const finished = await start(first, "sum", 3);
    await outcome(first, finished);
    await first.suspend(waiting);
    await first.raiseEvent(waiting, "go", '"one"');
    abandon(first);

    const second = await engineWith();
    expect(second.instance(finished)).toMatchObject({ status: "Completed", output: "6" });
    expect(await second.history(finished)).not.toHaveLength(0);
    await second.raiseEvent(waiting, "go", '"two"');
    await second.idle();
    expect(second.instance(waiting)).not.toHaveProperty("status");
    await second.resume(waiting);
    expect((await outcome(second, waiting)).output).toBe('["one","two"]');
  });

  it("gives a parent the result of a child that ended while nobody listened", async () => {
    const first = await engineWith({ runActivity: hang });
    const parent = await start(first, "parent", { children: [{ value: 21, id: "the-child" }] });
    await until("the child to run", () => claimsOnDisk().then((claims) => claims === 1));
    abandon(first);
    const second = await engineWith({ visibilityTimeoutMs: 0, runActivity: () => Promise.resolve("42") });
    expect(JSON.parse((await outcome(second, parent)).output ?? "")).toEqual([
      { doubled: 42, id: "the-child", parent },
    ]);
  });

  it("refuses to start on a damaged history, naming the file and the remedy, and starts without it", async () => {
    const first = await engineWith();
    const id = await start(first, "events", 1, "healthy");
    await start(first, "events", 1, "sick");
    await first.stop();
    const folder = join(dir(), "instances");
    const sick = (await readdir(folder)).find((name) => name.startsWith("sick"))!;
    await writeFile(join(folder, sick), "no json\n{}\n");
    await expect(engineWith()).rejects.toThrow(`The journal ${join(folder, sick)} is damaged: line 1 is no JSON`);
    await writeFile(join(folder, sick), '{"k":"resume","at":1}\n');
    await expect(engineWith()).rejects.toThrow(/is damaged: The first line is not a start.*move it out of the folder/);
    await rm(join(folder, sick));
    const second = await engineWith();
    expect(second.instance("sick")).toBeUndefined();
    await second.raiseEvent(id, "go", "1");
    expect((await outcome(second, id)).output).toBe("[1]");
  });
});
