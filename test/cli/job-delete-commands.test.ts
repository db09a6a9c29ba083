/** `uplink job delete`, and the next job by `uplink job create`, over the service's own routes. */
import { expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerJobCreateCommands } from "../../cli/job-create-commands.ts";
import { registerJobDeleteCommands } from "../../cli/job-delete-commands.ts";
import { registerStagedCommands } from "../../cli/staged-commands.ts";
import { registerStatusCommands } from "../../cli/status-commands.ts";
import { adminRoutes } from "../../functions/admin-routes.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { aUser, createCloud } from "../support/cloud.ts";

const cloud = await createCloud();
const agent = await cloud.addDomain("corp.example");
const routes = adminRoutes(cloud.cloud.routes);
const { uplink } = serveInTests(
  [
    registerAdminCommands,
    registerJobCreateCommands,
    registerJobDeleteCommands,
    registerStagedCommands,
    registerStatusCommands,
  ],
  answerByRoutes(() => routes),
);

test("a job with objects goes once it is said what becomes of them, and the next one is made with its settings", async () => {
  await agent.read("full", [aUser("ann")]);
  const asked = await uplink("job", "delete", "corp.example");
  expect(asked).toMatchObject({ code: 9, out: "" });
  expect(asked.err).toMatch(/linked to 1 users.*\n.*uplink job delete … --objects keep/);
  expect((await uplink("job", "delete", "corp.example", "--objects", "shred")).code).toBe(2);
  const gone = await uplink("job", "delete", "corp.example", "--objects", "keep", "--json");
  expect(JSON.parse(gone.out)).toEqual({ jobId: agent.jobId, deleting: true });
  for (let tick = 0; tick < 3; tick++) {
    await cloud.tick();
    await cloud.run();
  }
  expect((await uplink("job", "list")).out).not.toContain("corp.example");
  expect(cloud.target.objects()).toMatchObject([{ deleted: false }]);
  const next = await uplink("job", "create", "corp.example", "--sign-in", "federated");
  expect(next.out).toMatch(/corp\.example has a new job \(AD2AADProvisioning\.\w+\), with the settings of the one/);
  expect((await uplink("job", "list", "--csv")).out).toMatch(
    /^job,domain,.*\r\ncorp\.example,corp\.example,"active, exports held"/,
  );
});

test("what the service refuses names the job as the lists do, and never by its id", async () => {
  const apac = await cloud.addDomain("apac.example");
  await apac.read("full", [aUser("ulf")]);
  const refused = await uplink("job", "delete", "apac.example");
  expect(refused).toMatchObject({ code: 9, err: expect.stringContaining("Job apac.example is linked to 1 users") });
  expect(refused.err).not.toContain(apac.jobId);
  // Of what was named by its id, too.
  const byId = await uplink("job", "delete", apac.jobId);
  expect(byId.err).toBe(refused.err);
});

test("one that is deleted with its objects says what to approve, shows that it waits for it, and goes then", async () => {
  const emea = await cloud.addDomain("emea.example");
  await emea.read("full", [aUser("zoe"), aUser("yan")]);
  const asked = await uplink("job", "delete", "emea.example", "--objects", "delete");
  expect(asked).toMatchObject({ code: 0, err: "" });
  expect(asked.out).toMatch(/Nothing goes before you approve that:\n {2}uplink staged list emea\.example --members\n/);
  const pass = async () => {
    for (let tick = 0; tick < 3; tick++) {
      await cloud.tick();
      await cloud.run();
    }
  };
  await pass();
  expect((await uplink("job", "show", "emea.example")).out).toMatch(
    /being deleted +with its objects, since .*staged approve/,
  );
  expect((await uplink("job", "list")).out).toMatch(/emea\.example.*active, being deleted/);
  await uplink("job", "pause", "emea.example");
  expect((await uplink("job", "show", "emea.example")).out).toMatch(
    /being deleted .*paused, nobody is deleted until 'uplink job start'/,
  );
  await uplink("job", "start", "emea.example");
  const status = await uplink("status");
  expect(status.out).toMatch(/2 deletes held back: the job is being deleted with its objects/);
  expect(status.out).toMatch(/emea\.example.*being deleted, with its objects$/m);
  const again = await uplink("job", "delete", "emea.example", "--objects", "delete", "--json");
  expect(JSON.parse(again.out)).toEqual({ jobId: emea.jobId, emptying: true });
  const [set] = JSON.parse((await uplink("staged", "list", "emea.example", "--json")).out);
  expect(await uplink("staged", "approve", "emea.example", "deletes", "--digest", set.digest)).toMatchObject({
    code: 0,
  });
  await cloud.run();
  expect((await uplink("job", "list")).out).toContain("emea.example");
  await pass();
  expect((await uplink("job", "list")).out).not.toContain("emea.example");
});
