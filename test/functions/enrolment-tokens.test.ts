/** Enrolment tokens as admins list them and take them back, over a cloud in memory. */
import { expect, test } from "vitest";
import { getAgent } from "../../shared/contracts/admin/agents.ts";
import {
  createEnrolmentToken,
  listEnrolmentTokens,
  revokeEnrolmentToken,
} from "../../shared/contracts/admin/enrolment-tokens.ts";
import { createAdminApi } from "../support/admin-api.ts";
import { createCloud } from "../support/cloud.ts";

async function start() {
  const cloud = await createCloud();
  const agent = await cloud.addDomain("corp.example");
  const ask = createAdminApi(cloud.cloud);
  const params = { configurationId: agent.configurationId };
  const make = async (body: { minutes?: number; policy?: "pending" } = {}) =>
    (await ask(createEnrolmentToken, { params, body })).body;
  const list = async () => (await ask(listEnrolmentTokens, { params })).body.value;
  const revoke = (tokenId: string) => ask(revokeEnrolmentToken, { params: { ...params, tokenId } });
  const enrol = (token: string, keyId: string) =>
    cloud.cloud.routes.enrolAgent(
      {
        ...{ token, name: "another", version: "1", platform: "test", domain: agent.domain },
        publicKey: { kty: "EC", crv: "P-256", x: "x", y: "y" },
      },
      { keyId, boot: "b" },
    );
  return { ...cloud, agent, ask, params, make, list, revoke, enrol };
}

test("each is listed with who made it and what became of it, and never the token", async () => {
  const { clock, agent, make, list } = await start();
  const [used] = await list();
  expect(used).toMatchObject({ status: "used", agentId: agent.proven.agent.agentId });
  const short = await make({ minutes: 5, policy: "pending" });
  const long = await make();
  clock.set(clock.now() + 6 * 60_000);
  const all = await list();
  expect(all).toHaveLength(3);
  expect(all).toContainEqual({
    ...{ id: short.id, status: "expired", policy: "pending", madeBy: "ann" },
    ...{ expiresAt: short.expiresAt, agentId: null },
  });
  expect(all.find(({ id }) => id === long.id)).toMatchObject({ status: "open", policy: "active" });
  for (const { token } of [short, long]) expect(JSON.stringify(all)).not.toContain(token.split(".")[1]);
});

test("one that expired a month ago goes with the next tick, used or not, and its agent stays", async () => {
  const { clock, agent, ask, params, make, list, enrol, tick, logged } = await start();
  const short = await make({ minutes: 5 });
  const used = await make();
  expect(await enrol(used.token, "key-2")).toMatchObject({ ok: true });
  const first = clock.now();
  const DAY = 86_400_000;
  clock.set(first + 5 * 60_000 + 30 * DAY);
  await tick();
  expect((await list()).map(({ id }) => id)).toContain(short.id);
  const open = await make();
  clock.set(clock.now() + 1);
  await tick();
  // Of the others an hour is left.
  expect((await list()).map(({ id }) => id)).not.toContain(short.id);
  expect((await list()).map(({ id }) => id)).toContain(used.id);
  expect(await enrol(short.token, "key-3")).toMatchObject({ failure: { code: "token-refused" } });
  clock.set(first + 30 * DAY + 60 * 60_000 + 1);
  await tick();
  expect((await list()).map(({ id }) => id)).toEqual([open.id]);
  expect(logged.filter(({ event }) => event === "enrolment-tokens-dropped").length).toBeGreaterThan(0);
  const { agentId } = agent.proven.agent;
  expect((await ask(getAgent, { params: { ...params, agentId } })).status).toBe(200);
});

test("one that is revoked makes no agent, and one that made an agent isn't revoked", async () => {
  const { make, list, revoke, enrol, logged } = await start();
  const made = await make();
  expect((await revoke(made.id)).status).toBe(204);
  expect((await list()).map(({ id }) => id)).not.toContain(made.id);
  expect(await enrol(made.token, "key-2")).toMatchObject({ failure: { code: "token-refused" } });
  expect(logged.some(({ event }) => event === "enrolment-token-revoked")).toBe(true);
  expect((await revoke(made.id)).failure).toMatchObject({ status: 404, code: "enrolment-token-not-found" });
  const other = await make();
  expect(await enrol(other.token, "key-3")).toMatchObject({ ok: true });
  expect((await revoke(other.id)).failure).toMatchObject({ status: 409, code: "enrolment-token-used" });
  expect((await list()).find(({ id }) => id === other.id)).toMatchObject({ status: "used" });
});

test("of a configuration that isn't there they are not found", async () => {
  const { ask, make } = await start();
  const { id } = await make();
  const params = { configurationId: "none" };
  expect((await ask(listEnrolmentTokens, { params })).failure?.code).toBe("configuration-not-found");
  expect((await ask(revokeEnrolmentToken, { params: { ...params, tokenId: id } })).failure?.code).toBe(
    "configuration-not-found",
  );
});
