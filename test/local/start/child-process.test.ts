import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startChild } from "../../../local/start/child-process.ts";
import { projectRoot } from "../../../local/start/home.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-child-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function program(text: string): Promise<string> {
  const path = join(folder, "program.mjs");
  await writeFile(path, text);
  return path;
}

const LIVES = `process.on("SIGTERM", () => { console.log("asked to end"); process.exit(0); });
console.log("up " + process.env.GIVEN + " " + process.env.UPLINK_SECRET_OF_PARENT);
setInterval(() => undefined, 1000);`;

test("a server is ready when it says so, sees only what it is given, and ends when asked", async () => {
  process.env["UPLINK_SECRET_OF_PARENT"] = "x";
  const logFile = join(folder, "server.log");
  const child = await startChild({
    ...{ name: "server", logFile, program: [await program(LIVES)], environment: { GIVEN: "yes" } },
    isReady: (line) => line.startsWith("up "),
  });
  expect(await child.stop()).toBe(0);
  expect(await readFile(logFile, "utf8")).toBe("up yes undefined\nasked to end\n");
});

test("one that ends before it is ready is an error with the end of its log", async () => {
  const path = await program(`console.error("no such luck"); process.exit(3);`);
  const started = startChild({
    ...{ name: "server", logFile: join(folder, "server.log"), program: [path], environment: {} },
    isReady: () => false,
  });
  await expect(started).rejects.toThrow(/server did not start\..*no such luck.*server\.log/s);
});

test("a program that works and ends hands over its lines and its exit code", async () => {
  const lines: string[] = [];
  const path = await program(`console.log("one"); console.error("two"); process.exitCode = 7;`);
  const logFile = join(folder, "tool.log");
  const child = await startChild({
    ...{ name: "tool", logFile, program: [path], environment: {} },
    onLine: (line, stream) => lines.push(`${stream} ${line}`),
  });
  expect(await child.ended).toBe(7);
  expect(lines.sort()).toEqual(["err two", "out one"]);
  expect((await readFile(logFile, "utf8")).split("\n").sort()).toEqual(["", "one", "two"]);
});

test("what a killed supervisor had started ends by itself, cleanly", async () => {
  const logFile = join(folder, "server.log");
  const supervisor = await program(`
    import { startChild } from ${JSON.stringify(join(projectRoot, "local/start/child-process.ts"))};
    await startChild({ name: "server", logFile: ${JSON.stringify(logFile)}, environment: {},
      program: [${JSON.stringify(join(folder, "server.mjs"))}], isReady: (line) => line.startsWith("up ") });
    process.kill(process.pid, "SIGKILL");`);
  await writeFile(join(folder, "server.mjs"), LIVES);
  const killed = spawn(process.execPath, ["--import", "tsx", supervisor], { cwd: projectRoot, stdio: "ignore" });
  await new Promise((resolve) => killed.once("exit", resolve));
  await expect.poll(() => readFile(logFile, "utf8"), { timeout: 10_000 }).toContain("asked to end");
});
