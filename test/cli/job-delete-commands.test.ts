/** `uplink job delete`, and the next job by `uplink job create`, over the service's own routes. */
import { expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerJobCreateCommands } from "../../cli/job-create-commands.ts";
import { registerJobDeleteCommands } from "../../cli/job-delete-commands.ts";
import { adminRoutes } from "../../functions/admin-routes.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { aUser, createCloud } from "../support/cloud.ts";

const cloud = await createCloud();
const agent = await cloud.addDomain("corp.example");
const routes = adminRoutes(cloud.cloud.routes);
const { uplink } = serveInTests(
  [registerAdminCommands, registerJobCreateCommands, registerJobDeleteCommands],
  answerByRoutes(() => routes),
);

test("a job with objects goes once it is said what becomes of them, and the next one is made with its settings", async () => {
  await agent.read("full", [aUser("ann")]);
  const asked = await uplink("job", "delete", "corp.example");
  expect(asked).toMatchObject({ code: 9, out: "" });
  expect(asked.err).toMatch(/linked to 1 users.*\n.*uplink job delete … --objects keep/);
  const refused = await uplink("job", "delete", "corp.example", "--objects", "delete");
  expect(refused.code).toBe(9);
  expect(refused.err).toContain("through the guard and an approval");
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
