/** `uplink whatif …`, against the service's own routes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerWhatIfCommands } from "../../cli/what-if-commands.ts";
import { configurationRoutes } from "../../functions/configurations.http.ts";
import type { Route } from "../../functions/http-route.ts";
import { whatIfRoutes } from "../../functions/what-if.http.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { aUser, type Cloud, createCloud } from "../support/cloud.ts";
import { schemaWith } from "../support/schema.ts";

let routes: readonly Route[];
let cloud: Cloud;
let jobId: string;
let folder: string;
let file: string;

/** What is asked for is tried at once. */
const { uplink } = serveInTests(
  [registerAdminCommands, registerWhatIfCommands],
  answerByRoutes(
    () => routes,
    () => cloud.run(),
  ),
);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-what-if-"));
  file = join(folder, "schema.json");
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  cloud = await createCloud({ quota: 10 });
  const agent = await cloud.addDomain("corp.example");
  jobId = agent.jobId;
  routes = [...whatIfRoutes(cloud.cloud.routes.whatIfs), ...configurationRoutes(cloud.cloud.routes.configurations)];
  await agent.read(
    "full",
    Array.from({ length: 40 }, (_, at) => aUser(`user${at}`, { title: at < 25 ? "clerk" : "boss" })),
  );
});

/** A schema that lets all clerks go. */
async function bossesOnly(): Promise<void> {
  const clause = { sourceOperandName: "title", operatorName: "EQUALS", targetOperand: { values: ["boss"] } };
  const schema = schemaWith({ user: { scope: { groups: [{ name: "bosses", clauses: [clause] }] } } });
  await writeFile(file, JSON.stringify(schema));
}

/** One that gives everybody the same name. */
async function sameNames(): Promise<string> {
  const source = { expression: '"same@corp.example"' };
  await writeFile(file, JSON.stringify(schemaWith({ user: { attributes: { UserPrincipalName: { source } } } })));
  return file;
}

it("tries a schema of a file, and says the verdict first", async () => {
  await bossesOnly();
  const { code, out } = await uplink("whatif", "run", "corp.example", "--schema", file, "--wait");
  expect(code).toBe(0);
  const [first, second] = out.split("\n");
  expect(first).toBe("The guard would hold back 25 deletes: 25 of 40 linked users in 24 hours are more than 10 %.");
  expect(second).toBe("Would be done, for 40 objects: 25 delete.");
  expect(out).toMatch(/^what-if +\d{14}-[0-9a-f]{8}, of a new schema, asked for by ann at /m);
  expect(out).toMatch(/^digest +[0-9a-f]{32}$/m);
  expect(out).toMatch(/^user +25 +15$/m);
  // What is held back is not written.
  expect(out).toMatch(/^writes +0, 0 minutes at the least$/m);
  const twins = await uplink("whatif", "run", "corp.example", "--schema", await sameNames(), "--wait");
  expect(twins.out.split("\n").slice(0, 3)).toEqual([
    "Within the guard's bounds: 1 changed name.",
    "Would be done, for 40 objects: 1 update.",
    "Would fail: 39 with AttributeValueMustBeUnique.",
  ]);
  // Whoever holds the name is told by the name of his configuration.
  expect(twins.out).toMatch(/corp\.example:[0-9a-f-]{36}/);
});

it("shows attributes with examples, and the same as JSON and as comma-separated values", async () => {
  const schema = schemaWith({ user: { attributes: { Title: { source: { expression: 'Join("-", [title], "x")' } } } } });
  await writeFile(file, JSON.stringify(schema));
  const run = await uplink("whatif", "run", "corp.example", "--schema", file);
  expect(run.out).toMatch(/^corp\.example: what-if \S+ is tried/);
  const id = /what-if (\S+) is/.exec(run.out)?.[1] ?? "";
  const { out } = await uplink("whatif", "show", id);
  expect(out.split("\n")[0]).toBe("Would be done, for 40 objects: 40 update.");
  expect(out).toMatch(/^user jobTitle +40 +0 +0 +(clerk → clerk-x|boss → boss-x)$/m);
  expect(out).toMatch(/^writes +40, 10 minutes at the least$/m);
  expect((await uplink("whatif", "show", "corp.example")).out).toBe(out);
  const json = JSON.parse((await uplink("whatif", "show", id, "--json")).out);
  expect(json).toMatchObject({
    id,
    jobId,
    state: "done",
    counts: { update: 40 },
    result: { estimate: { minutes: 10 } },
  });
  expect((await uplink("whatif", "show", id, "--csv")).out.split("\r\n")).toEqual([
    "section,objectClass,name,count",
    "action,user,update,40",
    "changed,user,jobTitle,40",
    "",
  ]);
});

it("lists what was tried, newest first", async () => {
  expect((await uplink("whatif", "list")).out).toBe("Nothing was tried.\n");
  await uplink("whatif", "run", "corp.example");
  cloud.clock.set(cloud.clock.now() + 1_000);
  await bossesOnly();
  await uplink("whatif", "run", "corp.example", "--schema", file);
  const lines = (await uplink("whatif", "list", "corp.example")).out.split("\n");
  expect(lines[0]).toMatch(/^job +id +of +state +would do +would be staged +digest$/);
  expect(lines[1]).toMatch(/^corp\.example +\S+ +a new schema +done +25 delete +25 deletes +[0-9a-f]{32}$/);
  expect(lines[2]).toMatch(/^corp\.example +\S+ +the job as it is +done +nothing +- +[0-9a-f]{32}$/);
  const [head, first] = (await uplink("whatif", "list", "--csv")).out.split("\r\n");
  expect(head).toBe("job,id,of,state,by,at,objects,digest,approvedBy");
  expect(first).toMatch(/^corp\.example,\S+,a new schema,done,ann,/);
});

it("approves the newest result by its digest, and no other", async () => {
  await bossesOnly();
  const { out } = await uplink("whatif", "run", "corp.example", "--schema", file, "--wait", "--json");
  const { digest } = JSON.parse(out) as { digest: string };
  const refused = await uplink("whatif", "approve", "corp.example", "--digest", "0".repeat(32));
  expect(refused).toMatchObject({ code: 9, err: expect.stringContaining(`the newest result is ${digest}`) });
  expect(refused.err).not.toContain(jobId);
  const approved = await uplink("whatif", "approve", "corp.example", "--digest", digest);
  expect(approved).toMatchObject({
    code: 0,
    out: expect.stringMatching(
      /^corp\.example: what-if \S+ is approved: its schema is version 2; everybody is mapped by it, .*, after a full read if/,
    ),
  });
  expect((await uplink("whatif", "show", "corp.example")).out).toMatch(/^approved +by ann at /m);
  const again = await uplink("whatif", "approve", "corp.example", "--digest", digest, "--json");
  expect(JSON.parse(again.out)).toMatchObject({ jobId, digest, by: "ann", effect: "schema", schemaVersion: 2 });
});

it("refuses two changes at once, a schema with errors, and what isn't there", async () => {
  await bossesOnly();
  const both = await uplink("whatif", "run", "corp.example", "--schema", file, "--everything");
  expect(both).toMatchObject({ code: 2, err: expect.stringContaining("One change at a time") });
  await writeFile(
    file,
    JSON.stringify(schemaWith({ user: { attributes: { Title: { source: { expression: "Nope(" } } } } })),
  );
  const faulty = await uplink("whatif", "run", "corp.example", "--schema", file);
  expect(faulty).toMatchObject({ code: 5, err: expect.stringContaining("The schema is refused") });
  const missing = await uplink("whatif", "show", `${"0".repeat(14)}-00000000`);
  expect(missing).toMatchObject({ code: 8, err: expect.stringContaining("There is no what-if") });
  expect(await uplink("whatif", "run", "corp.example", "--schema-version", "7")).toMatchObject({ code: 8 });
});
