/**
 * The module `@azure/functions-core` that the real Node worker offers to an app, offered to a CommonJS app here by
 * answering its `require`. Everything else of the app, `@azure/functions` and durable-functions included, runs
 * unmodified, bundled or not.
 *
 * Each loaded app gets a core of its own, so that several hosts can follow one another in a process; apps loaded at the
 * same moment aren't supported. ES module apps aren't either: the deployed bundle is CommonJS.
 */

import { createRequire, Module } from "node:module";
import { extname } from "node:path";
import type {
  Disposable,
  FunctionCallback,
  FunctionMetadata,
  HookCallback,
  LogLevel,
  ProgrammingModel,
} from "./rpc.ts";

export type RegisteredFunction = { readonly metadata: FunctionMetadata; readonly callback: FunctionCallback };

export type LoadedApp = {
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  readonly model: ProgrammingModel;
  /** Runs the hooks of a kind in order, as they were registered. */
  runHooks(name: string, context: Record<string, unknown>): Promise<void>;
  /** Lets go of the app's modules, so that the next load runs them again. */
  unload(): void;
};

export type LoadAppDeps = {
  /** Absolute path of the app's CommonJS entry, `dist/main.cjs`. */
  readonly appPath: string;
  readonly log: (level: LogLevel, message: string) => void;
};

type ModuleLoader = (this: unknown, request: string, parent: unknown, isMain: boolean) => unknown;
/** Node keeps `_load` out of its types; the real worker patches the same loader. */
type PatchableModule = { _load: ModuleLoader };

const coreName = "@azure/functions-core";
const workerVersion = "3.13.0";
const hostVersion = "4.1048.0";
/** Packages that remember the core they found: an app that doesn't bundle them must find them fresh. */
const remembering = /[\\/]node_modules[\\/](@azure[\\/]functions|durable-functions)[\\/]/;

let current: unknown;
let patched = false;

function patchLoader(): void {
  if (patched) return;
  patched = true;
  const loader = Module as unknown as PatchableModule;
  const original = loader._load;
  loader._load = function (request, parent, isMain) {
    if (request === coreName && current !== undefined) return current;
    return original.call(this, request, parent, isMain);
  };
}

/** Loads an app and collects what it registers. Throws the app's own error, or one that says why it can't be an app. */
export async function loadApp({ appPath, log }: LoadAppDeps): Promise<LoadedApp> {
  if (extname(appPath) === ".mjs") {
    throw new Error(`Cannot load the app '${appPath}': it is an ES module. Bundle it as CommonJS (npm run build).`);
  }
  const functions = new Map<string, RegisteredFunction>();
  const hooks = new Map<string, HookCallback[]>();
  let model: ProgrammingModel | undefined;
  let loading = true;

  class CoreDisposable implements Disposable {
    readonly #dispose: () => void;
    constructor(dispose: () => void) {
      this.#dispose = dispose;
    }
    dispose(): void {
      this.#dispose();
    }
  }

  const core = {
    version: workerVersion,
    hostVersion,
    Disposable: CoreDisposable,
    log: (level: LogLevel, _category: string, message: string): void => log(level, message),
    setProgrammingModel: (value: ProgrammingModel): void => {
      model = value;
    },
    getProgrammingModel: (): ProgrammingModel | undefined => model,
    registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback): Disposable => {
      const { name } = metadata;
      if (!loading) throw new Error(`A function can only be registered during app startup: '${name}' came later.`);
      if (functions.has(name)) throw new Error(`A function named '${name}' is registered twice.`);
      functions.set(name, { metadata, callback });
      return new CoreDisposable(() => functions.delete(name));
    },
    registerHook: (name: string, callback: HookCallback): Disposable => {
      const own = hooks.get(name) ?? [];
      hooks.set(name, own);
      own.push(callback);
      return new CoreDisposable(() => own.splice(own.indexOf(callback), 1));
    },
  };

  patchLoader();
  const appRequire = createRequire(appPath);
  for (const path of Object.keys(appRequire.cache)) if (remembering.test(path)) delete appRequire.cache[path];
  const before = new Set(Object.keys(appRequire.cache));
  const unload = (): void => {
    for (const path of Object.keys(appRequire.cache)) {
      // A native addon can't be loaded twice.
      if (!before.has(path) && extname(path) !== ".node") delete appRequire.cache[path];
    }
  };
  delete appRequire.cache[appRequire.resolve(appPath)];
  current = core;
  try {
    appRequire(appPath);
  } catch (error) {
    unload();
    throw error;
  } finally {
    current = undefined;
  }
  if (model === undefined) {
    unload();
    throw new Error(`The app '${appPath}' registered no function with @azure/functions: is it the right file?`);
  }
  await model.getCapabilities?.({});
  const loaded = model;
  const runHooks = async (name: string, context: Record<string, unknown>): Promise<void> => {
    for (const hook of hooks.get(name) ?? []) await hook(context);
  };
  await runHooks("appStart", { functionAppDirectory: appPath });
  loading = false;
  return { functions, model: loaded, runHooks, unload };
}
