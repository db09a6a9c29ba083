/** The HTTP side of `control.ts`: one path for each thing that a test may do. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Control, Seed, Settings } from "./control.ts";
import type { FaultOrder } from "./faults.ts";
import { isJsonObject, type JsonObject, type Kind } from "./types.ts";

type Deps = { control: Control; readBody: (request: IncomingMessage) => Promise<unknown> };
type Handler = (deps: Deps, request: IncomingMessage, query: URLSearchParams) => Promise<JsonObject>;

const handlers: Record<string, Handler> = {
  "GET stats": async ({ control }) => ({ ...control.stats() }),
  "POST stats/reset": async ({ control }) => {
    control.resetStats();
    return {};
  },
  "POST seed": async ({ control, readBody }, request) => {
    const { objects } = await objectOf(readBody(request));
    if (!Array.isArray(objects)) throw new Error("Cannot seed: the body needs a list 'objects'.");
    return { ids: control.seed(objects as Seed[]) };
  },
  "GET faults": async ({ control }) => ({ ...control.pendingFaults() }),
  "POST faults": async ({ control, readBody }, request) => {
    control.order((await objectOf(readBody(request))) as FaultOrder);
    return { ...control.pendingFaults() };
  },
  "DELETE faults": async ({ control }) => {
    control.clearFaults();
    return {};
  },
  "POST roles": async ({ control, readBody }, request) => {
    const { principalId, role, held } = await objectOf(readBody(request));
    control.setRole(String(principalId), String(role), held !== false);
    return {};
  },
  "POST settings": async ({ control, readBody }, request) => {
    control.set((await objectOf(readBody(request))) as Settings);
    return {};
  },
  "DELETE objects": async ({ control }) => {
    control.deleteAll();
    return {};
  },
  "GET health": async () => ({ ready: true }),
};

const STREAM_CHUNK = 64 * 1024;

/** Answers a request below /control. `path` is what follows it. */
export async function answerControl(
  deps: Deps,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  query: URLSearchParams,
): Promise<void> {
  if (!isLoopback(request.socket.remoteAddress)) return send(response, 403, { error: "Only from this machine." });
  if (request.method === "GET" && path === "objects") return streamObjects(deps.control, response, query.get("kind"));
  const handler = handlers[`${request.method} ${path}`];
  if (!handler) {
    return send(response, 404, {
      error: `No '${request.method} /control/${path}'. Known: ${Object.keys(handlers).join(", ")}, GET objects.`,
    });
  }
  try {
    send(response, 200, await handler(deps, request, query));
  } catch (error) {
    send(response, 400, { error: error instanceof Error ? error.message : String(error) });
  }
}

async function streamObjects(control: Control, response: ServerResponse, kind: string | null): Promise<void> {
  response.writeHead(200, { "content-type": "application/json" });
  let chunk = '{"value":[';
  let separator = "\n";
  for (const listed of control.list(kind === "user" || kind === "group" ? (kind satisfies Kind) : undefined)) {
    chunk += separator + JSON.stringify(listed);
    separator = ",\n";
    if (chunk.length < STREAM_CHUNK) continue;
    if (!response.write(chunk)) await new Promise((resolve) => response.once("drain", resolve));
    chunk = "";
  }
  response.end(`${chunk}\n]}\n`);
}

async function objectOf(body: Promise<unknown>): Promise<JsonObject> {
  const value = await body;
  if (isJsonObject(value)) return value;
  throw new Error("Cannot read the body: it must be a JSON object.");
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(127\.|::1$|::ffff:127\.)/.test(address);
}

function send(response: ServerResponse, status: number, body: JsonObject): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
