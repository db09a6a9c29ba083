/**
 * The whole service in this process: every route that the composition root registers, behind the real wrapper, over the cloud in memory.
 * Tokens are signed by keys that are served on the loopback, proofs by an enrolled agent's key. For tests that walk all routes.
 */
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { answer } from "../../functions/http-answer.ts";
import type { Route } from "../../functions/http-route.ts";
import { routesOf } from "../../functions/routes.ts";
import { createAdminTokens, ROLE_READ, ROLE_WRITE } from "../../shared/application/admin/verify-admin-token.ts";
import { EnrolReply, type ErrorReply, enrol } from "../../shared/contracts/agent-api.ts";
import { type Operation, paramsOf, plainPath } from "../../shared/contracts/operation.ts";
import { PROOF_HEADER } from "../../shared/contracts/proof.ts";
import { createKey, createProver, type Key, ORIGIN } from "./agent-proof.ts";
import { type CloudOptions, createCloud } from "./cloud.ts";
import { AUDIENCE, createSigningKey, startTokenIssuer, TENANT } from "./token-issuer.ts";

// As CommonJS: in plain Node its values can't be imported by name.
const { HttpRequest }: typeof import("@azure/functions") = createRequire(import.meta.url)("@azure/functions");

/** Who asks: what the guard wants (default), or somebody else. */
export type Who = "guard" | "admin" | "reader" | "agent" | "nobody";

export interface AskedHow {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** Bytes go as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly as?: Who;
  /** Instead of the operation's. */
  readonly method?: string;
  /** Written over the claims of the agent's proof. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface ServiceReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was answered
  readonly body: any;
  /** Of a refusal. */
  readonly code: string | undefined;
}

export async function createService(options: CloudOptions = {}) {
  const issuer = await startTokenIssuer(await createSigningKey("key-1"));
  const cloud = await createCloud(options);
  const corp = await cloud.addDomain("corp.example");
  const routes = routesOf(cloud.cloud.routes);
  const adminTokens = createAdminTokens({ authorityUrl: issuer.authorityUrl, tenantId: TENANT, audience: AUDIENCE });
  const deps = { ...cloud.cloud.routes, adminTokens };
  const tokens = { admin: await issuer.token([ROLE_WRITE]), reader: await issuer.token([ROLE_READ]) };
  const key = await createKey();
  const client = { key, proofFor: createProver(cloud.clock, key) };
  const enrolmentToken = async (configurationId = corp.configurationId) => {
    const made = await cloud.cloud.routes.configurations.createToken(
      configurationId,
      { minutes: 60, policy: "active" },
      "test",
    );
    if (!made.ok) throw new Error(made.failure.message);
    return made.value.token;
  };
  const enrolment = (token: string, own: Key = key) => ({
    ...{ token, publicKey: own.publicJwk, name: "agent", version: "1", platform: "test", domain: corp.domain },
  });
  const seenReplies: ((operation: Operation, reply: ServiceReply) => void)[] = [];

  function routeOf(operation: Operation): Route {
    const found = routes.find((own) => own.operation.id === operation.id);
    if (!found) throw new Error(`${operation.id} isn't among the routes of functions/routes.ts.`);
    return found;
  }

  /** Path parameters that name what is there. */
  const ids: Record<string, string> = { configurationId: corp.configurationId, jobId: corp.jobId };
  function paramsFor(operation: Operation, given: Readonly<Record<string, string>> = {}): Record<string, string> {
    return Object.fromEntries(
      paramsOf(operation.path).map(({ name, pattern }) => [name, given[name] ?? ids[name] ?? usual(name, pattern)]),
    );
  }

  async function credentials(operation: Operation, how: AskedHow, path: string, body: Uint8Array) {
    const { guard } = operation;
    const who = how.as ?? "guard";
    const wantsAdmin = guard === "admin-read" || guard === "admin-write";
    const wantsAgent = guard === "agent" || guard === "enrolment";
    if (who === "admin" || who === "reader") return { authorization: `Bearer ${tokens[who]}` };
    if (who === "guard" && wantsAdmin) return { authorization: `Bearer ${tokens.admin}` };
    if (who === "agent" || (who === "guard" && wantsAgent)) {
      const claims = { htm: operation.method, ...how.claims };
      return { [PROOF_HEADER]: await client.proofFor(path, body, claims) };
    }
    return {};
  }

  /** As the Functions host would call it: decoded path parameters, raw body. */
  async function ask(operation: Operation, how: AskedHow = {}): Promise<ServiceReply> {
    const params = paramsFor(operation, how.params);
    const path = `/api/${plainPath(operation.path).replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(wellFormed(params[name] ?? "")))}`;
    const body =
      how.body instanceof Uint8Array ? how.body : Buffer.from(how.body === undefined ? "" : JSON.stringify(how.body));
    const headers = { ...(await credentials(operation, how, path, body)), ...how.headers };
    return send(operation, {
      ...{ path, params, query: how.query ?? {}, headers, body },
      ...(how.method === undefined ? {} : { method: how.method }),
    });
  }

  async function send(
    operation: Operation,
    sent: {
      readonly path: string;
      readonly params: Readonly<Record<string, string>>;
      readonly query: Readonly<Record<string, string>>;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Uint8Array;
      readonly method?: string;
    },
  ): Promise<ServiceReply> {
    const search = Object.keys(sent.query).length > 0 ? `?${new URLSearchParams(sent.query)}` : "";
    const request = new HttpRequest({
      method: sent.method ?? operation.method,
      url: `${ORIGIN}${sent.path}${search}`,
      ...{ params: { ...sent.params }, query: { ...sent.query }, headers: { ...sent.headers } },
      // The worker drops it there, with a line in the log.
      ...(sent.body.length > 0 && !/^(get|head)$/i.test(sent.method ?? operation.method)
        ? { body: { bytes: sent.body } }
        : {}),
    });
    const given = await answer(deps, routeOf(operation), request);
    const body = given.jsonBody === undefined ? undefined : JSON.parse(JSON.stringify(given.jsonBody));
    const reply: ServiceReply = {
      status: given.status ?? 200,
      headers: given.headers as Record<string, string>,
      body,
      code: (body as Partial<ErrorReply> | undefined)?.error?.code,
    };
    for (const see of seenReplies) see(operation, reply);
    return reply;
  }

  const enrolled = await ask(enrol, { body: enrolment(await enrolmentToken()) });
  if (enrolled.status !== 201) throw new Error(JSON.stringify(enrolled.body));
  const agent = EnrolReply.parse(enrolled.body);
  ids["agentId"] = agent.agentId;

  return {
    ...{ cloud, corp, agent, client, issuer, adminTokens, tokens, ask, send, paramsFor, enrolment, enrolmentToken },
    operations: routes.map((route) => route.operation),
    /** Called with every answer. */
    watch: (see: (operation: Operation, reply: ServiceReply) => void) => void seenReplies.push(see),
    zipped: (value: unknown) => gzipSync(JSON.stringify(value)),
    close: () => issuer.close(),
  };
}

export type Service = Awaited<ReturnType<typeof createService>>;

/** What fits the parameter's form and names nothing. */
function usual(name: string, pattern: string | undefined): string {
  const words = /^\^\((\w+)/.exec(pattern ?? "")?.[1];
  if (words !== undefined) return words;
  return /guid$/i.test(name) ? "11111111-2222-4333-8444-555555555555" : "none-such";
}

/** Half a surrogate pair has no percent-encoding. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
