/**
 * The functions app as it is recorded: loads the built bundle beside it (`release.cjs`), unmodified, and writes down
 * every run of an orchestrator, as the host asked for it and as the app answered, a JSON line each.
 *
 * UPLINK_RECORDING_FILE is where to; UPLINK_RECORDING_FAIL_ONCE names functions, with commas between them, whose first calls
 * fail, so that the recording holds repeated activities.
 */
const { appendFileSync } = require("node:fs");
const core = require("@azure/functions-core");

const file = process.env.UPLINK_RECORDING_FILE;
const failing = new Set((process.env.UPLINK_RECORDING_FAIL_ONCE ?? "").split(","));

core.registerHook("preInvocation", ({ hookData, invocationContext, inputs }) => {
  const { functionName } = invocationContext;
  if (failing.delete(functionName)) {
    throw new Error(`${functionName} failed once, for the recording.`);
  }
  // As text and now: the library changes the history while it replays.
  if (Array.isArray(inputs[0]?.history)) hookData.recordedTrigger = JSON.stringify(inputs[0]);
});
core.registerHook("postInvocation", ({ hookData, invocationContext, result, error }) => {
  if (hookData.recordedTrigger === undefined) return;
  const line = {
    orchestrator: invocationContext.functionName,
    trigger: JSON.parse(hookData.recordedTrigger),
    ...(error ? { failure: String(error.message ?? error) } : { state: result }),
  };
  appendFileSync(file, `${JSON.stringify(line)}\n`);
});

module.exports = require("./release.cjs");
