/**
 * `host.json` for a deployment: `node scripts/host-json.mjs FOLDER [scheduler|storage]` rewrites the one in a package's folder. Without a word
 * UPLINK_DURABLE_BACKEND says it, else it is what the infrastructure takes: the Durable Task Scheduler, or Azure Storage where UPLINK_NETWORK
 * is `private`.
 *
 * In the file and not by app settings that override it: what scales the app reads the file alone (docs/adr/0042-infrastructure.md). The
 * `host.json` of the repository is for the machine of whoever works on it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Where each backend finds its store: beginnings of app settings, of which the table of needs has all. */
const PROVIDERS = {
  scheduler: () => ({ type: "azureManaged", connectionStringName: "DURABLE_TASK_SCHEDULER_CONNECTION_STRING" }),
  storage: (usual) => ({ ...usual, type: "AzureStorage", connectionName: "TaskHubStorage" }),
};

/** The same with the backend's storage provider. Throws for another backend. */
export function hostJsonFor(hostJson, backend) {
  const provider = PROVIDERS[backend];
  if (!provider) throw new Error(`'${backend}' is no backend of Durable: ${Object.keys(PROVIDERS).join(" or ")}.`);
  const { extensions } = hostJson;
  const storageProvider = provider(extensions.durableTask.storageProvider);
  return { ...hostJson, extensions: { ...extensions, durableTask: { ...extensions.durableTask, storageProvider } } };
}

/** As infra/uplink.bicep has it: azd makes the package before it provisions, so no output of that says it yet. */
function usualBackend({ UPLINK_DURABLE_BACKEND: said, UPLINK_NETWORK: network }) {
  return said || (network === "private" ? "storage" : "scheduler");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [folder, backend = usualBackend(process.env)] = process.argv.slice(2);
  if (folder === undefined) throw new Error("Name the folder of the package: node scripts/host-json.mjs dist/package");
  const file = join(folder, "host.json");
  writeFileSync(file, `${JSON.stringify(hostJsonFor(JSON.parse(readFileSync(file, "utf8")), backend), null, 2)}\n`);
  process.stdout.write(`${file}: Durable on ${backend}.\n`);
}
