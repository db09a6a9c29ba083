import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/**
 * Pure, or over a cloud in memory that each test makes for itself: the files of a worker share its modules, for loading those anew for each
 * is half of their time. What a module keeps (a counter, a cache) may not be what a test here goes by.
 */
const SHARED = ["application", "domain"];
/** Processes of their own, ports and files, or times that are measured: one file after the other, with the machine for itself. */
const WHOLE_MACHINE = ["bench", "e2e", "local", "package", "releases", "support"];
/** They have a command and a configuration of their own. */
const ELSEWHERE = ["ad", "crash"];

const filesOf = (folders: readonly string[]): string[] => folders.map((folder) => `test/${folder}/**/*.test.ts`);

const cores = availableParallelism();

export default defineConfig({
  test: {
    // For what names no number below; `--maxWorkers` goes before it. Of two cores vitest would leave one idle.
    maxWorkers: Math.min(cores, Math.max(2, cores - 1)),
    projects: [
      { test: { name: "shared", include: filesOf(SHARED), isolate: false, testTimeout: 60_000, hookTimeout: 60_000 } },
      {
        test: {
          name: "apart",
          include: ["test/**/*.test.ts"],
          exclude: filesOf([...SHARED, ...WHOLE_MACHINE, ...ELSEWHERE]),
          ...{ testTimeout: 60_000, hookTimeout: 60_000 },
        },
      },
      {
        test: {
          name: "whole-machine",
          include: filesOf(WHOLE_MACHINE),
          ...{ testTimeout: 30_000, hookTimeout: 60_000 },
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
