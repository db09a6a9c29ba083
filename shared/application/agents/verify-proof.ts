/**
 * Who sends a request: the proof in its header is checked against the key that the agent enrolled with.
 *
 * Checked: signature, method, URL, audience, moment (60 s, with a little clock skew), body digest, and that the proof of
 * this process boot wasn't seen before. The last is kept per instance and not shared: a replay is harmless anyhow,
 * because every request is idempotent. Agents are remembered for 30 s, so a revocation takes effect within 60 s.
 */
import { createHash } from "node:crypto";
import { calculateJwkThumbprint, decodeProtectedHeader, errors, importJWK, jwtVerify } from "jose";
import type { PublicKeyJwk } from "../../contracts/agent-api.ts";
import {
  PROOF_HEADER,
  PROOF_MAX_SECONDS,
  PROOF_SEQUENCE_WINDOW,
  PROOF_TYPE,
  ProofClaims,
} from "../../contracts/proof.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { type AgentRow, agentTable, KEY_PARTITION } from "../state/agent-rows.ts";
import { readRow } from "../state/job-rows.ts";

const AGENT_CACHE_MS = 30_000;
const CLOCK_SKEW_SECONDS = 30;
const MOST_SEEN = 10_000;

export interface SignedRequest {
  readonly method: string;
  /** Path below the public origin, with the leading slash, without query. */
  readonly path: string;
  readonly proof: string | null;
  readonly body: Uint8Array;
}

export interface ProvenAgent {
  readonly agent: AgentRow;
  readonly boot: string;
  /** By the agent's clock, milliseconds since 1970; absent: now. */
  readonly signedAt?: number;
}

export interface ProofVerifier {
  /** Of an enrolled agent. Failures: 401 (with the reason), 403 (revoked, locked). */
  agentOf(request: SignedRequest): Promise<Result<ProvenAgent>>;
  /** Of a key that enrols: the proof must be signed with the very key in the body. Gives the key's thumbprint. */
  newKey(
    request: SignedRequest,
    publicKey: PublicKeyJwk,
  ): Promise<Result<{ readonly keyId: string; readonly boot: string }>>;
  forget(keyId: string): void;
}

export function createProofVerifier(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly publicUrl: string;
}): ProofVerifier {
  const agents = new Map<string, { agent: AgentRow; until: number }>();
  const seen = new Map<string, { highest: number; recent: Set<number>; at: number }>();
  /** As long as its agent is remembered. */
  const imported = new WeakMap<PublicKeyJwk, Awaited<ReturnType<typeof importJWK>>>();
  let sweptAt = 0;

  async function lookUp(keyId: string): Promise<AgentRow | undefined> {
    const cached = agents.get(keyId);
    if (cached && cached.until > deps.clock.now()) return cached.agent;
    const table = agentTable(deps.rows);
    const key = await table.get(KEY_PARTITION, keyId);
    if (!key) return undefined;
    const found = await readRow<AgentRow>(
      table,
      String(key.values["configurationId"]),
      `agent:${String(key.values["agentId"])}`,
    );
    if (!found) return undefined;
    agents.set(keyId, { agent: found.value, until: deps.clock.now() + AGENT_CACHE_MS });
    return found.value;
  }

  async function check(request: SignedRequest, publicKey: PublicKeyJwk, keyId: string): Promise<Result<ProofClaims>> {
    let claims: ProofClaims;
    try {
      const key = imported.get(publicKey) ?? (await importJWK(publicKey, "ES256"));
      imported.set(publicKey, key);
      const verified = await jwtVerify(request.proof ?? "", key, {
        algorithms: ["ES256"],
        typ: PROOF_TYPE,
        audience: deps.publicUrl,
        currentDate: new Date(deps.clock.now()),
        clockTolerance: CLOCK_SKEW_SECONDS,
      });
      const parsed = ProofClaims.safeParse(verified.payload);
      if (!parsed.success)
        return unproven(`its claims are refused at '${parsed.error.issues[0]?.path.join(".") ?? ""}'`);
      claims = parsed.data;
    } catch (error) {
      return unproven(error instanceof errors.JOSEError ? `${error.code}: ${error.message}` : String(error));
    }
    if (claims.exp - claims.iat > PROOF_MAX_SECONDS)
      return unproven(`it is valid for more than ${PROOF_MAX_SECONDS} seconds`);
    // Signed ahead of time, a proof would be good for as long as somebody likes.
    if (claims.iat * 1000 > deps.clock.now() + CLOCK_SKEW_SECONDS * 1000) return unproven("it is dated in the future");
    if (claims.htm !== request.method) return unproven(`it is for ${claims.htm}, not ${request.method}`);
    if (claims.htu !== `${deps.publicUrl}${request.path}`)
      return unproven(`it is for ${claims.htu}, not ${deps.publicUrl}${request.path}`);
    const digest = createHash("sha256").update(request.body).digest("base64url");
    if (claims.bsha !== digest) return unproven("the body is not the one that was signed");
    return isFresh(keyId, claims) ? ok(claims) : unproven("this very proof was used before");
  }

  function isFresh(keyId: string, claims: ProofClaims): boolean {
    const name = `${keyId}:${claims.boot}`;
    const window = seen.get(name) ?? { highest: 0, recent: new Set<number>(), at: 0 };
    if (window.recent.has(claims.seq) || claims.seq <= window.highest - PROOF_SEQUENCE_WINDOW) return false;
    window.recent.add(claims.seq);
    window.highest = Math.max(window.highest, claims.seq);
    window.at = deps.clock.now();
    for (const number of window.recent)
      if (number <= window.highest - PROOF_SEQUENCE_WINDOW) window.recent.delete(number);
    // Behind all others, so that those who spoke longest ago go first.
    seen.delete(name);
    seen.set(name, window);
    // Keys that enrol are anybody's: however many come, they neither pile up nor make every request look through all of them.
    if (seen.size > MOST_SEEN) for (const key of seen.keys()) if (seen.size > MOST_SEEN / 2) seen.delete(key);
    if (seen.size > 1_000 && deps.clock.now() - sweptAt > 60_000) {
      sweptAt = deps.clock.now();
      for (const [key, value] of seen) if (value.at < deps.clock.now() - 3_600_000) seen.delete(key);
    }
    return true;
  }

  return {
    async agentOf(request) {
      const keyId = keyIdOf(request.proof);
      if (keyId === undefined) return unproven("it is missing or not a signed token with a key id");
      const agent = await lookUp(keyId);
      if (!agent) return unproven(`no agent is enrolled with key ${keyId}`);
      const claims = await check(request, agent.publicKey, keyId);
      if (!claims.ok) return claims;
      if (agent.status === "revoked" || agent.status === "locked") return shutOut(agent);
      return ok({ agent, boot: claims.value.boot, signedAt: claims.value.iat * 1000 });
    },
    async newKey(request, publicKey) {
      const keyId = await calculateJwkThumbprint(publicKey);
      if (keyIdOf(request.proof) !== keyId) return unproven("it names another key than the body");
      const claims = await check(request, publicKey, keyId);
      return claims.ok ? ok({ keyId, boot: claims.value.boot }) : claims;
    },
    forget: (keyId) => void agents.delete(keyId),
  };
}

/** 403: of an agent that is revoked or locked. */
export function shutOut({ agentId, status }: AgentRow): { readonly ok: false; readonly failure: Failure } {
  return fail({
    status: 403,
    code: `agent-${status}`,
    message: `Agent ${agentId} is ${status}.`,
    remedy:
      status === "locked"
        ? "An admin unlocks it after finding out who copied its key."
        : "Enrol the agent again with a new token.",
  });
}

function keyIdOf(proof: string | null): string | undefined {
  try {
    const kid: unknown = proof === null ? undefined : decodeProtectedHeader(proof).kid;
    // It becomes a key before anybody has verified it.
    return typeof kid === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(kid) ? kid : undefined;
  } catch {
    return undefined;
  }
}

function unproven(reason: string): { readonly ok: false; readonly failure: Failure } {
  return fail({
    status: 401,
    code: "proof-refused",
    message: `The proof of this request is refused: ${reason}.`,
    remedy: "Check the agent's clock and its service URL; if its key is lost, enrol it again.",
    details: [{ target: PROOF_HEADER, message: reason }],
  });
}
