/**
 * The agent API of the present cloud side over HTTP, on a free port of the loopback, with proofs checked: what an agent
 * of a recorded release is pointed at.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { acceptBatchRoute } from "../../../functions/accept-batch.http.ts";
import { enrolRoute } from "../../../functions/enrol.http.ts";
import { heartbeatRoute } from "../../../functions/heartbeat.http.ts";
import type { Route, RouteReply, RouteRequest } from "../../../functions/http-route.ts";
import type { Release } from "../../../local/releases/release-files.ts";
import type { Result } from "../../../shared/application/failure.ts";
import { PROOF_HEADER } from "../../../shared/contracts/proof.ts";
import { openRelease, type ReleaseCloud } from "./release-cloud.ts";

export interface ReleaseService {
  readonly url: string;
  readonly cloud: ReleaseCloud;
  close(): Promise<void>;
}

/** By the machine's clock: an agent signs by it. */
export async function serveRelease(release: Release): Promise<ReleaseService> {
  let answer = async (_request: IncomingMessage): Promise<RouteReply> => ({ status: 503, body: {} });
  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, body }) =>
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cloud = await openRelease(release, { publicUrl: url, now: () => Date.now() });
  const { routes } = cloud.cloud;
  const served = [enrolRoute(routes), heartbeatRoute(routes.heartbeat), acceptBatchRoute(routes.acceptBatch)];
  answer = async (incoming) => {
    const path = new URL(incoming.url ?? "/", url).pathname;
    const found = served.flatMap((route) => {
      const params = paramsOf(route, path);
      return params && incoming.method === "POST" ? [{ route, params }] : [];
    })[0];
    if (!found)
      return { status: 404, body: { error: { code: "no-route", message: `No ${incoming.method} ${path}.` } } };
    const body = await buffer(incoming);
    const header = incoming.headers[PROOF_HEADER];
    const request: RouteRequest = {
      ...{ method: "POST", params: found.params, query: new URLSearchParams(), body },
      ifMatch: null,
      origin: "https://uplink.example",
      isGzip: incoming.headers["content-encoding"] === "gzip",
      signed: { method: "POST", path, proof: typeof header === "string" ? header : null, body },
    };
    const result = await guarded(found.route, request);
    return result.ok ? result.value : { status: result.failure.status, body: { error: result.failure } };
  };

  async function guarded(route: Route, request: RouteRequest): Promise<Result<RouteReply>> {
    if (route.guard === "enrolment") return route.handle(request);
    if (route.guard !== "agent") throw new Error(`${route.name} is no route for agents.`);
    const agent = await routes.proofs.agentOf(request.signed);
    return agent.ok ? route.handle(request, agent.value) : agent;
  }

  return {
    ...{ url, cloud },
    close: () =>
      new Promise((resolve, reject) => {
        server.closeAllConnections();
        server.close((error) => (error ? reject(error) : resolve()));
      }),
  };
}

/** The parameters of a path below `/api/`, or undefined where the route is another. */
function paramsOf(route: Route, path: string): Record<string, string> | undefined {
  const wanted = `/api/${route.route}`.split("/");
  const parts = path.split("/");
  const params: Record<string, string> = {};
  if (wanted.length !== parts.length) return undefined;
  for (const [at, part] of wanted.entries()) {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    const value = parts[at] ?? "";
    if (name !== undefined) params[name] = decodeURIComponent(value);
    else if (part !== value) return undefined;
  }
  return params;
}
