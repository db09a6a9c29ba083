/**
 * The local runtime as a library: Azurite, the directory stand-in and the host with its bus broker, started in that
 * order, each probed, and stopped in the reverse one. `npm start` puts the sample forests on top; tests and the bench
 * start the same runtime without them.
 *
 * It makes no configuration and no agent by itself. Everything that is kept lies in `home`.
 */
import { randomInt } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { type AdminClient, createAdminClient } from "../../cli/admin-client.ts";
import { createTokens } from "../../cli/client-credentials.ts";
import { ensureCertificates } from "../certificates.ts";
import { LOCAL_CLIENT } from "../directory/sign-in.ts";
import { createLocalAgents, type LocalAgents } from "./agents.ts";
import { ADMIN_AUDIENCE, ensureApplications, writeWhole } from "./applications.ts";
import { logTail, type RunningChild } from "./child-process.ts";
import { type HomePaths, prepareHome, StartError } from "./home.ts";
import { takeHomeLock } from "./home-lock.ts";
import { ANY_PORTS, type Ports, settlePorts } from "./ports.ts";
import { createSecureFetch, type SecureFetch, type SecureInit } from "./secure-fetch.ts";
import {
  type OtherHost,
  type ServiceContext,
  type StartOtherHost,
  startAzurite,
  startDirectory,
  startHost,
  startHosts,
  startOtherHost,
  storageConnection,
  TENANT_ID,
} from "./services.ts";
import type { SharedDoor } from "./shared-door.ts";
import { makeStores } from "./stores.ts";

export interface RuntimeOptions {
  /** The folder for all state; made when it isn't there. */
  readonly home: string;
  /** Default: any free ones. */
  readonly ports?: Ports;
  /** Limits of the stand-in's writes; default on. */
  readonly quota?: "on" | "off";
  /** Azurite keeps nothing on disk: faster, and gone at the end. Default false. */
  readonly inMemory?: boolean;
  /** Domains of the tenant besides its initial one. */
  readonly verifiedDomains?: readonly string[];
  /** Settings of the service (`shared/settings.ts`), over the local ones. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Another functions app than the one built here, with a host.json beside it. */
  readonly appPath?: string;
  /** Another Node for the host than the one that runs this. */
  readonly node?: string;
  /** So many hosts at one task hub, behind one address, without an origin for browsers; absent: one with an engine of its own. */
  readonly hosts?: number;
  /** Another program than the local host, behind one address, without an origin for browsers. */
  readonly otherHost?: StartOtherHost;
  /** Told what has been started, and which requests one of several hosts left unanswered. */
  readonly log?: (line: string) => void;
}

export interface RuntimeUrls {
  /** Origin of agent and admin API. */
  readonly service: string;
  /** Origin of the stand-in, with its control surface below `/control`. */
  readonly directory: string;
  readonly graph: string;
  readonly tokens: string;
  /** The host's origin for browsers: plain HTTP, on the loopback. */
  readonly web: string;
}

export interface Runtime {
  readonly paths: HomePaths;
  readonly ports: Ports;
  readonly urls: RuntimeUrls;
  /** What a person types to sign in by a browser: of this start. */
  readonly signInCode: string;
  readonly caFile: string;
  readonly storageConnection: string;
  readonly admin: AdminClient;
  readonly agents: LocalAgents;
  /** `path` below `/api/`, with an admin's token. */
  adminFetch: AdminClient["fetch"];
  /** `path` below Graph's `v1.0/`, as an application that may read. */
  graphFetch(path: string): Promise<Response>;
  /** `path` below the stand-in's `/control/`. */
  control(path: string, init?: SecureInit): Promise<Response>;
  /** The server processes by name: azurite, directory, host; of several hosts hub, host-1, host-2 … */
  process(name: ServerName): RunningChild;
  /** What each of several hosts served: answers below 300, by kind of request. */
  served(): ReturnType<SharedDoor["served"]>;
  /** Starts the only host anew, however it ended: same ports, same state. Stops it first where it runs. */
  restartHost(): Promise<void>;
  /** Runs beside the servers until `stop`, which ends it before them. */
  adopt(child: RunningChild): void;
  /** Rejects with a `StartError` when one of the processes ends by itself; never resolves. */
  readonly broken: Promise<never>;
  /** Ends all processes in the reverse order of their start. */
  stop(): Promise<void>;
}

export type ServerName = "azurite" | "directory" | "host" | "hub" | `host-${number}`;

/** Throws `StartError` (taken ports, a folder in use, a process that doesn't come up); nothing runs then. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const log = options.log ?? (() => undefined);
  const paths = await prepareHome(options.home);
  const lock = await takeHomeLock(paths.home, paths.lock);
  const running: RunningChild[] = [];
  let isStopping = false;
  let door: SharedDoor | undefined;
  let other: OtherHost | undefined;
  const stop = async (): Promise<void> => {
    isStopping = true;
    await door?.close();
    await other?.stop();
    for (const child of running.reverse()) await child.stop();
    running.length = 0;
    await rm(paths.runtime, { force: true });
    await lock.release();
  };
  try {
    const ports = await settlePorts(options.ports ?? ANY_PORTS);
    const certificates = await ensureCertificates(paths.tls);
    const applications = await ensureApplications(paths);
    const fetch = createSecureFetch(await readFile(certificates.caFile, "utf8"));
    const context: ServiceContext = { paths, ports, certificates, fetch };
    const urls = urlsOf(ports);
    // Whoever may read the runtime's file, or this terminal, is who started it.
    const signInCode = randomInt(0, 10 ** 12)
      .toString()
      .padStart(12, "0")
      .replace(/(.{4})(?!$)/g, "$1-");

    let fail: (error: StartError) => void = () => undefined;
    const broken = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    // Whoever doesn't wait for it must not be ended by it.
    broken.catch(() => undefined);
    const watch = (child: RunningChild): RunningChild => {
      running.push(child);
      void child.ended.then(async (code) => {
        if (isStopping || !running.includes(child)) return;
        fail(new StartError(`${child.name} ended by itself (exit code ${code}). ${await logTail(child.logFile)}`));
      });
      return child;
    };
    const { verifiedDomains = [], quota = "on", settings: given = {}, appPath, node } = options;
    // Where the target counts no writes, nobody has to keep within them.
    const settings = { ...(quota === "off" ? { UPLINK_TARGET_WRITES: "0" } : {}), ...given };
    const { exporter } = applications;
    const program = { ...(appPath === undefined ? {} : { appPath }), ...(node === undefined ? {} : { node }) };
    const choices = { exporter, settings, ...program };
    const host = () => startHost(context, choices);

    watch(await startAzurite(context, options.inMemory ?? false));
    await makeStores(storageConnection(ports));
    log(`Azurite: blobs on port ${ports.azuriteBlob}, tables on port ${ports.azuriteTable}`);
    watch(await startDirectory(context, { verifiedDomains, quota, signInCode }));
    log(`Directory stand-in: ${urls.graph}`);
    if (options.otherHost) ({ host: other, door } = await startOtherHost(context, choices, options.otherHost, log));
    else if (options.hosts === undefined) watch(await host());
    else door = await startHosts(context, choices, options.hosts, { started: watch, log });
    log(`Functions host: ${urls.service}/api, Service Bus broker on port ${ports.broker}`);

    const { clientId, clientSecret } = applications.admin;
    const credentials = { tokenUrl: urls.tokens, clientId, clientSecret };
    const admin = createAdminClient({
      url: urls.service,
      fetch,
      token: createTokens(fetch, credentials, ADMIN_AUDIENCE),
    });
    await writeWhole(paths.runtime, {
      version: 1,
      pid: process.pid,
      startedAt: new Date().toISOString(),
      urls,
      signIn: { ...signInOf(urls), code: signInCode },
      caFile: certificates.caFile,
      ports,
      logs: paths.logs,
    });
    const find = (name: ServerName): RunningChild => {
      const child = running.find((one) => one.name === name);
      if (!child) throw new StartError(`${name} is not running.`);
      return child;
    };
    return {
      paths,
      ports,
      urls,
      signInCode,
      caFile: certificates.caFile,
      storageConnection: storageConnection(ports),
      admin,
      agents: createLocalAgents({
        folder: paths.agents,
        logs: paths.logs,
        url: urls.service,
        caFile: certificates.caFile,
        admin,
      }),
      adminFetch: admin.fetch,
      graphFetch: graphFetch(fetch, urls, credentials),
      control: (path, init) => fetch(`${urls.directory}/control/${path}`, init),
      process: find,
      served: () => door?.served() ?? {},
      async restartHost() {
        const at = running.findIndex((one) => one.name === "host");
        const [old] = running.splice(at, at < 0 ? 0 : 1);
        await old?.stop();
        const child = watch(await host());
        // Where the old one stood: what depends on it is ended before it.
        running.pop();
        running.splice(at < 0 ? running.length : at, 0, child);
      },
      adopt: (child) => void watch(child),
      broken,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function urlsOf(ports: Ports): RuntimeUrls {
  const directory = `https://localhost:${ports.directory}`;
  return {
    service: `https://localhost:${ports.host}`,
    directory,
    graph: `${directory}/v1.0`,
    tokens: `${directory}/${TENANT_ID}/oauth2/v2.0/token`,
    web: `http://localhost:${ports.web}`,
  };
}

/** What a program needs to have a person sign in. */
function signInOf({ web, directory }: RuntimeUrls) {
  return {
    clientId: LOCAL_CLIENT.clientId,
    authority: `${directory}/${TENANT_ID}`,
    authorizationEndpoint: `${web}/${TENANT_ID}/oauth2/v2.0/authorize`,
    tokenEndpoint: `${web}/${TENANT_ID}/oauth2/v2.0/token`,
    scope: `${ADMIN_AUDIENCE}/.default openid profile offline_access`,
  };
}

function graphFetch(
  fetch: SecureFetch,
  urls: RuntimeUrls,
  credentials: Parameters<typeof createTokens>[1],
): Runtime["graphFetch"] {
  const token = createTokens(fetch, credentials, urls.directory);
  return async (path) =>
    fetch(`${urls.graph}/${path}`, {
      headers: { authorization: `Bearer ${await token()}`, accept: "application/json" },
    });
}
