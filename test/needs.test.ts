/**
 * The table of needs against what takes from it: the generated file, `host.json`, the code that opens tables, the local runtime, the
 * runbook. What Azure itself makes of it stands in test/infra.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { TableServiceClient } from "@azure/data-tables";
import { BlobServiceClient } from "@azure/storage-blob";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeStores } from "../local/start/stores.ts";
import { infrastructureNeeds, withNeeds, withTables } from "../scripts/readme-tables.ts";
import { createMemoryRowStore } from "../shared/adapters/memory/row-store.ts";
import { ROLE_READ, ROLE_WRITE } from "../shared/application/admin/verify-admin-token.ts";
import { knownTablesOf } from "../shared/application/state/known-tables.ts";
import { readConfig } from "../shared/config.ts";
import { isKnownTable } from "../shared/needs/stores.ts";
import { NEEDS } from "../shared/needs.ts";
import { type Azurite, startAzurite } from "./support/azurite.ts";

const ROOT = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => read(join(folder, name)));
}

describe("the table of needs", () => {
  it("is in infra/needs.json and the README as the code has it (npm run docs)", () => {
    expect(read("infra/needs.json")).toBe(infrastructureNeeds());
    expect(withTables(read("README.md"))).toBe(read("README.md"));
    expect(withNeeds(read("infra/README.md"))).toBe(read("infra/README.md"));
  });

  it("lists exactly the tables that the code opens", () => {
    const product = ["shared/application", "functions"].flatMap(sources).join("\n");
    const opened = new Set([...product.matchAll(/\.table\(\s*"([^"]+)"\s*\)/g)].map(([, name = ""]) => name));
    expect([...opened].sort()).toEqual(NEEDS.tables.map(({ name }) => name).sort());
  });

  it("is what the service may open, and nothing else", () => {
    const rows = knownTablesOf(createMemoryRowStore());
    for (const name of ["jobs", "log202601", "audit202612"]) expect(rows.table(name).name).toBe(name);
    for (const name of ["job", "things", "log2026", "logs202601", "xlog202601"]) {
      expect(() => rows.table(name), name).toThrow(/table of needs/);
      expect(isKnownTable(name), name).toBe(false);
    }
  });

  it("names the task hub that host.json names", () => {
    const { extensions } = JSON.parse(read("host.json")) as { extensions: { durableTask: { hubName: string } } };
    expect(extensions.durableTask.hubName).toBe(NEEDS.taskHub);
  });

  it("gives no setting on Azure that holds a secret, but a reference to the vault", () => {
    const secrets = NEEDS.settings.filter(({ secret }) => secret);
    expect(secrets.length).toBeGreaterThan(3);
    // By default: no deployment sets it.
    const isSet = ({ azure: { from } }: (typeof secrets)[number]) => from !== "local-only" && from !== "default";
    const set = secrets.filter(isSet).map(({ name }) => name);
    expect(set).toEqual(["UPLINK_TARGET_CERTIFICATE"]);
    expect(() => readConfig({ UPLINK_TARGET_CERTIFICATE: "@Microsoft.KeyVault(VaultName=v;SecretName=s)" })).toThrow(
      /UPLINK_TARGET_CERTIFICATE: its value is refused .*reference/,
    );
  });

  it("says (local only) of settings that no deployment sets, and of no others", () => {
    for (const { name, meaning, azure } of NEEDS.settings)
      expect(/local only|instead of a vault/.test(meaning), name).toBe(azure.from === "local-only");
  });

  it("gives every required setting a value on Azure", () => {
    const required = NEEDS.settings.filter((setting) => setting.default === undefined && !setting.optional);
    expect(required.length).toBeGreaterThan(2);
    for (const { name, azure } of required) expect(["infrastructure", "parameter"], name).toContain(azure.from);
  });

  it("has roles and permissions once each, by their ids", () => {
    const ids = [...NEEDS.roles.map((need) => `${need.roleId} ${need.scope}`), ...NEEDS.graphPermissions].map((need) =>
      typeof need === "string" ? need : need.appRoleId,
    );
    expect(new Set(ids).size).toBe(ids.length);
    for (const { roleId } of NEEDS.roles) expect(roleId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    for (const { calls, why } of NEEDS.graphPermissions) expect(calls.length * why.length).toBeGreaterThan(0);
  });
});

it("gives the admin API the roles that tokens are checked for", () => {
  expect(NEEDS.adminApplication.roles.map(({ value }) => value)).toEqual([ROLE_READ, ROLE_WRITE]);
});

describe("alerts", () => {
  it("point at headings that the runbook has", () => {
    const anchors = [...read("docs/runbook.md").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
    expect(NEEDS.alerts.length).toBeGreaterThan(5);
    for (const { name, runbook } of NEEDS.alerts) expect(anchors, name).toContain(runbook);
  });

  it("look at events that the code emits", () => {
    const product = ["shared", "functions", "orchestrations"].flatMap(sources).join("\n");
    for (const { name, source } of NEEDS.alerts)
      if ("events" in source)
        for (const event of source.events)
          expect(product, `${name}: ${event}`).toMatch(new RegExp(`\\.(info|warn|error)\\(\\s*"${event}"`));
  });
});

/** As GitHub makes a heading's anchor. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
}

describe("the local runtime", () => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(() => azurite.stop());

  it("makes exactly the tables and containers of the table of needs, and takes those that are there", async () => {
    await makeStores(azurite.connectionString);
    await makeStores(azurite.connectionString);
    const tables: (string | undefined)[] = [];
    const options = { allowInsecureConnection: true };
    for await (const { name } of TableServiceClient.fromConnectionString(
      azurite.connectionString,
      options,
    ).listTables())
      tables.push(name);
    expect(tables.sort()).toEqual(NEEDS.tables.map(({ name }) => name).sort());
    const containers: string[] = [];
    for await (const { name } of BlobServiceClient.fromConnectionString(azurite.connectionString).listContainers())
      containers.push(name);
    expect(containers.sort()).toEqual(NEEDS.containers.map(({ name }) => name).sort());
  });
});
