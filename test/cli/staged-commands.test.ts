/** `uplink staged …` and `uplink escrow retry`, against the service's own routes. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { csvOf } from "../../cli/csv.ts";
import { runCli } from "../../cli/run-cli.ts";
import { registerStagedCommands } from "../../cli/staged-commands.ts";
import { configurationRoutes } from "../../functions/configurations.http.ts";
import type { Route, RouteRequest } from "../../functions/http-route.ts";
import { stagedRoutes } from "../../functions/staged.http.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";

let server: Server;
let routes: readonly Route[];
let cloud: Cloud;
let jobId: string;
const names = Array.from({ length: 40 }, (_, at) => `user${at}`);

beforeAll(async () => {
  server = createServer(async (incoming, outgoing) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const { status, body } = await answer(incoming.method ?? "GET", incoming.url ?? "", Buffer.concat(parts));
    outgoing.writeHead(status).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => server.close());
beforeEach(async () => {
  cloud = await createCloud();
  const agent = await cloud.addDomain("corp.example");
  jobId = agent.jobId;
  routes = [...stagedRoutes(cloud.cloud.routes), ...configurationRoutes(cloud.cloud.routes.configurations)];
  await agent.read(
    "full",
    names.map((name) => aUser(name)),
  );
  await agent.read(
    "delta",
    names.slice(0, 25).map((name) => ({ op: "delete" as const, objectGuid: guidOf(name) })),
  );
});

/** The routes as the functions host calls them, without their guards. */
async function answer(method: string, url: string, body: Uint8Array): Promise<{ status: number; body: unknown }> {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  for (const route of routes) {
    const pattern = new RegExp(`^/api/${route.route.replace(/\{(\w+)(?::regex\(.*?\$\))?\}/g, "(?<$1>[^/]+)")}$`);
    const found = pattern.exec(pathname);
    if (!found || !(route.methods ?? []).includes(method as "GET")) continue;
    const params = Object.fromEntries(
      Object.entries(found.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
    const request = { method, params, query: searchParams, body } as RouteRequest;
    const result = await route.handle(request, { id: "ann", name: "ann" } as never);
    if (result.ok) return result.value;
    return {
      status: result.failure.status,
      body: { error: { ...result.failure, innerError: { "request-id": "r", date: "" } } },
    };
  }
  return { status: 404, body: {} };
}

async function uplink(...args: string[]) {
  let out = "";
  let err = "";
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const terminal = {
    out: { write: (text: string) => (out += text) },
    err: { write: (text: string) => (err += text) },
    ...{ environment: { UPLINK_URL: url, UPLINK_ADMIN_TOKEN: "t" }, fetch, stop: new AbortController().signal },
  };
  const code = await runCli(args, terminal, [registerAdminCommands, registerStagedCommands]);
  return { code, out, err };
}

async function digestOf(): Promise<string> {
  const [set] = JSON.parse((await uplink("staged", "list", "--json")).out) as { digest: string }[];
  return set?.digest ?? "";
}

it("shows sets as text, as JSON and as comma-separated values, with some objects or all", async () => {
  const digest = await digestOf();
  const { code, out } = await uplink("staged", "list", "corp.example");
  expect(code).toBe(0);
  expect(out).toMatch(/^job +corp\.example$/m);
  expect(out).toMatch(/^count +25$/m);
  expect(out).toContain(digest);
  expect(out).toContain("and 15 more (--members shows them)");
  expect((await uplink("staged", "list", "--members")).out).toContain(names.slice(0, 25).map(guidOf).sort()[24]);
  const sets = (await uplink("staged", "list", "--csv")).out.split("\r\n");
  expect(sets[0]).toBe("job,class,cycle,count,reason,digest,since,approved");
  expect(sets[1]).toMatch(new RegExp(`^corp\\.example,deletes,${jobId}-2,25,.+,${digest},.+,false$`));
  const members = (await uplink("staged", "list", "--members", "--csv")).out.trim().split("\r\n");
  expect(members.slice(1)).toEqual(
    names
      .slice(0, 25)
      .map((name) => `corp.example,deletes,${jobId}-2,${digest},${guidOf(name)}`)
      .sort(),
  );
});

it("approves exactly what was shown", async () => {
  const digest = await digestOf();
  const refused = await uplink("staged", "approve", "corp.example", "deletes", "--digest", "0".repeat(32));
  expect(refused).toMatchObject({ code: 5, err: expect.stringContaining(`${digest}: 25 deletes`) });
  const { code, out } = await uplink("staged", "approve", "corp.example", "deletes", "--digest", digest);
  expect({ code, out }).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^corp\.example: 25 deletes are carried/),
  });
  await cloud.run();
  expect(cloud.target.objects().filter((own) => !own.deleted)).toHaveLength(15);
  expect((await uplink("staged", "list")).out).toBe("Nothing is staged.\n");
});

it("drops exactly what was shown", async () => {
  const { out } = await uplink("staged", "drop", "corp.example", "deletes", "--digest", await digestOf(), "--json");
  expect(JSON.parse(out)).toMatchObject({ jobId, class: "deletes", decision: "dropped", objects: 25 });
  expect((await uplink("staged", "list")).out).toBe("Nothing is staged.\n");
});

it("wants class and digest", async () => {
  expect(await uplink("staged", "approve", "corp.example", "people", "--digest", "d")).toMatchObject({ code: 2 });
  expect(await uplink("staged", "approve", "corp.example", "deletes")).toMatchObject({ code: 2 });
});

it("tries escrows again", async () => {
  expect((await uplink("escrow", "retry", "corp.example")).out).toBe("corp.example: nothing is in escrow.\n");
  expect(JSON.parse((await uplink("escrow", "retry", "corp.example", "--json")).out)).toEqual({ jobId, objects: 0 });
  expect(await uplink("escrow", "retry", "corp.example", guidOf("user1"))).toMatchObject({
    code: 5,
    err: expect.stringContaining("is not in escrow"),
  });
});

it("quotes what a comma or a quote would break", () => {
  expect(csvOf([["a", 'say "b", c']])).toBe('a,"say ""b"", c"\r\n');
});
