/** The host with the sample app and the rest of the Durable set, and what the tests of that say again and again. */

import { fileURLToPath } from "node:url";
import { type SampleHost, type SampleOptions, type SampleStatus, startSampleHost, until } from "../sample-host.ts";

const appPath = fileURLToPath(new URL("../../fixtures/functions-app/durable-set.cjs", import.meta.url));

export type DurableHost = SampleHost & {
  /** Runs an orchestration to its end. */
  run(name: string, input?: unknown): Promise<SampleStatus>;
  /** Waits until an orchestration has got so far. */
  reached(id: string, condition: (status: SampleStatus) => boolean): Promise<SampleStatus>;
  /** Below `/runtime/webhooks/durabletask/`, with the system key. */
  webhook(path: string, init?: RequestInit): Promise<Response>;
};

export const counter = (key: string) => ({ name: "Counter", key });

export async function startDurableHost(options: SampleOptions = {}): Promise<DurableHost> {
  const host = await startSampleHost({ appPath, ...options });
  const status = async (id: string): Promise<SampleStatus> => (await host.client("getStatus", id)) as SampleStatus;
  return {
    ...host,
    run: async (name, input) => host.ended(await host.begin(name, input)),
    reached: (id, condition) =>
      until(`${id} to get there`, async () => {
        const now = await status(id);
        return condition(now) ? now : undefined;
      }),
    webhook: async (path, init) => {
      const links = (await host.client("createHttpManagementPayload", "x")) as { statusQueryGetUri: string };
      const url = new URL(links.statusQueryGetUri);
      const [pathname = "", query = ""] = path.split("?");
      url.pathname = `/runtime/webhooks/durabletask/${pathname}`;
      for (const [name, value] of new URLSearchParams(query)) url.searchParams.set(name, value);
      return fetch(url, init);
    },
  };
}
