import { join } from "node:path";
import { expect, it } from "vitest";
import { measureColdLoad } from "../../bench/cold-load.ts";
import { registeredBy } from "../../local/releases/app-functions.ts";
import { projectRoot } from "../../local/start/home.ts";

it("loads the bundle in a process of its own, and registers every function in well under the half minute that a host waits", async () => {
  const appPath = join(projectRoot, "dist", "main.cjs");
  const { functions, medianMs, rssMegabytes } = await measureColdLoad(appPath, 1);
  expect(functions).toBe((await registeredBy(appPath)).length);
  expect(medianMs).toBeGreaterThan(1);
  expect(medianMs).toBeLessThan(15_000);
  expect(rssMegabytes).toBeLessThan(512);
});
