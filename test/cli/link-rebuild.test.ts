/** `uplink link rebuild` and `uplink backup list`, against the service's own routes. */
import { beforeEach, expect, it } from "vitest";
import { registerBackupCommands } from "../../cli/backup-commands.ts";
import { registerLinkCommands } from "../../cli/link-commands.ts";
import { backupRoutes } from "../../functions/backups.http.ts";
import { configurationRoutes } from "../../functions/configurations.http.ts";
import type { Route } from "../../functions/http-route.ts";
import { linkRoutes } from "../../functions/links.http.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";

let routes: readonly Route[];
let cloud: Cloud;
let agent: Awaited<ReturnType<Cloud["addDomain"]>>;
const people = [aUser("ann"), aUser("bob"), aUser("cid")];

const { uplink, asked } = serveInTests(
  [registerLinkCommands, registerBackupCommands],
  answerByRoutes(() => routes),
);

beforeEach(async () => {
  cloud = await createCloud();
  agent = await cloud.addDomain("corp.example");
  const own = cloud.cloud.routes;
  routes = [...backupRoutes(own), ...linkRoutes(own.links), ...configurationRoutes(own.configurations)];
  await agent.read("full", people);
});

async function backUp(): Promise<string> {
  const { backupId } = await cloud.cloud.beginBackupWith(cloud.driver)();
  await cloud.driver.settled();
  return backupId;
}

async function lose(...tables: readonly string[]): Promise<void> {
  for (const name of tables) {
    const table = cloud.rows.table(name);
    for await (const page of table.scan())
      for (const { partition, row } of page) await table.transact(partition, [{ op: "delete", row }]);
  }
}

const pause = (paused: boolean) => cloud.cloud.routes.configurations.setPaused(agent.jobId, paused);
const shownLink = async (name: string) => (await uplink("link", "show", "corp.example", guidOf(name))).code;

it("lists backups, shows what a restoration would do, and does it once the job is paused", async () => {
  expect((await uplink("backup", "list")).out).toBe("There is no whole backup yet: one is made every night.\n");
  expect(await uplink("link", "rebuild", "corp.example", "--from", "backup")).toMatchObject({
    code: 8,
    err: expect.stringContaining("--from target"),
  });
  const id = await backUp();
  expect(JSON.parse((await uplink("backup", "list", "--json")).out)).toMatchObject([{ id, objects: 3 }]);
  expect((await uplink("backup", "list")).out).toContain(id);
  await lose("objects");
  expect(await shownLink("ann")).toBe(8);
  const looked = await uplink("link", "rebuild", "corp.example", "--from", "backup");
  expect(looked.code).toBe(0);
  expect(looked.out).toMatch(/^are missing +3 would be put back$/m);
  expect(looked.out).toContain(`uplink link rebuild "corp.example" --from backup --backup ${id} --apply`);
  expect(await shownLink("ann")).toBe(8);
  const command = ["link", "rebuild", "corp.example", "--from", "backup", "--apply"];
  expect(await uplink(...command)).toMatchObject({ code: 2, err: expect.stringContaining("--apply needs --backup") });
  expect(await uplink(...command, "--backup", "none")).toMatchObject({ code: 8 });
  const refused = await uplink(...command, "--backup", id);
  expect(refused).toMatchObject({ code: 9, err: expect.stringContaining("uplink job pause corp.example") });
  await pause(true);
  const done = await uplink(...command, "--backup", id);
  expect(done.code).toBe(0);
  expect(done.out).toMatch(/^are missing +3 were put back$/m);
  expect(done.out).toContain("3 links are in the index.");
  expect(done.out).toContain('uplink job start "corp.example"');
  expect(await shownLink("ann")).toBe(0);
  const again = JSON.parse((await uplink(...command, "--backup", id, "--json")).out);
  expect(again).toMatchObject({
    ...{ from: "backup", applied: true, linked: 3, conflicts: [] },
    restored: { rows: 3, present: 3, missing: 0, values: 0 },
  });
});

it("ends with 11 and a table where a value is somebody else's by now", async () => {
  const id = await backUp();
  await lose("objects");
  const claims = cloud.rows.table("claims");
  const owner = "other:somebody";
  for await (const page of claims.scan())
    for (const { partition, row } of page)
      if (row === "userPrincipalName:bob@corp.example")
        await claims.transact(partition, [{ op: "replace", row, values: { owner } }]);
  await pause(true);
  const done = await uplink("link", "rebuild", "corp.example", "--from", "backup", "--backup", id, "--apply");
  expect(done.code).toBe(11);
  expect(done.out).toMatch(new RegExp(`^${guidOf("bob")} +userPrincipalName +bob@corp.example +${owner}$`, "m"));
});

it("finds target objects again without a backup", async () => {
  await lose("objects", "claims");
  const looked = await uplink("link", "rebuild", "corp.example", "--from", "target");
  expect(looked.out).toMatch(/^without link +3$/m);
  expect(looked.out).toContain('uplink link rebuild "corp.example" --from target --apply');
  const writing = asked().filter(({ url }) => url.endsWith("rebuildLinks"));
  expect(writing).toEqual([]);
  await pause(true);
  const done = await uplink("link", "rebuild", "corp.example", "--from", "target", "--apply", "--json");
  expect(JSON.parse(done.out)).toMatchObject({ applied: true, target: { read: 3, free: 3 }, linked: 0, sought: 0 });
  await pause(false);
  const ids = cloud.target.objects().map((own) => own.id);
  await agent.read("full", people);
  expect(cloud.target.objects().map((own) => own.id)).toEqual(ids);
  expect(await shownLink("cid")).toBe(0);
});

const LOST = [
  ["rows and index", ["objects", "claims"]],
  ["rows", ["objects"]],
  ["index", ["claims"]],
  ["nothing", []],
] as const;
const numbers = async (...more: string[]) =>
  JSON.parse((await uplink("link", "rebuild", "corp.example", "--from", "target", "--json", ...more)).out);

it.each(LOST)("says beforehand the very numbers of what is done, where what was lost is: %s", async (_, tables) => {
  const shared = { mail: "all@corp.example" };
  cloud.target.seed([
    { values: { displayName: "x", userPrincipalName: "x@corp.example", ...shared } },
    { values: { displayName: "y", userPrincipalName: "y@corp.example", ...shared } },
    { type: "group", values: { displayName: "z", mail: "z@corp.example" } },
  ]);
  await lose(...tables);
  const looked = await numbers();
  await pause(true);
  expect((await numbers("--apply")).target).toEqual(looked.target);
  expect((await numbers("--apply")).target).toMatchObject({ values: 0 });
});

it("says beforehand how many values it is at most, where objects of several pages have one", async () => {
  const values = { displayName: "x", mail: "all@corp.example" };
  cloud.target.seed([{ values: { ...values, userPrincipalName: "x@corp.example" } }, { type: "group", values }]);
  const { target } = await numbers();
  const { out } = await uplink("link", "rebuild", "corp.example", "--from", "target");
  expect(out).toMatch(new RegExp(`^values for the index +up to ${target.values} would be noted for matching$`, "m"));
  await pause(true);
  expect((await numbers("--apply")).target).toEqual({ ...target, values: target.values - 1 });
  const again = await uplink("link", "rebuild", "corp.example", "--from", "target");
  expect(again.out).toMatch(/^values for the index +none would be noted for matching$/m);
});
