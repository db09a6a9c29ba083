/** `uplink provision`, against the service's own routes and an agent that answers. */
import { beforeEach, expect, it } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerProvisionCommands } from "../../cli/provision-commands.ts";
import { configurationRoutes } from "../../functions/configurations.http.ts";
import type { Route } from "../../functions/http-route.ts";
import { provisionOnDemandRoute } from "../../functions/provision-on-demand.http.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { aUser, guidOf } from "../support/cloud.ts";
import { createOnDemand, type OnDemand } from "../support/on-demand.ts";

const ADA = "CN=ada,OU=People,DC=corp,DC=example";
let world: OnDemand;
let routes: readonly Route[];

const { uplink, asked } = serveInTests(
  [registerAdminCommands, registerProvisionCommands],
  answerByRoutes(() => routes),
);

beforeEach(async () => {
  world = await createOnDemand();
  const own = world.cloud.routes;
  routes = [...configurationRoutes(own.configurations), provisionOnDemandRoute(own.provisionOnDemand)];
  world.put(aUser("ada", { department: "R&D" }));
});

it("shows four ticks with what was read, each clause, the match and what was sent", async () => {
  const { code, out } = await uplink("provision", "ada@corp.example");
  expect(code).toBe(0);
  expect(out).toMatch(/^CN=ada,.* in corp\.example: create, exported/);
  expect(out.match(/^[✓!] (import|scope|match|action)/gm)?.map((line) => line.slice(2))).toEqual([
    "import",
    "scope",
    "match",
    "action",
  ]);
  expect(out).toMatch(/^ +department: R&D$/m);
  expect(out).toMatch(/holds/);
  expect(out).toMatch(/sent +before +after/);
  expect(out).toMatch(/^department +- +R&D/m);
  expect(world.target.objects()).toHaveLength(1);
});

it("shows what a value holds to steer a terminal, or to break its line, as a space", async () => {
  world.put(aUser("ada", { department: "R&D\u001b[2J\n✓ action  all is well\u202e" }));
  const { out } = await uplink("provision", ADA);
  expect(out).toMatch(/^ +department: R&D \[2J ✓ action {2}all is well *$/m);
  expect(out).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
  expect(out.match(/^[✓!] (import|scope|match|action)/gm)).toHaveLength(4);
});

it("--dry-run writes nothing and says so; --json has all that was answered", async () => {
  const { code, out } = await uplink("provision", ADA, "--job", "corp.example", "--dry-run");
  expect(code).toBe(0);
  expect(out).toMatch(/create is what it would come to; nothing was written/);
  expect(out).toMatch(/would be sent/);
  expect(world.target.objects()).toEqual([]);
  const json = JSON.parse((await uplink("provision", ADA, "--dry-run", "--json")).out);
  expect(json).toMatchObject({ key: { result: "Success" }, value: [{ action: "create", isDryRun: true }] });
});

it("names chosen members, five at most", async () => {
  world.put({
    ...{ op: "upsert", objectGuid: guidOf("staff"), objectClass: "group", dn: "CN=staff,DC=corp,DC=example" },
    attributes: { cn: ["staff"], displayName: ["staff"], groupType: ["-2147483646"] },
  });
  world.members.set(guidOf("staff"), [guidOf("ada")]);
  const { code, out } = await uplink("provision", guidOf("staff"), "--member", ADA);
  expect(code).toBe(0);
  expect(out.match(/^CN=.*: create, exported.*$/gm)).toEqual([
    "CN=staff,DC=corp,DC=example in corp.example: create, exported, 1 member added",
    `${ADA} in corp.example: create, exported`,
  ]);
  const made = world.target.objects().find((own) => own.type === "group");
  expect(world.target.membersOf(made?.id ?? "")).toHaveLength(1);
  const many = Array.from({ length: 6 }, (_, at) => `m${at}@corp.example`);
  expect((await uplink("provision", guidOf("staff"), "--member", ...many)).code).toBe(2);
});

it("says why nobody is found, and that the object was refused on its way, by exit codes", async () => {
  const nobody = await uplink("provision", "eve@corp.example");
  expect(nobody).toMatchObject({
    code: 8,
    err: expect.stringContaining("has no object with the UPN 'eve@corp.example'"),
  });
  await uplink("provision", ADA);
  world.put({ ...aUser("bob", { userPrincipalName: "ada@corp.example" }) });
  const refused = await uplink("provision", guidOf("bob"));
  expect(refused.code).toBe(1);
  expect(refused.out).toMatch(/AttributeValueMustBeUnique/);
  expect(asked().at(-1)?.url).toMatch(/\/provisionOnDemand$/);
});

it("wants --job where there are several", async () => {
  await world.addDomain("emea.example");
  expect(await uplink("provision", ADA)).toMatchObject({ code: 2, err: expect.stringContaining("Give --job") });
});
