/** The three server processes of the local runtime: how each is started, and when it counts as up. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { z } from "zod";
import { SETTINGS } from "../../shared/settings.ts";
import type { CertificateFiles } from "../certificates.ts";
import { ADMIN_AUDIENCE, type LocalApplication } from "./applications.ts";
import { type RunningChild, startChild } from "./child-process.ts";
import { type HomePaths, projectRoot, StartError } from "./home.ts";
import type { Ports } from "./ports.ts";
import type { SecureFetch } from "./secure-fetch.ts";
import { openSharedDoor, type SharedDoor } from "./shared-door.ts";

export const TENANT_ID = "7f1b4c1e-0000-4000-8000-00000000d0e5";

export interface ServiceContext {
  readonly paths: HomePaths;
  readonly ports: Ports;
  readonly certificates: CertificateFiles;
  readonly fetch: SecureFetch;
}

const ACCOUNT = "devstoreaccount1";
/** Azurite's well-known key: the same for everyone, published by its makers. */
const ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/**
 * What differs from the settings' defaults on one machine: everything moves within seconds. A bell is lost when the host
 * is killed, because the broker lives in its process; so unrung batches are looked for often.
 */
const LOCAL_SETTINGS = {
  UPLINK_HEARTBEAT_SECONDS: "2",
  UPLINK_LEASE_SECONDS: "10",
  UPLINK_UNRUNG_SECONDS: "5",
  UPLINK_STUCK_SECONDS: "120",
  UPLINK_TICK_SCHEDULE: "*/5 * * * * *",
  UPLINK_FULL_SYNC_SCHEDULE: "*/15 * * * * *",
};

export function storageConnection(ports: Ports): string {
  const at = (port: number) => `http://127.0.0.1:${port}/${ACCOUNT}`;
  return `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};BlobEndpoint=${at(ports.azuriteBlob)};TableEndpoint=${at(ports.azuriteTable)};`;
}

export async function startAzurite(context: ServiceContext, inMemory: boolean): Promise<RunningChild> {
  const { paths, ports } = context;
  const program = createRequire(import.meta.url).resolve("azurite/dist/src/azurite.js");
  const up = new Set<string>();
  const child = await startChild({
    name: "azurite",
    logFile: join(paths.logs, "azurite.log"),
    program: [
      program,
      // Its telemetry would try to reach the internet.
      ...["--silent", "--skipApiVersionCheck", "--disableTelemetry"],
      ...(inMemory ? ["--inMemoryPersistence"] : ["--location", paths.azurite]),
      ...["--blobHost", "127.0.0.1", "--queueHost", "127.0.0.1", "--tableHost", "127.0.0.1"],
      // Its queues are of no use here, and can't be switched off.
      ...["--blobPort", String(ports.azuriteBlob), "--queuePort", "0", "--tablePort", String(ports.azuriteTable)],
    ],
    environment: {},
    // Killed, it loses rows that it has acknowledged.
    isKillable: false,
    isReady: (line) => {
      const service = /(Blob|Table) service is successfully listening/.exec(line)?.[1];
      if (service) up.add(service);
      return up.size === 2;
    },
  });
  for (const port of [ports.azuriteBlob, ports.azuriteTable]) {
    // An answer of any kind: without a signature it is a refusal.
    await fetch(`http://127.0.0.1:${port}/${ACCOUNT}?comp=list`).then((answer) => answer.arrayBuffer());
  }
  return child;
}

export interface DirectoryChoices {
  /** What a person has to type to sign in. */
  readonly signInCode: string;
  readonly verifiedDomains: readonly string[];
  readonly quota: "on" | "off";
}

export async function startDirectory(context: ServiceContext, choices: DirectoryChoices): Promise<RunningChild> {
  const { paths, ports, certificates } = context;
  const child = await startChild({
    name: "directory",
    logFile: join(paths.logs, "directory.log"),
    program: [join(projectRoot, "local", "directory-process.ts")],
    environment: {
      UPLINK_DIRECTORY_PORT: String(ports.directory),
      UPLINK_TLS_CERT_FILE: certificates.certFile,
      UPLINK_TLS_KEY_FILE: certificates.keyFile,
      UPLINK_DIRECTORY_APPLICATIONS_FILE: paths.applications,
      UPLINK_STATE_DIR: paths.directory,
      UPLINK_TENANT_ID: TENANT_ID,
      UPLINK_DIRECTORY_VERIFIED_DOMAINS: choices.verifiedDomains.join(","),
      UPLINK_DIRECTORY_QUOTA: choices.quota,
      UPLINK_DIRECTORY_WEB_ORIGIN: `http://localhost:${ports.web}`,
      UPLINK_DIRECTORY_SIGN_IN_CODE: choices.signInCode,
    },
    isReady: isReadyLine,
  });
  await probe(context, `https://localhost:${ports.directory}/control/health`, child);
  return child;
}

export interface HostChoices {
  readonly exporter: LocalApplication;
  readonly settings: Readonly<Record<string, string>>;
  /** The functions app; default: the one built here. */
  readonly appPath?: string;
  readonly node?: string;
}

export async function startHost(context: ServiceContext, choices: HostChoices): Promise<RunningChild> {
  const { paths, ports, certificates } = context;
  const child = await startChild({
    name: "host",
    logFile: join(paths.logs, "host.log"),
    ...(choices.node === undefined ? {} : { node: choices.node }),
    program: [join(projectRoot, "local", "host-process.ts")],
    environment: {
      ...hostEnvironment(context, choices),
      UPLINK_HOST_PORT: String(ports.host),
      UPLINK_WEB_PORT: String(ports.web),
      UPLINK_STATE_DIR: paths.host,
      UPLINK_TLS_CERT_FILE: certificates.certFile,
      UPLINK_TLS_KEY_FILE: certificates.keyFile,
    },
    isReady: isReadyLine,
  });
  await probe(context, `https://localhost:${ports.host}/api/health`, child);
  return child;
}

/** The hub, and so many hosts that have joined it: `host-1` and so on, each with a state folder of its own, behind one door. */
export async function startHosts(
  context: ServiceContext,
  choices: HostChoices,
  count: number,
  told: { readonly started: (child: RunningChild) => void; readonly log: (line: string) => void },
): Promise<SharedDoor> {
  const { paths, ports, certificates } = context;
  const environment = hostEnvironment(context, choices);
  const node = choices.node === undefined ? {} : { node: choices.node };
  const start = async <T>(
    name: string,
    program: string,
    more: Readonly<Record<string, string>>,
    ready: z.ZodType<T>,
  ) => {
    let said: T | undefined;
    const child = await startChild({
      ...{ name, logFile: join(paths.logs, `${name}.log`), ...node, program: [join(projectRoot, "local", program)] },
      environment: { ...environment, UPLINK_STATE_DIR: join(paths.host, name), ...more },
      isReady: (line) => {
        if (isReadyLine(line)) said = ready.parse(JSON.parse(line));
        return said !== undefined;
      },
    });
    told.started(child);
    if (said === undefined) throw new StartError(`${name} is ready and didn't say where.`);
    return said;
  };
  const { hubPort } = await start("hub", "hub-process.ts", {}, z.object({ hubPort: z.int() }));
  const names = Array.from({ length: count }, (_, index) => `host-${index + 1}`);
  const hosts = names.map(async (name) => {
    const own = { UPLINK_HUB_PORT: String(hubPort), UPLINK_HOST_NAME: name, UPLINK_HOST_PORT: "0" };
    const { url } = await start(name, "host-process.ts", own, z.object({ url: z.url() }));
    return { name, port: Number(new URL(url).port) };
  });
  // Where one fails, the others come to their end first: whoever stops what was started has to know of all of them.
  await Promise.allSettled(hosts);
  return openSharedDoor({ port: ports.host, certificates, hosts: await Promise.all(hosts), log: told.log });
}

export interface OtherHost {
  /** Plain HTTP, on the loopback. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a host of the caller's with the service's settings; resolves when it answers. */
export type StartOtherHost = (settings: Readonly<Record<string, string>>) => Promise<OtherHost>;

/** A host that the caller starts, behind a door that ends TLS for it. */
export async function startOtherHost(
  context: ServiceContext,
  choices: HostChoices,
  start: StartOtherHost,
  log: (line: string) => void,
): Promise<{ readonly host: OtherHost; readonly door: SharedDoor }> {
  const { ports, certificates } = context;
  const host = await start(hostEnvironment(context, choices));
  try {
    const hosts = [{ name: "host", port: Number(new URL(host.url).port) }];
    return { host, door: await openSharedDoor({ port: ports.host, certificates, hosts, log }) };
  } catch (error) {
    await host.stop();
    throw error;
  }
}

/** Settings of every host. */
function hostEnvironment({ paths, ports, certificates }: ServiceContext, choices: HostChoices): Record<string, string> {
  const directory = `https://localhost:${ports.directory}`;
  return {
    ...LOCAL_SETTINGS,
    ...settingsFrom(process.env),
    ...choices.settings,
    UPLINK_BROKER_PORT: String(ports.broker),
    UPLINK_APP_PATH: choices.appPath ?? join(projectRoot, "dist", "main.cjs"),
    NODE_EXTRA_CA_CERTS: certificates.caFile,
    UPLINK_PUBLIC_URL: `https://localhost:${ports.host}`,
    UPLINK_DATA_CONNECTION: storageConnection(ports),
    UPLINK_TARGET_TENANT_ID: TENANT_ID,
    UPLINK_TARGET_CLIENT_ID: choices.exporter.clientId,
    UPLINK_TARGET_CLIENT_SECRET: choices.exporter.clientSecret,
    UPLINK_TARGET_GRAPH_URL: `${directory}/v1.0`,
    UPLINK_TARGET_AUTHORITY_URL: directory,
    UPLINK_ADMIN_AUDIENCE: ADMIN_AUDIENCE,
    UPLINK_SECRETS_FOLDER: join(paths.home, "secrets"),
  };
}

const Ready = z.object({ ready: z.unknown().refine((value) => value !== undefined && value !== false) });

function isReadyLine(line: string): boolean {
  if (!line.startsWith("{")) return false;
  try {
    return Ready.safeParse(JSON.parse(line)).success;
  } catch {
    return false;
  }
}

async function probe(context: ServiceContext, url: string, child: RunningChild): Promise<void> {
  const answer = await context.fetch(url).catch((error: unknown) => String(error));
  if (typeof answer !== "string" && answer.status === 200) return;
  await child.stop();
  const got = typeof answer === "string" ? answer : `status ${answer.status}`;
  throw new StartError(`${child.name} started but does not answer at ${url}: ${got}. Its log: ${child.logFile}`);
}

/** Settings of the service that are set in this environment, so that one can be tried out with `npm start`. */
function settingsFrom(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    SETTINGS.flatMap(({ name }): [string, string][] => {
      const value = environment[name];
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
}
