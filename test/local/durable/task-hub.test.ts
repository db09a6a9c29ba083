/** Who gets which work at a task hub, and what becomes of the work of those who fall silent. */
import { createConnection, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createSystemClock } from "../../../local/durable/clock.ts";
import type { Work } from "../../../local/durable/function-runner.ts";
import { startHubServer } from "../../../local/durable/hub-server.ts";
import { createTaskHub, type Seat } from "../../../local/durable/task-hub.ts";
import { joinTaskHub } from "../../../local/functions-host/hub-host.ts";
import { until } from "../sample-host.ts";

const timeoutMs = 1_000;
const activity = (input: string, name = "Export"): Work => ({ kind: "activity", name, instanceId: "run", input });
const slots = { orchestrator: 1, activity: 2, entity: 1 };
const functions = { orchestrator: ["Run"], activity: ["Export"], entity: [] };

/** A hub whose time passes when the test says so. */
function hubAt() {
  let nowMs = 0;
  let wakes: { readonly atMs: number; readonly wake: () => void }[] = [];
  const hub = createTaskHub({
    visibilityTimeoutMs: timeoutMs,
    clock: {
      nowMs: () => nowMs,
      wakeAt: (atMs, wake) => {
        const own = { atMs, wake };
        wakes.push(own);
        return () => (wakes = wakes.filter((one) => one !== own));
      },
    },
  });
  return {
    hub,
    forward(ms: number) {
      nowMs += ms;
      const due = wakes.filter(({ atMs }) => atMs <= nowMs);
      wakes = wakes.filter(({ atMs }) => atMs > nowMs);
      for (const { wake } of due) wake();
    },
    host(name: string, own: Partial<typeof functions> = {}) {
      const given: { readonly id: number; readonly input: string | null }[] = [];
      const seat: Seat = hub.join({ host: name, slots, functions: { ...functions, ...own } }, (id, work) =>
        given.push({ id, input: work.kind === "activity" ? work.input : null }),
      );
      return { ...seat, given, inputs: () => given.map(({ input }) => input) };
    },
  };
}

describe("a task hub", () => {
  it("gives each the same, never more than its slots, and the rest when there is room", async () => {
    const { hub, host } = hubAt();
    const [one, other] = [host("one"), host("other")];
    const results = ["a", "b", "c", "d", "e"].map((input) => hub.run(activity(input)));
    expect([one.inputs(), other.inputs()]).toEqual([
      ["a", "c"],
      ["b", "d"],
    ]);
    other.answer(other.given[0]!.id, { result: '"done"' });
    expect(await results[1]).toBe('"done"');
    expect(other.inputs()).toEqual(["b", "d", "e"]);
    expect(hub.hosts().map(({ holds }) => holds.length)).toEqual([2, 2]);
  });

  it("gives nobody what they have no function for, and lets work wait until somebody comes", () => {
    const { hub, host } = hubAt();
    expect(hub.has("activity", "Export")).toBe(false);
    const one = host("one", { activity: [] });
    void hub.run(activity("a"));
    expect(one.inputs()).toEqual([]);
    expect(host("other").inputs()).toEqual(["a"]);
    expect(hub.has("activity", "Export")).toBe(true);
  });

  it("gives the work of one who fell silent to another after the time-out, not before, and nothing new meanwhile", async () => {
    const { hub, host, forward } = hubAt();
    const silent = host("silent");
    const result = hub.run(activity("a"));
    const other = host("other");
    forward(timeoutMs / 2);
    other.heard();
    forward(timeoutMs / 2);
    expect(other.inputs()).toEqual([]);
    other.heard();
    forward(timeoutMs / 2);
    expect(other.inputs()).toEqual(["a"]);
    void hub.run(activity("b"));
    void hub.run(activity("c"));
    expect(silent.inputs()).toEqual(["a"]);
    other.answer(other.given[0]!.id, { result: "1" });
    expect(await result).toBe("1");
    expect(hub.hosts()[0]).toMatchObject({ host: "silent", lost: ["Export"], holds: [], answered: {} });
  });

  it("takes the first answer, be it of one who was given up, and counts the later one as late", async () => {
    const { hub, host, forward } = hubAt();
    const slow = host("slow");
    const result = hub.run(activity("a"));
    forward(timeoutMs + 1);
    const other = host("other");
    expect(other.inputs()).toEqual(["a"]);
    slow.answer(slow.given[0]!.id, { result: '"slow"' });
    other.answer(other.given[0]!.id, { error: { name: "Error", message: "too late" } });
    expect(await result).toBe('"slow"');
    expect(hub.hosts().map(({ answered, late }) => [answered["Export"] ?? 0, late])).toEqual([
      [1, 0],
      [0, 1],
    ]);
    // Heard again, it is one of them again.
    void hub.run(activity("b"));
    void hub.run(activity("c"));
    expect(slow.inputs()).toContain("b");
  });

  it("rejects with what the function threw, its message whole", async () => {
    const { hub, host } = hubAt();
    const one = host("one");
    const result = hub.run(activity("a"));
    const message = "broke\n\n$OutOfProcData$:{}";
    one.answer(one.given[0]!.id, { error: { name: "TypeError", message, stack: "at" } });
    await expect(result).rejects.toMatchObject({ name: "TypeError", message, stack: "at" });
  });

  it("gives nothing to one who leaves, and takes what that one still answers", async () => {
    const { hub, host } = hubAt();
    const one = host("one");
    const result = hub.run(activity("a"));
    one.leave();
    void hub.run(activity("b"));
    expect(one.inputs()).toEqual(["a"]);
    one.answer(one.given[0]!.id, { result: "1" });
    expect(await result).toBe("1");
  });
});

describe("hosts at a hub's port", () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  async function openHub() {
    const hub = createTaskHub({ clock: createSystemClock(), visibilityTimeoutMs: 60_000 });
    const defects: unknown[] = [];
    const begin = async () => "http://127.0.0.1:1/durabletask/";
    const onDefect = (error: unknown) => void defects.push(error);
    const server = await startHubServer({ hub, port: 0, aliveMs: 5, begin, onDefect });
    ends.push(() => hub.stop(), server.close);
    return { hub, port: server.port, defects };
  }

  it("run what they are given, say that they are alive, and leave when their work is done", async () => {
    const { hub, port } = await openHub();
    let finish: (() => void) | undefined;
    const lost: string[] = [];
    const host = await joinTaskHub({
      ...{ port, joining: { host: "one", slots, functions }, onLost: () => lost.push("lost") },
      runner: {
        has: () => true,
        run: (work) =>
          new Promise((resolve, reject) => {
            const input = work.kind === "activity" ? work.input : null;
            finish = () => (input === "bad" ? reject(new RangeError("no")) : resolve(input));
          }),
      },
    });
    expect(host.rpcBaseUrl).toBe("http://127.0.0.1:1/durabletask/");
    const good = hub.run(activity("good"));
    (await until("the work to arrive", () => finish))();
    expect(await good).toBe("good");

    // On its way when the host leaves: it is run all the same.
    finish = undefined;
    const bad = hub.run(activity("bad")).catch((error: unknown) => error);
    const left = host.leave(10_000);
    await until("its leave to be known", () => hub.hosts()[0]?.isTaking === false);
    (await until("the work to arrive", () => finish))();
    expect(await bad).toMatchObject({ name: "RangeError", message: "no" });
    await left;
    expect(lost).toEqual([]);
  });

  it("are cut off when they say what nobody understands, and the hub lives on when one is reset", async () => {
    const { hub, port, defects } = await openHub();
    const dial = async (): Promise<Socket> => {
      const socket = createConnection({ host: "127.0.0.1", port });
      await new Promise<void>((resolve) => socket.once("connect", resolve));
      return socket;
    };
    const web = await dial();
    const cut = new Promise((resolve) => web.once("close", resolve));
    web.on("error", () => undefined);
    web.write("POST / HTTP/1.1\r\n\r\n");
    await cut;
    const killed = await dial();
    killed.write(`${JSON.stringify({ say: "join", host: "killed", slots, functions })}\n`);
    await until("it to have joined", () => hub.hosts()[0]?.isTaking);
    killed.resetAndDestroy();
    await until("its end to be known", () => hub.hosts()[0]?.isTaking === false);
    expect(defects).toEqual([]);
    await expect(
      joinTaskHub({
        ...{ port: 1, joining: { host: "two", slots, functions }, onLost: () => undefined },
        runner: { has: () => true, run: async () => null },
      }),
    ).rejects.toThrow(/No task hub answers at port 1: start it first/);
  });
});
