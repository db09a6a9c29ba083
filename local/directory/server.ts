/**
 * A directory that behaves as Microsoft Graph does for the calls of an identity exporter, over HTTPS on loopback.
 *
 * It is strict rather than complete: what it serves it serves with Graph's rules (`rules.ts`), limits, delays and
 * errors; what it doesn't serve it refuses. Objects live in memory; with `stateDir` a journal brings them back after
 * a restart. The same server is the tenant's token endpoint, and has a control surface for tests below `/control`.
 *
 * It is no Microsoft product and knows no tenant: names in it are examples, and no call leaves the machine.
 */
import { mkdirSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createBatchRunner } from "./batch.ts";
import { type Control, createControl } from "./control.ts";
import { answerControl } from "./control-http.ts";
import { createDirectory } from "./directory.ts";
import { createFaults } from "./faults.ts";
import { type Journal, memoryJournal, openJournal } from "./journal.ts";
import { createQuota, defaultQuota, type QuotaSetting } from "./quota.ts";
import { renderAnswer } from "./render.ts";
import { refuse } from "./rules.ts";
import { createService, refuseUnreadable } from "./service.ts";
import type { Page, PublicClient } from "./sign-in.ts";
import { emptyStats } from "./stats.ts";
import { createStore } from "./store.ts";
import { type Application, createTokenService } from "./tokens.ts";
import type { Answer } from "./types.ts";

export type { Application } from "./tokens.ts";

export type DirectoryOptions = {
  /** 0 takes a free port. */
  port: number;
  /** PEM texts. */
  tls: { key: string; cert: string };
  /** Where objects and the signing key are kept; without it all is forgotten at the end. */
  stateDir?: string | undefined;
  tenantId: string;
  /** The tenant's own first name, always verified. */
  initialDomain: string;
  verifiedDomains: readonly string[];
  /** Those of the verified domains whose users sign in elsewhere. */
  federatedDomains?: readonly string[];
  applications: readonly Application[];
  /** For people who sign in; default: none can. */
  publicClient?: PublicClient | undefined;
  /** What the person has to type to sign in; undefined: nothing. */
  signInCode?: string | undefined;
  /** Origin at which a browser finds the sign-in page, such as http://localhost:7072; default: this server's. */
  webOrigin?: string | undefined;
  /** Default: 3,000 writes per 150 s. */
  quota?: QuotaSetting;
  /** For how long new objects can't be seen; default 0. */
  visibilityDelayMs?: number;
  /** Epoch milliseconds; default the machine's clock. */
  clock?: () => number;
};

export type RunningDirectory = {
  port: number;
  /** https://localhost:PORT */
  url: string;
  /** The service root that clients of Graph are given. */
  graphUrl: string;
  /** The authority that MSAL is given. */
  authority: string;
  control: Control;
  /** Answers what is under way, writes the journal, frees the port. */
  stop(): Promise<void>;
};

const MAX_GRAPH_BODY = 4 * 1024 * 1024;
const MAX_CONTROL_BODY = 512 * 1024 * 1024;
// Longer than clients keep idle connections, or they would write into one that is just being closed.
const KEEP_ALIVE_MS = 75_000;
const HOLD_POLL_MS = 20;

/**
 * Starts the directory.
 * @throws when the port is taken (`code` EADDRINUSE), the state can't be read, or an application names an unknown role.
 */
export async function startDirectory(options: DirectoryOptions): Promise<RunningDirectory> {
  const now = options.clock ?? Date.now;
  let stats = emptyStats();
  let visibilityDelayMs = options.visibilityDelayMs ?? 0;
  let port = options.port;
  const url = () => `https://localhost:${port}`;
  const root = () => `${url()}/v1.0`;
  if (options.stateDir !== undefined) mkdirSync(options.stateDir, { recursive: true });

  const lower = (names: readonly string[]) => new Set(names.map((name) => name.toLowerCase()));
  const verified = lower([options.initialDomain, ...options.verifiedDomains]);
  let journal: Journal = memoryJournal;
  const store = createStore({ journal: () => journal });
  const tokens = await createTokenService({
    tenantId: options.tenantId,
    tenantNames: verified,
    applications: options.applications,
    publicClient: options.publicClient,
    signInCode: options.signInCode,
    webOrigin: options.webOrigin,
    keyFile: options.stateDir === undefined ? undefined : join(options.stateDir, "signing-key.json"),
    ...{ now, url },
  });
  const directory = createDirectory({
    ...{ store, now },
    tenant: {
      id: options.tenantId,
      initialDomain: options.initialDomain.toLowerCase(),
      domains: { verified, federated: lower(options.federatedDomains ?? []) },
    },
    visibilityDelayMs: () => visibilityDelayMs,
  });
  const quota = createQuota({
    ...{ now, tenantId: options.tenantId },
    users: () => store.count("user"),
    setting: options.quota ?? defaultQuota,
  });
  const faults = createFaults();
  const service = createService({ directory, quota, faults, root, stats: () => stats });
  const batches = createBatchRunner({ service });
  const control = createControl({
    ...{ directory, faults, quota },
    stats: () => stats,
    resetStats: () => {
      stats = emptyStats();
    },
    setVisibilityDelay: (milliseconds) => {
      visibilityDelayMs = milliseconds;
    },
    flush: () => journal.flush(),
  });

  async function answerGraph(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    stats.requests++;
    const raw = await readAll(request, MAX_GRAPH_BODY);
    const clientRequestId = headerOf(request, "client-request-id");
    const reply = (answer: Answer) => send(response, renderAnswer(answer, clientRequestId));
    if (raw === undefined) return reply(refuse("body-unreadable", "Request is too large.", { status: 413 }));
    if (faults.isDown()) return reply(refuse("fault-down", "The service is temporarily unavailable."));
    const caller = await tokens.verify(headerOf(request, "authorization"));
    if ("rule" in caller) {
      const headers = {
        "www-authenticate": `Bearer authorization_uri="${url()}/${options.tenantId}/oauth2/v2.0/authorize"`,
      };
      return reply({ ...caller, headers });
    }
    const isJson = raw === "" || /^application\/json\b/i.test(headerOf(request, "content-type") ?? "");
    const body = isJson ? parseJson(raw) : "unreadable";
    if (body === "unreadable") return reply(refuseUnreadable());
    const method = request.method ?? "GET";
    if (!(await isLetThrough(request, method, () => `${method} ${path} ${raw}`))) return;
    let answer: Answer;
    let wrote: boolean;
    if (path === "$batch" && method === "POST") {
      stats.batches++;
      ({ answer, wrote } = batches.run(body.value, caller));
    } else {
      answer = service.execute({
        ...{ method, url: path, body: body.value, caller },
        header: (name) => headerOf(request, name),
      });
      wrote = "wrote" in answer && answer.wrote !== undefined;
    }
    journal.flush();
    if (wrote && faults.losesAnswer(() => `${method} ${path} ${raw}`)) {
      stats.lostAnswers++;
      request.socket.destroy();
      return;
    }
    reply(answer);
  }

  /** Once nobody holds it any more; false: its client is gone. */
  async function isLetThrough(request: IncomingMessage, method: string, text: () => string): Promise<boolean> {
    if (faults.holds(method, text)) stats.held++;
    while (faults.holds(method, text)) {
      await pause(HOLD_POLL_MS);
      if (request.socket.destroyed) return false;
    }
    return true;
  }

  async function answerIdentity(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    search: string,
  ): Promise<boolean> {
    const match =
      /^([^/]+)\/(oauth2\/v2\.0\/(?:token|authorize)|v2\.0\/\.well-known\/openid-configuration|discovery\/v2\.0\/keys)$/.exec(
        path,
      );
    const [, tenant, what] = match ?? [];
    if (tenant === undefined || what === undefined) return false;
    if (faults.isDown()) send(response, renderAnswer(refuse("fault-down", "The service is temporarily unavailable.")));
    else if (what.startsWith("discovery")) send(response, { status: 200, headers: {}, body: tokens.keys() });
    else if (what.endsWith("authorize")) {
      // A form of another site isn't our button.
      const isOwn = (headerOf(request, "sec-fetch-site") ?? "same-origin") === "same-origin";
      const form = new URLSearchParams(await readAll(request, MAX_GRAPH_BODY));
      const pressed = request.method === "POST" && isOwn ? { code: form.get("code") ?? "" } : undefined;
      const page = tokens.authorize(tenant, new URLSearchParams(search), pressed);
      if (page === undefined) return false;
      sendPage(response, page);
    } else if (what.startsWith("v2.0"))
      send(response, { status: 200, headers: {}, body: tokens.openIdConfiguration(tenant) });
    else {
      const raw = await readAll(request, MAX_GRAPH_BODY);
      stats.tokens++;
      const issued = await tokens.issue(tenant, new URLSearchParams(raw), headerOf(request, "authorization"));
      send(response, { ...issued, headers: { "cache-control": "no-store" } });
    }
    return true;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path, search] = splitOnce((request.url ?? "/").slice(1), "?");
    if (path.startsWith("v1.0/")) {
      const rest = path.slice("v1.0/".length);
      return answerGraph(request, response, search === undefined ? rest : `${rest}?${search}`);
    }
    if (path.startsWith("control/")) {
      const readBody = async (from: IncomingMessage) => {
        const body = parseJson(await readAll(from, MAX_CONTROL_BODY));
        return body === "unreadable" ? undefined : body.value;
      };
      return answerControl(
        { control, readBody },
        request,
        response,
        path.slice("control/".length),
        new URLSearchParams(search),
      );
    }
    if (await answerIdentity(request, response, path, search ?? "")) return;
    send(
      response,
      renderAnswer(refuse("segment-unknown", `Resource not found for the segment '${path.split("/")[0]}'.`)),
    );
  }

  const server = createServer({ ...options.tls, keepAlive: true }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`directory: ${request.method} ${request.url} failed: ${message}\n`);
      if (response.headersSent) response.destroy();
      else send(response, { status: 500, headers: {}, body: { error: { code: "InternalServerError", message } } });
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  // Only who has the port may touch the journal: a second process would compact it away under the first.
  try {
    if (options.stateDir !== undefined) {
      journal = openJournal(options.stateDir, (fact) => store.apply(fact));
      journal.rewrite(store.facts());
    }
  } catch (error) {
    server.close();
    throw error;
  }
  port = (server.address() as AddressInfo).port;

  return {
    port,
    url: url(),
    graphUrl: root(),
    authority: `${url()}/${options.tenantId}`,
    control,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const grace = setTimeout(() => server.closeAllConnections(), 2000);
      await closed;
      clearTimeout(grace);
      journal.close();
    },
  };
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name.toLowerCase()];
  return Array.isArray(value) ? value[0] : value;
}

function splitOnce(text: string, at: string): [string, string | undefined] {
  const index = text.indexOf(at);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

function parseJson(text: string | undefined): { value: unknown } | "unreadable" {
  if (text === undefined) return "unreadable";
  if (text === "") return { value: undefined };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return "unreadable";
  }
}

/** The body as text, or undefined when it is longer than `limit` bytes. */
async function readAll(request: IncomingMessage, limit: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length <= limit) chunks.push(chunk as Buffer);
  }
  return length > limit ? undefined : Buffer.concat(chunks).toString("utf8");
}

function sendPage(response: ServerResponse, { status, headers, html }: Page): void {
  const content = { "content-type": "text/html; charset=utf-8", "content-length": Buffer.byteLength(html) };
  response.writeHead(status, { ...headers, ...content, "cache-control": "no-store" });
  response.end(html);
}

function send(
  response: ServerResponse,
  rendered: { status: number; headers: Record<string, string>; body: object | undefined },
): void {
  const text = rendered.body === undefined ? "" : JSON.stringify(rendered.body);
  const content: Record<string, string> = text === "" ? {} : { "content-type": "application/json; charset=utf-8" };
  response.writeHead(rendered.status, { ...rendered.headers, ...content, "content-length": Buffer.byteLength(text) });
  response.end(text);
}
