/**
 * One invocation of a registered function, through the app's own programming model: hooks, the real converters, the
 * handler, the time-out of host.json. What an invocation gets and gives are RPC values; the triggers make and read them.
 *
 * A handler that runs into the time-out can't be stopped here (Azure recycles the whole worker): its invocation fails
 * and its late result is dropped.
 */

import { randomBytes, randomUUID } from "node:crypto";
import type { LoadedApp, RegisteredFunction } from "./functions-core.ts";
import type { Binding, CoreInvocationContext, InvocationResponse, LogLevel, TypedData } from "./rpc.ts";

export type HostLog = (level: LogLevel, category: string, message: string) => void;

export type Invocation = {
  readonly trigger: TypedData;
  readonly triggerMetadata?: Readonly<Record<string, TypedData>>;
};

/** Runs a function by its name. Rejects with what the handler threw, or with a time-out. */
export type Invoke = (name: string, invocation: Invocation) => Promise<InvocationResponse>;

export type InvokeDeps = {
  readonly app: LoadedApp;
  /** 0 for none. */
  readonly timeoutMs: number;
  /** The value of an extra input of this binding, or undefined for a type that the host doesn't have. */
  readonly extraInput: (binding: Binding) => TypedData | undefined;
  readonly log: HostLog;
};

const triggerType = /trigger$/i;

/** The trigger of a function: its binding's name and the binding. */
export function triggerOf({ metadata }: RegisteredFunction): { readonly name: string; readonly binding: Binding } {
  for (const [name, binding] of Object.entries(metadata.bindings)) {
    if (binding.direction === "in" && triggerType.test(binding.type ?? "")) return { name, binding };
  }
  throw new Error(`Function '${metadata.name}' has no trigger.`);
}

function withTimeout<T>(work: Promise<T>, timeoutMs: number, name: string): Promise<T> {
  if (timeoutMs === 0) return work;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const seconds = timeoutMs / 1000;
      reject(new Error(`Timeout value of ${seconds} s was exceeded by function: Functions.${name}`));
    }, timeoutMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export function createInvoke({ app, timeoutMs, extraInput, log }: InvokeDeps): Invoke {
  return async (name, { trigger, triggerMetadata = {} }) => {
    const fn = app.functions.get(name);
    if (fn === undefined) throw new Error(`There is no function '${name}'.`);
    const invocationId = randomUUID();
    const inputData = [{ name: triggerOf(fn).name, data: trigger }];
    for (const [bindingName, binding] of Object.entries(fn.metadata.bindings)) {
      if (binding.direction !== "in" || triggerType.test(binding.type ?? "")) continue;
      const data = extraInput(binding);
      if (data !== undefined) inputData.push({ name: bindingName, data });
    }
    const core: CoreInvocationContext = {
      invocationId,
      metadata: fn.metadata,
      request: {
        invocationId,
        functionId: name,
        inputData,
        triggerMetadata,
        traceContext: {
          traceParent: `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-00`,
          traceState: "",
          attributes: {},
        },
      },
      log: (level, category, message) =>
        log(level, category === "user" ? `Function.${name}.User` : `Function.${name}`, message),
      state: undefined,
    };
    const model = app.model.getInvocationModel(core);
    const { context, inputs } = await model.getArguments();

    core.state = "preInvocationHooks";
    const hookData = {};
    const before = { hookData, appHookData: {}, invocationContext: context, functionCallback: fn.callback, inputs };
    await app.runHooks("preInvocation", before);
    core.state = "invocation";
    const after: Record<string, unknown> = { hookData, appHookData: {}, invocationContext: context, inputs };
    try {
      const run = model.invokeFunction(context, before.inputs, before.functionCallback);
      after["result"] = await withTimeout(run, timeoutMs, name);
      after["error"] = null;
    } catch (error) {
      after["result"] = null;
      after["error"] = error;
    }
    core.state = "postInvocationHooks";
    await app.runHooks("postInvocation", after);
    core.state = undefined;
    if (after["error"] !== null) throw after["error"];
    return model.getResponse(context, after["result"]);
  };
}

/** The JSON text of a returned value, as the extensions that store it would write it. */
export function returnedJson(response: InvocationResponse): string | null {
  const value = response.returnValue;
  if (value === null || value === undefined) return null;
  if (value.json !== undefined) return value.json;
  if (value.string !== undefined) return JSON.stringify(value.string);
  if (value.bytes !== undefined) return JSON.stringify(Buffer.from(value.bytes).toString("base64"));
  return JSON.stringify(value.int ?? value.double ?? null);
}
