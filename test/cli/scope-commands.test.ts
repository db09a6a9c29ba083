/** `uplink job scope` against a service that answers as the contract says. */
import { expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerScopeCommands } from "../../cli/scope-commands.ts";
import { serveInTests } from "../support/admin-service.ts";

const UNIT = "00000000-0000-4000-8000-0000000000aa";
const GROUP = "00000000-0000-4000-8000-0000000000bb";
const { uplink, asked } = serveInTests([registerAdminCommands, registerScopeCommands], ({ url }) =>
  url.endsWith("/configurations") ? undefined : { jobId: "j1", scopeVersion: 2, changed: true },
);
const put = () => asked().find(({ method }) => method === "PUT");

test("units and groups are sent as the whole scope, whatever the letters' case", async () => {
  const { code, out } = await uplink("job", "scope", "corp", "--ou", UNIT.toUpperCase(), "--group", `{${GROUP}}`);
  expect([code, put()?.url]).toEqual([0, "/api/v1.0/uplink/jobs/j1/scope"]);
  expect(JSON.parse(put()?.body ?? "")).toEqual({ organizationalUnits: [UNIT], groups: [GROUP] });
  expect(out).toContain("reads everything again");
});

test("several values go to one option or to several", async () => {
  await uplink("job", "scope", "corp", "--ou", UNIT, GROUP, "--ou", "00000000-0000-4000-8000-0000000000cc");
  expect(JSON.parse(put()?.body ?? "").organizationalUnits).toHaveLength(3);
});

test("nothing is widened by accident: everything must be asked for, and alone", async () => {
  expect((await uplink("job", "scope", "corp", "--everything", "--ou", UNIT)).code).toBe(2);
  expect((await uplink("job", "scope", "corp", "--ou", "Staff")).err).toContain("objectGUID");
  await uplink("job", "scope", "corp");
  expect(put()).toBeUndefined();
  expect((await uplink("job", "scope", "corp", "--everything")).code).toBe(0);
  expect(JSON.parse(put()?.body ?? "")).toEqual({ organizationalUnits: [], groups: [] });
});
