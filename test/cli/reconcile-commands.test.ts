/** `uplink reconcile …`, against the service's own routes. */
import { beforeEach, expect, it } from "vitest";
import { registerReconcileCommands } from "../../cli/reconcile-commands.ts";
import { configurationRoutes } from "../../functions/configurations.http.ts";
import type { Route } from "../../functions/http-route.ts";
import { reconcileRoutes } from "../../functions/reconcile.http.ts";
import type { ReconcileReply } from "../../shared/contracts/admin/reconciles.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";

let routes: readonly Route[];
let cloud: Cloud;
let jobId: string;
const names = Array.from({ length: 30 }, (_, at) => `user${at}`);

/** Whoever looks gives what runs some time. */
const { uplink } = serveInTests(
  [registerReconcileCommands],
  answerByRoutes(
    () => routes,
    async (route) => route.name === "ShowReconcile" && pass(),
  ),
);

beforeEach(async () => {
  cloud = await createCloud();
  const agent = await cloud.addDomain("corp.example");
  jobId = agent.jobId;
  routes = [
    ...reconcileRoutes(cloud.cloud.routes.reconciles),
    ...configurationRoutes(cloud.cloud.routes.configurations),
  ];
  await agent.read(
    "full",
    names.map((name) => aUser(name, { department: "Sales, north" })),
  );
  for (const { id } of cloud.target.objects()) cloud.target.edit(id, { department: "Mine" });
});

async function pass(): Promise<void> {
  await cloud.run();
  cloud.clock.set(cloud.clock.now() + 600_000);
  await cloud.tick();
  await cloud.driver.settled();
  await cloud.run();
}

const stateOf = async () => (JSON.parse((await uplink("reconcile", "list", "--json")).out) as ReconcileReply[])[0];

it("begins, says so, and refuses a second one meanwhile", async () => {
  const { code, out } = await uplink("reconcile", "run", "corp.example");
  expect(code).toBe(0);
  const own = await stateOf();
  expect(out).toBe(`corp.example: reconcile ${own?.id} has begun ('uplink reconcile show ${own?.id}').\n`);
  expect(own).toMatchObject({ policy: "report", state: "waiting", by: "ann", jobId });
  const refused = await uplink("reconcile", "run", "corp.example", "--policy", "repair");
  expect(refused).toMatchObject({ code: 9, err: expect.stringContaining(`Reconcile ${own?.id} of job`) });
  expect((await uplink("reconcile", "run", "corp.example", "--policy", "mend")).code).toBe(2);
});

it("waits, and shows what was found as text, as JSON and as comma-separated values", async () => {
  const { code, out } = await uplink("reconcile", "run", "corp.example", "--wait");
  expect(code).toBe(0);
  expect(out).toMatch(/^state +done$/m);
  expect(out).toMatch(/^changed +30 values of 30 objects$/m);
  expect(out).toContain("and 10 more");
  const id = (await stateOf())?.id ?? "";
  const json = JSON.parse((await uplink("reconcile", "show", id, "--json")).out) as { findings: unknown[] };
  expect(json.findings).toHaveLength(30);
  expect(json).toMatchObject({ job: "corp.example", id, counts: { attributes: 30 } });
  const lines = (await uplink("reconcile", "show", "corp.example", "--csv")).out.trim().split("\r\n");
  expect(lines[0]).toBe("kind,type,object,target,property,expected,actual,member,done,note");
  expect(lines).toHaveLength(31);
  expect(lines.find((line) => line.includes(guidOf("user7")))).toMatch(
    /^changed,user,[-0-9a-f]+,[-0-9a-f]+,department,"Sales, north",Mine,,reported,$/,
  );
}, 20_000);

it("repairs when it is told to, and then finds nothing", async () => {
  expect((await uplink("reconcile", "run", "corp.example", "--policy", "repair", "--wait")).out).toMatch(
    /^repaired +30$/m,
  );
  expect(cloud.target.objects().every(({ values }) => values["department"] === "Sales, north")).toBe(true);
  const again = await uplink("reconcile", "run", "corp.example", "--policy", "repair", "--wait");
  expect(again.out).toMatch(/^found +nothing$/m);
  const rows = (await uplink("reconcile", "list", "corp.example", "--csv")).out.trim().split("\r\n");
  expect(rows[0]).toBe("job,id,policy,state,changed,missing,foreign,members,mended,left,asked,by");
  expect(rows[2]).toMatch(/^corp\.example,[-0-9a-f]+,repair,done,30,0,0,0,30,0,\d{4}-\d\d-\d\dT[\d:.]+Z,/);
}, 20_000);

it("says so when there is none", async () => {
  expect((await uplink("reconcile", "list")).out).toBe("Nothing was reconciled yet.\n");
  expect(await uplink("reconcile", "show", "corp.example")).toMatchObject({
    code: 8,
    err: expect.stringContaining("never reconciled"),
  });
});
