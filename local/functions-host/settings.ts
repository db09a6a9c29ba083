/**
 * Application settings as the Functions host reads them: `%NAME%` in binding expressions, `AzureWebJobs.X.Disabled`,
 * .NET's TimeSpan texts, and host.json with its environment overrides (`AzureFunctionsJobHost__a__b`).
 */

import { z } from "zod";

export type Env = Readonly<Record<string, string | undefined>>;

/** Replaces every `%NAME%` by that setting. Throws an error that names the missing setting. */
export function resolveSettings(text: string, env: Env, where: string): string {
  return text.replace(/%([^%]+)%/g, (_all, name: string) => {
    const value = env[name];
    if (value === undefined) {
      throw new Error(`Cannot resolve '%${name}%' in ${where}: the setting '${name}' is missing. Set it.`);
    }
    return value;
  });
}

const truths = new Set(["true", "1"]);

export function isDisabled(functionName: string, env: Env): boolean {
  const value = env[`AzureWebJobs.${functionName}.Disabled`] ?? env[`AzureWebJobs_${functionName}_Disabled`];
  return truths.has(value?.toLowerCase() ?? "");
}

const timeSpan = /^(?:(\d+)\.)?(\d{1,3}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$/;

/** Milliseconds of a TimeSpan text (`[d.]hh:mm:ss[.fff]`), or undefined when it is none. */
export function timeSpanMs(text: string): number | undefined {
  const match = timeSpan.exec(text.trim());
  if (match === null) return undefined;
  const [, days = "0", hours = "0", minutes = "0", seconds = "0", fraction = "0"] = match;
  const whole = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return whole * 1000 + Math.round(Number(`0.${fraction}`) * 1000);
}

const duration = z.string().transform((text, context) => {
  const ms = timeSpanMs(text);
  if (ms === undefined) context.addIssue({ code: "custom", message: `'${text}' is no TimeSpan (hh:mm:ss)` });
  return ms ?? 0;
});

const positive = z.int().positive();

/** The part of host.json that the local host obeys; the rest is left alone. */
const hostJsonSchema = z.object({
  version: z.literal("2.0"),
  functionTimeout: duration.default(5 * 60_000),
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().default("api") }).prefault({}),
      serviceBus: z
        .object({
          maxConcurrentCalls: positive.default(16),
          maxAutoLockRenewalDuration: duration.default(5 * 60_000),
        })
        .prefault({}),
      durableTask: z
        .object({
          hubName: z.string().default("TestHubName"),
          defaultVersion: z.string().optional(),
          maxConcurrentActivityFunctions: positive.default(10),
          maxConcurrentOrchestratorFunctions: positive.default(5),
          storageProvider: z.object({ workItemQueueVisibilityTimeout: duration.default(5 * 60_000) }).prefault({}),
        })
        .prefault({}),
    })
    .prefault({}),
});

export type HostJson = z.output<typeof hostJsonSchema>;

type Json = { [key: string]: unknown };

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const overridePrefix = "AzureFunctionsJobHost__";

/** A setting's text as JSON where it is JSON, as .NET's configuration binder would convert it. */
function settingValue(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? text : value;
  } catch {
    return text;
  }
}

function override(json: Json, path: readonly string[], value: unknown): Json {
  const [head, ...rest] = path;
  if (head === undefined) return json;
  const key = Object.keys(json).find((candidate) => candidate.toLowerCase() === head.toLowerCase()) ?? head;
  const child = json[key];
  return { ...json, [key]: rest.length === 0 ? value : override(isObject(child) ? child : {}, rest, value) };
}

/** Reads host.json (parsed) under its overrides. Throws one error that lists every fault. */
export function readHostJson(json: unknown, env: Env): HostJson {
  let merged: Json = isObject(json) ? json : {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !name.toLowerCase().startsWith(overridePrefix.toLowerCase())) continue;
    merged = override(merged, name.slice(overridePrefix.length).split("__"), settingValue(value));
  }
  const result = hostJsonSchema.safeParse(merged);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `  ${issue.path.join(".")}: ${issue.message}`);
  throw new Error(`host.json cannot be used:\n${faults.join("\n")}`);
}
