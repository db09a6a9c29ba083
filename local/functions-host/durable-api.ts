/** The engine's HTTP API on a loopback address of its own, for the library's client. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Engine } from "../durable/engine-contract.ts";
import { createManagementApi } from "../durable/management-api.ts";
import type { ManagementUrls } from "../durable/management-urls.ts";
import { readBody, sendJson } from "./http-message.ts";
import { listen } from "./listen.ts";

export type DurableApi = {
  /** Ends in a slash. */
  readonly rpcBaseUrl: string;
  /** Answers a request of anywhere, below `base`. */
  answer(request: IncomingMessage, response: ServerResponse, url: URL, base: string): Promise<void>;
  close(): Promise<void>;
};

const rpcBase = "/durabletask";
const bodyLimit = 100 * 1024 * 1024;

export async function startDurableApi(deps: {
  readonly engine: Engine;
  readonly urls: (instanceId: string, origin: string | undefined) => ManagementUrls;
  /** What else is served there: paths and what they answer, as JSON. */
  readonly views?: Readonly<Record<string, () => unknown>>;
  readonly onDefect: (error: unknown) => void;
}): Promise<DurableApi> {
  const api = createManagementApi({ engine: deps.engine, urls: deps.urls });

  const answer: DurableApi["answer"] = async (request, response, url, base) => {
    const body = await readBody(request, bodyLimit);
    const headers: Record<string, string | undefined> = {};
    for (const [name, value] of Object.entries(request.headers)) headers[name] = String(value);
    const result = await api({
      method: request.method ?? "GET",
      path: url.pathname.slice(base.length),
      query: url.searchParams,
      headers,
      body: body.toString("utf8"),
      url: url.href,
    });
    sendJson(response, result.status, result.body, result.headers);
  };

  const rpc = await listen(0, (request, response) => {
    // It asks for no key, like the extension's own listener; a web page of this machine's browser stays out all the same.
    if (request.headers.origin !== undefined) return sendJson(response, 403, undefined);
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const view = request.method === "GET" ? deps.views?.[url.pathname] : undefined;
    if (view !== undefined) return sendJson(response, 200, view());
    const work = url.pathname.startsWith(`${rpcBase}/`) ? answer(request, response, url, rpcBase) : undefined;
    if (work === undefined) return sendJson(response, 404, undefined);
    work.catch((error: unknown) => {
      deps.onDefect(error);
      if (!response.headersSent)
        sendJson(response, 500, { Message: "Something went wrong while processing your request" });
    });
  });
  return { rpcBaseUrl: `http://127.0.0.1:${rpc.port}${rpcBase}/`, answer, close: () => rpc.close(0) };
}
