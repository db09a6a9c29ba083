/** `uplink exclusion list|add|remove` against a service that answers as the contract says. */
import { beforeEach, expect, test } from "vitest";
import { registerExclusionCommands } from "../../cli/exclusion-commands.ts";
import { serveInTests } from "../support/admin-service.ts";

const ANN = "00000000-0000-4000-8000-0000000000aa";
const GLASS = "00000000-0000-4000-8000-0000000000bb";
const entry = (guid: string, objects: readonly object[] = []) => ({
  "@odata.etag": 'W/"one"',
  guid,
  by: "admin-1",
  at: "2026-01-05T08:00:00.000Z",
  reason: "break-glass",
  objects,
});
let listed: readonly object[];
beforeEach(() => {
  listed = [];
});

const service = serveInTests([registerExclusionCommands], ({ url }) => {
  if (url.endsWith("/configurations")) return undefined;
  if (url.includes("/exclusions?")) return { value: listed };
  if (url.endsWith(ANN)) return entry(ANN, [{ jobId: "j1", objectGuid: ANN, targetId: GLASS }]);
  const error = { code: "exclusion-not-found", message: "It is not on the exclusion list.", remedy: "List it." };
  return Response.json({ error }, { status: 404 });
});
const uplink = (...args: string[]) => service.uplink("exclusion", ...args);
const sent = (method: string) => service.asked().find((own) => own.method === method);

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
  expect([code, sent("PUT")?.url]).toEqual([0, `/api/v1.0/uplink/exclusions/${ANN}`]);
  expect(JSON.parse(sent("PUT")?.body ?? "")).toEqual({ reason: "break-glass" });
  expect(out).toBe(`${ANN} is on the exclusion list: object of Corp, target object ${GLASS}.\n`);
  expect(JSON.parse((await uplink("add", ANN, "--reason", "x", "--json")).out)).toMatchObject({ guid: ANN });
});

test("nothing comes on it without a reason, or without being a GUID", async () => {
  expect((await uplink("add", ANN)).code).toBe(2);
  expect((await uplink("add", "ann@corp.example", "--reason", "x")).err).toContain("must be a GUID");
  expect(service.asked()).toEqual([]);
});

test("an object is taken off it; what isn't there is refused in the service's words", async () => {
  const { code, out } = await uplink("remove", ANN);
  expect([code, sent("DELETE")?.url]).toEqual([0, `/api/v1.0/uplink/exclusions/${ANN}`]);
  expect(out).toContain("it stood there for: break-glass");
  const refused = await uplink("remove", GLASS);
  expect(refused.code).not.toBe(0);
  expect(refused.err).toContain("It is not on the exclusion list.");
});
