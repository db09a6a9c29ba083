/** `uplink schema …`: on files alone, and against the service's own routes. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { registerSchemaCommands } from "../../cli/schema-commands.ts";
import { configurationRoutes } from "../../functions/configurations.http.ts";
import type { Route } from "../../functions/http-route.ts";
import { schemaRoutes } from "../../functions/schemas.http.ts";
import { defaultSchema, defaultSchemaFor } from "../../shared/domain/default-schema.ts";
import { answerByRoutes, serveInTests } from "../support/admin-service.ts";
import { createCloud } from "../support/cloud.ts";
import { tenantSchema } from "../support/tenant-schema.ts";

let folder: string;
let routes: readonly Route[];

const service = serveInTests(
  [registerSchemaCommands],
  answerByRoutes(() => routes),
);
const uplink = (...args: string[]) => service.uplink("schema", ...args);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-schema-"));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  const cloud = await createCloud();
  await cloud.addDomain("corp.example");
  const { schemas, configurations } = cloud.cloud.routes;
  routes = [...schemaRoutes({ schemas, configurations }), ...configurationRoutes(configurations)];
});

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

/** The default schema with texts of expressions changed; trees would have to be changed too, so there are none. */
function changed(from: string, to: string): unknown {
  const withoutTrees = (key: string, value: unknown): unknown =>
    key === "source" ? { expression: (value as { expression: string }).expression.replace(from, () => to) } : value;
  return JSON.parse(JSON.stringify(defaultSchema(), withoutTrees));
}

describe("schema check", () => {
  it("finds nothing that keeps a job from starting in a tenant's export, and says what is left out", async () => {
    const { code, out } = await uplink("check", await file("tenant.json", tenantSchema()));
    expect(code).toBe(0);
    expect(out).toContain("user → User: left out: Exchange keeps it");
    expect(out).toContain("wants the character NUL");
    expect(out).toMatch(/No error, \d+ warnings: a job starts with this schema\.\n$/);
  });

  it("warns of fields that nothing goes by, with the name that was meant, and of none in what Graph and we export", async () => {
    const slipped = JSON.parse(
      JSON.stringify(defaultSchema())
        .replace('"flowType":', '"flowTyp":')
        .replace('"enabled":true', '"enabled":true,"note@odata.type":"x","colour":"red"'),
    );
    slipped.synchronizationRule = [];
    const { code, out } = await uplink("check", await file("slipped.json", slipped));
    expect(code).toBe(0);
    expect(out).toContain(
      "warning: The field 'flowTyp' isn't known: it is kept, and nothing goes by it. (unknown-field)",
    );
    expect(out).toContain("Did you mean 'flowType'?");
    expect(out).toContain("at synchronizationRules[0].objectMappings[0].attributeMappings[0].flowTyp\n");
    expect(out).toContain("The field 'colour' isn't known");
    expect(out).toContain("Did you mean 'synchronizationRules'?");
    expect(out.match(/unknown-field/g)).toHaveLength(3);
    for (const schema of [defaultSchema(), tenantSchema()]) {
      const clean = await uplink("check", await file("known.json", schema));
      expect(clean.out).not.toContain("unknown-field");
    }
  });

  it("names every error with its place, and ends with 1", async () => {
    const path = await file("faulty.json", changed("Trim([title])", "Jion([title])"));
    const { code, out } = await uplink("check", path);
    expect(code).toBe(1);
    expect(out).toContain("error: user → User, Title, at character 1: ");
    expect(out).toContain("Jion([title])\n^\n");
    expect(out).toMatch(/\n2 errors, \d+ warnings: no job starts with this schema\.\n$/);
    const json = await uplink("check", path, "--json");
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out).findings).toContainEqual(
      expect.objectContaining({ targetAttribute: "Title", position: 0 }),
    );
  });

  it("checks for another target, and refuses what is no schema, with 2", async () => {
    const scim = await file("scim.json", defaultSchemaFor("scim"));
    expect((await uplink("check", scim, "--target", "scim")).code).toBe(0);
    expect((await uplink("check", scim)).out).toContain("Microsoft Graph can't hold a urn:ietf");
    expect((await uplink("check", scim, "--target", "ldap")).code).toBe(2);
    const shape = await uplink("check", await file("shape.json", { synchronizationRules: [{ objectMappings: 1 }] }));
    expect([shape.code, shape.err]).toEqual([2, expect.stringContaining("synchronizationRules.0.objectMappings")]);
    expect(await uplink("check", await file("text.json", "{"))).toMatchObject({
      code: 2,
      err: expect.stringContaining("not JSON"),
    });
    expect(await uplink("check", join(folder, "none.json"))).toMatchObject({ code: 2 });
  });
});

describe("schema diff", () => {
  it("tells what changed between two files", async () => {
    const before = await file("before.json", defaultSchema());
    const after = await file("after.json", changed("Trim([title])", "[title]"));
    const { code, out } = await uplink("diff", before, after);
    expect([code, out]).toEqual([0, expect.stringContaining("  ~ Title\n      expression: Trim([title]) → [title]\n")]);
    expect(JSON.parse((await uplink("diff", before, after, "--json")).out).objectMappings).toContainEqual(
      expect.objectContaining({ objectMapping: "user → User", kind: "changed" }),
    );
    expect((await uplink("diff", before, before)).out).toBe("Nothing differs.\n");
  });
});

describe("schema export and import", () => {
  it("brings a tenant's export into a job and back, as it was", async () => {
    const tenant = await file("tenant.json", tenantSchema());
    const imported = await uplink("import", tenant, "--job", "corp.example");
    expect([imported.code, imported.out]).toEqual([
      0,
      expect.stringContaining("version 2 of its schema; everybody is mapped by it, after a full read if"),
    ]);
    expect((await uplink("import", tenant, "--job", "corp.example")).out).toContain(
      "had that schema already, as version 2",
    );
    const back = join(folder, "back.json");
    expect(await uplink("export", back, "--job", "corp.example")).toMatchObject({ code: 0, out: "" });
    expect(JSON.stringify(JSON.parse(await readFile(back, "utf8")))).toBe(JSON.stringify(tenantSchema()));
    const first = await uplink("export", "--job", "corp.example", "--of", "1");
    expect(JSON.parse(first.out)).toEqual(defaultSchema());
  });

  it("lists versions and tells what differs between them", async () => {
    await uplink("import", await file("after.json", changed("Trim([title])", "[title]")), "--job", "corp.example");
    const { out } = await uplink("versions", "corp.example");
    expect(out).toMatch(/2 +2026-01-05 08:00:00Z +ann +in effect\n1 +.*\(default\)/);
    expect((await uplink("versions", "corp.example", "--csv")).out).toContain(
      "2,2026-01-05T08:00:00.000Z,ann,in effect",
    );
    expect((await uplink("diff", "1", "2", "--job", "corp.example")).out).toContain("Trim([title]) → [title]");
    expect((await uplink("diff", "1", "7", "--job", "corp.example")).err).toContain("no schema of version 7");
    expect((await uplink("diff", "1", "after.json", "--job", "corp.example")).code).toBe(2);
  });

  it("sends no schema with errors, and replaces no other version than the expected one", async () => {
    const faulty = await uplink(
      "import",
      await file("faulty.json", changed("Trim([title])", "Jion()")),
      "--job",
      "corp.example",
    );
    expect([faulty.code, faulty.out]).toEqual([1, expect.stringContaining("no job starts with this schema")]);
    const good = await file("good.json", changed("Trim([title])", "[title]"));
    expect(await uplink("import", good, "--job", "corp.example", "--expect", "3")).toMatchObject({
      code: 9,
      err: expect.stringContaining("is at version 1, not 3"),
    });
    expect((await uplink("versions", "corp.example", "--json")).out).toContain('"version": 1');
  });

  it("takes the texts or the trees, as told, where an admin edited only one of them", async () => {
    const edited = JSON.stringify(defaultSchema()).replaceAll(
      '"expression":"Trim([title])"',
      '"expression":"ToUpper([title], )"',
    );
    const path = await file("edited.json", edited);
    const refused = await uplink("import", path, "--job", "corp.example");
    expect([refused.code, refused.out]).toEqual([1, expect.stringContaining("the text says ToUpper([title], )")]);
    expect((await uplink("import", path, "--job", "corp.example", "--prefer", "tree")).out).toContain(
      "had that schema already",
    );
    expect((await uplink("import", path, "--job", "corp.example", "--prefer", "text")).code).toBe(0);
    expect((await uplink("diff", "1", "2", "--job", "corp.example")).out).toContain(
      "expression: Trim([title]) → ToUpper([title], )",
    );
    const back = await uplink("export", "--job", "corp.example");
    expect((await uplink("check", await file("back.json", back.out))).code).toBe(0);
  });

  it("writes the default ones without a service, and wants to know which", async () => {
    expect(JSON.parse((await uplink("export", "--default", "scim")).out)).toEqual(defaultSchemaFor("scim"));
    expect((await uplink("export")).code).toBe(2);
    expect((await uplink("export", "--job", "corp.example", "--default", "graph")).code).toBe(2);
  });
});

describe("schema map", () => {
  const guid = "11111111-2222-4333-8444-555555555555";
  const ann = {
    objectGUID: guid,
    dn: "CN=Ann,OU=People,DC=corp,DC=example",
    attributes: {
      sAMAccountName: "ann",
      cn: ["Ann"],
      userAccountControl: 512,
      title: " Chief ",
      manager: "99999999-2222-4333-8444-555555555555",
      objectSid: { $binary: "AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAA6AMAAA==" },
    },
  };
  const lines = (...objects: readonly unknown[]) =>
    file("objects.ndjson", objects.map((one) => JSON.stringify(one)).join("\n\n"));

  it("shows what would be sent for each object, what is dropped, and why", async () => {
    const schema = await file("schema.json", defaultSchema());
    const objects = await lines(
      ann,
      { sAMAccountName: "MSOL_x", objectGUID: guid },
      { objectClass: ["top", "person", "contact"], cn: "Con" },
      { objectClass: "computer" },
    );
    const { code, out } = await uplink("map", schema, "--objects", objects, "--domain", "corp.example");
    expect(code).toBe(0);
    const [person, excluded, contact, computer] = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(person).toMatchObject({
      objectGuid: guid,
      target: "User",
      inScope: true,
      sends: { jobTitle: "Chief", displayName: "Ann", userPrincipalName: "ann@corp.example", accountEnabled: true },
      references: { manager: ["99999999-2222-4333-8444-555555555555"] },
      failures: [],
    });
    expect(person.dropped).toContainEqual({
      name: "Pager",
      because: "A user in Microsoft Graph has no such property.",
    });
    expect(person.dropped).toContainEqual({ name: "department", because: "The source has no value." });
    expect(excluded).toMatchObject({ inScope: false, target: null, because: expect.stringContaining("^MSOL_") });
    expect(contact).toMatchObject({ target: null, because: "Microsoft Graph can't hold a Contact." });
    expect(computer).toMatchObject({ target: null, because: "Class computer has no mapping." });
  });

  it("ends with 1 when an object fails or the schema is wrong, and with 2 when a line is no object", async () => {
    const schema = await file("schema.json", defaultSchema());
    const long = { ...ann, attributes: { ...ann.attributes, title: "x".repeat(200) } };
    const failing = await uplink("map", schema, "--objects", await lines(ann, long), "--table");
    expect(failing.code).toBe(1);
    expect(failing.out).toMatch(/fails: Title: .*128/);
    expect(failing.out.split("\n")).toHaveLength(4);
    const faulty = await file("faulty.json", changed("Trim([title])", "Jion()"));
    expect(await uplink("map", faulty, "--objects", await lines(ann))).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringContaining("Jion"),
    });
    const odd = await uplink("map", schema, "--objects", await lines(ann, { objectGUID: "x" }, long, ann));
    const shown = odd.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect([odd.code, shown.length]).toEqual([2, 4]);
    expect(shown[1]).toEqual({ line: 3, error: expect.stringContaining("objectGUID must be a GUID") });
    expect(shown[3]).toEqual(shown[0]);
    const table = await uplink("map", schema, "--table", "--objects", await lines(ann, { objectGUID: "x" }));
    expect(table.out).toMatch(/^line 3 +- +- +- +objectGUID must/m);
  });

  it("maps for SCIM as it maps for Graph", async () => {
    const schema = await file("scim.json", defaultSchemaFor("scim"));
    const { out } = await uplink("map", schema, "--target", "scim", "--objects", await lines(ann));
    expect(JSON.parse(out).sends).toMatchObject({ externalId: guid, title: "Chief", active: true });
  });
});
