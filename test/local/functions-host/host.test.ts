import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureCertificates } from "../../../local/certificates.ts";
import { PortTaken, startFunctionsHost } from "../../../local/functions-host/host.ts";
import { sampleAppPath, startSampleHost } from "../sample-host.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "uplink-app-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const app = async (source: string, name = "app.cjs"): Promise<string> => {
  const path = join(dir, name);
  await writeFile(path, source);
  return path;
};
const startApp = (appPath: string, env: Record<string, string> = {}) =>
  startFunctionsHost({
    appPath,
    hostJson: { version: "2.0" },
    port: 0,
    stateDir: join(dir, "state"),
    env,
    log: () => undefined,
  });

describe("the host", () => {
  it("runs a bundle that leaves only @azure/functions-core outside, hosts one after the other", async () => {
    const appPath = join(dir, "main.cjs");
    await build({
      entryPoints: [sampleAppPath],
      bundle: true,
      platform: "node",
      format: "cjs",
      external: ["@azure/functions-core"],
      outfile: appPath,
      logLevel: "error",
    });
    for (const input of [3, 5]) {
      const host = await startSampleHost({ appPath });
      const { output } = await host.ended(await host.begin("sum", input));
      expect(output).toBe(input * (input - 1));
      await host.close();
    }
  });

  it("serves HTTPS with the certificate it is given", async () => {
    const files = await ensureCertificates(join(dir, "ca"));
    const [key, cert, ca] = await Promise.all(
      [files.keyFile, files.certFile, files.caFile].map((path) => readFile(path)),
    );
    const host = await startSampleHost({ tls: { key: key!, cert: cert! } });
    try {
      expect(host.url).toMatch(/^https:\/\/localhost:\d+$/);
      const text = await new Promise<string>((resolve, reject) => {
        httpsRequest(`${host.url}/api/echo/7`, { ca: ca! }, (response) => {
          response.setEncoding("utf8").once("data", resolve);
        })
          .on("error", reject)
          .end();
      });
      expect(JSON.parse(text)).toMatchObject({ url: `${host.url}/api/echo/7` });
    } finally {
      await host.close();
    }
  });

  it("names a taken port and leaves nothing behind", async () => {
    const first = await startSampleHost();
    await expect(startSampleHost({ port: first.port, stateDir: join(dir, "state") })).rejects.toThrow(PortTaken);
    await expect(startSampleHost({ port: first.port, stateDir: join(dir, "state") })).rejects.toThrow(
      String(first.port),
    );
    await first.close();
  });

  it("refuses a state folder that another host has", async () => {
    const first = await startSampleHost();
    await expect(startSampleHost({ stateDir: first.stateDir })).rejects.toThrow(first.stateDir);
    await first.close();
  });

  it("tells what is wrong with an app", async () => {
    await expect(startApp(await app("throw new Error('bad config: A is missing')"))).rejects.toThrow("A is missing");
    await expect(startApp(await app("exports.x = 1"))).rejects.toThrow("registered no function");
    await expect(startApp(await app("export const x = 1", "app.mjs"))).rejects.toThrow("ES module");
    const timer = `require(${JSON.stringify(join(process.cwd(), "node_modules/@azure/functions"))}).app.timer("t", { schedule: "%X%", handler() {} })`;
    await expect(startApp(await app(timer))).rejects.toThrow("'X' is missing");
    await expect(startApp(await app(timer), { X: "every day" })).rejects.toThrow("every day");
    await expect(startApp(sampleAppPath, { FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: "big" })).rejects.toThrow("'big'");
  });

  it("fails a handler that runs into the time-out of host.json", async () => {
    const functions = JSON.stringify(join(process.cwd(), "node_modules/@azure/functions"));
    const source = `require(${functions}).app.http("slow", { authLevel: "anonymous", handler: () => new Promise(() => {}) })`;
    const logs: string[] = [];
    const host = await startFunctionsHost({
      appPath: await app(source),
      hostJson: { version: "2.0", functionTimeout: "00:00:00.100" },
      port: 0,
      stateDir: join(dir, "state"),
      env: {},
      log: (_level, _category, message) => logs.push(message),
    });
    expect((await fetch(`${host.url}/api/slow`)).status).toBe(500);
    expect(logs.join()).toContain("Timeout value of 0.1 s was exceeded by function: Functions.slow");
    await host.stop();
  });

  it("runs the hooks of an app around its functions", async () => {
    const functions = JSON.stringify(join(process.cwd(), "node_modules/@azure/functions"));
    const source = `
      const { app } = require(${functions});
      const seen = [];
      app.hook.appStart(() => { seen.push("start"); });
      app.hook.preInvocation((context) => { seen.push("before"); const own = context.functionHandler; context.functionHandler = async (...args) => ({ jsonBody: { seen, own: await own(...args) } }); });
      app.http("hooked", { authLevel: "anonymous", handler: async () => "inner" });`;
    const host = await startApp(await app(source));
    expect(await (await fetch(`${host.url}/api/hooked`)).json()).toEqual({ seen: ["start", "before"], own: "inner" });
    await host.stop();
  });
});
