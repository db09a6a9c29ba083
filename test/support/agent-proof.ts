/** An agent's key and the proofs that it signs, for tests that speak as one. */
import { createHash, randomBytes } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import { PROOF_TYPE } from "../../shared/contracts/proof.ts";

/** The service's public address in tests. */
export const ORIGIN = "https://uplink.example";

export async function createKey() {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const { kty, crv, x, y } = await exportJWK(publicKey);
  const publicJwk = { kty: "EC" as const, crv: "P-256" as const, x: x ?? "", y: y ?? "" };
  if (kty !== "EC" || crv !== "P-256") throw new Error("Not an ES256 key.");
  return { privateKey, publicJwk, kid: await calculateJwkThumbprint(publicJwk) };
}

export type Key = Awaited<ReturnType<typeof createKey>>;

/** Proofs of one boot of one agent; `claims` are written over what they would say, null takes one away. */
export function createProver(clock: { now(): number }, key: Key) {
  const boot = randomBytes(16).toString("hex");
  let seq = 0;
  return async function proofFor(path: string, body: Uint8Array, claims: Readonly<Record<string, unknown>> = {}) {
    const iat = Math.floor(clock.now() / 1000);
    const all: Record<string, unknown> = {
      htm: "POST",
      htu: `${ORIGIN}${path}`,
      aud: ORIGIN,
      iat,
      exp: iat + 60,
      jti: randomBytes(12).toString("hex"),
      bsha: createHash("sha256").update(body).digest("base64url"),
      seq: ++seq,
      boot,
      ...claims,
    };
    const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
    return new SignJWT(kept).setProtectedHeader({ alg: "ES256", typ: PROOF_TYPE, kid: key.kid }).sign(key.privateKey);
  };
}
