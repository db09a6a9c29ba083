import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { waitedMs } from "./waited.ts";

it.runIf(existsSync("/proc/self/schedstat"))("is what others had of a process's time, and no more", async () => {
  const busy = Array.from({ length: 3 * availableParallelism() }, () =>
    spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }),
  );
  try {
    const look = () => Promise.all(busy.map(({ pid = 0 }) => waitedMs(pid)));
    await sleep(500);
    const [from, before] = [performance.now(), await look()];
    await sleep(2000);
    const [passed, after] = [performance.now() - from, await look()];
    const waited = after.map((ms, at) => ms - (before[at] ?? 0));
    // Three for each core: two thirds of the time go to others, between all of them.
    const mean = waited.reduce((sum, ms) => sum + ms, 0) / waited.length;
    expect(mean / passed).toBeGreaterThan(0.5);
    expect(Math.max(...waited) / passed).toBeLessThan(1.1);
  } finally {
    for (const child of busy) child.kill("SIGKILL");
  }
});

it("is nothing of a process that isn't there", async () => expect(await waitedMs(0)).toBe(0));
