/**
 * Microsoft Graph as far as the registration scripts use it: applications by unique name, service principals, role assignments,
 * federated credentials. In this process, over plain HTTP on the loopback; refuses what Graph refuses of their requests.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { GRAPH_APP_ID } from "../../shared/needs/graph-permissions.ts";

type Thing = Record<string, unknown> & { readonly id: string };

export interface GraphStandIn {
  readonly url: string;
  /** `METHOD /path`, in the order in which they came. */
  readonly requests: string[];
  readonly authorizations: Set<string>;
  readonly applications: Map<string, Thing>;
  readonly assignments: Thing[];
  readonly federated: Map<string, Thing[]>;
  /** Requests for new service principals that are answered as if their application weren't known yet. */
  lag: number;
  close(): Promise<void>;
}

export async function startGraphStandIn(): Promise<GraphStandIn> {
  let count = 0;
  const nextId = () => `00000000-0000-4000-8000-${String(++count).padStart(12, "0")}`;
  const applications = new Map<string, Thing>();
  const principals = new Map<string, Thing>([[GRAPH_APP_ID, { id: nextId(), appId: GRAPH_APP_ID }]]);
  const assignments: Thing[] = [];
  const federated = new Map<string, Thing[]>();
  const state = { lag: 0, requests: [] as string[], authorizations: new Set<string>() };

  const answer = (
    method: string,
    path: string,
    body: Record<string, unknown>,
    { prefer, selected }: { readonly prefer: string; readonly selected: readonly string[] },
  ): [number, unknown] => {
    const [, name, rest = ""] = /^\/applications\(uniqueName='([^']+)'\)(.*)$/.exec(path) ?? [];
    if (name !== undefined) {
      const own = applications.get(name);
      if (method === "PATCH" && rest === "") {
        if (!own && prefer !== "create-if-missing") return [404, refusal("Request_ResourceNotFound")];
        applications.set(name, { ...(own ?? { id: nextId(), appId: nextId(), uniqueName: name }), ...body });
        return own ? [204, undefined] : [201, applications.get(name)];
      }
      if (!own) return [404, refusal("Request_ResourceNotFound")];
      // A key's value comes to who asks for it alone.
      if (method === "GET" && rest === "")
        return [200, selected.includes("keyCredentials") ? own : { ...own, keyCredentials: withoutKeys(own) }];
      const credentials = federated.get(name) ?? [];
      federated.set(name, credentials);
      if (method === "GET") return [200, { value: credentials }];
      if (method === "POST") {
        if (credentials.some((one) => one["name"] === body["name"])) return [409, refusal("Request_MultipleObjects")];
        credentials.push({ id: nextId(), ...body });
        return [201, credentials.at(-1)];
      }
      const at = credentials.findIndex((one) => rest.endsWith(one.id));
      const there = credentials[at];
      if (!there) return [404, refusal("Request_ResourceNotFound")];
      if ("name" in body) return [400, refusal("Request_BadRequest", "Property 'name' is read-only.")];
      credentials[at] = { ...there, ...body };
      return [204, undefined];
    }
    const byId = /^\/applications\/(.+)$/.exec(path)?.[1];
    if (byId !== undefined) {
      const [key, own] = [...applications].find(([, one]) => one.id === byId) ?? [];
      if (key === undefined || own === undefined) return [404, refusal("Request_ResourceNotFound")];
      applications.set(key, { ...own, ...body });
      return [204, undefined];
    }
    const appId = /^\/servicePrincipals\(appId='([^']+)'\)$/.exec(path)?.[1];
    if (appId !== undefined) {
      const own = principals.get(appId);
      return own ? [200, own] : [404, refusal("Request_ResourceNotFound")];
    }
    if (path === "/servicePrincipals") {
      const wanted = String(body["appId"]);
      const isKnown = [...applications.values()].some((own) => own["appId"] === wanted);
      if (!isKnown || state.lag-- > 0) return [400, refusal("Request_BadRequest", "NoBackingApplicationObject")];
      principals.set(wanted, { id: nextId(), appId: wanted });
      return [201, principals.get(wanted)];
    }
    const [, id, list] = /^\/servicePrincipals\/([^/]+)\/(appRoleAssignments|appRoleAssignedTo)$/.exec(path) ?? [];
    if (id !== undefined) {
      const end = list === "appRoleAssignments" ? "principalId" : "resourceId";
      if (method === "GET") return [200, { value: assignments.filter((own) => own[end] === id) }];
      const twin = assignments.some((own) =>
        ["principalId", "resourceId", "appRoleId"].every((key) => own[key] === body[key]),
      );
      if (twin) return [400, refusal("Request_BadRequest", "Permission being assigned already exists on the object")];
      assignments.push({ id: nextId(), ...body });
      return [201, assignments.at(-1)];
    }
    return path === "/me" ? [200, { id: "me" }] : [404, refusal("BadRequest")];
  };

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://graph.invalid");
    const path = decodeURIComponent(pathname).replace(/^\/v1\.0/, "");
    const method = request.method ?? "";
    state.requests.push(`${method} ${path}`);
    state.authorizations.add(request.headers.authorization ?? "");
    const [status, said] = answer(method, path, await bodyOf(request), {
      prefer: String(request.headers["prefer"] ?? ""),
      selected: searchParams.get("$select")?.split(",") ?? [],
    });
    response.writeHead(status, { "content-type": "application/json" });
    response.end(said === undefined ? undefined : JSON.stringify(said));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1.0`,
    applications,
    assignments,
    federated,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  });
}

function withoutKeys({ keyCredentials = [] }: Thing): unknown {
  return (keyCredentials as readonly object[]).map((own) => ({ ...own, key: null }));
}

const refusal = (code: string, message = code) => ({ error: { code, message } });

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}
