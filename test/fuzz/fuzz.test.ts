/** The part of `npm run fuzz` that every `npm test` runs. A failure names the request's number: the same seed makes the same requests. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runFuzz } from "./run.ts";

const REQUESTS = Number(process.env["UPLINK_FUZZ_REQUESTS"] ?? 5_000);
const SEED = Number(process.env["UPLINK_FUZZ_SEED"] ?? 1);

test("wrong requests against every function: no 5xx, nothing written by a refused one, no growth", {
  timeout: 240_000,
}, async () => {
  const report = await runFuzz({ requests: REQUESTS, seed: SEED });
  expect(report.faults).toEqual([]);
  expect(report.operations).toBeGreaterThan(40);
  expect(report.unmet).toEqual([]);
  // It says something only where guards and parsers are both passed.
  for (const status of ["200", "400", "401", "403", "404", "422"]) expect(report.statuses[status]).toBeGreaterThan(10);
  expect(report.mustBeRefused).toBeGreaterThan(REQUESTS / 10);
  expect(report.heapGrowthBytes).toBeLessThan(64 * 1024 * 1024);
});

test.each([
  ["--requests", "x"],
  ["--requests", ""],
  ["--requests", "1e3"],
  ["--seed", "-1"],
])("%s %j is refused: it would be a run of nothing", { timeout: 120_000 }, (...args) => {
  const program = fileURLToPath(new URL("../../scripts/fuzz.mjs", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(`${args[0]} takes a whole number`);
});
