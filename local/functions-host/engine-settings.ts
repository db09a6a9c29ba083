/** The durable engine's settings, out of host.json and the environment, and the folder of its task hub. */

import { join } from "node:path";
import type { EngineSettings } from "../durable/engine-contract.ts";
import type { Env, HostJson } from "./settings.ts";

type DurableTask = HostJson["extensions"]["durableTask"];

const hourMs = 3_600_000;

/** A whole number from a setting. Throws an error that names the setting. */
function numberSetting(env: Env, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`The setting ${name} is '${text}': it must be a number that is not negative.`);
}

export function engineSettings(settings: DurableTask, env: Env): EngineSettings {
  return {
    maxConcurrentActivities: settings.maxConcurrentActivityFunctions,
    maxConcurrentOrchestrators: settings.maxConcurrentOrchestratorFunctions,
    visibilityTimeoutMs: settings.storageProvider.workItemQueueVisibilityTimeout,
    defaultVersion: settings.defaultVersion ?? null,
    keepFinishedMs: numberSetting(env, "UPLINK_DURABLE_KEEP_HOURS", 24) * hourMs,
    keepFinishedInstances: numberSetting(env, "UPLINK_DURABLE_KEEP_INSTANCES", 20_000),
    fsync: env["UPLINK_DURABLE_FSYNC"] !== "0",
  };
}

export const taskHubFolder = (stateDir: string, { hubName }: DurableTask): string =>
  join(stateDir, "durable", encodeURIComponent(hubName));
