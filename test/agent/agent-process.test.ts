/**
 * The agent as a process of its own, bundled as it ships: killed without warning in the middle of a read, started again, and ended by
 * SIGTERM. Nothing may be lost, nothing may arrive twice.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type FakeUplink, startFakeUplink } from "../support/fake-uplink/fake-uplink.ts";
import { guidNumber, until } from "./builders.ts";

const USERS = 10_000;
let bundleFolder: string;
let folder: string;
let cloud: FakeUplink;
let child: ChildProcess | undefined;

beforeAll(async () => {
  bundleFolder = await mkdtemp(join(tmpdir(), "uplink-bundle-"));
  await build({
    entryPoints: [new URL("../../cli/main.ts", import.meta.url).pathname],
    outfile: join(bundleFolder, "uplink.cjs"),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
  });
});
afterAll(() => rm(bundleFolder, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-process-"));
  cloud = await startFakeUplink();
  const users = Array.from(
    { length: USERS },
    (_, index) =>
      `dn: CN=User ${index},DC=corp,DC=example,DC=com\nobjectClass: user\nobjectGUID: ${guidNumber(index)}\nsAMAccountName: user${index}\n\n`,
  );
  const domain =
    "dn: DC=corp,DC=example,DC=com\nobjectClass: domainDNS\nobjectGUID: 11111111-1111-4111-8111-111111111111\nobjectSid: S-1-5-21-1-2-3\n\n";
  await writeFile(join(folder, "corp.ldif"), domain + users.join(""));
  const enrol = [
    "enrol",
    "--url",
    cloud.url,
    "--token",
    "good-token-0123456789",
    "--source",
    "ldif",
    "--file",
    join(folder, "corp.ldif"),
  ];
  expect((await uplink(...enrol)).code).toBe(0);
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await cloud.close();
  await rm(folder, { recursive: true, force: true });
});

function start(...args: string[]): ChildProcess {
  child = spawn(
    process.execPath,
    [join(bundleFolder, "uplink.cjs"), "agent", ...args, "--state", join(folder, "state")],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  return child;
}

async function uplink(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const started = start(...args);
  let out = "";
  let err = "";
  started.stdout?.on("data", (data) => {
    out += String(data);
  });
  started.stderr?.on("data", (data) => {
    err += String(data);
  });
  const code = await new Promise<number | null>((resolve) => started.on("close", resolve));
  return { code, out, err };
}

const ended = (started: ChildProcess) =>
  new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    started.on("exit", (code, signal) => resolve({ code, signal })),
  );
const outbox = () => readdir(join(folder, "state", "outbox"));

it("goes on after a kill at any of these moments", async () => {
  for (const killAfter of [1, 4]) {
    const before = cloud.batches.length;
    const killed = start("run");
    const end = ended(killed);
    // The answer to a batch is lost with the agent that waits for it: the service has it, the outbox too.
    cloud.intercept = async ({ path }) => {
      if (path.endsWith("/batches") && cloud.batches.length >= before + killAfter) {
        killed.kill("SIGKILL");
        await end;
      }
      return undefined;
    };
    await end;
    expect((await outbox()).length).toBeGreaterThan(0);
    cloud.intercept = () => undefined;
  }
  const { code } = await uplink("once");
  expect(code).toBe(0);
  const lastRead = Math.max(...cloud.ended);
  const last = cloud.batches.filter(({ readNo }) => readNo === lastRead);
  expect(last.map(({ sequence }) => sequence)).toEqual(last.map((_, index) => index + 1));
  expect(last.flatMap(({ changes }) => changes.map(({ objectGuid }) => objectGuid))).toEqual(
    Array.from({ length: USERS }, (_, index) => guidNumber(index)),
  );
  expect(last.at(-1)?.end?.objects).toBe(USERS);
  expect(await outbox()).toEqual([]);
});

it("ends by SIGTERM with 0, after the request under way", async () => {
  const running = start("run");
  const end = ended(running);
  await until(() => cloud.batches.length > 0, "the first batch");
  running.kill("SIGTERM");
  expect(await end).toEqual({ code: 0, signal: null });
  const whole = cloud.seen.filter(({ path }) => path.endsWith("/batches")).length;
  expect(cloud.batches.length).toBe(whole);
});

it.skipIf(process.platform !== "linux")("reads 10,000 users within 250 MB", async () => {
  const running = start("once");
  const end = ended(running);
  let peakKilobytes = 0;
  const sampling = setInterval(() => {
    try {
      const high = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${running.pid}/status`, "utf8"))?.[1];
      peakKilobytes = Math.max(peakKilobytes, Number(high ?? 0));
    } catch {
      // It has just ended.
    }
  }, 10);
  expect(await end).toEqual({ code: 0, signal: null });
  clearInterval(sampling);
  expect(cloud.batches.reduce((sum, { changes }) => sum + changes.length, 0)).toBe(USERS);
  expect(peakKilobytes).toBeGreaterThan(20_000);
  expect(peakKilobytes).toBeLessThan(250 * 1024);
});
