/** The bundle as Azure would load it: every HTTP function stands behind the one wrapper. */
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoadedApp, loadApp } from "../../local/functions-host/functions-core.ts";
import { createInvoke, type Invoke, triggerOf } from "../../local/functions-host/invoke.ts";

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

describe("the functions app", () => {
  let folder: string;
  let loaded: LoadedApp;
  let invoke: Invoke;
  let guarded: ReadonlySet<string>;
  const before = { ...process.env };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "uplink-guards-"));
    const appPath = join(folder, "main.cjs");
    await build({
      absWorkingDir: root,
      stdin: {
        contents: 'import "./functions/main.ts"; export { guardedFunctions } from "./functions/http-route.ts";',
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
    Object.assign(process.env, ENVIRONMENT);
    loaded = await loadApp({ appPath, log: () => undefined });
    ({ guardedFunctions: guarded } = createRequire(appPath)(appPath) as { guardedFunctions: ReadonlySet<string> });
    invoke = createInvoke({ app: loaded, timeoutMs: 5_000, extraInput: () => undefined, log: () => undefined });
  });
  afterAll(async () => {
    loaded?.unload();
    process.env = before;
    await rm(folder, { recursive: true, force: true });
  });

  const httpFunctions = () =>
    [...loaded.functions.values()].filter((own) => triggerOf(own).binding.type === "httpTrigger");

  it("registered every HTTP function through the wrapper, and no key of the host stands before it", () => {
    // The framework's own endpoints (durable's management API) are the host's, not the app's.
    const names = httpFunctions().map((own) => own.metadata.name);
    expect(names.length).toBeGreaterThan(8);
    expect([...guarded].sort()).toEqual(names.sort());
    for (const own of httpFunctions()) expect(triggerOf(own).binding).toMatchObject({ authLevel: "anonymous" });
  });

  it("answers 401 without credentials, everywhere but where nothing is told", async () => {
    const statuses: Record<string, string> = {};
    for (const own of httpFunctions()) {
      const { name, bindings } = own.metadata;
      const method = (triggerOf(own).binding as { methods?: readonly string[] }).methods?.[0] ?? "GET";
      const body = name === "Enrol" ? enrolment : "{}";
      const trigger = {
        http: {
          method,
          url: `https://uplink.example/api/${String((triggerOf(own).binding as { route?: string }).route)}`,
          nullableHeaders: {},
          nullableQuery: {},
          nullableParams: { jobId: { value: "j" }, configurationId: { value: "c" }, action: { value: "pause" } },
          body: method === "GET" ? null : { bytes: Buffer.from(body) },
        },
      };
      const response = await invoke(name, { trigger });
      const returned =
        response.returnValue?.http ?? response.outputData?.find((data) => bindings[data.name ?? ""])?.data?.http;
      statuses[name] = String(returned?.statusCode);
    }
    const { Health: health, ...rest } = statuses;
    expect(health).toBe("200");
    expect(new Set(Object.values(rest))).toEqual(new Set(["401"]));
  });
});

/** Well-formed, so that nothing but the missing proof can be refused. */
const enrolment = JSON.stringify({
  token: "c.0123456789abcdef",
  publicKey: {
    kty: "EC",
    crv: "P-256",
    x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
  },
  name: "a",
  version: "1",
  platform: "test",
  domain: { objectGuid: "11111111-1111-4111-8111-111111111111", sid: "S-1-5-21-1", fqdn: "corp.example" },
});
