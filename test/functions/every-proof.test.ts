/**
 * Who may speak as an agent: every registered route of agents, and enrolment, with every kind of proof that is none. Nothing may be
 * written for any of them. Routes come from the registration, and what a route's guard takes stands in a table that has to name each guard.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Operation } from "../../shared/contracts/operation.ts";
import { PROOF_HEADER } from "../../shared/contracts/proof.ts";
import { createKey, createProver, type Key } from "../support/agent-proof.ts";
import { type Sample, samplesOf } from "../support/samples.ts";
import { createService, type Service, type ServiceReply } from "../support/service.ts";
import { createWatch } from "../support/watched-stores.ts";

const watch = createWatch();
let service: Service;
let samples: Readonly<Record<string, Sample>>;
/** A key that nobody enrolled. */
let stranger: Key;
beforeAll(async () => {
  service = await createService({ wrapRows: watch.wrapRows, wrapBlobs: watch.wrapBlobs });
  samples = await samplesOf(service);
  stranger = await createKey();
});
afterAll(() => service?.close());

/** Whether an agent's proof opens it; a guard that is added has to be named here, and its routes walked below. */
const PROVEN: Readonly<Record<Operation["guard"], boolean>> = {
  agent: true,
  enrolment: true,
  "admin-read": false,
  "admin-write": false,
  public: false,
};
const proven = () => service.operations.filter(({ guard }) => PROVEN[guard]);

/** As the route's own caller would send it: an enrolment brings a key of its own, with a token that is good. */
async function bodyOf({ id, guard }: Operation, key = stranger): Promise<Buffer> {
  if (guard === "enrolment") return Buffer.from(JSON.stringify(service.enrolment(await service.enrolmentToken(), key)));
  const { body } = samples[id] ?? {};
  if (body === undefined) return Buffer.alloc(0);
  return id === "AcceptBatch" ? service.zipped(body) : Buffer.from(JSON.stringify(body));
}

function pathOf(operation: Operation): string {
  const params = service.paramsFor(operation);
  return `/api/${operation.path.replace(/\{(\w+)(?::[^}]*)?\}/g, (_all, name: string) => params[name] ?? "")}`;
}

async function send(operation: Operation, body: Buffer, headers: Readonly<Record<string, string>>) {
  const zipped = operation.id === "AcceptBatch" ? { "content-encoding": "gzip" } : {};
  return service.ask(operation, { as: "nobody", body, headers: { ...zipped, ...headers } });
}

function expectRefused(operation: Operation, reply: ServiceReply, [status, code]: readonly [number, string]): void {
  expect([operation.id, reply.status, reply.code]).toEqual([operation.id, status, code]);
  expect(reply.body.error.remedy.length).toBeGreaterThan(10);
  if (status === 401) expect(reply.body.error.details[0].target).toBe(PROOF_HEADER);
}

/** Asks each route so, and nothing is written for it. */
async function walk(
  headersOf: (operation: Operation, body: Buffer) => Promise<Readonly<Record<string, string>>>,
  refusal: readonly [number, string] = [401, "proof-refused"],
): Promise<void> {
  const walked: string[] = [];
  for (const operation of proven()) {
    const body = await bodyOf(operation);
    const headers = await headersOf(operation, body);
    const writes = watch.writes();
    expectRefused(operation, await send(operation, body, headers), refusal);
    expect(watch.writes(), operation.id).toBe(writes);
    walked.push(operation.id);
  }
  expect(walked).toContain("Enrol");
  expect(walked.length).toBeGreaterThan(3);
}

/** Who would be let in, but for what a test changes. */
function keyFor({ guard }: Operation): Key {
  return guard === "enrolment" ? stranger : service.client.key;
}

/** A proof of a boot of its own, so that no number of it was seen. */
function proofOf(operation: Operation, body: Buffer, key: Key, claims: Readonly<Record<string, unknown>> = {}) {
  const prove = createProver(service.cloud.clock, key);
  return prove(pathOf(operation), body, { htm: operation.method, ...claims });
}

const seconds = () => Math.floor(service.cloud.clock.now() / 1000);

describe("every route of agents, and enrolment", () => {
  it("takes a proof that is one, once: the very same is refused the second time", async () => {
    for (const operation of proven()) {
      // Each enrols a key of its own: it is taken only once.
      const key = operation.guard === "enrolment" ? await createKey() : service.client.key;
      const body = await bodyOf(operation, key);
      const headers = { [PROOF_HEADER]: await proofOf(operation, body, key) };
      const first = await send(operation, body, headers);
      expect([401, 403], `${operation.id} ${first.code}`).not.toContain(first.status);
      const writes = watch.writes();
      expectRefused(operation, await send(operation, body, headers), [401, "proof-refused"]);
      expect(watch.writes(), operation.id).toBe(writes);
    }
  });

  it.each<[string, () => Readonly<Record<string, unknown>>]>([
    ["for another service", () => ({ aud: "https://other.example" })],
    ["for the management API", () => ({ aud: "api://uplink" })],
    ["for no service", () => ({ aud: null })],
    ["for another address", () => ({ htu: "https://uplink.example/api/agent/v1/other" })],
    ["for the same address elsewhere", () => ({ htu: "https://other.example/api/agent/v1/heartbeat" })],
    ["for another method", () => ({ htm: "PATCH" })],
    ["for another body", () => ({ bsha: "A".repeat(43) })],
    ["that expired", () => ({ iat: seconds() - 200, exp: seconds() - 140 })],
    ["that never expires", () => ({ exp: null })],
    ["that is good for longer than a minute", () => ({ exp: seconds() + 3_600 })],
    ["that is dated in the future", () => ({ iat: seconds() + 120, exp: seconds() + 180 })],
    ["without a number", () => ({ seq: null })],
    ["without a boot", () => ({ boot: null })],
  ])("refuses a proof %s", async (_, claims) => {
    await walk(async (operation, body) => ({
      [PROOF_HEADER]: await proofOf(operation, body, keyFor(operation), claims()),
    }));
  });

  it("refuses who brings none, garbage, or a proof of another key, under its own name or that of the right one", async () => {
    for (const proof of ["", "garbage", "a.b.c", `${"a".repeat(50_000)}.b.c`])
      await walk(async () => ({ [PROOF_HEADER]: proof }));
    await walk(async () => ({}));
    const other = await createKey();
    await walk(async (operation, body) => ({ [PROOF_HEADER]: await proofOf(operation, body, other) }));
    await walk(async (operation, body) => {
      const named = { ...other, kid: keyFor(operation).kid };
      return { [PROOF_HEADER]: await proofOf(operation, body, named) };
    });
    // An agent that is enrolled enrols nobody else.
    await walk(async (operation, body) => ({
      [PROOF_HEADER]: await proofOf(operation, body, operation.guard === "enrolment" ? service.client.key : stranger),
    }));
  });

  it("refuses tokens of admins and readers where a proof belongs, in either header", async () => {
    for (const token of [service.tokens.admin, service.tokens.reader]) {
      await walk(async () => ({ authorization: `Bearer ${token}` }));
      await walk(async () => ({ [PROOF_HEADER]: token }));
      await walk(async () => ({ [PROOF_HEADER]: `Bearer ${token}`, authorization: `Bearer ${token}` }));
    }
  });

  it("of agents refuses one that was revoked", async () => {
    const key = await createKey();
    const enrol = service.operations.find(({ id }) => id === "Enrol") as Operation;
    const body = await bodyOf(enrol, key);
    const made = await send(enrol, body, { [PROOF_HEADER]: await proofOf(enrol, body, key) });
    expect(made.status).toBe(201);
    const revoke = service.operations.find(({ id }) => id === "AgentAction") as Operation;
    const done = await service.ask(revoke, { params: { agentId: made.body.agentId, action: "revoke" } });
    expect([200, 204]).toContain(done.status);
    for (const operation of proven().filter(({ guard }) => guard === "agent")) {
      const own = await bodyOf(operation);
      const writes = watch.writes();
      const reply = await send(operation, own, { [PROOF_HEADER]: await proofOf(operation, own, key) });
      expectRefused(operation, reply, [403, "agent-revoked"]);
      expect(watch.writes(), operation.id).toBe(writes);
    }
  });
});
