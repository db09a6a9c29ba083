/** A tenant's keys on a free port of the loopback and real tokens signed by them, for tests of who may ask the admin API. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

export const TENANT = "11111111-1111-4111-8111-111111111111";
export const AUDIENCE = "api://uplink";

export type SigningKey = Awaited<ReturnType<typeof createSigningKey>>;

export async function createSigningKey(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, use: "sig", alg: "RS256" } };
}

export interface TokenChanges {
  /** Written over the claims; null takes one away. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly key?: SigningKey;
  readonly header?: Readonly<Record<string, unknown>>;
}

export async function startTokenIssuer(first: SigningKey) {
  let published: readonly SigningKey[] = [first];
  let status = 200;
  let fetches = 0;
  const server = createServer((_request, response) => {
    fetches++;
    const body = JSON.stringify({ keys: published.map((key) => key.jwk) });
    response.writeHead(status, { "content-type": "application/json" }).end(status === 200 ? body : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const authorityUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = `${authorityUrl}/${TENANT}/v2.0`;

  /** Of a person who signed in, good for `roles`, unless changed. */
  async function token(roles: readonly string[], changes: TokenChanges = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const all = {
      ...{ iss: issuer, aud: AUDIENCE, iat: now, nbf: now, exp: now + 3600, oid: "ann", roles },
      ...{ azp: "22222222-2222-4222-8222-222222222222", scp: "access_as_user" },
      ...changes.claims,
    };
    const claims = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)) as JWTPayload;
    const key = changes.key ?? first;
    return new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: key.kid, ...changes.header })
      .sign(key.privateKey);
  }

  return {
    authorityUrl,
    issuer,
    token,
    publish(...keys: readonly SigningKey[]) {
      published = keys;
    },
    /** Of the next answers. */
    answerWith(next: number) {
      status = next;
    },
    fetches: () => fetches,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
