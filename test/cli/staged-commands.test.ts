/** `uplink staged …` and `uplink escrow retry`, against the service's own routes. */
import { beforeEach, expect, it } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { csvOf } from "../../cli/csv.ts";
import { registerStagedCommands } from "../../cli/staged-commands.ts";
import { configurationRoutes } from "../../functions/configurations.http.ts";
import type { Route } from "../../functions/http-route.ts";
import { stagedRoutes } from "../../functions/staged.http.ts";
import { ACTIVITY } from "../../orchestrations/names.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { aUser, type Cloud, createCloud, guidOf } from "../support/cloud.ts";

let routes: readonly Route[];
let cloud: Cloud;
let jobId: string;
const names = Array.from({ length: 40 }, (_, at) => `user${at}`);

const { uplink } = serveInTests(
  [registerAdminCommands, registerStagedCommands],
  answerByRoutes(() => routes),
);

/** Whether the work on what is approved fails. */
let isPoisoned = false;

beforeEach(async () => {
  isPoisoned = false;
  cloud = await createCloud({
    aroundActivity: async (name, input, run) => {
      const { batchId = "" } = input as { batchId?: string };
      if (isPoisoned && name === ACTIVITY.mapChunk && batchId.includes("-approved-")) throw new Error("poison");
      return run();
    },
  });
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
  expect(out).toContain("and 15 more (--members shows them all, with names)");
  const sets = (await uplink("staged", "list", "--csv")).out.split("\r\n");
  expect(sets[0]).toBe("job,class,cycle,count,reason,digest,since,approved,failed,failedAt,failedBy");
  expect(sets[1]).toMatch(new RegExp(`^corp\\.example,deletes,${jobId}-2,25,.+,${digest},.+,false,,,$`));
});

it("shows a set whose approval was not carried out: who approved it, when it was given up, and that it can be approved again", async () => {
  isPoisoned = true;
  const digest = await digestOf();
  expect((await uplink("staged", "list")).out).not.toMatch(/^failed/m);
  expect(await uplink("staged", "approve", "corp.example", "deletes", "--digest", digest)).toMatchObject({ code: 0 });
  await cloud.run();
  const [set] = JSON.parse((await uplink("staged", "list", "--json")).out);
  const at = new Date(cloud.clock.now()).toISOString();
  expect(set).toMatchObject({ digest, isApproved: false, lastFailure: { code: "InternalError", at } });
  const { approvedBy } = set.lastFailure;
  const { out } = await uplink("staged", "list");
  expect(out).toMatch(
    new RegExp(`^failed +${approvedBy} approved it, and it was not carried out \\(InternalError, `, "m"),
  );
  expect((await uplink("staged", "list", "--csv")).out).toContain(`,false,InternalError,${at},${approvedBy}\r\n`);
  isPoisoned = false;
  expect(await uplink("staged", "approve", "corp.example", "deletes", "--digest", digest)).toMatchObject({ code: 0 });
  await cloud.run();
  expect((await uplink("staged", "list")).out).toBe("Nothing is staged.\n");
});

it("names every object with --members, as text, as JSON and as comma-separated values", async () => {
  const digest = await digestOf();
  const gone = names
    .slice(0, 25)
    .map((name) => ({ guid: guidOf(name), name, dn: `CN=${name},OU=People,DC=corp,DC=example` }))
    .sort((one, other) => (one.guid < other.guid ? -1 : 1));
  const { out } = await uplink("staged", "list", "--members");
  for (const { guid, name, dn } of gone) expect(out).toMatch(new RegExp(`^${guid} +${name} +${dn}$`, "m"));
  const [set] = JSON.parse((await uplink("staged", "list", "--members", "--json")).out);
  expect(set.members).toEqual(gone.map(({ guid }) => guid));
  expect(set.objects[0]).toEqual({
    ...{ objectGuid: gone[0]?.guid, objectClass: "user", displayName: gone[0]?.name, dn: gone[0]?.dn },
    ...{ member: null, becomes: null },
  });
  const lines = (await uplink("staged", "list", "--members", "--csv")).out.trim().split("\r\n");
  expect(lines[0]).toBe("job,class,cycle,digest,object,displayName,dn,member,memberDisplayName,memberDn,becomes");
  expect(lines.slice(1)).toEqual(
    gone.map(({ guid, name, dn }) => `corp.example,deletes,${jobId}-2,${digest},${guid},${name},"${dn}",,,,`),
  );
});

it("approves exactly what was shown", async () => {
  const digest = await digestOf();
  const refused = await uplink("staged", "approve", "corp.example", "deletes", "--digest", "0".repeat(32));
  expect(refused).toMatchObject({ code: 9, err: expect.stringContaining(`${digest}: 25 deletes`) });
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
    code: 8,
    err: expect.stringContaining("is not in escrow"),
  });
});

it("quotes what a comma or a quote would break", () => {
  expect(csvOf([["a", 'say "b", c']])).toBe('a,"say ""b"", c"\r\n');
});
