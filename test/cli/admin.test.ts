/** Admin commands where there is nobody to talk to, or somebody else; against the real service they run in test/e2e. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerAgentCommands } from "../../cli/agent-commands.ts";
import { registerAgentTokenCommands } from "../../cli/agent-token-commands.ts";
import { registerLogCommands } from "../../cli/log-commands.ts";
import { registerStatusCommands } from "../../cli/status-commands.ts";
import { registerTargetCommands } from "../../cli/target-commands.ts";
import { type AdminService, type Answer, startAdminService } from "../support/admin-service.ts";
import { runCommand } from "../support/command-line.ts";

let home: string;
let service: AdminService | undefined;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "uplink-cli-"));
});
afterEach(async () => {
  await service?.close();
  service = undefined;
  await rm(home, { recursive: true, force: true });
});

const uplink = (environment: Record<string, string>, ...args: string[]) =>
  runCommand(
    args,
    [
      ...[registerAgentCommands, registerStatusCommands, registerAdminCommands, registerAgentTokenCommands],
      ...[registerLogCommands, registerTargetCommands],
    ],
    {
      environment,
    },
  );

async function serve(answer: Answer): Promise<string> {
  service = await startAdminService(answer);
  return service.url;
}

test("without a runtime it says so, how to start one, and exits 2", async () => {
  const { code, err } = await uplink({ UPLINK_HOME: home }, "status");
  expect(code).toBe(2);
  expect(err).toContain(`No local runtime is running in ${home}`);
  expect(err).toContain("npm start");
});

test("files of another version are named", async () => {
  await mkdir(home, { recursive: true });
  await writeFile(join(home, "runtime.json"), '{"version":99}');
  expect((await uplink({ UPLINK_HOME: home }, "status")).err).toMatch(/runtime\.json can't be read by this version/);
});

test("a file that is there and can't be read is told as that, with what is in the way", async () => {
  await mkdir(join(home, "runtime.json"));
  const { code, err } = await uplink({ UPLINK_HOME: home }, "status");
  expect(code).toBe(2);
  expect(err).toMatch(/runtime\.json can't be read: EISDIR/);
  expect(err).not.toContain("is not there");
});

describe("a user of the target", () => {
  const ann = { id: "11111111-1111-4111-8111-111111111111", displayName: "Ann", userPrincipalName: "ann@corp.example" };
  async function show(manager: () => Response) {
    const url = await serve((asked) => {
      if (asked.url.startsWith("/token")) return { access_token: "t", expires_in: 3600, token_type: "Bearer" };
      return asked.url.includes("/manager") ? manager() : { value: [ann] };
    });
    const urls = { service: url, directory: url, graph: `${url}/v1.0`, tokens: `${url}/token` };
    await writeFile(join(home, "runtime.json"), JSON.stringify({ version: 1, urls }));
    await writeFile(join(home, "admin.json"), JSON.stringify({ clientId: "c", clientSecret: "s", audience: "a" }));
    return uplink({ UPLINK_HOME: home }, "target", "show", "ann@corp.example");
  }

  test("without a manager is shown without one", async () => {
    const { code, out } = await show(() => Response.json({ error: { message: "None." } }, { status: 404 }));
    expect(code).toBe(0);
    expect(out).toMatch(/^displayName +Ann$/m);
    expect(out).not.toContain("manager");
  });

  test("whose manager may not be read is a refusal, not somebody without one", async () => {
    const { code, err } = await show(() => Response.json({ error: { message: "Insufficient." } }, { status: 403 }));
    expect(code).toBe(5);
    expect(err).toContain("The target answered with status 403: Insufficient.");
  });
});

test("a service that isn't there is exit 4 and names its address", async () => {
  const url = await serve(() => undefined);
  await service?.close();
  service = undefined;
  const { code, err } = await uplink({ UPLINK_URL: url, UPLINK_ADMIN_TOKEN: "t" }, "job", "list");
  expect(code).toBe(4);
  expect(err).toContain(`Cannot reach ${url}`);
});

test.each(["uplink.example", "localhost:7071", "http://uplink.example", "http://127.0.0.1.example"])(
  "UPLINK_URL %s is refused before a token goes anywhere",
  async (address) => {
    const asked: string[] = [];
    const { code, err } = await runCommand(["job", "list"], [registerAdminCommands], {
      environment: { UPLINK_URL: address, UPLINK_ADMIN_TOKEN: "t" },
      fetch: async (url) => {
        asked.push(String(url));
        throw new TypeError("It was asked.");
      },
    });
    expect({ code, asked, err }).toEqual({
      ...{ code: 2, asked: [] },
      err: `UPLINK_URL '${address}' is no https address.\nGive one that begins with https://.\n`,
    });
  },
);

test("a service that dies in the middle of its answer is exit 4, without a stack", async () => {
  const cut = createServer((_asked, answer) => {
    answer.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    answer.write('{"value":[', () => answer.destroy());
  });
  await new Promise<void>((resolve) => cut.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(cut.address() as AddressInfo).port}`;
  const { code, err } = await uplink({ UPLINK_URL: url, UPLINK_ADMIN_TOKEN: "t" }, "job", "list");
  cut.close();
  expect(code).toBe(4);
  expect(err).toContain(`Cannot reach ${url}`);
  expect(err).not.toContain("    at ");
});

test("a deployed service needs a token, and gets it", async () => {
  expect((await uplink({ UPLINK_URL: "http://127.0.0.1:9" }, "job", "list")).err).toContain("UPLINK_ADMIN_TOKEN");
  const url = await serve(() => ({ value: [] }));
  const { code, out } = await uplink({ UPLINK_URL: `${url}/`, UPLINK_ADMIN_TOKEN: "tok" }, "escrow", "list");
  expect({ code, out }).toEqual({ code: 0, out: "Nothing is in escrow.\n" });
  expect(service?.asked).toMatchObject([{ url: "/api/v1.0/uplink/configurations", authorization: "Bearer tok" }]);
});

test("escrows are lines of comma-separated values, with code and remedy", async () => {
  const escrow = {
    ...{ objectGuid: "g1", code: "InvalidDomain", message: "The domain 'x', of 'y', isn't verified.", attempts: 2 },
    ...{ remedy: "Verify it.", firstAt: "2026-01-05T08:00:00.000Z", nextAttemptAt: "2026-01-05T09:00:00.000Z" },
  };
  const url = await serve((asked) => (asked.url.endsWith("/configurations") ? undefined : { value: [escrow] }));
  const { out } = await uplink({ UPLINK_URL: url, UPLINK_ADMIN_TOKEN: "t" }, "escrow", "list", "--csv");
  expect(out.split("\r\n")).toEqual([
    "job,object,code,message,remedy,attempts,since,next",
    `Corp,g1,InvalidDomain,"The domain 'x', of 'y', isn't verified.",Verify it.,2,${escrow.firstAt},${escrow.nextAttemptAt}`,
    "",
  ]);
});

describe("a refusal", () => {
  const environment = async (status: number, body: string) => ({
    UPLINK_URL: await serve(() => new Response(body, { status })),
    UPLINK_ADMIN_TOKEN: "t",
  });

  test("is said in the service's own words, with its remedy and exit 5", async () => {
    const error = { code: "role-missing", message: "The token lacks a role.", remedy: "Have it assigned." };
    const { code, err } = await uplink(await environment(403, JSON.stringify({ error })), "status");
    expect({ code, err }).toEqual({ code: 5, err: "The token lacks a role.\nHave it assigned.\n" });
  });

  test("that is none of ours says where it came from", async () => {
    expect((await uplink(await environment(502, "<html>"), "status")).err).toMatch(/answered with status 502/);
    expect((await uplink(await environment(200, "{}"), "status")).err).toMatch(/something unexpected \(at 'value'\)/);
  });
});

test("help names the exit codes, and the agent's own commands are still there", async () => {
  expect((await uplink({}, "job", "list", "--help")).out).toMatch(/Exit codes:\n +0 +done\n/);
  const { out } = await uplink({}, "agent", "--help");
  for (const name of ["enrol", "run", "once", "list", "token"]) expect(out).toMatch(new RegExp(`^  ${name} `, "m"));
  expect((await uplink({}, "logs", "--top", "many")).code).toBe(2);
});
