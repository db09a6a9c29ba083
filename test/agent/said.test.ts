/** What the agent says: log lines, the progress bar. */
import { expect, it } from "vitest";
import { createLineLog } from "../../agent/log.ts";
import { createTerminalProgress } from "../../agent/progress.ts";

function collect() {
  const lines: string[] = [];
  return { lines, out: { write: (text: string) => lines.push(text) } };
}
const clock = { now: () => Date.UTC(2026, 10, 22, 12) };

it("writes plain lines: prose last, blanks quoted, debug only when asked", () => {
  const { lines, out } = collect();
  const log = createLineLog({ out, clock, json: false, verbose: false });
  log.info("read-started", { kind: "full", readNo: 3, reason: "dc 1", visibility: undefined });
  log.warn("read-failed", { code: "source-rights", message: "No right.", remedy: "Grant it." });
  log.debug("heartbeat-failed", { code: "unseen" });
  expect(lines).toEqual([
    '2026-11-22T12:00:00.000Z read-started kind=full readNo=3 reason="dc 1"\n',
    "2026-11-22T12:00:00.000Z warn: read-failed code=source-rights No right. Grant it.\n",
  ]);
});

it("writes lines of JSON", () => {
  const { lines, out } = collect();
  createLineLog({ out, clock, json: true, verbose: true }).debug("heartbeat-failed", { code: "busy" });
  expect(JSON.parse(lines[0]!)).toEqual({
    time: "2026-11-22T12:00:00.000Z",
    level: "debug",
    event: "heartbeat-failed",
    code: "busy",
  });
});

it("draws a bar over itself, and clears it", () => {
  const { lines, out } = collect();
  let now = 0;
  const progress = createTerminalProgress(out, () => now);
  progress.start("full", 2_000);
  now = 1_000;
  progress.sent(500, 1);
  progress.sent(600, 2);
  now = 2_000;
  progress.sent(2_000, 4);
  progress.stop();
  progress.stop();
  expect(lines).toEqual([
    `\r\u001b[2Kfull read [${"█".repeat(6)}${"·".repeat(18)}] 500 of 2,000 objects, 1 batches, 500/s`,
    `\r\u001b[2Kfull read [${"█".repeat(24)}] 2,000 of 2,000 objects, 4 batches, 1,000/s`,
    "\r\u001b[2K",
  ]);
});

it("says how many without a total", () => {
  const { lines, out } = collect();
  let now = 0;
  const progress = createTerminalProgress(out, () => now);
  progress.start("delta", undefined);
  now = 1_000;
  progress.sent(700, 1);
  expect(lines[0]).toMatch(/delta read \[·█·+\] 700 objects/);
});
