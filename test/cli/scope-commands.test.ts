/** `uplink job scope` against a service that answers as the contract says. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { runCli } from "../../cli/run-cli.ts";
import { registerScopeCommands } from "../../cli/scope-commands.ts";

const UNIT = "00000000-0000-4000-8000-0000000000aa";
const GROUP = "00000000-0000-4000-8000-0000000000bb";
let server: Server;
let url: string;
let asked: { method: string | undefined; path: string | undefined; body: string }[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      asked.push({ method: request.method, path: request.url, body });
      const isList = request.url?.endsWith("/configurations");
      const one = { id: "c1", jobId: "j1", displayName: "Corp", domainFqdn: "corp.example" };
      response.end(JSON.stringify(isList ? { value: [one] } : { jobId: "j1", scopeVersion: 2, changed: true }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => server.close());

async function uplink(...args: string[]) {
  let out = "";
  let err = "";
  const terminal = {
    out: { write: (text: string) => (out += text) },
    err: { write: (text: string) => (err += text) },
    ...{ environment: { UPLINK_URL: url, UPLINK_ADMIN_TOKEN: "t" }, fetch, stop: new AbortController().signal },
  };
  const code = await runCli(args, terminal, [registerAdminCommands, registerScopeCommands]);
  return { code, out, err };
}
const put = () => asked.find(({ method }) => method === "PUT");

test("units and groups are sent as the whole scope, whatever the letters' case", async () => {
  const { code, out } = await uplink("job", "scope", "corp", "--ou", UNIT.toUpperCase(), "--group", `{${GROUP}}`);
  expect([code, put()?.path]).toEqual([0, "/api/v1.0/uplink/jobs/j1/scope"]);
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
