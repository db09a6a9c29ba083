/**
 * Gets a token as the deployed program does, and prints what came: a program of its own, because Node reads the
 * certificate authorities that it trusts (NODE_EXTRA_CA_CERTS) once, at its start.
 *
 * Arguments: authority host, tenant, client id, client secret.
 */

import { createGraphTargetDirectory } from "../../../shared/adapters/graph/graph-target-directory.ts";
import { createCredential } from "../../../shared/adapters/identity/credentials.ts";
import { TargetUnavailable } from "../../../shared/ports/target-directory.ts";

const [host = "", tenantId = "", clientId = "", clientSecret = "", baseUrl = ""] = process.argv.slice(2);
const silent = () => undefined;
const target = createGraphTargetDirectory({
  baseUrl,
  credential: createCredential({
    kind: "client-secret",
    tenantId,
    clientId,
    clientSecret,
    authority: { host, unlisted: true },
  }),
  scope: "https://graph.microsoft.com/.default",
  log: { debug: silent, info: silent, warn: silent, error: silent },
  random: { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) },
  clock: { now: () => Date.now() },
  maxParallelBatches: 2,
});
try {
  process.stdout.write(JSON.stringify(await target.describe()));
} catch (error) {
  if (!(error instanceof TargetUnavailable)) throw error;
  process.stdout.write(JSON.stringify({ code: error.code, message: error.message }));
}
