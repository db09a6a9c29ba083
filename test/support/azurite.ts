/**
 * Azurite from node_modules in a process of its own, on free ports, in memory, for tests of the storage adapters.
 *
 * Ended by SIGTERM. Telemetry is off: it would try to reach the internet. Connection strings name loopback only.
 */

import { spawn } from "node:child_process";
import { createRequire } from "node:module";

export interface Azurite {
  readonly connectionString: string;
  readonly tableEndpoint: string;
  readonly blobEndpoint: string;
  readonly account: string;
  readonly accountKey: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const ACCOUNT = "devstoreaccount1";
/** Azurite's well-known key: the same for everyone, published by its makers. */
const ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

const FLAGS = ["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence"];
const PORTS = ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"];
const HOSTS = ["--blobHost", "127.0.0.1", "--queueHost", "127.0.0.1", "--tableHost", "127.0.0.1"];

/** Rejects with what Azurite printed when it ends before it listens. */
export async function startAzurite(): Promise<Azurite> {
  const program = createRequire(import.meta.url).resolve("azurite/dist/src/azurite.js");
  const child = spawn(process.execPath, [program, ...FLAGS, ...PORTS, ...HOSTS], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A test run that is broken off must not leave it behind.
  const endWithParent = () => child.kill("SIGTERM");
  process.once("exit", endWithParent);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let printed = "";
  const addresses = await new Promise<{ blob: string; table: string }>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += chunk.toString();
      const blob = /Blob service is successfully listening at (\S+)/.exec(printed)?.[1];
      const table = /Table service is successfully listening at (\S+)/.exec(printed)?.[1];
      if (blob && table) resolve({ blob, table });
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    void ended.then(() => reject(new Error(`Azurite ended before it listened. It printed: ${printed}`)));
  });
  const tableEndpoint = `${addresses.table}/${ACCOUNT}`;
  const blobEndpoint = `${addresses.blob}/${ACCOUNT}`;
  return {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};BlobEndpoint=${blobEndpoint};TableEndpoint=${tableEndpoint};`,
    tableEndpoint,
    blobEndpoint,
    account: ACCOUNT,
    accountKey: ACCOUNT_KEY,
    pid: child.pid ?? 0,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      process.off("exit", endWithParent);
    },
  };
}
