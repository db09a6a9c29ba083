/** `uplink job mode|reevaluate`, and what `uplink job show` says of exports that are held. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerModeCommands } from "../../cli/mode-commands.ts";
import { runCli } from "../../cli/run-cli.ts";
import type { JobModeReply } from "../../shared/contracts/admin/jobs.ts";

const CONFIGURATION = { id: "c1", jobId: "j1", displayName: "Corp", domainFqdn: "corp.example" };
const HELD = { because: "first-export" as const, at: "2026-01-05T14:00:00.000Z", by: null };

let server: Server;
let posted: { readonly url: string | undefined; readonly body: string }[];
let reply: JobModeReply;
beforeEach(async () => {
  posted = [];
  server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += String(part);
    if (request.method === "POST") posted.push({ url: request.url, body });
    const answer = request.url?.endsWith("/configurations")
      ? { value: [CONFIGURATION] }
      : request.url?.endsWith("/reevaluate")
        ? { jobId: "j1", workId: "w1" }
        : reply;
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => server.close());

async function uplink(...args: string[]) {
  let out = "";
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const terminal = {
    out: { write: (text: string) => (out += text) },
    err: { write: (text: string) => (out += text) },
    ...{ environment: { UPLINK_URL: url, UPLINK_ADMIN_TOKEN: "t" }, fetch, stop: new AbortController().signal },
  };
  const code = await runCli(args, terminal, [registerAdminCommands, registerModeCommands]);
  return { code, out };
}

test("a mode is set, and said what it means for exports", async () => {
  reply = { jobId: "j1", mode: "normal", exportsHeld: null, released: true };
  expect(await uplink("job", "mode", "corp", "normal")).toEqual({
    code: 0,
    out: "Corp exports what was held, and goes on exporting.\n",
  });
  expect(posted).toEqual([{ url: "/api/v1.0/uplink/jobs/j1/mode", body: JSON.stringify({ mode: "normal" }) }]);
  reply = { jobId: "j1", mode: "normal", exportsHeld: HELD, released: false };
  expect((await uplink("job", "mode", "corp", "normal")).out).toMatch(
    /first export waits for approval.*whatif approve/,
  );
  reply = { jobId: "j1", mode: "staging", exportsHeld: { ...HELD, because: "staging", by: "ann" }, released: false };
  expect((await uplink("job", "mode", "corp", "staging")).out).toMatch(/mode staging, since .* by ann/);
  expect(JSON.parse((await uplink("job", "mode", "corp", "staging", "--json")).out)).toEqual(reply);
  expect((await uplink("job", "mode", "corp", "half")).code).toBe(2);
});

test("every object is mapped anew when it is asked for", async () => {
  expect(await uplink("job", "reevaluate", "corp")).toEqual({
    code: 0,
    out: "Corp maps every object anew, without a read.\n",
  });
  expect(posted.map(({ url }) => url)).toEqual(["/api/v1.0/uplink/jobs/j1/reevaluate"]);
});
