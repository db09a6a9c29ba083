/**
 * The process that the crash test kills: the engine over the crash app, and a client that keeps signalling an entity
 * and raising events until it is killed. Every attempt and every acknowledgement stands in the ledger. Told to finish,
 * it lets everything end, prints the outcome as one JSON line and stops.
 */

import { appendFileSync } from "node:fs";
import { parseOrchestratorState } from "../../../local/durable/actions.ts";
import { createSystemClock } from "../../../local/durable/clock.ts";
import { startEngine } from "../../../local/durable/engine.ts";
import { parseBatchResult } from "../../../local/durable/entity-batch.ts";
import { activityTriggerText } from "../../../local/durable/trigger-values.ts";
import { loadApp } from "../../../local/functions-host/functions-core.ts";
import { createInvoke, returnedJson } from "../../../local/functions-host/invoke.ts";

const setting = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`The crash test's process needs ${name}.`);
  return value;
};
const note = (...words: readonly string[]): void => appendFileSync(setting("CRASH_LEDGER"), `${words.join(" ")}\n`);

const app = await loadApp({ appPath: setting("CRASH_APP"), log: () => undefined });
const invoke = createInvoke({ app, timeoutMs: 0, extraInput: () => undefined, log: () => undefined });
const run = async (name: string, text: string | undefined): Promise<string | null> =>
  returnedJson(await invoke(name, { trigger: text === undefined ? {} : { string: text } }));

const engine = await startEngine({
  dir: setting("CRASH_DIR"),
  clock: createSystemClock(),
  log: (level, message) => {
    if (level !== "information") note("log", level, message.replaceAll("\n", " "));
  },
  settings: {
    maxConcurrentActivities: 6,
    maxConcurrentOrchestrators: 4,
    visibilityTimeoutMs: Number(setting("CRASH_VISIBILITY_MS")),
    defaultVersion: null,
    keepFinishedMs: 3_600_000,
    keepFinishedInstances: 1000,
    fsync: false,
  },
  functions: {
    hasOrchestrator: (name) => app.functions.has(name),
    hasActivity: (name) => app.functions.has(name),
    hasEntity: () => true,
    runOrchestrator: async (name, trigger) =>
      parseOrchestratorState(JSON.parse((await run(name, JSON.stringify(trigger))) ?? "null")),
    runActivity: (name, _instanceId, input) => run(name, activityTriggerText(input)),
    runEntity: async (_name, trigger) =>
      parseBatchResult(JSON.parse((await run("Ledger", JSON.stringify(trigger))) ?? "null")),
  },
});

const plan: readonly (readonly [name: string, id: string, input: unknown])[] = [
  ["collector", "collector", null],
  ["chain", "chain", 24],
  ["fan", "fan", 12],
  ["teller", "teller-a", { left: 8 }],
  ["teller", "teller-b", { left: 8 }],
];
for (const [name, instanceId, input] of plan) {
  if (engine.instance(instanceId) === undefined) {
    await engine.startNew({ name, instanceId, input: JSON.stringify(input) });
    note("started", instanceId);
  }
}
process.stdout.write("ready\n");

const finishing = process.env["CRASH_FINISH"] === "1";
for (let n = 0; !finishing || n < 3; n += 1) {
  const token = `${process.pid}-${n}`;
  note("try", "signal", token);
  await engine.signalEntity("Ledger", "outside", "add", JSON.stringify(token));
  note("ack", "signal", token);
  note("try", "event", token);
  await engine.raiseEvent("collector", "item", JSON.stringify(token));
  note("ack", "event", token);
  await new Promise((resolve) => setTimeout(resolve, 4));
}

await engine.raiseEvent("collector", "item", '"stop"');
const ids = plan.map(([, id]) => id);
const ended = (id: string): boolean => "status" in (engine.instance(id) ?? {});
while (!ids.every(ended)) await new Promise((resolve) => setTimeout(resolve, 10));
await engine.idle();
const stateOf = (key: string): unknown => JSON.parse(engine.entity("Ledger", key)?.state ?? "null");
const outcome = {
  instances: Object.fromEntries(ids.map((id) => [id, engine.instance(id)])),
  entities: Object.fromEntries(["outside", "told", "far", "locked"].map((key) => [key, stateOf(key)])),
};
await engine.stop();
process.stdout.write(`${JSON.stringify(outcome)}\n`);
