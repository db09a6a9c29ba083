/**
 * A small cloud side for tests of the agent: HTTP on a free port of the loopback, the agent API's rules (lease, order, sequence,
 * watermark, 409 with what is expected), every proof verified with jose. It keeps batches in memory and exports nothing.
 *
 * `intercept` lets a test answer a request otherwise: a status, a delay, a cut connection.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify } from "jose";
import {
  type AcceptReply,
  EnrolRequest,
  type HeartbeatReply,
  HeartbeatRequest,
  type PublicKeyJwk,
  ReadOrder,
} from "../../../shared/contracts/agent-api.ts";
import { ChangeBatch, type Watermark } from "../../../shared/contracts/change.ts";
import { PROOF_HEADER, PROOF_TYPE, ProofClaims } from "../../../shared/contracts/proof.ts";

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Cut the connection instead of answering. */
  readonly cut?: boolean;
}
export interface Seen {
  readonly path: string;
  readonly claims: ProofClaims;
  readonly body: Buffer;
  readonly traceparent?: string;
}

export interface FakeUplink {
  readonly url: string;
  readonly seen: Seen[];
  readonly heartbeats: HeartbeatRequest[];
  /** Batches accepted, in order. */
  readonly batches: ChangeBatch[];
  readonly ended: number[];
  /** What the next order says; `null`: no order. */
  orderFor: (request: HeartbeatRequest) => Partial<ReadOrder> | null;
  /** An admin asked for a full read. */
  fullWanted: boolean;
  leaseHeld: boolean;
  leaseEpoch: number;
  agentStatus: HeartbeatReply["agentStatus"];
  heartbeatSeconds: number;
  watermark: Watermark | null;
  /** Runs before the rules; an answer replaces theirs. */
  intercept: (seen: Seen) => Answer | undefined | Promise<Answer | undefined>;
  /** Forgets the open read, as a takeover or an admin would. */
  closeRead(): void;
  close(): Promise<void>;
}

export async function startFakeUplink(knownKey?: PublicKeyJwk): Promise<FakeUplink> {
  const keys = new Map<string, PublicKeyJwk>();
  if (knownKey) keys.set(await calculateJwkThumbprint(knownKey), knownKey);
  let open: ReadOrder | undefined;
  let nextSequence = 1;
  let readNo = 0;

  const fake: Omit<FakeUplink, "url" | "close"> = {
    seen: [],
    heartbeats: [],
    batches: [],
    ended: [],
    orderFor: (request) => ({ kind: request.want === "full" || fake.watermark === null ? "full" : "delta" }),
    fullWanted: false,
    leaseHeld: true,
    leaseEpoch: 1,
    agentStatus: "active",
    heartbeatSeconds: 0.05,
    watermark: null,
    intercept: () => undefined,
    closeRead: () => {
      open = undefined;
    },
  };

  function heartbeat(request: HeartbeatRequest): Answer {
    fake.heartbeats.push(request);
    if (open && request.abortReadNo === open.readNo) open = undefined;
    // A read without batches gives way to a full one that was asked for meanwhile.
    if (open && fake.fullWanted && request.want !== "continue" && open.kind === "delta") open = undefined;
    const wants = request.want === "delta" || request.want === "full";
    const mayRead = fake.leaseHeld && fake.agentStatus === "active" && request.trouble === undefined;
    if (mayRead && !open && wants) {
      const asked = fake.fullWanted ? { kind: "full" as const, reason: "asked" } : fake.orderFor(request);
      fake.fullWanted = false;
      if (asked) {
        readNo++;
        nextSequence = 1;
        open = ReadOrder.parse({
          jobId: "job-1",
          readNo,
          kind: "full",
          reason: request.reason ?? "asked",
          leaseEpoch: fake.leaseEpoch,
          nextSequence: 1,
          watermark: fake.watermark,
          schemaVersion: 1,
          scopeVersion: 1,
          attributes: ["sAMAccountName", "department", "manager", "objectGUID"],
          attributeSetHash: "hash",
          objectClasses: ["user", "inetOrgPerson"],
          scope: { organizationalUnits: [], groups: [] },
          reportsLeaves: false,
          ...asked,
        });
      }
    }
    const reply: HeartbeatReply = {
      agentStatus: fake.agentStatus,
      lease: { held: fake.leaseHeld, epoch: fake.leaseEpoch, seconds: 60 },
      order: mayRead && open ? { ...open, nextSequence } : null,
      heartbeatSeconds: fake.heartbeatSeconds,
    };
    return { status: 200, body: reply };
  }

  function conflict(): Answer {
    const expected = {
      readNo: open?.readNo ?? null,
      nextSequence,
      leaseEpoch: fake.leaseEpoch,
      watermark: fake.watermark?.id ?? null,
      domainObjectGuid: null,
      domainSid: null,
    };
    return {
      status: 409,
      body: { error: { code: "batch-conflict", message: "Not the batch that is expected.", expected } },
    };
  }

  function accept(body: Buffer): Answer {
    const batch = ChangeBatch.parse(JSON.parse(gunzipSync(body).toString("utf8")));
    const reply = (accepted: AcceptReply["accepted"]): AcceptReply => ({
      batchId: batch.batchId,
      accepted,
      nextSequence,
    });
    const before = fake.batches.find((one) => one.batchId === batch.batchId);
    if (before && JSON.stringify(before) === JSON.stringify(batch)) return { status: 200, body: reply("before") };
    const fits =
      open?.readNo === batch.readNo &&
      batch.sequence === nextSequence &&
      batch.leaseEpoch === fake.leaseEpoch &&
      batch.watermarkBefore === (fake.watermark?.id ?? null);
    if (!fits) return conflict();
    fake.batches.push(batch);
    nextSequence++;
    if (batch.watermarkAfter) fake.watermark = batch.watermarkAfter;
    if (batch.isLast) {
      fake.ended.push(batch.readNo);
      open = undefined;
    }
    return { status: 202, body: reply("now") };
  }

  async function enrol(json: unknown): Promise<Answer> {
    const request = EnrolRequest.parse(json);
    if (!request.token.startsWith("good")) {
      return {
        status: 401,
        body: { error: { code: "token-expired", message: "The token has expired.", remedy: "Make a new one." } },
      };
    }
    keys.set(await calculateJwkThumbprint(request.publicKey), request.publicKey);
    return {
      status: 200,
      body: { agentId: "agent-1", status: "active", configurationId: "configuration-1", jobId: "job-1" },
    };
  }

  async function answer(path: string, seen: Seen): Promise<Answer> {
    const intercepted = await fake.intercept(seen);
    if (intercepted) return intercepted;
    if (path.endsWith("/enrol")) return enrol(JSON.parse(seen.body.toString("utf8")));
    if (path.endsWith("/heartbeat")) return heartbeat(HeartbeatRequest.parse(JSON.parse(seen.body.toString("utf8"))));
    if (path.endsWith("/jobs/job-1/batches")) return accept(seen.body);
    return { status: 404, body: { error: { code: "not-found", message: path } } };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks);
    const path = request.url ?? "/";
    let result: Answer;
    try {
      const claims = await verify(request, body, keys);
      const { traceparent } = request.headers;
      const seen = { path, claims, body, ...(typeof traceparent === "string" ? { traceparent } : {}) };
      fake.seen.push(seen);
      result = await answer(path, seen);
    } catch (error) {
      result = { status: 401, body: { error: { code: "proof-invalid", message: String(error) } } };
    }
    if (result.cut) {
      request.socket.destroy();
      return;
    }
    response.writeHead(result.status, { "content-type": "application/json", ...result.headers });
    response.end(result.body === undefined ? "" : JSON.stringify(result.body));
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(fake, {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}

async function verify(
  request: IncomingMessage,
  body: Buffer,
  keys: ReadonlyMap<string, PublicKeyJwk>,
): Promise<ProofClaims> {
  const proof = String(request.headers[PROOF_HEADER]);
  const { kid = "" } = decodeProtectedHeader(proof);
  const enrolling = request.url?.endsWith("/enrol")
    ? EnrolRequest.parse(JSON.parse(body.toString("utf8"))).publicKey
    : undefined;
  const jwk = keys.get(kid) ?? enrolling;
  if (!jwk || (await calculateJwkThumbprint(jwk)) !== kid) throw new Error(`No agent has the key ${kid}.`);
  const origin = `http://${request.headers.host}`;
  const { payload } = await jwtVerify(proof, await importJWK(jwk, "ES256"), {
    typ: PROOF_TYPE,
    audience: origin,
    algorithms: ["ES256"],
  });
  const claims = ProofClaims.parse(payload);
  if (claims.htu !== `${origin}${request.url}` || claims.htm !== request.method)
    throw new Error("The proof is for another request.");
  if (claims.bsha !== createHash("sha256").update(body).digest("base64url"))
    throw new Error("The proof is for another body.");
  return claims;
}
