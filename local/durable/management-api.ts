/**
 * The HTTP API of the Durable extension: what the library's client speaks to `rpcBaseUrl`, and what stands below
 * `/runtime/webhooks/durabletask/`. Same paths, status codes and bodies as the extension's handler. Entities' part is in
 * `management-entities.ts`.
 */

import type { ControlResult, Engine } from "./engine-contract.ts";
import { type InstanceStatus, statusOf } from "./instance-status.ts";
import { createEntityRoutes } from "./management-entities.ts";
import { isJson, type ManagementRequest, type ManagementResponse } from "./management-messages.ts";
import type { ManagementUrls } from "./management-urls.ts";

export type ManagementApi = (request: ManagementRequest) => Promise<ManagementResponse>;

export type ManagementApiDeps = {
  readonly engine: Engine;
  readonly urls: (instanceId: string, origin?: string) => ManagementUrls;
};

const notFound: ManagementResponse = { status: 404 };
const defaultPage = 100;

const isTrue = (value: string | null): boolean => value?.toLowerCase() === "true";

function timeOf(value: string | null): number | undefined {
  const at = value === null ? Number.NaN : Date.parse(value);
  return Number.isNaN(at) ? undefined : at;
}

function controlResponse(result: ControlResult): ManagementResponse {
  return { status: result === "accepted" ? 202 : result === "gone" ? 410 : 404 };
}

export function createManagementApi({ engine, urls }: ManagementApiDeps): ManagementApi {
  const entities = createEntityRoutes(engine);

  const start = async (
    request: ManagementRequest,
    name: string,
    id: string | undefined,
  ): Promise<ManagementResponse> => {
    const input = request.body === "" ? null : request.body;
    if (input !== null && !isJson(input)) return { status: 400, body: { Message: "Invalid JSON content" } };
    if (!engine.hasOrchestrator(name)) {
      const Message = `The function '${name}' doesn't exist, is disabled, or is not an orchestrator function.`;
      return { status: 400, body: { Message } };
    }
    const version = request.query.get("version");
    const started = await engine.startNew({
      name,
      input,
      ...(id === undefined ? {} : { instanceId: id }),
      ...(version === null ? {} : { version }),
    });
    if ("conflict" in started) {
      const Message = `An Orchestration instance with the status ${started.conflict} already exists.`;
      return { status: 409, body: { Message } };
    }
    return started202(request, started.id);
  };

  const started202 = (request: ManagementRequest, id: string): ManagementResponse => {
    const links = urls(id, new URL(request.url).origin);
    return { status: 202, headers: { location: links.statusQueryGetUri, "retry-after": "10" }, body: links };
  };

  /** Starts a new instance with the name and the input of another one, under its own id or under that one's. */
  const restart = async (request: ManagementRequest, id: string): Promise<ManagementResponse> => {
    const instance = engine.instance(id);
    const refuse = (status: number, Message: string): ManagementResponse => ({ status, body: { Message } });
    if (instance === undefined) return refuse(400, "InstanceId does not match a valid orchestration instance.");
    const sameId = request.query.get("restartWithNewInstanceId")?.toLowerCase() === "false";
    const { name, input } = instance;
    const started = await engine.startNew({ name, input, ...(sameId ? { instanceId: id } : {}) });
    if ("id" in started) return started202(request, started.id);
    return refuse(409, "A non-terminal instance with this instance ID already exists.");
  };

  const rewind = async (request: ManagementRequest, id: string): Promise<ManagementResponse> => {
    const result = await engine.rewind(id, request.query.get("reason"));
    if (result === "accepted") return { status: 202 };
    // The dollar sign is the extension's.
    if (result === "not-found") return { status: 404, body: `No orchestration with instance ID "$${id}" found.` };
    if ("broken" in result) {
      const Message = "Something went wrong while processing your request";
      return { status: 500, body: { Message, ExceptionMessage: result.broken } };
    }
    const body = `This orchestration has status ${result.refused}, but only orchestrations in the "Failed" state can be rewound.`;
    return { status: 412, body };
  };

  const getStatus = async (request: ManagementRequest, id: string): Promise<ManagementResponse> => {
    const instance = engine.instance(id);
    if (instance === undefined) return notFound;
    const { query } = request;
    const status = statusOf(instance, {
      showInput: query.get("showInput")?.toLowerCase() !== "false",
      ...(isTrue(query.get("showHistory"))
        ? { history: await engine.history(id), showHistoryOutput: isTrue(query.get("showHistoryOutput")) }
        : {}),
    });
    if (["Running", "Pending", "Suspended"].includes(status.runtimeStatus)) {
      return { status: 202, headers: { location: request.url, "retry-after": "5" }, body: status };
    }
    const as500 = status.runtimeStatus === "Failed" && isTrue(query.get("returnInternalServerErrorOnFailure"));
    return { status: as500 ? 500 : 200, body: status };
  };

  /** Statuses of the instances that a query's conditions select, oldest first. */
  const select = (query: URLSearchParams): InstanceStatus[] => {
    const from = timeOf(query.get("createdTimeFrom"));
    const to = timeOf(query.get("createdTimeTo"));
    const prefix = query.get("instanceIdPrefix") ?? "";
    const wanted = new Set(query.getAll("runtimeStatus").flatMap((value) => value.split(",")));
    const showInput = query.get("showInput")?.toLowerCase() !== "false";
    const selected: { readonly createdAt: number; readonly status: InstanceStatus }[] = [];
    for (const instance of engine.instances()) {
      if (from !== undefined && instance.createdAt < from) continue;
      if (to !== undefined && instance.createdAt > to) continue;
      if (!instance.id.startsWith(prefix)) continue;
      const status = statusOf(instance, { showInput });
      if (wanted.size > 0 && !wanted.has(status.runtimeStatus)) continue;
      selected.push({ createdAt: instance.createdAt, status });
    }
    return selected.sort((a, b) => a.createdAt - b.createdAt).map(({ status }) => status);
  };

  const list = (request: ManagementRequest): ManagementResponse => {
    const all = select(request.query);
    const size = Number(request.query.get("top") ?? defaultPage) || defaultPage;
    const at = Number(request.headers["x-ms-continuation-token"] ?? 0) || 0;
    const next = at + size < all.length ? String(at + size) : "";
    return { status: 200, headers: { "x-ms-continuation-token": next }, body: all.slice(at, at + size) };
  };

  const purgeMany = async (request: ManagementRequest): Promise<ManagementResponse> => {
    if (timeOf(request.query.get("createdTimeFrom")) === undefined) {
      return { status: 400, body: "Please provide value for 'createdTimeFrom' parameter." };
    }
    let instancesDeleted = 0;
    for (const { instanceId } of select(request.query)) {
      if ((await engine.purge(instanceId)) === "purged") instancesDeleted += 1;
    }
    return instancesDeleted === 0 ? notFound : { status: 200, body: { instancesDeleted } };
  };

  const purgeOne = async (id: string): Promise<ManagementResponse> => {
    // An entity goes by the id of its scheduler, whatever it is doing.
    if (id.startsWith("@")) return { status: 200, body: { instancesDeleted: (await engine.purgeEntity(id)) ? 1 : 0 } };
    const result = await engine.purge(id);
    if (result === "not-found") return notFound;
    if (result === "purged") return { status: 200, body: { instancesDeleted: 1 } };
    return { status: 412, body: `Only orchestrations in a terminal state can be purged, but '${id}' is running.` };
  };

  const raise = (request: ManagementRequest, id: string, name: string): Promise<ManagementResponse> => {
    const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
    const refuse = (Message: string): Promise<ManagementResponse> =>
      Promise.resolve({ status: 400, body: { Message } });
    const input = request.body === "" ? "null" : request.body;
    const instance = engine.instance(id);
    if (instance === undefined) return Promise.resolve(notFound);
    if ("status" in instance) return Promise.resolve({ status: 410 });
    if (type !== "application/json") return refuse("Only application/json request content is supported");
    if (!isJson(input)) return refuse("Invalid JSON content");
    return engine.raiseEvent(id, name, input).then(controlResponse);
  };

  const operate = (request: ManagementRequest, id: string, operation: string): Promise<ManagementResponse> => {
    switch (operation.toLowerCase()) {
      case "terminate":
        return engine.terminate(id, request.query.get("reason")).then(controlResponse);
      case "suspend":
        return engine.suspend(id).then(controlResponse);
      case "resume":
        return engine.resume(id).then(controlResponse);
      case "rewind":
        return rewind(request, id);
      case "restart":
        return restart(request, id);
      default:
        return Promise.resolve(notFound);
    }
  };

  return async (request) => {
    const { method } = request;
    const [segment, id, operation, eventName, ...more] = request.path
      .split("/")
      .filter((part) => part !== "")
      .map(decodeURIComponent);
    if (more.length > 0) return notFound;
    switch (segment?.toLowerCase()) {
      case "orchestrators":
        return method === "POST" && id !== undefined && eventName === undefined
          ? start(request, id, operation)
          : notFound;
      case "instances":
        if (id === undefined) {
          return method === "GET" ? list(request) : method === "DELETE" ? purgeMany(request) : notFound;
        }
        if (operation === undefined) {
          return method === "GET" ? getStatus(request, id) : method === "DELETE" ? purgeOne(id) : notFound;
        }
        if (method !== "POST") return notFound;
        if (operation.toLowerCase() === "raiseevent") {
          return eventName === undefined ? notFound : raise(request, id, eventName);
        }
        return eventName === undefined ? operate(request, id, operation) : notFound;
      case "entities":
        return eventName === undefined ? entities(request, id, operation) : notFound;
      default:
        return notFound;
    }
  };
}
