/** Agents as admins let them in and shut them out, over a cloud in memory. */
import { expect, test } from "vitest";
import { actOnAgent, getAgent } from "../../shared/contracts/admin/agents.ts";
import { createAdminApi } from "../support/admin-api.ts";
import { createCloud } from "../support/cloud.ts";

async function start() {
  const cloud = await createCloud();
  const first = await cloud.addDomain("corp.example");
  const second = await cloud.addAgent(first);
  const ask = createAdminApi(cloud.cloud);
  const params = (agent = first) => ({
    configurationId: first.configurationId,
    agentId: agent.proven.agent.agentId,
  });
  const act = (action: string, agent = first) => ask(actOnAgent, { params: { ...params(agent), action } });
  return { ...cloud, first, second, ask, params, act };
}

test("a revoked agent gets no order from its next heartbeat on, and its lease goes to another at once", async () => {
  const { first, second, act, ask, params } = await start();
  await first.order("full");
  expect((await ask(getAgent, { params: params() })).body).toMatchObject({ status: "active", holdsLease: true });
  expect((await act("revoke")).body).toMatchObject({ status: "revoked", holdsLease: false, changed: true });
  expect((await act("revoke")).body).toMatchObject({ changed: false });
  expect(await first.heartbeat()).toMatchObject({ failure: { status: 403, code: "agent-revoked" } });
  expect(await second.heartbeat()).toMatchObject({ value: { lease: { held: true, epoch: 2 } } });
  for (const action of ["approve", "unlock"])
    expect((await act(action)).failure).toMatchObject({ status: 409, code: "agent-revoked" });
});

test("one that waits reads once it is approved", async () => {
  const { cloud, first, addAgent, act } = await start();
  const token = await cloud.routes.configurations.createToken(
    first.configurationId,
    { minutes: 5, policy: "pending" },
    "ann",
  );
  const enrolled = await cloud.routes.enrolAgent(
    {
      ...{ token: token.ok ? token.value.token : "", name: "third", version: "1", platform: "test" },
      ...{ publicKey: { kty: "EC", crv: "P-256", x: "x", y: "y" }, domain: first.domain },
    },
    { keyId: "key-3", boot: "b" },
  );
  if (!enrolled.ok) throw new Error(enrolled.failure.message);
  const agent = await addAgent(first);
  const third = { ...agent, proven: { agent: { ...agent.proven.agent, agentId: enrolled.value.agentId }, boot: "b" } };
  const beat = () => cloud.routes.heartbeat(third.proven, { version: "1", domain: first.domain, want: "delta" });
  expect(await beat()).toMatchObject({ value: { agentStatus: "pending" } });
  expect((await act("approve", third)).body).toMatchObject({ status: "active", changed: true });
  expect((await act("approve", third)).body).toMatchObject({ status: "active", changed: false });
  expect(await beat()).toMatchObject({ value: { agentStatus: "active", order: { kind: "full" } } });
});

test("one whose key was used twice goes on when it is unlocked", async () => {
  const { cloud, clock, first, act, ask, params } = await start();
  const beat = (boot: string) => {
    clock.set(clock.now() + 1_000);
    return cloud.routes.heartbeat({ ...first.proven, boot }, { version: "1", domain: first.domain, want: "none" });
  };
  await beat("one");
  await beat("two");
  await beat("one");
  expect(await beat("two")).toMatchObject({ failure: { code: "agent-cloned" } });
  expect((await ask(getAgent, { params: params() })).body).toMatchObject({ status: "active", isCloned: true });
  expect((await act("unlock")).body).toMatchObject({ status: "active", isCloned: false, changed: true });
  expect(await beat("two")).toMatchObject({ ok: true });
  expect((await act("unlock")).body).toMatchObject({ changed: false });
});

test("what isn't there is 404", async () => {
  const { ask, params } = await start();
  expect((await ask(getAgent, { params: { ...params(), agentId: "x" } })).failure?.code).toBe("agent-not-found");
  const elsewhere = { ...params(), configurationId: "x", action: "revoke" };
  expect((await ask(actOnAgent, { params: elsewhere })).failure?.code).toBe("configuration-not-found");
});
