/** `uplink job lifecycle`: what is shown, and what of the options is sent. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerLifecycleCommands } from "../../cli/lifecycle-commands.ts";
import { runCli } from "../../cli/run-cli.ts";

const CONFIGURATION = { id: "c1", jobId: "j1", displayName: "Corp", domainFqdn: "corp.example" };
let server: Server;
let sent: { method: string | undefined; url: string | undefined; body: unknown }[];
beforeEach(async () => {
  sent = [];
  server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    const isLifecycle = request.url?.includes("/lifecycle") || request.method === "POST";
    if (isLifecycle) sent.push({ method: request.method, url: request.url, body: text === "" ? "" : JSON.parse(text) });
    const body = {
      jobId: "j1",
      outOfScope: "disable",
      expiredAccounts: "ignore",
      groupDeleteDelayDays: 0,
      changed: request.method === "PATCH",
    };
    response.end(JSON.stringify(isLifecycle ? body : { value: [CONFIGURATION] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => server.close());

async function uplink(...args: string[]) {
  let out = "";
  const environment = {
    UPLINK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    UPLINK_ADMIN_TOKEN: "t",
  };
  const terminal = {
    out: { write: (text: string) => (out += text) },
    err: { write: () => undefined },
    ...{ environment, fetch, stop: new AbortController().signal },
  };
  const code = await runCli(args, terminal, [registerAdminCommands, registerLifecycleCommands]);
  return { code, out };
}

test("job lifecycle shows both choices in words, and asks for nothing", async () => {
  const { code, out } = await uplink("job", "lifecycle", "corp");
  expect({ code, sent }).toMatchObject({ code: 0, sent: [{ method: "GET" }] });
  expect(out).toMatch(/who leaves the scope\s+is disabled .*\(disable\)\n.*an expired account\s+stays .*\(ignore\)/);
});

test("job lifecycle sends what is chosen, and nothing else", async () => {
  const { code, out } = await uplink("job", "lifecycle", "corp", "--out-of-scope", "disable");
  expect({ code, sent }).toMatchObject({ code: 0, sent: [{ method: "PATCH", body: { outOfScope: "disable" } }] });
  expect(sent[0]?.body).not.toHaveProperty("expiredAccounts");
  expect(out).toContain("reads everything again");
  expect((await uplink("job", "lifecycle", "corp", "--out-of-scope", "banish")).code).toBe(2);
});

test("job restart forgets what was known of the directory only when it is told to", async () => {
  await uplink("job", "restart", "corp");
  await uplink("job", "restart", "corp", "--reset-watermark");
  expect(sent.map((own) => own.body)).toEqual(["", { criteria: { resetScope: "Watermark" } }]);
});
