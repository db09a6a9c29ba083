/**
 * The agent API as Azure would call it: requests go through the real wrapper, with real proofs, into the cloud side in
 * memory. `@azure/functions` registers nothing outside a worker, so the registrations are caught on their way.
 */
import { gzipSync } from "node:zlib";
import { app, type HttpHandler, HttpRequest, InvocationContext } from "@azure/functions";
import { vi } from "vitest";
import { acceptBatchRoute } from "../../functions/accept-batch.http.ts";
import { enrolRoute } from "../../functions/enrol.http.ts";
import { heartbeatRoute } from "../../functions/heartbeat.http.ts";
import { type Route, registerRoute } from "../../functions/http-route.ts";
import type { ErrorReply } from "../../shared/contracts/agent-api.ts";
import { PROOF_HEADER } from "../../shared/contracts/proof.ts";
import { createKey, createProver, type Key, ORIGIN } from "../support/agent-proof.ts";
import type { Cloud } from "../support/cloud.ts";

export { createKey, ORIGIN };

export interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown> & Partial<ErrorReply>;
  readonly headers: Record<string, string>;
}

export interface Sending {
  readonly gzip?: boolean;
  /** Written over the claims of the proof; null takes one away. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Instead of the proof that would be made; null: none. */
  readonly proof?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, string>>;
}

/** Handlers of the given routes by name, each registered through the wrapper. */
export function handlersOf(cloud: Cloud, routes: readonly Route[]): Map<string, HttpHandler> {
  const handlers = new Map<string, HttpHandler>();
  const http = vi.spyOn(app, "http").mockImplementation((name, options) => void handlers.set(name, options.handler));
  for (const route of routes) registerRoute(cloud.cloud.routes, route);
  http.mockRestore();
  return handlers;
}

export async function createAgentClient(cloud: Cloud, key?: Key) {
  const own = key ?? (await createKey());
  const { routes } = cloud.cloud;
  const handlers = handlersOf(cloud, [
    enrolRoute(routes),
    heartbeatRoute(routes.heartbeat),
    acceptBatchRoute(routes.acceptBatch),
  ]);
  const proofFor = createProver(cloud.clock, own);

  async function post(name: string, path: string, content: unknown, sending: Sending = {}): Promise<Reply> {
    const raw = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
    const body = sending.gzip === false || content instanceof Uint8Array ? raw : gzipSync(raw);
    const proof = sending.proof === undefined ? await proofFor(path, body, sending.claims) : sending.proof;
    const isGzip = sending.gzip !== false;
    const request = new HttpRequest({
      method: "POST",
      url: `${ORIGIN}${path}`,
      body: { bytes: body },
      params: { ...sending.params },
      headers: {
        ...(isGzip ? { "content-encoding": "gzip" } : {}),
        ...(proof === null ? {} : { [PROOF_HEADER]: proof }),
        ...sending.headers,
      },
    });
    const handler = handlers.get(name);
    if (!handler) throw new Error(`No function is named ${name}.`);
    const context = new InvocationContext({ functionName: name, logHandler: () => undefined });
    const response = (await handler(request, context)) as {
      status: number;
      jsonBody?: Reply["body"];
      headers: Record<string, string>;
    };
    return { status: response.status, body: response.jsonBody ?? {}, headers: response.headers };
  }

  return {
    key: own,
    proofFor,
    enrol: (request: unknown, sending?: Sending) =>
      post("Enrol", "/api/agent/v1/enrol", request, { gzip: false, ...sending }),
    heartbeat: (request: unknown, sending?: Sending) =>
      post("Heartbeat", "/api/agent/v1/heartbeat", request, { gzip: false, ...sending }),
    batch: (jobId: string, batch: unknown, sending?: Sending) =>
      post("AcceptBatch", `/api/agent/v1/jobs/${jobId}/batches`, batch, { ...sending, params: { jobId } }),
  };
}
