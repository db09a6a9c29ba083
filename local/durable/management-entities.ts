/**
 * Entities in the HTTP API: reading a state, listing, signalling. As the extension's handler has it: a signal is
 * acknowledged when it is durable, DELETE signals the operation `delete`, and an entity that no function of the app
 * stands for is a bad request, not an empty answer.
 */

import type { Engine, EntityView } from "./engine-contract.ts";
import { isJson, type ManagementRequest, type ManagementResponse } from "./management-messages.ts";

/** In a path it stands for an empty key. */
const emptyKey = "$";
const defaultPage = 100;

const stateOf = ({ state }: EntityView): unknown => (state === null ? null : JSON.parse(state));
const badRequest = (Message: string): ManagementResponse => ({ status: 400, body: { Message } });

/** The JSON text of an operation's input; null for none. Throws a TypeError on text that says that it is JSON and isn't. */
function inputOf({ body, headers }: ManagementRequest): string | null {
  if (body === "") return null;
  if (headers["content-type"]?.split(";")[0]?.trim().toLowerCase() !== "application/json") return JSON.stringify(body);
  if (!isJson(body)) throw new TypeError("Could not parse JSON content");
  return body;
}

export function createEntityRoutes(engine: Engine) {
  const list = (request: ManagementRequest, name: string | undefined): ManagementResponse => {
    const { query } = request;
    const from = Date.parse(query.get("lastOperationTimeFrom") ?? "");
    const to = Date.parse(query.get("lastOperationTimeTo") ?? "");
    const wanted = engine
      .entities()
      .filter((entity) => name === undefined || entity.name === name.toLowerCase())
      .filter(({ updatedAt }) => !(updatedAt < from || updatedAt > to));
    const size = Number(query.get("top") ?? defaultPage) || defaultPage;
    const at = Number(request.headers["x-ms-continuation-token"] ?? 0) || 0;
    const withState = query.get("fetchState")?.toLowerCase() === "true";
    return {
      status: 200,
      headers: { "x-ms-continuation-token": at + size < wanted.length ? String(at + size) : "" },
      body: wanted.slice(at, at + size).map((entity) => ({
        entityId: { name: entity.name, key: entity.key },
        lastOperationTime: new Date(entity.updatedAt).toISOString(),
        ...(withState ? { state: stateOf(entity) } : {}),
      })),
    };
  };

  const signal = async (request: ManagementRequest, name: string, key: string): Promise<ManagementResponse> => {
    const operation = request.method === "DELETE" ? "delete" : (request.query.get("op") ?? "");
    try {
      await engine.signalEntity(name, key, operation, inputOf(request));
    } catch (error) {
      if (error instanceof TypeError) return badRequest(error.message);
      throw error;
    }
    return { status: 202 };
  };

  return async (
    request: ManagementRequest,
    name: string | undefined,
    pathKey: string | undefined,
  ): Promise<ManagementResponse> => {
    const { method } = request;
    if (method === "GET" && (name === undefined || pathKey === undefined)) return list(request, name);
    if (name === undefined || pathKey === undefined || !["GET", "POST", "DELETE"].includes(method)) {
      return { status: 404 };
    }
    if (!engine.hasEntity(name)) {
      return badRequest(`The function '${name}' doesn't exist, is disabled, or is not an entity function.`);
    }
    const key = pathKey === emptyKey ? "" : pathKey;
    if (method !== "GET") return signal(request, name, key);
    const entity = engine.entity(name, key);
    return entity === undefined ? { status: 404 } : { status: 200, body: stateOf(entity) };
  };
}
