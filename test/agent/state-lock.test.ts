/** One agent to a state folder, whatever became of the one before. */
import { spawn } from "node:child_process";
import { expect, it } from "vitest";
import { lockState } from "../../agent/state-lock.ts";

const folder = () => `/nowhere/${process.pid}/${Math.random()}`;

it("lets one in at a time, by folder", async () => {
  const [one, other] = [folder(), folder()];
  const lock = await lockState(one);
  await expect(lockState(one)).rejects.toMatchObject({
    code: "already-running",
    message: expect.stringContaining(one),
  });
  await (await lockState(other)).release();
  await lock.release();
  await (await lockState(one)).release();
});

it("goes with the process that held it, killed or not", async () => {
  const path = folder();
  const lock = await lockState(path);
  await lock.release();
  const script = `import { lockState } from ${JSON.stringify(new URL("../../agent/state-lock.ts", import.meta.url).href)};
    lockState(${JSON.stringify(path)}).then(() => { console.log("held"); setInterval(() => undefined, 1000); });`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  await expect(lockState(path)).rejects.toMatchObject({ code: "already-running" });
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  await (await lockState(path)).release();
});
