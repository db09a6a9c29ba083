/** `uplink config export|plan|apply` over the service's own routes: what files say becomes true, once, and nothing else does. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { registerConfigCommands } from "../../cli/config-commands.ts";
import { adminRoutes } from "../../functions/admin-routes.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { type AdminService, answerByRoutes, askService, startAdminService } from "../support/admin-service.ts";
import { type Cloud, createCloud } from "../support/cloud.ts";

const UNIT = "0a0a0a0a-0000-4000-8000-00000000000a";
const GLASS = "0b0b0b0b-0000-4000-8000-00000000000b";
const OTHER = "0c0c0c0c-0000-4000-8000-00000000000c";

let cloud: Cloud;
let service: AdminService;
let folder: string;
/** The next request whose path ends so is refused. */
let refuse = "";
/** Done once, in the moment in which the service is asked to write something. */
let inBetween: (() => Promise<unknown>) | undefined;
/** Done once, when all that a plan goes by was read. */
let meanwhile: (() => Promise<unknown>) | undefined;
beforeAll(async () => {
  const answer = async (asked: Parameters<ReturnType<typeof answerByRoutes>>[0]) => {
    if (refuse !== "" && asked.method !== "GET" && asked.url.includes(refuse)) {
      refuse = "";
      const error = { code: "role-missing", message: "Not you.", remedy: "Ask for it." };
      return Response.json({ error }, { status: 403 });
    }
    if (asked.method !== "GET") {
      const change = inBetween;
      inBetween = undefined;
      await change?.();
    }
    const answered = await answerByRoutes(() => adminRoutes(cloud.cloud.routes))(asked);
    if (meanwhile && asked.method === "GET" && asked.url.includes("/uplink/exclusions?")) {
      const change = meanwhile;
      meanwhile = undefined;
      await change();
    }
    return answered;
  };
  service = await startAdminService(answer);
});
afterAll(() => service.close());
beforeEach(async () => {
  cloud = await createCloud();
  folder = await mkdtemp(join(tmpdir(), "uplink-config-"));
  refuse = "";
  meanwhile = undefined;
  inBetween = undefined;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const uplink = (...args: string[]) => askService(service.url, [registerConfigCommands], ["config", ...args]);
const write = (name: string, value: unknown) =>
  writeFile(join(folder, name), typeof value === "string" ? value : stringify(value));
const read = async (name: string) => parse(await readFile(join(folder, name), "utf8"));
const edit = async (
  name: string,
  change: (own: { settings: Record<string, unknown> } & Record<string, unknown>) => void,
) => {
  const own = await read(name);
  change(own);
  await write(name, own);
};
const digestOf = (text: string) => /--digest (\S+)/.exec(text)?.[1] ?? "";
/** Plans, and carries that out. */
const applied = async () => {
  const { out } = await uplink("plan", folder);
  return uplink("apply", folder, "--digest", digestOf(out));
};
const writes = () =>
  service.asked.filter(({ method }) => method !== "GET").map(({ method, url }) => `${method} ${url}`);
const CORP = "corp.example.configuration.yaml";

test("what is exported is planned without anything to do, and comes to the same again", async () => {
  const { jobId } = await cloud.addDomain("corp.example", { redact: ["mobile"], defaultUsageLocation: "NO" });
  await cloud.addDomain("north.example");
  await cloud.cloud.routes.exclusions.add(GLASS, "break glass", "ann");
  expect(await uplink("export", folder)).toMatchObject({ code: 0 });
  expect((await readdir(folder)).sort()).toEqual([
    ...[".schemas", CORP, "corp.example.schema.json", "exclusions.yaml"],
    ...["north.example.configuration.yaml", "north.example.schema.json"],
  ]);
  expect(await read(CORP)).toMatchObject({ settings: { redact: ["mobile"], defaultUsageLocation: "NO" } });
  service.asked.length = 0;
  const plan = await uplink("plan", folder, "--check");
  expect(plan).toMatchObject({ code: 0, out: "Nothing to do: everything is as the files say.\n" });
  expect(await applied()).toMatchObject({ code: 9 });
  expect((await uplink("export", folder)).out).toContain("has all of it already");
  expect(writes()).toEqual([]);
  expect((await cloud.cloud.routes.configurations.job(jobId))?.schemaVersion).toBe(1);
});

test("what is exported is what the published JSON Schemas take, and a slip isn't", async () => {
  await cloud.addDomain("corp.example");
  await uplink("export", folder);
  const schema = JSON.parse((await uplink("schema", "configuration")).out) as Record<string, unknown>;
  const takes = new Ajv({ strict: false }).compile(schema);
  const own = await read(CORP);
  expect(takes(own), JSON.stringify(takes.errors)).toBe(true);
  expect(takes({ ...own, settings: { ...own.settings, gaurd: {} } })).toBe(false);
  expect(takes({ displayName: "No domain" })).toBe(false);
  expect((await uplink("schema", "nothing")).code).toBe(2);
});

test("each difference is told, carried out by its own operation, and gone from the next plan", async () => {
  const { jobId } = await cloud.addDomain("corp.example");
  await cloud.cloud.routes.exclusions.add(OTHER, "once", "ann");
  await uplink("export", folder);
  await edit(CORP, (own) => {
    own["displayName"] = "Headquarters";
    own.settings = {
      ...own.settings,
      ...{ guard: { floor: 1, count: 2, percent: 3 }, lifecycle: { outOfScope: "disable" }, mode: "staging" },
      ...{ scope: { organizationalUnits: [UNIT], groups: [] }, trustVisibility: false },
    };
  });
  const schema = structuredClone(defaultSchema());
  const [mapping] = schema.synchronizationRules[0]?.objectMappings ?? [];
  const rule = schema.synchronizationRules[0] as unknown as { objectMappings: { attributeMappings: unknown[] }[] };
  rule.objectMappings[0] = { ...mapping, attributeMappings: (mapping?.attributeMappings ?? []).slice(0, -1) } as never;
  await write("corp.example.schema.json", JSON.stringify(schema));
  await write("exclusions.yaml", { exclusions: [{ guid: GLASS, reason: "break glass" }] });

  const plan = await uplink("plan", folder, "--check");
  expect(plan.code).toBe(1);
  for (const told of [
    `+ exclusion ${GLASS}: break glass`,
    "~ corp.example: mode normal → staging",
    "; everything is read again",
    "displayName: corp.example → Headquarters",
    "guard.floor: ",
    "lifecycle.outOfScope: delete → disable",
    `scope.organizationalUnits: + ${UNIT}`,
    "trustVisibility: true → false",
    "~ corp.example: schema corp.example.schema.json",
    "- WwwHomepage",
    "nothing is deleted for that",
    `exclusion ${OTHER}`,
  ])
    expect(plan.out).toContain(told);
  expect(plan.out).not.toContain("groupDeleteDelayDays");

  service.asked.length = 0;
  const done = await uplink("apply", folder, "--digest", digestOf(plan.out));
  expect(done).toMatchObject({ code: 0, err: "", out: expect.stringContaining("All done.") });
  const of = `/api/v1.0/uplink/jobs/${jobId}`;
  expect(writes()).toEqual([
    `PUT /api/v1.0/uplink/exclusions/${GLASS}`,
    `POST ${of}/mode`,
    `PATCH ${of}/settings`,
    expect.stringMatching(/^PUT .*\/schema\?expectedVersion=1$/),
  ]);
  expect(service.asked.find(({ method }) => method === "PATCH")?.ifMatch).toMatch(/^W\/"[\w-]{22}"$/);
  expect(await cloud.cloud.routes.configurations.job(jobId)).toMatchObject({
    ...{ displayName: "Headquarters", schemaVersion: 2, scopeVersion: 2 },
    settings: { guard: { floor: 1 }, lifecycle: { outOfScope: "disable" }, mode: "staging" },
  });
  expect((await uplink("plan", folder)).out).toContain("Nothing to do");
  // Only a list that says so takes entries away.
  await write("exclusions.yaml", { prune: true, exclusions: [{ guid: GLASS, reason: "break glass" }] });
  expect((await uplink("plan", folder)).out).toContain(`- exclusion ${OTHER}`);
  expect(await applied()).toMatchObject({ code: 0 });
  expect((await cloud.cloud.routes.exclusions.list()).map(({ guid }) => guid)).toEqual([GLASS]);
});

test("a new domain is made with what its file says, and vouched for by who applies it", async () => {
  const file = {
    ...{ domainFqdn: "New.example", domainNetBios: "NEW", displayName: "New" },
    settings: { signIn: "federated", trustVisibility: true, guard: { floor: 7, count: 8, percent: 9 } },
  };
  await write("new.configuration.json", JSON.stringify(file));
  expect(await applied()).toMatchObject({ code: 0 });
  const [made] = await cloud.cloud.routes.configurations.list();
  expect(made).toMatchObject({ domainFqdn: "new.example", displayName: "New" });
  expect(await cloud.cloud.routes.configurations.job(made?.jobId ?? "")).toMatchObject({
    settings: { signIn: "federated", trustVisibility: { by: "ann" }, guard: { floor: 7 }, suffixPolicy: "replace" },
  });
  expect((await uplink("plan", folder)).out).toContain("Nothing to do");
  // What nobody can change any more is refused, not passed over.
  await write(
    "new.configuration.json",
    JSON.stringify({ ...file, settings: { ...file.settings, firstExport: "automatic" } }),
  );
  expect(await uplink("plan", folder)).toMatchObject({
    code: 2,
    err: expect.stringMatching(/firstExport is 'approval'/),
  });
  await write("new.configuration.json", JSON.stringify({ ...file, domainFqdn: "other.example", settings: {} }));
  expect(await uplink("plan", folder)).toMatchObject({
    code: 2,
    err: expect.stringMatching(/settings\.signIn is missing/),
  });
});

describe("a plan", () => {
  test("that is not what would be done any more is refused, and nothing is done", async () => {
    const { jobId } = await cloud.addDomain("corp.example");
    await uplink("export", folder);
    await edit(CORP, (own) => {
      own.settings["guard"] = { floor: 1, count: 2, percent: 3 };
    });
    const { out } = await uplink("plan", folder);
    await cloud.cloud.routes.jobSettings.change(jobId, { signIn: "certificate" }, "bob");
    service.asked.length = 0;
    const refused = await uplink("apply", folder, "--digest", digestOf(out));
    expect(refused).toMatchObject({ code: 9, err: expect.stringMatching(/changed since.*\nLook at it again/) });
    expect(writes()).toEqual([]);
    // What bob changed is told in the next one.
    expect((await uplink("plan", folder)).out).toContain("signIn: certificate → ownProcess");
  });

  test("for one service isn't carried out at another one that has the same to do", async () => {
    await cloud.addDomain("corp.example");
    await uplink("export", folder);
    await edit(CORP, (own) => void Object.assign(own.settings, { signIn: "certificate" }));
    const { out } = await uplink("plan", folder);
    const other = await startAdminService(answerByRoutes(() => adminRoutes(cloud.cloud.routes)));
    try {
      const there = (...args: string[]) => askService(other.url, [registerConfigCommands], ["config", ...args]);
      const refused = await there("apply", folder, "--digest", digestOf(out));
      expect(refused).toMatchObject({ code: 9, err: expect.stringContaining("planned for another service") });
      expect(refused.err).toContain(other.url);
      expect(other.asked.filter(({ method }) => method !== "GET")).toEqual([]);
      // Its own plan is, however its address is written.
      const { out: own } = await there("plan", folder);
      expect(digestOf(own)).not.toBe(digestOf(out));
      const slashed = ["config", "apply", folder, "--digest", digestOf(own)];
      expect((await askService(`${other.url}/`, [registerConfigCommands], slashed)).code).toBe(0);
    } finally {
      await other.close();
    }
  });

  describe("whose step was planned against what is another by now is refused, and that stays:", () => {
    const appliedWhile = async (change: () => Promise<unknown>) => {
      const { out } = await uplink("plan", folder);
      service.asked.length = 0;
      meanwhile = change;
      return uplink("apply", folder, "--digest", digestOf(out));
    };

    test("a new exclusion whose entry was made since", async () => {
      await write("exclusions.yaml", { exclusions: [{ guid: GLASS, reason: "break glass" }] });
      const { exclusions } = cloud.cloud.routes;
      const refused = await appliedWhile(() => exclusions.add(GLASS, "bob's own", "bob"));
      expect(refused).toMatchObject({
        code: 9,
        err: expect.stringContaining(`The exclusion of ${GLASS} is there already: it stays as it is.`),
      });
      expect(await exclusions.list()).toMatchObject([{ reason: "bob's own", by: "bob" }]);
    });

    test("a new configuration of a domain that has one since", async () => {
      const settings = { signIn: "federated" };
      await write(CORP, { domainFqdn: "CORP.example", domainNetBios: "CORP", displayName: "Corp", settings });
      const refused = await appliedWhile(() => cloud.addDomain("corp.example"));
      expect(refused).toMatchObject({
        code: 9,
        err: expect.stringMatching(/A configuration of corp\.example \(\w+\) is there already: it stays as it is\./),
      });
      expect(await cloud.cloud.routes.configurations.list()).toMatchObject([{ displayName: "corp.example" }]);
    });

    test("what somebody else made in the very moment of the step", async () => {
      const settings = { signIn: "federated" };
      await write(CORP, { domainFqdn: "corp.example", domainNetBios: "CORP", displayName: "Mine", settings });
      const own = cloud.cloud.routes;
      const { out } = await uplink("plan", folder);
      inBetween = () => cloud.addDomain("corp.example");
      const refused = await uplink("apply", folder, "--digest", digestOf(out));
      expect(refused).toMatchObject({ code: 9, err: expect.stringMatching(/corp\.example.*already.*plan again/s) });
      expect(await own.configurations.list()).toMatchObject([{ displayName: "corp.example" }]);
      await rm(join(folder, CORP));
      await write("exclusions.yaml", { exclusions: [{ guid: GLASS, reason: "break glass" }] });
      const next = await uplink("plan", folder);
      inBetween = () => own.exclusions.add(GLASS, "bob's own", "bob");
      const late = await uplink("apply", folder, "--digest", digestOf(next.out));
      expect(late).toMatchObject({ code: 9, err: expect.stringMatching(/already.*plan again/s) });
      expect(await own.exclusions.list()).toMatchObject([{ reason: "bob's own", by: "bob" }]);
    });

    test("a mode that somebody changed since", async () => {
      const { jobId } = await cloud.addDomain("corp.example");
      await uplink("export", folder);
      await edit(CORP, (own) => void Object.assign(own.settings, { mode: "staging" }));
      const refused = await appliedWhile(() => cloud.cloud.routes.heldExports.setMode(jobId, "staging", "bob"));
      expect(refused).toMatchObject({ code: 9, err: expect.stringContaining("is 'staging' since, not 'normal'") });
      expect(writes()).toEqual([]);
    });
  });

  test("whose step fails says what was done and what wasn't, and the next has the rest", async () => {
    await cloud.addDomain("corp.example");
    await uplink("export", folder);
    await write("exclusions.yaml", { exclusions: [{ guid: GLASS, reason: "break glass" }] });
    await edit(CORP, (own) => void Object.assign(own.settings, { signIn: "certificate", mode: "normal" }));
    refuse = "/settings";
    const partly = await applied();
    expect(partly.code).toBe(11);
    expect(partly.out).toBe(`+ exclusion ${GLASS}: break glass\n`);
    expect(partly.err).toContain("Not done: ~ corp.example: 1 setting\nNot you.\nAsk for it.\n");
    const { out } = await uplink("plan", folder);
    expect(out).toContain("1 step.");
    refuse = "/settings";
    expect(await applied()).toMatchObject({ code: 5, err: "Not you.\nAsk for it.\n" });
    expect(await applied()).toMatchObject({ code: 0 });
  });
});

describe("a folder", () => {
  const faultsOf = async () => {
    const { code, err } = await uplink("plan", folder);
    expect(code).toBe(2);
    expect(service.asked).toEqual([]);
    return err;
  };
  beforeEach(() => {
    service.asked.length = 0;
  });

  test("tells every fault at once, with file, line and what may have been meant", async () => {
    await write(
      "a.configuration.yaml",
      "domainFqdn: a.example\ndomainNetBios: A\ndisplayName: A\nsettings:\n  guard:\n    floor: 1\n    count: 2\n    percnt: 3\n  mode: half\n",
    );
    await write("b.configuration.yaml", "domainFqdn: b.example\ndomainFqdn: c.example\n");
    await write(
      "c.configuration.yaml",
      "domainFqdn: c.example\ndomainNetBios: C\ndisplayName: C\nschema: none.schema.json\n",
    );
    await write("d.config.yml", "x: 1\n");
    await write("exclusions.yaml", `exclusions:\n  - guid: ${GLASS}\n    reason: ''\n`);
    const err = await faultsOf();
    expect(err).toContain(
      "a.configuration.yaml:8: 'settings.guard.percnt' is not known. Did you mean 'percent'? Known here: floor, count, percent.",
    );
    expect(err).toMatch(/a\.configuration\.yaml:9: settings\.mode: /);
    expect(err).toMatch(/b\.configuration\.yaml:2: .*unique/);
    expect(err).toMatch(/none\.schema\.json can't be read/);
    expect(err).toMatch(/d\.config\.yml: nothing is known by that name/);
    expect(err).toMatch(/exclusions\.yaml:3: exclusions\.0\.reason: /);
    expect(err).toContain("uplink config schema");
  });

  test("with one domain or one exclusion twice is refused", async () => {
    const file = { domainFqdn: "a.example", domainNetBios: "A", displayName: "A", settings: { signIn: "federated" } };
    await write("a.configuration.yaml", file);
    await write("b.configuration.json", JSON.stringify({ ...file, domainFqdn: "A.EXAMPLE" }));
    const entry = { guid: GLASS, reason: "break glass" };
    await write("exclusions.yaml", { exclusions: [entry, entry] });
    const err = await faultsOf();
    expect(err).toMatch(/b\.configuration\.json: a\.configuration\.yaml is about a\.example, too/);
    expect(err).toContain(`${GLASS} stands in it twice`);
  });

  test("that holds nothing, or isn't there, says how to begin", async () => {
    expect(await faultsOf()).toContain("uplink config export");
    expect(await uplink("plan", join(folder, "none"))).toMatchObject({
      code: 2,
      err: expect.stringContaining("can't be read"),
    });
  });

  test("keeps its files' names, formats, and references to secrets, and is planned without anything to do", async () => {
    await cloud.addDomain("corp.example");
    await cloud.addDomain("north.example");
    await cloud.cloud.routes.exclusions.add(GLASS, "break glass", "ann");
    const secrets = { AppKey: { env: "APP_KEY" }, Domain: { file: "../domain.txt" } };
    const names = { domainFqdn: "CORP.example", domainNetBios: "CORP", displayName: "Mine" };
    await write("corp.configuration.yml", { ...names, schema: "people.schema.json", secrets });
    await write("north.configuration.json", JSON.stringify({ ...names, domainFqdn: "north.example" }));
    await write("exclusions.json", JSON.stringify({ prune: true, exclusions: [] }));
    const refused = await uplink("export", folder);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("--overwrite") });
    for (const name of ["corp.configuration.yml", "north.configuration.json", "exclusions.json"])
      expect(refused.err).toContain(name);
    expect((await readdir(folder)).length).toBe(3);

    expect(await uplink("export", folder, "--overwrite")).toMatchObject({ code: 0 });
    expect((await readdir(folder)).sort()).toEqual([
      ...[".schemas", "corp.configuration.yml", "exclusions.json", "north.configuration.json"],
      ...["north.example.schema.json", "people.schema.json"],
    ]);
    expect(await read("corp.configuration.yml")).toMatchObject({ displayName: "corp.example", secrets });
    expect(JSON.parse(await readFile(join(folder, "north.configuration.json"), "utf8"))).toMatchObject({
      ...{ $schema: ".schemas/configuration.json", domainFqdn: "north.example", schema: "north.example.schema.json" },
    });
    expect(JSON.parse(await readFile(join(folder, "exclusions.json"), "utf8"))).toMatchObject({
      ...{ prune: true, exclusions: [{ guid: GLASS }] },
    });
    await edit("corp.configuration.yml", (own) => void delete own["secrets"]);
    expect(await uplink("plan", folder, "--check")).toMatchObject({
      ...{ code: 0, err: "", out: "Nothing to do: everything is as the files say.\n" },
    });
  });

  test("that doesn't say which file is about what gets nothing", async () => {
    await cloud.addDomain("corp.example");
    const domain = { domainFqdn: "corp.example", domainNetBios: "CORP", displayName: "Corp" };
    const exported = async () => {
      const told = await uplink("export", folder, "--overwrite");
      expect(told.code).toBe(2);
      expect(await readdir(folder)).not.toContain("corp.example.schema.json");
      return told.err;
    };
    await write("one.configuration.yaml", "domainFqdn: [\n");
    expect(await exported()).toContain("one.configuration.yaml doesn't say which domain it is about");
    await write("one.configuration.yaml", domain);
    await write("two.configuration.yaml", domain);
    expect(await exported()).toContain("one.configuration.yaml and two.configuration.yaml are both about corp.example");
    await rm(join(folder, "two.configuration.yaml"));
    await rm(join(folder, "one.configuration.yaml"));
    await write(CORP, { ...domain, domainFqdn: "north.example" });
    expect(await exported()).toContain(`${CORP} belongs to north.example`);
  });

  test("isn't written over without a word", async () => {
    await cloud.addDomain("corp.example");
    await uplink("export", folder);
    await edit(CORP, (own) => {
      own["displayName"] = "Mine";
    });
    expect(await uplink("export", folder)).toMatchObject({ code: 2, err: expect.stringContaining(CORP) });
    expect((await read(CORP)).displayName).toBe("Mine");
    expect((await uplink("export", folder, "--overwrite")).code).toBe(0);
    expect((await read(CORP)).displayName).toBe("corp.example");
  });

  test.each([[], ["--overwrite"]])("has no file written where one of them can't be read %s", async (...more) => {
    await cloud.addDomain("corp.example");
    await mkdir(join(folder, "exclusions.yaml"));
    const refused = await uplink("export", folder, ...more);
    expect(refused).toMatchObject({ code: 2, err: expect.stringMatching(/exclusions\.yaml can't be read: .*EISDIR/) });
    expect(await readdir(folder)).toEqual(["exclusions.yaml"]);
  });
});
