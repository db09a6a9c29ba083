/**
 * The three services of the local runtime as processes: Azurite, the directory stand-in, the host with the built
 * functions. Each can be taken away and started again at the same address with what it had, which is what a test of
 * failures is about.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { CertificateFiles } from "../../../local/certificates.ts";
import { type Program, printed, projectRoot, startProgram } from "./program.ts";

/** A service that a test takes away and brings back. */
export type Service = {
  start(): Promise<void>;
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** What it has said since it was started last. */
  log(): string;
  /** Of its process; 0: it doesn't run. */
  pid(): number;
};

export type Azurite = Service & { connectionString(): string };

/** Azurite's well-known account: the same for everyone, published by its makers. */
const account = "devstoreaccount1";
const accountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

export const tenant = {
  id: "7f1b4c1e-0000-4000-8000-0000000000ad",
  initialDomain: "contoso.onmicrosoft.com",
  audience: "api://directory-uplink",
};

/** The service's application and the admin's, by the rights that each needs. */
export const applications = {
  exporter: {
    clientId: "0e7c2a10-0000-4000-8000-000000000001",
    clientSecret: "exporter-secret-of-a-test",
    roles: [
      "User.ReadWrite.All",
      "User.DeleteRestore.All",
      "Group.ReadWrite.All",
      "Directory.Read.All",
      "RoleManagement.Read.Directory",
    ].concat(["Organization.Read.All", "Domain.Read.All"]),
  },
  admin: {
    clientId: "0e7c2a10-0000-4000-8000-000000000002",
    clientSecret: "admin-secret-of-a-test",
    roles: ["Synchronization.Read.All", "Synchronization.ReadWrite.All"],
  },
};

/** How long the host may take to start, on a busy machine: it is transpiled as it is loaded. */
const START_MS = 180_000;

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

function service(spawn: () => Program, ready: (program: Program) => Promise<unknown>): Service {
  let program: Program | undefined;
  return {
    async start() {
      program = spawn();
      await ready(program);
    },
    async end(signal) {
      await program?.end(signal);
      program = undefined;
    },
    log: () => `${program?.stdout() ?? ""}${program?.stderr() ?? ""}`,
    pid: () => program?.pid ?? 0,
  };
}

/** On disk, because it has to come back with what it had. Never killed: it would lose what it has acknowledged. */
export async function createAzurite(folder: string): Promise<Azurite> {
  const [blob, queue, table] = [await freePort(), await freePort(), await freePort()];
  const entry = createRequire(import.meta.url).resolve("azurite/dist/src/azurite.js");
  const args = ["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--location", folder].concat(
    ["--blobHost", "127.0.0.1", "--queueHost", "127.0.0.1", "--tableHost", "127.0.0.1"],
    ["--blobPort", String(blob), "--queuePort", String(queue), "--tablePort", String(table)],
  );
  const own = service(
    () => startProgram([entry, ...args], {}),
    (program) => printed(program, "that Azurite listens", (text) => /Table service is successfully/.test(text)),
  );
  const endpoints = `BlobEndpoint=http://127.0.0.1:${blob}/${account};TableEndpoint=http://127.0.0.1:${table}/${account};`;
  return {
    ...own,
    connectionString: () =>
      `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};${endpoints}`,
  };
}

export async function createTargetDirectory(options: {
  readonly folder: string;
  readonly tls: CertificateFiles;
  readonly verifiedDomains: readonly string[];
}): Promise<Service & { readonly url: string }> {
  const port = await freePort();
  await mkdir(options.folder, { recursive: true });
  const applicationsFile = join(options.folder, "applications.json");
  await writeFile(applicationsFile, JSON.stringify([applications.exporter, applications.admin]));
  const env = {
    UPLINK_DIRECTORY_PORT: String(port),
    UPLINK_STATE_DIR: options.folder,
    UPLINK_TLS_CERT_FILE: options.tls.certFile,
    UPLINK_TLS_KEY_FILE: options.tls.keyFile,
    UPLINK_TENANT_ID: tenant.id,
    UPLINK_DIRECTORY_INITIAL_DOMAIN: tenant.initialDomain,
    UPLINK_DIRECTORY_VERIFIED_DOMAINS: options.verifiedDomains.join(","),
    UPLINK_DIRECTORY_APPLICATIONS_FILE: applicationsFile,
    UPLINK_DIRECTORY_QUOTA: "off",
  };
  const own = service(
    () => startProgram(["--import", "tsx", join(projectRoot, "local/directory-process.ts")], env),
    (program) => printed(program, "that the directory is ready", (text) => text.includes("\n")),
  );
  return { ...own, url: `https://localhost:${port}` };
}

export async function createHost(options: {
  readonly folder: string;
  readonly tls: CertificateFiles;
  readonly storage: string;
  readonly directoryUrl: string;
  /** Over those below; looked up at each start. */
  readonly settings?: Readonly<Record<string, string>>;
}): Promise<Service & { readonly url: string }> {
  const port = await freePort();
  const url = `https://localhost:${port}`;
  const env = {
    UPLINK_HOST_PORT: String(port),
    UPLINK_BROKER_PORT: "0",
    UPLINK_STATE_DIR: options.folder,
    UPLINK_TLS_CERT_FILE: options.tls.certFile,
    UPLINK_TLS_KEY_FILE: options.tls.keyFile,
    NODE_EXTRA_CA_CERTS: options.tls.caFile,
    UPLINK_PUBLIC_URL: url,
    UPLINK_DATA_CONNECTION: options.storage,
    UPLINK_TARGET_TENANT_ID: tenant.id,
    UPLINK_TARGET_CLIENT_ID: applications.exporter.clientId,
    UPLINK_TARGET_CLIENT_SECRET: applications.exporter.clientSecret,
    UPLINK_TARGET_GRAPH_URL: `${options.directoryUrl}/v1.0`,
    UPLINK_TARGET_AUTHORITY_URL: options.directoryUrl,
    // The directory counts no writes either.
    UPLINK_TARGET_WRITES: "0",
    UPLINK_ADMIN_AUDIENCE: tenant.audience,
    UPLINK_SECRETS_FOLDER: join(options.folder, "secrets"),
    // A test waits for what a service takes its time over.
    UPLINK_HEARTBEAT_SECONDS: "2",
    UPLINK_LEASE_SECONDS: "10",
    UPLINK_AGENT_SILENT_SECONDS: "30",
    UPLINK_UNRUNG_SECONDS: "1",
    UPLINK_TICK_SCHEDULE: "*/2 * * * * *",
    AzureFunctionsJobHost__extensions__durableTask__storageProvider__workItemQueueVisibilityTimeout: "00:00:03",
  };
  const own = service(
    () =>
      startProgram(["--import", "tsx", join(projectRoot, "local/host-process.ts")], { ...env, ...options.settings }),
    (program) => printed(program, "that the host is ready", (text) => text.includes("\n"), START_MS),
  );
  return { ...own, url };
}
