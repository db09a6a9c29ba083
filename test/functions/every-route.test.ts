/**
 * Who may ask what: every registered route with everybody who may not. Tokens are real, signed and verified by `jose` against keys that are
 * served on the loopback.
 */
import { SignJWT, UnsecuredJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { ROLE_READ, ROLE_WRITE } from "../../shared/application/admin/verify-admin-token.ts";
import { ErrorReply } from "../../shared/contracts/agent-api.ts";
import type { Operation } from "../../shared/contracts/operation.ts";
import { PROOF_HEADER } from "../../shared/contracts/proof.ts";
import { openFunctionsApp } from "../support/functions-app.ts";
import { createService, type Service, type ServiceReply } from "../support/service.ts";
import { AUDIENCE, createSigningKey } from "../support/token-issuer.ts";
import { createWatch } from "../support/watched-stores.ts";

const watch = createWatch();
let service: Service;
beforeAll(async () => {
  service = await createService({ wrapRows: watch.wrapRows, wrapBlobs: watch.wrapBlobs });
});
afterAll(() => service?.close());
afterEach(() => void vi.useRealTimers());

const isAdmin = ({ guard }: Operation) => guard === "admin-read" || guard === "admin-write";
const admins = () => service.operations.filter(isAdmin);
/** Those that look at a token: of admins, and what is public and tells admins more. */
const tokens = () => service.operations.filter((one) => isAdmin(one) || one.tellsAdmins === true);
const agents = () => service.operations.filter(({ guard }) => guard === "agent");

/** Graph's shape, the field and the remedy, and nothing of the token told back. */
function expectRefused(reply: ServiceReply, status: number, code: string, secret = ""): void {
  expect([reply.status, reply.code]).toEqual([status, code]);
  const { error } = ErrorReply.strict().parse(reply.body);
  expect(error.message.length).toBeGreaterThan(10);
  expect(error.remedy?.length).toBeGreaterThan(10);
  expect(error.details?.[0]?.target).toMatch(/^(authorization|x-uplink-proof)$/);
  expect(error.innerError?.["request-id"]).toBe(reply.headers["request-id"]);
  if (secret.length > 40) expect(JSON.stringify(reply.body)).not.toContain(secret.slice(-40));
}

async function walk(operations: readonly Operation[], token: string | undefined, status: number, code: string) {
  expect(operations.length).toBeGreaterThan(0);
  const headers: Record<string, string> = token === undefined ? {} : { authorization: token };
  for (const operation of operations) {
    watch.takeKeys();
    const writes = watch.writes();
    expectRefused(await service.ask(operation, { as: "nobody", headers }), status, code, token);
    // Neither read nor written for whoever may not.
    expect([watch.takeKeys(), watch.writes()], operation.id).toEqual([[], writes]);
  }
}

describe("every route", () => {
  it("of the bundle is walked here", async () => {
    const app = await openFunctionsApp();
    expect(service.operations.map(({ id }) => id).sort()).toEqual(app.registered.map(({ id }) => id).sort());
    await app.close();
  });

  it("of admins refuses who brings no token, or what isn't one", async () => {
    await walk(admins(), undefined, 401, "token-refused");
    for (const token of ["", "Bearer", "Bearer ", "Bearer garbage", "Bearer a.b.c", "Basic YTpi", "bearer x"])
      await walk(tokens(), token, 401, "token-refused");
    await walk(tokens(), `Bearer ${"a".repeat(100_000)}`, 401, "token-refused");
    await walk(
      tokens(),
      `Bearer ${(await service.issuer.token([ROLE_WRITE])).slice(0, -6)}AAAAAA`,
      401,
      "token-refused",
    );
  });

  it("of admins takes a good token by whatever case its scheme is written in", async () => {
    const token = await service.issuer.token([ROLE_WRITE]);
    const listed = service.operations.filter(({ id }) => id === "ListConfigurations");
    expect(listed).toHaveLength(1);
    for (const [own, scheme] of listed.flatMap((one) =>
      ["bearer", "BEARER", "Bearer"].map((word) => [one, word] as const),
    )) {
      const reply = await service.ask(own, { as: "nobody", headers: { authorization: `${scheme} ${token}` } });
      expect([scheme, reply.status]).toEqual([scheme, 200]);
    }
  });

  const hour = 3600;
  it.each<[string, () => Record<string, unknown>]>([
    ["for another audience", () => ({ aud: "api://other" })],
    ["for no audience", () => ({ aud: null })],
    ["for Graph", () => ({ aud: "https://graph.microsoft.com" })],
    ["of another tenant", () => ({ iss: service.issuer.issuer.replace("1111", "2222") })],
    ["of the old endpoint", () => ({ iss: service.issuer.issuer.replace("/v2.0", "/") })],
    ["of no issuer", () => ({ iss: null })],
    ["that expired", () => ({ exp: Math.floor(Date.now() / 1000) - 61 })],
    ["that never expires", () => ({ exp: null })],
    ["that isn't valid yet", () => ({ nbf: Math.floor(Date.now() / 1000) + hour })],
    ["that tells who signed in and is for asking nobody (an ID token)", () => ({ scp: null, azp: null, nonce: "n" })],
    ["of a person without a scope", () => ({ scp: " ", idtyp: "user" })],
    ["of an application that has a person's scope", () => ({ idtyp: "app" })],
    ["whose end is no number", () => ({ exp: "tomorrow" })],
  ])("of admins refuses a token %s", async (_, claims) => {
    await walk(
      tokens(),
      `Bearer ${await service.issuer.token([ROLE_WRITE], { claims: claims() })}`,
      401,
      "token-refused",
    );
  });

  it("of admins refuses an unsigned token, one signed with the public key as a secret, and one of a stranger's key", async () => {
    const { issuer } = service;
    const unsigned = new UnsecuredJWT({ roles: [ROLE_WRITE], oid: "eve" });
    const none = unsigned.setIssuer(issuer.issuer).setAudience(AUDIENCE).setExpirationTime("1h").encode();
    await walk(tokens(), `Bearer ${none}`, 401, "token-refused");
    const key = await createSigningKey("key-1");
    const secret = Buffer.from(JSON.stringify(key.jwk));
    const symmetric = await new SignJWT({ roles: [ROLE_WRITE] })
      .setProtectedHeader({ alg: "HS256", kid: "key-1" })
      .setIssuer(issuer.issuer)
      .setAudience(AUDIENCE)
      .setExpirationTime("1h")
      .sign(secret);
    await walk(tokens(), `Bearer ${symmetric}`, 401, "token-refused");
    await walk(tokens(), `Bearer ${await issuer.token([ROLE_WRITE], { key })}`, 401, "token-refused");
    await walk(
      tokens(),
      `Bearer ${await issuer.token([ROLE_WRITE], { header: { kid: "other" } })}`,
      401,
      "token-refused",
    );
  });

  it.each<[string, unknown]>([
    ["no role", null],
    ["a role that nobody knows", ["Synchronization.Write"]],
    ["the role in a text, not in a list", ROLE_WRITE],
    ["the role in other case", [ROLE_WRITE.toLowerCase()]],
  ])("of admins refuses a token with %s", async (_, roles) => {
    await walk(tokens(), `Bearer ${await service.issuer.token([], { claims: { roles } })}`, 403, "role-missing");
  });

  it("of admins goes by roles, of people and applications alike, whatever their scopes are called", async () => {
    const operation = service.operations.find(({ id }) => id === "ListConfigurations") as Operation;
    const asked = async (claims: Record<string, unknown>, roles: readonly string[]) => {
      const token = await service.issuer.token(roles, { claims });
      return (await service.ask(operation, { as: "nobody", headers: { authorization: `Bearer ${token}` } })).status;
    };
    for (const claims of [{}, { scp: null }, { scp: null, idtyp: "app" }, { idtyp: "user" }, { scp: ROLE_WRITE }])
      expect([await asked(claims, [ROLE_READ]), await asked(claims, [])], JSON.stringify(claims)).toEqual([200, 403]);
    const verified = async (claims: Record<string, unknown>) => {
      const header = `Bearer ${await service.issuer.token([ROLE_READ], { claims })}`;
      const found = await service.adminTokens.verify(header, false);
      return found.ok && found.value.isApplication;
    };
    // As the audit log names who asked; `idtyp` comes only where the application's registration asks for it.
    expect([await verified({ scp: null }), await verified({ scp: null, idtyp: "app" }), await verified({})]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("that changes something refuses the reader, and lets in who may write; every other one takes both", async () => {
    const writes = admins().filter(({ guard }) => guard === "admin-write");
    const reads = admins().filter(({ guard }) => guard === "admin-read");
    await walk(writes, `Bearer ${await service.issuer.token([ROLE_READ])}`, 403, "role-missing");
    for (const operation of reads)
      for (const as of ["reader", "admin"] as const)
        expect([401, 403], operation.id).not.toContain((await service.ask(operation, { as })).status);
    // What changes is named so: nothing that reads is a POST, and nothing that writes a GET.
    for (const { id, method } of reads) expect(method, id).toBe("GET");
    for (const { id, method } of writes) expect(method, id).not.toBe("GET");
  });

  it("refuses an agent's proof where an admin's token belongs, and the other way round", async () => {
    for (const operation of admins()) {
      const path = `/api/x/${operation.id}`;
      const proof = await service.client.proofFor(path, Buffer.alloc(0), { htm: operation.method });
      expectRefused(await service.ask(operation, { as: "agent" }), 401, "token-refused");
      const headers = { authorization: `Bearer ${proof}` };
      expectRefused(await service.ask(operation, { as: "nobody", headers }), 401, "token-refused", proof);
    }
    for (const operation of agents()) {
      expectRefused(await service.ask(operation, { as: "admin" }), 401, "proof-refused");
      const headers = { [PROOF_HEADER]: service.tokens.admin };
      expectRefused(await service.ask(operation, { as: "nobody", headers }), 401, "proof-refused");
    }
  });

  it("of agents refuses who brings no proof, garbage, or one that was made for another route", async () => {
    for (const operation of agents()) {
      const own = await service.client.proofFor("/api/agent/v1/other", Buffer.alloc(0), { htm: operation.method });
      for (const proof of [undefined, "", "garbage", "a.b.c", own, "x".repeat(100_000)]) {
        const headers: Record<string, string> = proof === undefined ? {} : { [PROOF_HEADER]: proof };
        expectRefused(await service.ask(operation, { as: "nobody", headers }), 401, "proof-refused");
      }
    }
  });

  it("of admins refuses an agent that is enrolled, whatever its proof is for", async () => {
    const paths = ["/api/agent/v1/heartbeat", "/api/v1.0/uplink/configurations"];
    for (const path of paths) {
      const proof = await service.client.proofFor(path, Buffer.alloc(0));
      for (const scheme of ["Bearer", "DPoP"]) await walk(admins(), `${scheme} ${proof}`, 401, "token-refused");
    }
  });

  it("that tells something has a guard: without one stand health and the document alone", () => {
    const open = service.operations.filter(({ guard }) => guard === "public");
    expect(open.map(({ id }) => id)).toEqual(["Health", "OpenApi"]);
    // With a token it tells more, and has the guard of what tells the same at an address of its own.
    expect(open.filter(({ tellsAdmins }) => tellsAdmins).map(({ id }) => id)).toEqual(["Health"]);
    expect(service.operations.filter(({ guard }) => guard === "enrolment").map(({ id }) => id)).toEqual(["Enrol"]);
  });
});

describe("the tenant's keys", () => {
  it("roll: a new one is taken without restart, one that went is refused once the old answer is too old", async () => {
    const own = await createService();
    const operation = own.operations.find(({ id }) => id === "ListConfigurations");
    if (!operation) throw new Error("ListConfigurations isn't served.");
    const statusWith = async (token: string) =>
      (await own.ask(operation, { as: "nobody", headers: { authorization: `Bearer ${token}` } })).status;
    const second = await createSigningKey("key-2");
    const old = await own.issuer.token([ROLE_WRITE], { claims: { exp: Math.floor(Date.now() / 1000) + 36_000 } });
    expect(await statusWith(old)).toBe(200);
    own.issuer.publish(second);
    const fresh = await own.issuer.token([ROLE_WRITE], {
      key: second,
      claims: { exp: Math.floor(Date.now() / 1000) + 36_000 },
    });
    // Who asks with ids that nobody knows makes no load: keys are fetched twice a minute at most.
    expect(await statusWith(fresh)).toBe(401);
    expect(own.issuer.fetches()).toBe(1);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
    expect(await statusWith(fresh)).toBe(200);
    expect(own.issuer.fetches()).toBe(2);
    vi.setSystemTime(Date.now() + 601_000);
    expect(await statusWith(old)).toBe(401);
    expect(await statusWith(fresh)).toBe(200);
    await own.close();
  });

  it("that can't be had are no fault of the token: 503, and the next request asks again", async () => {
    const own = await createService();
    own.issuer.answerWith(500);
    for (const operation of own.operations.filter(isAdmin))
      expect(await own.ask(operation)).toMatchObject({ status: 503, code: "service-unavailable" });
    own.issuer.answerWith(200);
    const operation = own.operations.find(({ id }) => id === "ListConfigurations");
    expect(operation && (await own.ask(operation)).status).toBe(200);
    await own.close();
  });
});
