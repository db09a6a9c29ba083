import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ServiceBusClient } from "@azure/service-bus";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sampleAppPath, sampleEnv, until } from "./sample-host.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

type Ready = { ready: boolean; url: string; webUrl?: string; brokerPort: number; functions: string[] };
type HostProcess = { child: ChildProcess; ended: Promise<number | null>; stdout: () => string; stderr: () => string };

let stateDir: string;
let children: ChildProcess[] = [];

function spawnHost(env: Record<string, string> = {}): HostProcess {
  const child = spawn(process.execPath, ["--import", "tsx", "local/host-process.ts"], {
    cwd: root,
    env: {
      ...process.env,
      ...sampleEnv,
      UPLINK_APP_PATH: sampleAppPath,
      UPLINK_HOST_PORT: "0",
      UPLINK_BROKER_PORT: "0",
      UPLINK_STATE_DIR: stateDir,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text) => (stderr += text));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, ended, stdout: () => stdout, stderr: () => stderr };
}

const ready = async (host: HostProcess): Promise<Ready> => {
  const line = await until(
    "the ready line",
    () => {
      if (host.child.exitCode !== null) throw new Error(`The host ended: ${host.stderr()}`);
      return host.stdout().includes("\n") ? host.stdout() : undefined;
    },
    20_000,
  );
  return JSON.parse(line) as Ready;
};

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "uplink-process-"));
});
afterEach(async () => {
  for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
  children = [];
  await rm(stateDir, { recursive: true, force: true });
});

describe("the host's process", () => {
  it("prints one line when it is ready, rings the app through its broker, and ends cleanly", async () => {
    const host = spawnHost({ "AzureWebJobs.bell.Disabled": "false", UPLINK_WEB_PORT: "0" });
    const { url, webUrl, brokerPort, functions } = await ready(host);
    expect(functions).toContain("bell");
    const client = new ServiceBusClient(
      `Endpoint=sb://127.0.0.1:${brokerPort};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true`,
    );
    await client.createSender("doorbell").sendMessages({ body: Buffer.from('{"fail":true}') });
    await until("the bell to be refused in the log", () =>
      host.stderr().includes("Executed 'Functions.bell' (Failed)"),
    );
    await client.close();
    expect((await fetch(`${url}/api/echo/1`)).status).toBe(201);
    expect((await fetch(`${webUrl}/api/echo/1`)).status).toBe(201);
    // The host's own surfaces stay where they were.
    expect((await fetch(`${webUrl}/admin/host/status`)).status).toBe(404);
    host.child.kill("SIGTERM");
    expect(await host.ended).toBe(0);
    expect(host.stdout().trim().split("\n")).toHaveLength(1);
    expect(host.stderr()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z error Function\.bell Executed/m);
    await expect(fetch(`${url}/api/echo/1`)).rejects.toThrow();
  });

  it.each([
    ["UPLINK_HOST_PORT", "Functions host"],
    ["UPLINK_BROKER_PORT", "Service Bus broker"],
  ])("names a taken port and its setting %s, and ends with 1", async (setting, owner) => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
    const { port } = squatter.address() as AddressInfo;
    const host = spawnHost({ [setting]: String(port) });
    expect(await host.ended).toBe(1);
    expect(host.stderr()).toContain(`Port ${port} of the ${owner} is taken`);
    expect(host.stderr()).toContain(setting);
    squatter.close();
  });

  it("lists every wrong setting at once, and ends with 1", async () => {
    const host = spawnHost({
      UPLINK_HOST_PORT: "high",
      UPLINK_APP_PATH: "/nowhere/main.cjs",
      UPLINK_TLS_KEY_FILE: "k",
    });
    expect(await host.ended).toBe(1);
    for (const name of ["UPLINK_HOST_PORT", "/nowhere/main.cjs", "UPLINK_TLS_CERT_FILE"]) {
      expect(host.stderr()).toContain(name);
    }
  });

  it("goes on after kill -9: what was completed isn't run again, what was running is, after its visibility time-out", async () => {
    const visibility = {
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__workItemQueueVisibilityTimeout: "00:00:01",
    };
    const first = spawnHost({ ...visibility, SAMPLE_HANG: "two" });
    const { url } = await ready(first);
    type Counters = { journey?: { activities: number; episodes: number } };
    const counters = async (at: string) => (await (await fetch(`${at}/admin/durable/counters`)).json()) as Counters;
    const { id } = (await (await fetch(`${url}/api/start/journey`, { method: "POST" })).json()) as { id: string };
    await until("the second activity to hang", async () => (await counters(url)).journey?.activities === 2);
    const folder = join(stateDir, "durable", "SampleHub", "instances");
    await until("its claim to be on disk", async () => {
      const texts = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), "utf8")));
      return texts.join("").split('"k":"claim"').length === 3;
    });
    first.child.kill("SIGKILL");
    await first.ended;

    const second = spawnHost(visibility);
    const again = await ready(second);
    const status = async () => {
      const response = await fetch(`${again.url}/api/client/getStatus`, { method: "POST", body: JSON.stringify([id]) });
      return ((await response.json()) as { result: { runtimeStatus: string; output: unknown } }).result;
    };
    await until("the end of the journey", async () => (await status()).runtimeStatus === "Completed");
    expect((await status()).output).toEqual(["one", "two", "three"]);
    expect((await counters(again.url)).journey?.activities).toBe(2);
    second.child.kill("SIGINT");
    expect(await second.ended).toBe(0);
  });
});
