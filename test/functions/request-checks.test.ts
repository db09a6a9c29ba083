/** What the wrapper and the parsers check of every request, each by the one request that meets no other check. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { Operation } from "../../shared/contracts/operation.ts";
import { SynchronizationSchemaBody } from "../../shared/contracts/synchronization-schema.ts";
import { createKey, createProver } from "../support/agent-proof.ts";
import { samplesOf } from "../support/samples.ts";
import { type AskedHow, createService, type Service } from "../support/service.ts";
import { createWatch } from "../support/watched-stores.ts";

const watch = createWatch();
let service: Service;
beforeAll(async () => {
  service = await createService({ wrapRows: watch.wrapRows, wrapBlobs: watch.wrapBlobs });
});
afterAll(() => service?.close());

const ask = (id: string, how: AskedHow = {}) =>
  service.ask(service.operations.find((own) => own.id === id) as Operation, how);
const beat = () => ({ version: "1", domain: service.corp.domain, want: "none" });

test("a body that is longer than it says is refused by its own length", async () => {
  const body = Buffer.alloc(5 * 1024 * 1024 + 1, 0x20);
  const reply = await ask("Heartbeat", { body, headers: { "content-length": "10" } });
  expect([reply.status, reply.code]).toEqual([413, "payload-too-large"]);
  expect((await ask("Heartbeat", { body: body.subarray(1) })).code).toBe("not-json");
});

test("the caller's id is told back where it is one, and where it could break a line it isn't", async () => {
  const told = async (id: string) => (await ask("Health", { headers: { "client-request-id": id } })).headers;
  expect((await told("a.B_c-1"))["client-request-id"]).toBe("a.B_c-1");
  for (const id of ["<b>", "a b", "a,b", "x".repeat(65), "ä"])
    expect((await told(id))["client-request-id"], id).toBeUndefined();
});

test("an ETag is taken strong, weak or bare, and no number is one by chance", async () => {
  const { corp } = service;
  const current = (await ask("GetSchema")).headers["etag"];
  expect(current).toBe('W/"1"');
  const body = (await ask("GetSchema")).body;
  const put = (etag: string) => ask("PutSchema", { body, headers: { "if-match": etag } });
  for (const etag of ['W/"1"', '"1"', "1", "*"]) expect((await put(etag)).status, etag).toBe(200);
  for (const etag of ["2", '"01x"', "1.0", "1e0", "0x1", "", '""', "W/", " ", "-1"])
    expect((await put(etag)).code, etag).toBe("etag-mismatch");
  expect((await ask("GetSchema")).headers["etag"]).toBe(current);
  expect(corp.jobId).toBeDefined();
});

test("an ETag that is asked of what has none is refused before anything is done, for nothing would be held against it", async () => {
  const without = service.operations.filter(({ guard, hasEtag }) => guard === "admin-write" && !hasEtag);
  expect(without.map(({ id }) => id)).toEqual(
    expect.arrayContaining(["ClearQuarantine", "JobAction", "Unlink", "PutSecrets", "DeleteSynchronizationJob"]),
  );
  const samples = await samplesOf(service);
  for (const { id } of without) {
    const writes = watch.writes();
    for (const etag of ['W/"1"', '"*"', ""]) {
      const reply = await ask(id, { body: samples[id]?.body, headers: { "if-match": etag } });
      expect([id, reply.status, reply.code]).toEqual([id, 400, "invalid-header"]);
      expect(reply.body.error.details).toEqual([{ target: "If-Match", message: "must be *" }]);
    }
    expect([id, watch.writes()]).toEqual([id, writes]);
  }
  expect((await ask("ClearQuarantine", { headers: { "if-match": "*" } })).status).toBe(200);
  // Reads don't mind it.
  expect((await ask("ListConfigurations", { headers: { "if-match": '"1"' } })).status).toBe(200);
});

test("who is told that an ETag is not the present one is told the header by its name", async () => {
  const outdated = { headers: { "if-match": '"other"' } };
  const { body } = await ask("GetSchema");
  const settings = await ask("ChangeJobSettings", { body: {}, ...outdated });
  for (const reply of [await ask("PutSchema", { body, ...outdated }), settings]) {
    expect([reply.status, reply.code]).toEqual([412, "etag-mismatch"]);
    expect(reply.body.error.details).toEqual([{ target: "If-Match", message: expect.stringContaining("ETag") }]);
  }
});

test.each<[string, Record<string, unknown>]>([
  ["for another service", { aud: "https://other.example" }],
  ["for no service", { aud: null }],
  ["for another address", { htu: "https://uplink.example/api/agent/v1/enrol" }],
  ["for another method", { htm: "PUT" }],
  ["for another body", { bsha: "A".repeat(43) }],
  ["without a boot", { boot: null }],
  ["that is good for longer than a minute", { exp: 4_000_000_000 }],
])("a proof %s is refused", async (_, claims) => {
  expect((await ask("Heartbeat", { body: beat(), claims })).code).toBe("proof-refused");
  expect((await ask("Heartbeat", { body: beat() })).status).toBe(200);
});

test("a proof is good once, and one from far behind the newest isn't any more", async () => {
  const boot = "b".repeat(32);
  const send = (seq: number) => ask("Heartbeat", { body: beat(), claims: { boot, seq } });
  expect([(await send(1)).status, (await send(1)).code]).toEqual([200, "proof-refused"]);
  expect((await send(200)).status).toBe(200);
  expect((await send(200 - 63)).status).toBe(200);
  expect((await send(200 - 64)).code).toBe("proof-refused");
  expect((await send(2)).code).toBe("proof-refused");
});

test("a token of another kind that the agent's key signed is no proof", async () => {
  const { key, proofFor } = service.client;
  const good = await proofFor("/api/agent/v1/heartbeat", Buffer.from(JSON.stringify(beat())));
  const [, claims = ""] = good.split(".");
  const { SignJWT } = await import("jose");
  const payload = JSON.parse(Buffer.from(claims, "base64url").toString());
  const signed = (typ: string) =>
    new SignJWT({ ...payload, boot: "c".repeat(32), seq: 1 })
      .setProtectedHeader({ alg: "ES256", typ, kid: key.kid })
      .sign(key.privateKey);
  const send = (proof: string) =>
    ask("Heartbeat", { as: "nobody", body: beat(), headers: { "x-uplink-proof": proof } });
  expect((await send(await signed("JWT"))).code).toBe("proof-refused");
  const own = JSON.parse(Buffer.from(good.split(".")[0] ?? "", "base64url").toString()).typ;
  expect((await send(await signed(own))).status).toBe(200);
});

test("a new key is proven by itself: a proof that names the enrolled one is none of it", async () => {
  const other = await createKey();
  const token = await service.enrolmentToken();
  const body = service.enrolment(token, other);
  const raw = Buffer.from(JSON.stringify(body));
  const path = "/api/agent/v1/enrol";
  // Signed with the new key, under the name of the old one: the name is what everything else goes by.
  const named = createProver(service.cloud.clock, { ...other, kid: service.client.key.kid });
  const send = (proof: string) => ask("Enrol", { as: "nobody", body: raw, headers: { "x-uplink-proof": proof } });
  expect((await send(await named(path, raw))).code).toBe("proof-refused");
  const proper = createProver(service.cloud.clock, other);
  expect((await send(await proper(path, raw))).status).toBe(201);
});

test.each<[string, Buffer, string]>([
  ["is nested a thousand and one levels deep", Buffer.from(`{"a":${"[".repeat(1_000)}${"]".repeat(1_000)}}`), "nested"],
  ["has a field __proto__", Buffer.from('{"version":"1","__proto__":{"isAdmin":true}}'), "__proto__"],
  ["has one in escapes", Buffer.from('{"domain":{"\\u005f\\u005fproto\\u005f_":1}}'), "__proto__"],
  ["isn't UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), "UTF-8"],
])("a body that %s is refused for that", async (_, body, told) => {
  const reply = await ask("Heartbeat", { body });
  expect([400, 422]).toContain(reply.status);
  expect(reply.body.error.message).toContain(told);
});

const subject = { objectId: "CN=ada,DC=corp,DC=example", objectTypeName: "user" };

test.each<[string, unknown, string]>([
  ["dryrun", { parameters: [{ subjects: [subject] }], dryrun: true }, "dryrun"],
  ["DryRun", { parameters: [{ subjects: [subject] }], DryRun: true }, "DryRun"],
  ["dryRun in the parameters", { parameters: [{ subjects: [subject], dryRun: true }] }, "parameters.0.dryRun"],
  [
    "Members",
    { parameters: [{ subjects: [{ ...subject, links: { Members: [] } }] }] },
    "parameters.0.subjects.0.links.Members",
  ],
  [
    "objectTypename",
    { parameters: [{ subjects: [{ ...subject, objectTypename: "user" }] }] },
    "parameters.0.subjects.0",
  ],
])("provisioning on demand with a slip in %s is refused at it, and no real run", async (_, body, target) => {
  const reply = await ask("ProvisionOnDemand", { body });
  expect([reply.status, reply.code]).toEqual([422, "invalid-body"]);
  expect(reply.body.error.details).toHaveLength(1);
  expect(reply.body.error.details[0].target).toContain(target);
});

test("what takes no body refuses one that says something, and does nothing; an empty one and an empty object pass", async () => {
  const bare = service.operations.filter(
    ({ id, method, body }) => method !== "GET" && body === undefined && id !== "AcceptBatch",
  );
  expect(bare.map(({ id }) => id)).toEqual(
    expect.arrayContaining(["Reevaluate", "ClearQuarantine", "Unlink", "AgentAction", "DeleteSynchronizationJob"]),
  );
  for (const { id } of bare) {
    const writes = watch.writes();
    const named = await ask(id, { body: { dryRun: true } });
    expect([id, named.status, named.code, named.body.error.details[0].target]).toEqual([
      ...[id, 422, "invalid-body", "dryRun"],
    ]);
    for (const body of [Buffer.from("{"), Buffer.from([0xff, 0x7b, 0x7b, 0x7b]), Buffer.from("{}{}")])
      expect([id, (await ask(id, { body })).code]).toEqual([id, "not-json"]);
    for (const body of ["[]", "null", "1", '{"__proto__":1}'])
      expect([id, (await ask(id, { body: Buffer.from(body) })).code]).toEqual([id, "invalid-body"]);
    expect([id, watch.writes()]).toEqual([id, writes]);
  }
  // As Graph's clients send nothing.
  for (const body of ["", "{}", " {\r\n} ", " \r\n\t"]) {
    const reply = await ask("ClearQuarantine", { body: Buffer.from(body) });
    expect([body, reply.status]).toEqual([body, 200]);
  }
});

test("what only a restart takes is refused of a start and of a pause, and the job stays as it is", async () => {
  for (const action of ["start", "pause"]) {
    const writes = watch.writes();
    const reply = await ask("JobAction", { params: { action }, body: { criteria: { resetScope: "Full" } } });
    expect([reply.status, reply.code]).toEqual([422, "invalid-body"]);
    expect(reply.body.error.details[0].target).toBe("criteria");
    expect(watch.writes()).toBe(writes);
    expect((await ask("JobAction", { params: { action }, body: {} })).status).toBe(204);
  }
  expect((await ask("JobAction", { params: { action: "start" } })).status).toBe(204);
});

test("Graph's own shape, and the annotations that its clients may send, pass", async () => {
  const typed = { "@odata.type": "#microsoft.graph.synchronizationJobSubject", ...subject, "links@odata.type": "#x" };
  const parameters = [{ "@odata.type": "#x", ruleId: "03f7d90d-bf71-41b1-bda6-aaf0ddbee5d8", subjects: [typed] }];
  const reply = await ask("ProvisionOnDemand", { body: { "@odata.context": "x", parameters, dryRun: true } });
  expect(reply.code).toBe("rule-not-found");
  const secret = {
    "@odata.type": "#microsoft.graph.synchronizationSecretKeyStringValuePair",
    key: "AppKey",
    value: "x",
  };
  const put = await ask("PutSecrets", { body: { value: [secret] } });
  expect(put.status).not.toBe(422);
});

/** Objects that take fields which they don't know, by where they are. */
function openIn(schema: unknown, at: string): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  if (Array.isArray(schema)) return schema.flatMap((own, index) => openIn(own, `${at}.${index}`));
  const { properties, additionalProperties } = schema as Record<string, unknown>;
  const isOpen = properties !== undefined && additionalProperties !== false;
  return [
    ...(isOpen || Object.keys(schema).length === 0 ? [at] : []),
    ...Object.entries(schema).flatMap(([name, own]) =>
      name === "patternProperties" ? [] : openIn(own, `${at}.${name}`),
    ),
  ];
}

test("no body of the management API takes a field that it doesn't know, but for Graph's schema, which is kept as it came", () => {
  const bodies = service.operations.filter(({ guard, body }) => guard.startsWith("admin") && body !== undefined);
  expect(bodies.length).toBeGreaterThanOrEqual(24);
  const open = bodies.flatMap(({ id, body }) => {
    const isKept = (body as unknown) === SynchronizationSchemaBody;
    return openIn(z.toJSONSchema(body as z.ZodType, { io: "input", unrepresentable: "any", cycles: "ref" }), id).filter(
      (at) => !isKept && !at.endsWith(".schema"),
    );
  });
  expect(open).toEqual([]);
});
