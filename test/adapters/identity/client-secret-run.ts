/**
 * Gets a token as the deployed program does, and prints what came: a program of its own, because Node reads the
 * certificate authorities that it trusts (NODE_EXTRA_CA_CERTS) once, at its start.
 *
 * Argument: a list of cases as JSON; printed is a list of what each one came to.
 */

import { createGraphTargetDirectory } from "../../../shared/adapters/graph/graph-target-directory.ts";
import { createCredential } from "../../../shared/adapters/identity/credentials.ts";
import { TargetUnavailable } from "../../../shared/ports/target-directory.ts";

interface Case {
  readonly host: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly baseUrl: string;
}

const silent = () => undefined;

async function describeTarget({ host, baseUrl, ...application }: Case): Promise<unknown> {
  const target = createGraphTargetDirectory({
    baseUrl,
    credential: createCredential({ kind: "client-secret", ...application, authority: { host, unlisted: true } }),
    scope: "https://graph.microsoft.com/.default",
    log: { debug: silent, info: silent, warn: silent, error: silent },
    random: { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) },
    clock: { now: () => Date.now() },
    maxParallelBatches: 2,
  });
  try {
    return await target.describe();
  } catch (error) {
    if (!(error instanceof TargetUnavailable)) throw error;
    return { code: error.code, message: error.message };
  }
}

const cases = JSON.parse(process.argv[2] ?? "[]") as readonly Case[];
process.stdout.write(JSON.stringify(await Promise.all(cases.map(describeTarget))));
