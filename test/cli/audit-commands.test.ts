/** `uplink audit`, over the service's own routes. */
import { expect, test } from "vitest";
import { registerAuditCommands } from "../../cli/audit-commands.ts";
import { registerLifecycleCommands } from "../../cli/lifecycle-commands.ts";
import { adminRoutes } from "../../functions/admin-routes.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { createCloud } from "../support/cloud.ts";

const cloud = await createCloud();
await cloud.addDomain("corp.example");
const routes = adminRoutes(cloud.cloud.routes);
const { uplink } = serveInTests(
  [registerAuditCommands, registerLifecycleCommands],
  answerByRoutes(() => routes, undefined, cloud.cloud.routes.audit),
);

test("tells who changed what, as a table, as JSON and as comma-separated values", async () => {
  expect((await uplink("audit")).out).toBe("Nobody has changed anything yet.\n");
  await uplink("job", "lifecycle", "corp.example", "--out-of-scope", "keep");
  await uplink("job", "lifecycle", "corp.example", "--out-of-scope", "disable");
  const { out } = await uplink("audit");
  expect(out).toMatch(/^time +who +operation +result +of +what$/m);
  expect(out).toMatch(/ann +SetLifecycle +success +Job corp\.example +.*"keep".* → .*"disable"/);
  expect(JSON.parse((await uplink("audit", "--json", "--top", "1")).out)).toHaveLength(1);
  expect((await uplink("audit", "--csv")).out.split("\r\n")).toHaveLength(4);
});
