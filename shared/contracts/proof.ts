/**
 * The proof of an agent's request: a compact JWS (ES256) in the header `x-uplink-proof`.
 *
 * It binds method, URL, body and moment to the agent's key. `seq` counts per boot (`boot`), so a repeated or re-ordered
 * proof shows; a replay is harmless all the same, because every request is idempotent.
 */
import { z } from "zod";

export const PROOF_HEADER = "x-uplink-proof";
export const PROOF_TYPE = "uplink-proof+jwt";
export const PROOF_MAX_SECONDS = 60;
/** Requests of one boot may overtake one another by this many. */
export const PROOF_SEQUENCE_WINDOW = 64;

/** Times are seconds since 1970. `aud` is the public origin of the service, `htu` the URL without query. */
export const ProofClaims = z.strictObject({
  htm: z.enum(["GET", "POST", "PUT", "DELETE", "PATCH"]),
  htu: z.string(),
  aud: z.string(),
  iat: z.number().int(),
  exp: z.number().int(),
  jti: z.string().min(8).max(256),
  /** base64url SHA-256 of the body as sent (gzip and all); of nothing when there is no body. */
  bsha: z.string(),
  seq: z.number().int().positive(),
  boot: z.string().min(8).max(128),
});
export type ProofClaims = z.infer<typeof ProofClaims>;
