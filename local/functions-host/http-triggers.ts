/**
 * HTTP triggers: which function a request belongs to, whether it may call it, and the call. Answers as Azure Functions
 * does: an unknown path and a wrong method are both 404, a missing key is 401, a handler that throws is 500 with an
 * empty body, nothing returned is 204. A HEAD request reaches only functions that list HEAD.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { RegisteredFunction } from "./functions-core.ts";
import { BodyTooLarge, readBody, sendHttpData, sendJson, toHttpData } from "./http-message.ts";
import { type HostLog, type Invoke, triggerOf } from "./invoke.ts";
import { type AuthLevel, isAuthorized, type Keys } from "./keys.ts";
import { parseRouteTemplate, type RouteParams, type RouteTemplate } from "./route-template.ts";
import type { Binding } from "./rpc.ts";

export type HttpTriggers = {
  /** Absolute paths of the functions' routes, by name, for the list of functions. */
  readonly routes: ReadonlyMap<string, string>;
  /** Answers a request. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void>;
};

export type HttpTriggersDeps = {
  readonly functions: readonly RegisteredFunction[];
  readonly isDisabled: (name: string) => boolean;
  readonly routePrefix: string;
  readonly bodyLimit: number;
  readonly keys: Keys;
  readonly invoke: Invoke;
  readonly log: HostLog;
};

type Route = {
  readonly name: string;
  readonly path: string;
  readonly template: RouteTemplate;
  readonly methods: ReadonlySet<string> | undefined;
  readonly level: AuthLevel;
};

function levelOf(name: string, binding: Binding): AuthLevel {
  const level = typeof binding["authLevel"] === "string" ? binding["authLevel"].toLowerCase() : "function";
  if (level === "anonymous" || level === "function" || level === "admin") return level;
  throw new Error(`Function '${name}' has the authLevel '${level}'. Use anonymous, function or admin.`);
}

function toRoute(fn: RegisteredFunction, prefix: string): Route {
  const { name } = fn.metadata;
  const { binding } = triggerOf(fn);
  const own = typeof binding["route"] === "string" ? binding["route"] : name;
  const path = `/${[prefix, own]
    .map((part) => part.replace(/^\/+|\/+$/g, ""))
    .filter(Boolean)
    .join("/")}`;
  const methods: unknown = binding["methods"];
  return {
    name,
    path,
    template: parseRouteTemplate(path),
    methods: Array.isArray(methods) ? new Set(methods.map((method) => String(method).toUpperCase())) : undefined,
    level: levelOf(name, binding),
  };
}

export function createHttpTriggers(deps: HttpTriggersDeps): HttpTriggers {
  const routes = deps.functions
    .filter((fn) => triggerOf(fn).binding.type?.toLowerCase() === "httptrigger")
    .map((fn) => toRoute(fn, deps.routePrefix))
    .sort((a, b) => (a.template.order < b.template.order ? -1 : a.template.order > b.template.order ? 1 : 0));

  const find = (path: string, method: string): { route: Route; params: RouteParams } | undefined => {
    for (const route of routes) {
      if (route.methods !== undefined && !route.methods.has(method)) continue;
      const params = route.template.match(path);
      if (params !== undefined) return { route, params };
    }
    return undefined;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const found = find(url.pathname, request.method ?? "GET");
    if (found === undefined) return sendJson(response, 404, undefined);
    const { route, params } = found;
    const header = request.headers["x-functions-key"];
    const key = typeof header === "string" ? header : (url.searchParams.get("code") ?? undefined);
    if (!isAuthorized(route.level, key, deps.keys)) return sendJson(response, 401, undefined);
    if (deps.isDisabled(route.name)) return sendJson(response, 404, undefined);
    let body: Buffer;
    try {
      body = await readBody(request, deps.bodyLimit);
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) throw error;
      // The rest of the body isn't read: the connection can't be used again.
      return sendJson(response, 413, undefined, { connection: "close" });
    }
    try {
      const trigger = { http: toHttpData(request, url, params, body) };
      const result = await deps.invoke(route.name, { trigger });
      sendHttpData(response, result.returnValue?.http);
    } catch (error) {
      const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
      deps.log("error", `Function.${route.name}`, `Executed 'Functions.${route.name}' (Failed): ${words}`);
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, undefined);
    }
  };

  return { routes: new Map(routes.map(({ name, path }) => [name, path])), handle };
}
