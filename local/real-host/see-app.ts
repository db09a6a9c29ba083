/**
 * What a host does with the built app: which functions it has, and what a sync through it comes to. The app gets the settings, the
 * storage and the target of the local runtime; which program runs it is the caller's choice, and the only difference between two hosts.
 */
import { join } from "node:path";
import { startChild } from "../start/child-process.ts";
import { projectRoot } from "../start/home.ts";
import { startRuntime } from "../start/runtime.ts";
import type { StartOtherHost } from "../start/services.ts";
import type { Observations } from "./observe.ts";
import { SMALL_DOMAIN, syncSmallDirectory } from "./sync.ts";

/** The names of all functions, as the host tells them. `url`: its origin. */
export async function functionNames(url: string): Promise<readonly string[]> {
  const list = (await (await fetch(`${url}/admin/functions`)).json()) as readonly { readonly name: string }[];
  return list.map(({ name }) => name).sort();
}

/** `workDir`: an empty folder for all that is kept; `start`: the host's program. */
export async function seeApp(appPath: string, workDir: string, start: StartOtherHost): Promise<Observations> {
  let functions: readonly string[] = [];
  const runtime = await startRuntime({
    ...{ home: join(workDir, "home"), inMemory: true, quota: "off", verifiedDomains: [SMALL_DOMAIN], appPath },
    // The tick wakes what no bell does: the real host's client of Service Bus was never tried against the local broker.
    settings: { "AzureWebJobs.WakeJob.Disabled": "true" },
    otherHost: async (settings) => {
      const host = await start(settings);
      functions = await functionNames(host.url);
      return host;
    },
  });
  try {
    return { functions, ...(await syncSmallDirectory(runtime, runtime.paths.home)) };
  } finally {
    await runtime.stop();
  }
}

/** The local host as the real one is run: a process of its own, plain HTTP. */
export function localHostIn(workDir: string): StartOtherHost {
  return async (settings) => {
    let url = "";
    const child = await startChild({
      ...{ name: "host", logFile: join(workDir, "host.log") },
      program: [join(projectRoot, "local", "host-process.ts")],
      environment: { ...settings, UPLINK_HOST_PORT: "0", UPLINK_STATE_DIR: join(workDir, "host") },
      isReady: (line) => {
        const said = /^\{"ready":true,"url":"([^"]+)"/.exec(line)?.[1];
        url = said ?? url;
        return said !== undefined;
      },
    });
    return { url, stop: async () => void (await child.stop()) };
  };
}
