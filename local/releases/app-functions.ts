/** What a built functions app registers when it is loaded, by name, kind and route. */
import { type LoadedApp, loadApp, type RegisteredFunction } from "../functions-host/functions-core.ts";
import { triggerOf } from "../functions-host/invoke.ts";

export interface AppFunction {
  readonly name: string;
  /** The trigger's type, such as `httpTrigger`. */
  readonly type: string;
  readonly route?: string;
  readonly methods?: readonly string[];
  readonly authLevel?: string;
}

/** Settings with which the app loads; nothing is reached by loading. */
export const LOADING_SETTINGS = {
  UPLINK_PUBLIC_URL: "https://uplink.example",
  UPLINK_DATA_CONNECTION: "UseDevelopmentStorage=true",
  ServiceBusConnection: "Endpoint=sb://localhost;SharedAccessKeyName=a;SharedAccessKey=b",
  UPLINK_TARGET_TENANT_ID: "11111111-1111-4111-8111-111111111111",
  UPLINK_TARGET_CLIENT_ID: "22222222-2222-4222-8222-222222222222",
  UPLINK_TARGET_CLIENT_SECRET: "secret",
  UPLINK_TARGET_GRAPH_URL: "https://localhost:1/v1.0",
  UPLINK_TARGET_AUTHORITY_URL: "https://localhost:1",
} as const;

/** Loads an app with settings that lead nowhere. One at a time in a process. */
export async function loadLooselyWired(appPath: string): Promise<LoadedApp> {
  const before = { ...process.env };
  Object.assign(process.env, LOADING_SETTINGS);
  try {
    return await loadApp({ appPath, log: () => undefined });
  } finally {
    process.env = before;
  }
}

/** What an app registers; it is loaded and let go of again. */
export async function registeredBy(appPath: string): Promise<AppFunction[]> {
  const app = await loadLooselyWired(appPath);
  try {
    return functionsOf(app);
  } finally {
    app.unload();
  }
}

/** In the order of names. */
export function functionsOf(app: LoadedApp): AppFunction[] {
  return [...app.functions.values()].map(describe).sort((left, right) => (left.name < right.name ? -1 : 1));
}

function describe(registered: RegisteredFunction): AppFunction {
  const { binding } = triggerOf(registered);
  const { route, methods, authLevel } = binding;
  return {
    name: registered.metadata.name,
    type: binding.type ?? "",
    ...(typeof route === "string" ? { route } : {}),
    ...(Array.isArray(methods) ? { methods: methods.map(String).sort() } : {}),
    ...(typeof authLevel === "string" ? { authLevel } : {}),
  };
}
