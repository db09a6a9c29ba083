/**
 * The host's process: `node --import tsx local/host-process.ts`. Starts the Service Bus broker, then the Functions host
 * with the built app, prints one JSON line on standard output when both answer, and stops both on SIGTERM or SIGINT.
 * The log goes to standard error, a line an event: `time level category message`.
 *
 * With UPLINK_HUB_PORT it is one of several hosts: it joins the task hub at that port and uses the broker at
 * UPLINK_BROKER_PORT, both of `hub-process.ts`, and has neither of its own. UPLINK_HOST_NAME (its process's number) is what the hub calls it.
 *
 * Settings (environment): UPLINK_HOST_PORT (7071), UPLINK_WEB_PORT (no origin for browsers without it; its sign-in is that of
 * UPLINK_TARGET_AUTHORITY_URL), UPLINK_BROKER_PORT (5672), UPLINK_STATE_DIR (.uplink/host),
 * UPLINK_TLS_CERT_FILE and UPLINK_TLS_KEY_FILE (plain HTTP without them), UPLINK_APP_PATH (dist/main.cjs, host.json
 * beside it or above), UPLINK_QUEUES (those of the table of needs), UPLINK_LOG_LEVEL (information).
 */

import { readFile } from "node:fs/promises";
import { type FunctionsHost, type HostLog, PortTaken, startFunctionsHost } from "./functions-host/host.ts";
import type { LogLevel } from "./functions-host/rpc.ts";
import { createLog, createSettingsReader, openBroker, runProcess, stopOnSignal } from "./process-settings.ts";
import { connectionStringOf } from "./service-bus/broker.ts";

const connectionSetting = "ServiceBusConnection";

type Settings = {
  readonly hostPort: number;
  readonly webPort: number | undefined;
  readonly signInUrl: string;
  readonly brokerPort: number;
  readonly hub: { readonly port: number; readonly host: string } | undefined;
  readonly stateDir: string;
  readonly appPath: string;
  readonly hostJsonPath: string;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly queues: readonly string[];
  readonly logLevel: LogLevel;
};

/** Reads the settings. Throws one error that lists everything that is wrong with them. */
function readSettings(env: NodeJS.ProcessEnv): Settings {
  const { faults, text, port, ...reader } = createSettingsReader(env);
  const certFile = text("UPLINK_TLS_CERT_FILE");
  const keyFile = text("UPLINK_TLS_KEY_FILE");
  if ((certFile === undefined) !== (keyFile === undefined)) {
    faults.push("Set both of UPLINK_TLS_CERT_FILE and UPLINK_TLS_KEY_FILE, or neither.");
  }
  const hub =
    text("UPLINK_HUB_PORT") === undefined
      ? undefined
      : { port: port("UPLINK_HUB_PORT", 0), host: text("UPLINK_HOST_NAME") ?? String(process.pid) };
  const settings: Settings = {
    hostPort: port("UPLINK_HOST_PORT", 7071),
    webPort: text("UPLINK_WEB_PORT") === undefined ? undefined : port("UPLINK_WEB_PORT", 0),
    signInUrl: text("UPLINK_TARGET_AUTHORITY_URL") ?? "",
    brokerPort: port("UPLINK_BROKER_PORT", 5672),
    hub,
    stateDir: reader.stateDir(".uplink/host"),
    ...reader.app(),
    certFile,
    keyFile,
    queues: reader.queues(),
    logLevel: reader.logLevel(),
  };
  reader.check("The local host");
  return settings;
}

async function openHost(settings: Settings, log: HostLog): Promise<FunctionsHost> {
  const { appPath, stateDir, certFile, keyFile, hostPort: port, webPort, signInUrl, hub } = settings;
  const web = webPort === undefined ? {} : { web: { port: webPort, signInUrl } };
  const tls =
    certFile === undefined || keyFile === undefined
      ? {}
      : { tls: { cert: await readFile(certFile), key: await readFile(keyFile) } };
  const hostJson: unknown = JSON.parse(await readFile(settings.hostJsonPath, "utf8"));
  const more = { ...tls, ...web, ...(hub === undefined ? {} : { hub }) };
  try {
    return await startFunctionsHost({ appPath, hostJson, port, stateDir, env: process.env, log, ...more });
  } catch (error) {
    if (!(error instanceof PortTaken)) throw error;
    const setting = error.port === webPort ? "UPLINK_WEB_PORT" : "UPLINK_HOST_PORT";
    throw new Error(`Port ${error.port} of the Functions host is taken: stop who has it, or set ${setting}.`);
  }
}

runProcess(async () => {
  const settings = readSettings(process.env);
  const log = createLog(settings.logLevel);
  const broker = settings.hub ? undefined : await openBroker(settings.brokerPort, settings.queues, log);
  const brokerPort = broker?.port ?? settings.brokerPort;
  // Before the app loads: its configuration is read then.
  process.env[connectionSetting] = connectionStringOf(brokerPort);
  let host: FunctionsHost;
  try {
    host = await openHost(settings, log);
  } catch (error) {
    await broker?.stop();
    throw error;
  }
  stopOnSignal(log, "Host", () => host.stop().then(() => broker?.stop()));
  const web = host.webUrl === undefined ? {} : { webUrl: host.webUrl };
  const ready = { ready: true, url: host.url, ...web, brokerPort, functions: host.functions };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
});
