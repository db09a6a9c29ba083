/** `uplink agent token` with what is below it, over the service's own routes. */
import { expect, test } from "vitest";
import { registerAgentTokenCommands } from "../../cli/agent-token-commands.ts";
import { adminRoutes } from "../../functions/admin-routes.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { createCloud } from "../support/cloud.ts";

const cloud = await createCloud();
const first = await cloud.addDomain("corp.example");
const routes = adminRoutes(cloud.cloud.routes);
const { uplink } = serveInTests(
  [registerAgentTokenCommands],
  answerByRoutes(() => routes),
);

test("a token is made, listed without itself, and taken back by the beginning of its id", async () => {
  const made = await uplink("agent", "token", "corp.example", "--minutes", "5", "--pending");
  const [token = ""] = made.out.split("\n");
  expect(token).toMatch(/^[0-9a-f]{32}\.\S{43}$/);
  const id = /revoke (\w{12})\n/.exec(made.out)?.[1] ?? "";
  const listed = await uplink("agent", "token", "list");
  expect(listed.out).toMatch(/^token +job +status +expires/);
  expect(listed.out).toMatch(new RegExp(`^${id}  corp\\.example  open  .*  pending +ann`, "m"));
  expect(listed.out).toMatch(new RegExp(`  used  .*${first.proven.agent.agentId}$`, "m"));
  expect(listed.out).not.toContain(token.split(".")[1]);
  expect(JSON.parse((await uplink("agent", "token", "list", "corp.example", "--json")).out)).toHaveLength(2);
  expect((await uplink("agent", "token", "list", "--csv")).out.split("\r\n")).toHaveLength(4);
  expect(await uplink("agent", "token", "revoke", id)).toMatchObject({ code: 0, err: "" });
  expect((await uplink("agent", "token", "list")).out).not.toContain(id);
  expect(await uplink("agent", "token", "revoke", id)).toMatchObject({ code: 8 });
});

test("what can't be revoked, and what isn't said, is told with what to do", async () => {
  const [used] = JSON.parse((await uplink("agent", "token", "list", "--json")).out) as { id: string }[];
  const refused = await uplink("agent", "token", "revoke", used?.id ?? "");
  expect(refused).toMatchObject({ code: 9, out: "" });
  expect(refused.err).toContain(`uplink agent revoke ${first.proven.agent.agentId}`);
  for (let more = 0; more < 17; more++) await uplink("agent", "token", "corp.example", "--json");
  expect((await uplink("agent", "token", "revoke", "")).err).toContain("18 tokens begin with");
  expect((await uplink("agent", "token")).err).toContain("uplink agent token JOB");
});
