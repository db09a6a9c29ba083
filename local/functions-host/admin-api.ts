/**
 * The host's administration API, for this machine only: state, list of functions, "run it now". Like Core Tools it asks
 * for no key; instead it answers only to a loopback address under a loopback name, and takes posts only as JSON, so
 * that no web page can reach it through a browser.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Counters } from "../durable/counters.ts";
import type { RegisteredFunction } from "./functions-core.ts";
import { readBody, sendJson } from "./http-message.ts";
import { type HostLog, triggerOf } from "./invoke.ts";

export type AdminApi = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

export type AdminApiDeps = {
  readonly functions: readonly RegisteredFunction[];
  readonly isDisabled: (name: string) => boolean;
  readonly routes: ReadonlyMap<string, string>;
  readonly origin: () => string;
  readonly startedAtMs: number;
  /** Undefined where the engine is a task hub's. */
  readonly counters: () => Counters | undefined;
  /** Runs a function by hand with the text of its input. Undefined for one that can't be run so. */
  readonly runByHand: (name: string, input: string) => Promise<void> | undefined;
  readonly log: HostLog;
};

const loopbackNames = new Set(["localhost", "127.0.0.1", "[::1]"]);
const inputLimit = 1024 * 1024;

function isLocal(request: IncomingMessage, url: URL): boolean {
  const address = request.socket.remoteAddress ?? "";
  const near = address === "::1" || address.startsWith("127.") || address.startsWith("::ffff:127.");
  return near && loopbackNames.has(url.hostname);
}

export function createAdminApi(deps: AdminApiDeps): AdminApi {
  const describe = (fn: RegisteredFunction): unknown => {
    const { name, bindings } = fn.metadata;
    const route = deps.routes.get(name);
    return {
      name,
      script_root_path_href: null,
      config: { name, bindings: Object.entries(bindings).map(([key, binding]) => ({ name: key, ...binding })) },
      invoke_url_template: route === undefined ? null : `${deps.origin()}${route}`,
      language: "node",
      isDisabled: deps.isDisabled(name),
    };
  };

  const run = async (request: IncomingMessage, response: ServerResponse, name: string): Promise<void> => {
    const fn = deps.functions.find(({ metadata }) => metadata.name.toLowerCase() === name.toLowerCase());
    if (fn === undefined) return sendJson(response, 404, undefined);
    const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
    if (type !== "application/json") return sendJson(response, 415, undefined);
    const text = (await readBody(request, inputLimit)).toString("utf8");
    let input: unknown;
    try {
      const body: unknown = text === "" ? {} : JSON.parse(text);
      input = typeof body === "object" && body !== null && "input" in body ? body.input : "";
    } catch {
      return sendJson(response, 400, undefined);
    }
    const work = deps.runByHand(fn.metadata.name, typeof input === "string" ? input : JSON.stringify(input));
    if (work === undefined) {
      const kind = triggerOf(fn).binding.type ?? "";
      return sendJson(response, 400, { Message: `A function with a ${kind} cannot be run by hand here.` });
    }
    work.catch((error: unknown) => {
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
      deps.log("error", `Function.${fn.metadata.name}`, `Executed 'Functions.${fn.metadata.name}' (Failed): ${words}`);
    });
    sendJson(response, 202, undefined);
  };

  return async (request, response, url) => {
    if (!isLocal(request, url)) return sendJson(response, 401, undefined);
    const path = url.pathname.toLowerCase().replace(/\/+$/, "");
    if (request.method === "GET" && path === "/admin/host/status") {
      return sendJson(response, 200, {
        id: "local",
        state: "Running",
        version: "4.0-local",
        processUptime: Date.now() - deps.startedAtMs,
        errors: [],
      });
    }
    if (request.method === "GET" && path === "/admin/functions") {
      return sendJson(response, 200, deps.functions.map(describe));
    }
    if (request.method === "GET" && path === "/admin/durable/counters") {
      const counters = deps.counters();
      return sendJson(response, counters === undefined ? 404 : 200, counters);
    }
    if (request.method === "POST" && path.startsWith("/admin/functions/")) {
      return run(request, response, decodeURIComponent(url.pathname.slice("/admin/functions/".length)));
    }
    return sendJson(response, 404, undefined);
  };
}
