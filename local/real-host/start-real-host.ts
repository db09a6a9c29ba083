/**
 * Starts an Azurite and the real Functions host on loopback ports, with an app folder, and stops both. Needs the files
 * of `packages.ts`. The host isn't ours: what it prints is kept for the report.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { QUEUES } from "../../shared/needs/stores.ts";
import { openBroker } from "../process-settings.ts";
import { connectionStringOf } from "../service-bus/broker.ts";
import type { RealHostFiles } from "./packages.ts";

export type RealHost = {
  readonly url: string;
  /** What host and Azurite printed so far. */
  output(): string;
  stop(): Promise<void>;
};

export type RealHostOptions = {
  readonly files: RealHostFiles;
  /** Holds host.json, package.json whose `main` is the bundle, and the bundle. */
  readonly appDir: string;
  readonly workDir: string;
  /** What the app asks for; with a UPLINK_BROKER_PORT, a Service Bus broker is started there. */
  readonly settings: Readonly<Record<string, string>>;
};

const startLimitMs = 120_000;
const account =
  "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.stdin?.end();
  child.kill(signal);
  const force = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await gone;
  clearTimeout(force);
}

/** Rejects with what the host printed when it doesn't answer in time. */
export async function startRealHost({ files, appDir, workDir, settings }: RealHostOptions): Promise<RealHost> {
  const [port, blob, queue, table] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  let printed = "";
  const watch = (child: ChildProcess): ChildProcess => {
    child.stdout?.on("data", (text) => {
      printed += String(text);
    });
    child.stderr?.on("data", (text) => {
      printed += String(text);
    });
    return child;
  };

  const azuriteEntry = createRequire(import.meta.url).resolve("azurite/dist/src/azurite.js");
  const ports = ["--blobPort", `${blob}`, "--queuePort", `${queue}`, "--tablePort", `${table}`];
  const azurite = watch(
    spawn(
      process.execPath,
      [azuriteEntry, "--silent", "--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence", ...ports],
      { cwd: workDir, stdio: ["ignore", "pipe", "pipe"] },
    ),
  );
  const storage = [
    account,
    `BlobEndpoint=http://127.0.0.1:${blob}/devstoreaccount1`,
    `QueueEndpoint=http://127.0.0.1:${queue}/devstoreaccount1`,
    `TableEndpoint=http://127.0.0.1:${table}/devstoreaccount1`,
  ].join(";");

  const brokerPort = settings["UPLINK_BROKER_PORT"];
  const broker =
    brokerPort === undefined
      ? undefined
      : await openBroker(Number(brokerPort), [QUEUES.doorbell.name], () => undefined);

  // Standard input stays open: the host ends when it reads the end of it.
  const host = watch(
    spawn(files.program, ["--urls", `http://127.0.0.1:${port}`], {
      cwd: appDir,
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        HOME: workDir,
        TMPDIR: workDir,
        DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: "1",
        AzureWebJobsScriptRoot: appDir,
        AZURE_FUNCTIONS_ENVIRONMENT: "Development",
        FUNCTIONS_WORKER_RUNTIME: "node",
        AzureWebJobsStorage: storage,
        WEBSITE_HOSTNAME: `localhost:${port}`,
        languageWorkers__node__workerDirectory: files.workerDir,
        AzureFunctionsJobHost__extensionBundle__downloadPath: files.bundleDir,
        AzureFunctionsJobHost__extensionBundle__ensureLatest: "false",
        AzureWebJobsSecretStorageType: "files",
        ASPNETCORE_SUPPRESSSTATUSMESSAGES: "true",
        FUNC_HOST_RAW_LOG_CAPTURE_PATH: join(workDir, "host.log"),
        ...(broker === undefined ? {} : { ServiceBusConnection: connectionStringOf(broker.port) }),
        ...settings,
      },
    }),
  );

  const stop = async (): Promise<void> => {
    await end(host, "SIGINT");
    await broker?.stop();
    await end(azurite, "SIGTERM");
  };
  const url = `http://127.0.0.1:${port}`;
  const latest = Date.now() + startLimitMs;
  for (;;) {
    const state = await fetch(`${url}/admin/host/status`)
      .then((response) => response.json() as Promise<{ state?: string }>)
      .then((status) => status.state)
      .catch(() => undefined);
    if (state === "Running") return { url, output: () => printed, stop };
    if (host.exitCode !== null || Date.now() > latest) {
      await stop();
      throw new Error(`The real host did not come up (state ${state ?? "none"}). It printed:\n${printed.slice(-4000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
