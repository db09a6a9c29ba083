/**
 * The whole service in this process: every route that the composition root registers, behind the real wrapper, over the cloud in memory.
 * Tokens are signed by keys that are served on the loopback, proofs by an enrolled agent's key. For tests that walk all routes.
 */
import { gzipSync } from "node:zlib";
import { HttpRequest, InvocationContext } from "@azure/functions";
import { answer } from "../../functions/http-answer.ts";
import type { Route } from "../../functions/http-route.ts";
import { routesOf } from "../../functions/routes.ts";
import { createAdminTokens, ROLE_READ, ROLE_WRITE } from "../../shared/application/verify-admin-token.ts";
import type { EnrolReply, ErrorReply } from "../../shared/contracts/agent-api.ts";
import { type Operation, paramsOf, plainPath } from "../../shared/contracts/operation.ts";
import { PROOF_HEADER } from "../../shared/contracts/proof.ts";
import { createAgentClient, ORIGIN } from "../functions/agent-client.ts";
import { type CloudOptions, createCloud } from "./cloud.ts";
import { AUDIENCE, createSigningKey, startTokenIssuer, TENANT } from "./token-issuer.ts";

/** Who asks: what the guard wants (default), or somebody else. */
export type Who = "guard" | "admin" | "reader" | "agent" | "nobody";

export interface AskedHow {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** Bytes go as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly as?: Who;
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
  const client = await createAgentClient(cloud);
  const enrolmentToken = async (configurationId = corp.configurationId) => {
    const made = await cloud.cloud.routes.configurations.createToken(
      configurationId,
      { minutes: 60, policy: "active" },
      "test",
    );
    if (!made.ok) throw new Error(made.failure.message);
    return made.value.token;
  };
  const enrolment = (token: string, key = client.key) => ({
    ...{ token, publicKey: key.publicJwk, name: "agent", version: "1", platform: "test", domain: corp.domain },
  });
  const enrolled = await client.enrol(enrolment(await enrolmentToken()));
  if (enrolled.status !== 201) throw new Error(JSON.stringify(enrolled.body));
  const agent = enrolled.body as unknown as EnrolReply;
  const seenReplies: ((operation: Operation, reply: ServiceReply) => void)[] = [];

  function routeOf(operation: Operation): Route {
    const found = routes.find((own) => own.operation.id === operation.id);
    if (!found) throw new Error(`${operation.id} isn't among the routes of functions/routes.ts.`);
    return found;
  }

  /** Path parameters that name what is there. */
  const ids: Readonly<Record<string, string>> = {
    ...{ configurationId: corp.configurationId, jobId: corp.jobId, agentId: agent.agentId },
  };
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
    const path = `/api/${plainPath(operation.path).replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(params[name] ?? ""))}`;
    const body =
      how.body instanceof Uint8Array ? how.body : Buffer.from(how.body === undefined ? "" : JSON.stringify(how.body));
    const headers = { ...(await credentials(operation, how, path, body)), ...how.headers };
    return send(operation, { path, params, query: how.query ?? {}, headers, body });
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
      ...(sent.body.length > 0 ? { body: { bytes: sent.body } } : {}),
    });
    const context = new InvocationContext({ functionName: operation.id, logHandler: () => undefined });
    const given = await answer(deps, routeOf(operation), request, context);
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

  return {
    ...{ cloud, corp, agent, client, issuer, tokens, ask, send, paramsFor, enrolment, enrolmentToken },
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
