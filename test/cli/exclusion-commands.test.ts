/** `uplink exclusion list|add|remove` against a service that answers as the contract says. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { registerExclusionCommands } from "../../cli/exclusion-commands.ts";
import { runCli } from "../../cli/run-cli.ts";

const ANN = "00000000-0000-4000-8000-0000000000aa";
const GLASS = "00000000-0000-4000-8000-0000000000bb";
const entry = (guid: string, objects: readonly object[] = []) => ({
  guid,
  by: "admin-1",
  at: "2026-01-05T08:00:00.000Z",
  reason: "break-glass",
  objects,
});
let server: Server;
let url: string;
let listed: readonly object[];
let asked: { method: string | undefined; path: string | undefined; body: string }[];

beforeEach(async () => {
  asked = [];
  listed = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      asked.push({ method: request.method, path: request.url, body });
      const one = { id: "c1", jobId: "j1", displayName: "Corp", domainFqdn: "corp.example" };
      const isKnown = request.url?.endsWith(ANN);
      if (request.url?.endsWith("/configurations")) response.end(JSON.stringify({ value: [one] }));
      else if (request.url?.endsWith("/exclusions")) response.end(JSON.stringify({ value: listed }));
      else if (isKnown) response.end(JSON.stringify(entry(ANN, [{ jobId: "j1", objectGuid: ANN, targetId: GLASS }])));
      else {
        const error = { code: "exclusion-not-found", message: "It is not on the exclusion list.", remedy: "List it." };
        response.writeHead(404).end(JSON.stringify({ error }));
      }
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
  const code = await runCli(["exclusion", ...args], terminal, [registerExclusionCommands]);
  return { code, out, err };
}
const sent = (method: string) => asked.find((own) => own.method === method);

test("what is on the list is told with who, when, why and which objects it is about", async () => {
  expect((await uplink("list")).out).toBe("Nothing is on the exclusion list.\n");
  listed = [
    entry(GLASS, [{ jobId: "j1", objectGuid: ANN, targetId: GLASS }]),
    entry(ANN, [{ jobId: "j1", objectGuid: ANN, targetId: null }]),
    entry("00000000-0000-4000-8000-0000000000cc"),
  ];
  const { code, out } = await uplink("list");
  expect(code).toBe(0);
  const [, glass, ann, stranger] = out.split("\n").map((line) => line.split(/ {2,}/));
  expect(glass).toEqual([GLASS, "2026-01-05 08:00:00Z", "admin-1", `target object of ${ANN} of Corp`, "break-glass"]);
  expect(ann?.[3]).toBe("object of Corp, without target object");
  expect(stranger?.[3]).toBe("no job's object and no job's target object");
  expect(JSON.parse((await uplink("list", "--json")).out)).toEqual(listed);
  const [head, line] = (await uplink("list", "--csv")).out.split("\r\n");
  expect(head).toBe("guid,since,by,what,why");
  expect(line).toBe(`${GLASS},2026-01-05T08:00:00.000Z,admin-1,target object of ${ANN} of Corp,break-glass`);
});

test("an object is put on it with a reason, whatever the letters' case", async () => {
  const { code, out } = await uplink("add", `{${ANN.toUpperCase()}}`, "--reason", "break-glass");
  expect([code, sent("PUT")?.path]).toEqual([0, `/api/v1.0/uplink/exclusions/${ANN}`]);
  expect(JSON.parse(sent("PUT")?.body ?? "")).toEqual({ reason: "break-glass" });
  expect(out).toBe(`${ANN} is on the exclusion list: object of Corp, target object ${GLASS}.\n`);
  expect(JSON.parse((await uplink("add", ANN, "--reason", "x", "--json")).out)).toMatchObject({ guid: ANN });
});

test("nothing comes on it without a reason, or without being a GUID", async () => {
  expect((await uplink("add", ANN)).code).toBe(2);
  expect((await uplink("add", "ann@corp.example", "--reason", "x")).err).toContain("must be a GUID");
  expect(asked).toEqual([]);
});

test("an object is taken off it; what isn't there is refused in the service's words", async () => {
  const { code, out } = await uplink("remove", ANN);
  expect([code, sent("DELETE")?.path]).toEqual([0, `/api/v1.0/uplink/exclusions/${ANN}`]);
  expect(out).toContain("it stood there for: break-glass");
  const refused = await uplink("remove", GLASS);
  expect(refused.code).not.toBe(0);
  expect(refused.err).toContain("It is not on the exclusion list.");
});
