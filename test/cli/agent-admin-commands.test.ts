/** `uplink agent show|approve|revoke|unlock`, over the service's own routes. */
import { expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerAgentAdminCommands } from "../../cli/agent-admin-commands.ts";
import { adminRoutes } from "../../functions/admin-routes.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { createCloud } from "../support/cloud.ts";

const cloud = await createCloud();
const first = await cloud.addDomain("corp.example");
const { agentId } = first.proven.agent;
const routes = adminRoutes(cloud.cloud.routes);
const { uplink } = serveInTests(
  [registerAdminCommands, registerAgentAdminCommands],
  answerByRoutes(() => routes),
);

test("finds an agent by its name, shows it, and says what became of it", async () => {
  const shown = await uplink("agent", "show", "AGENT");
  expect(shown.out).toMatch(/^name +agent\nagent +\w+\njob +corp\.example\nstatus +active\nlease +not held/);
  expect((await uplink("agent", "approve", "agent")).out).toBe("agent (corp.example) needs no approval.\n");
  expect((await uplink("agent", "unlock", agentId)).out).toBe("agent (corp.example) isn't locked.\n");
  expect((await uplink("agent", "revoke", "agent")).out).toBe(
    "agent (corp.example) is revoked: its key is refused from now on.\n",
  );
  const again = JSON.parse((await uplink("agent", "revoke", "agent", "--json")).out);
  expect(again).toMatchObject({ agentId, status: "revoked", changed: false });
  expect(await uplink("agent", "approve", "agent")).toEqual({
    code: 9,
    out: "",
    err: `Agent ${agentId} is revoked.\nEnrol it again with a new token.\n`,
  });
});

test("one of several with a name has to be given by its id, and all that there are are named", async () => {
  const second = await cloud.addAgent(first);
  const both = await uplink("agent", "show", "agent");
  expect(both.err).toContain("2 agents are called 'agent'.");
  expect(both.err).toContain(second.proven.agent.agentId);
  expect((await uplink("agent", "show", second.proven.agent.agentId)).code).toBe(0);
  expect((await uplink("agent", "revoke", "nobody")).err).toContain("There is no agent 'nobody'.");
});

test("agents of a configuration whose job was deleted are listed, found and shut out", async () => {
  const gone = await cloud.addDomain("gone.example");
  const { agentId: id } = gone.proven.agent;
  await cloud.cloud.routes.jobDeletion.remove(
    { configurationId: gone.configurationId, jobId: gone.jobId },
    "keep",
    "ann",
  );
  for (let tick = 0; tick < 3; tick++) {
    await cloud.tick();
    await cloud.run();
  }
  expect((await cloud.cloud.routes.configurations.list()).map((own) => own.domainFqdn)).toEqual(["corp.example"]);
  expect((await uplink("agent", "list")).out).toContain("gone.example");
  const listed = JSON.parse((await uplink("agent", "list", "gone.example", "--json")).out);
  expect(listed).toMatchObject([{ agentId: id, status: "active" }]);
  expect((await uplink("agent", "show", id)).out).toContain("gone.example");
  expect((await uplink("agent", "revoke", id)).out).toMatch(/\(gone\.example\) is revoked/);
});
