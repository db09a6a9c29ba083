/**
 * The cloud side's bundle as Azure would load it, without a store behind it: for what is decided before anything is stored.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type LoadedApp, loadApp } from "../../local/functions-host/functions-core.ts";
import { createInvoke, triggerOf } from "../../local/functions-host/invoke.ts";
import type { Operation } from "../../shared/contracts/operation.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const ENVIRONMENT = {
  UPLINK_PUBLIC_URL: "https://uplink.example",
  UPLINK_DATA_CONNECTION: "UseDevelopmentStorage=true",
  ServiceBusConnection: "Endpoint=sb://localhost;SharedAccessKeyName=a;SharedAccessKey=b",
  UPLINK_TARGET_TENANT_ID: "11111111-1111-4111-8111-111111111111",
  UPLINK_TARGET_CLIENT_ID: "22222222-2222-4222-8222-222222222222",
  UPLINK_TARGET_CLIENT_SECRET: "secret",
  UPLINK_TARGET_GRAPH_URL: "https://localhost:1/v1.0",
  UPLINK_TARGET_AUTHORITY_URL: "https://localhost:1",
  UPLINK_ADMIN_AUDIENCE: "api://uplink",
};

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Asked {
  readonly method: string;
  readonly path?: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface FunctionsApp {
  /** What it registered, by declaration. */
  readonly registered: readonly Operation[];
  readonly httpFunctions: () => LoadedApp["functions"] extends ReadonlyMap<string, infer F> ? F[] : never;
  ask(name: string, asked: Asked): Promise<Reply>;
  close(): Promise<void>;
}

/** `environment`: settings beside those that let it start. */
export async function openFunctionsApp(environment: Readonly<Record<string, string>> = {}): Promise<FunctionsApp> {
  const folder = await mkdtemp(join(tmpdir(), "uplink-app-"));
  const appPath = join(folder, "main.cjs");
  const before = { ...process.env };
  await build({
    absWorkingDir: root,
    stdin: {
      contents: 'import "./functions/main.ts"; export { registered } from "./functions/http-route.ts";',
      resolveDir: root,
      loader: "ts",
    },
    outfile: appPath,
    bundle: true,
    format: "cjs",
    platform: "node",
    external: ["@azure/functions-core"],
    define: { "import.meta.url": "importMetaUrl" },
    banner: { js: 'const importMetaUrl=require("node:url").pathToFileURL(__filename).href;' },
    logLevel: "error",
  });
  Object.assign(process.env, ENVIRONMENT, environment);
  const loaded = await loadApp({ appPath, log: () => undefined });
  const { registered } = createRequire(appPath)(appPath) as { registered: readonly Operation[] };
  const invoke = createInvoke({ app: loaded, timeoutMs: 10_000, extraInput: () => undefined, log: () => undefined });
  const nullable = (values: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));

  return {
    registered,
    httpFunctions: () => [...loaded.functions.values()].filter((own) => triggerOf(own).binding.type === "httpTrigger"),
    async ask(name, { method, path, params, query, headers, body }) {
      const search = query ? `?${new URLSearchParams(query)}` : "";
      const trigger = {
        http: {
          method,
          url: `https://uplink.example/api/${path ?? "x"}${search}`,
          nullableHeaders: nullable(headers),
          nullableQuery: nullable(query),
          nullableParams: nullable(params),
          body: body === undefined ? null : { bytes: Buffer.from(body) },
        },
      };
      const { bindings } = loaded.functions.get(name)?.metadata ?? { bindings: {} as Record<string, undefined> };
      const response = await invoke(name, { trigger });
      const http =
        response.returnValue?.http ?? response.outputData?.find((data) => bindings[data.name ?? ""])?.data?.http;
      const bytes = http?.body?.bytes ?? http?.body?.string;
      const text = bytes === undefined || bytes === null ? "" : Buffer.from(bytes).toString();
      return {
        status: Number(http?.statusCode),
        headers: { ...http?.headers },
        body: text === "" ? undefined : JSON.parse(text),
      };
    },
    async close() {
      loaded.unload();
      process.env = before;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
