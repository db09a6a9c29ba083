/**
 * The proof that goes with every request: a fresh one for each try, because it names its moment and its number.
 */
import { createHash, randomBytes } from "node:crypto";
import { PROOF_MAX_SECONDS, PROOF_TYPE, type ProofClaims } from "../shared/contracts/proof.ts";
import type { Clock } from "../shared/ports/clock.ts";
import type { AgentKey } from "./keys.ts";

export interface Prover {
  /** `body` as it goes over the wire; empty when there is none. */
  prove(method: ProofClaims["htm"], url: string, body: Uint8Array): Promise<string>;
}

/** One prover a process: `seq` counts from its start, `boot` names it. */
export function createProver(deps: { readonly key: AgentKey; readonly clock: Clock }): Prover {
  const boot = randomBytes(16).toString("base64url");
  let seq = 0;
  return {
    prove: (method, url, body) => {
      const target = new URL(url);
      const iat = Math.floor(deps.clock.now() / 1000);
      seq++;
      const claims: ProofClaims = {
        htm: method,
        htu: `${target.origin}${target.pathname}`,
        aud: target.origin,
        iat,
        exp: iat + PROOF_MAX_SECONDS,
        jti: randomBytes(16).toString("base64url"),
        bsha: createHash("sha256").update(body).digest("base64url"),
        seq,
        boot,
      };
      return deps.key.sign(claims, PROOF_TYPE);
    },
  };
}
