/**
 * What the compiler made of infra/main.bicep, against the table of needs. Runs where `npm run check:infra` found the compiler, which
 * names its output in UPLINK_COMPILED_INFRA; skipped elsewhere.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NEEDS, needsForInfrastructure } from "../../shared/needs.ts";

interface Resource {
  readonly type: string;
  readonly existing?: boolean;
  readonly condition?: unknown;
  readonly copy?: unknown;
  readonly sku?: unknown;
  readonly properties?: Record<string, unknown> & { readonly template?: Template };
}
interface Template {
  readonly parameters?: Record<string, { readonly type: string; readonly defaultValue?: unknown }>;
  readonly variables?: Record<string, unknown>;
  readonly resources: readonly Resource[] | Record<string, Resource>;
  readonly outputs?: Record<string, { readonly type: string; readonly value?: unknown }>;
}

const compiled = process.env["UPLINK_COMPILED_INFRA"];

describe.skipIf(compiled === undefined)("the compiled infrastructure", () => {
  const text = compiled === undefined ? "{}" : readFileSync(compiled, "utf8");
  const main: Template = { resources: [], ...(JSON.parse(text) as Partial<Template>) };
  const all = templatesOf("main", main);
  const inside = (name: string) => {
    const found = all.find(([path]) => path.endsWith(`/${name}`));
    if (!found) throw new Error(`There is no module '${name}' among ${all.map(([path]) => path).join(", ")}.`);
    return found[1];
  };
  const resources = all.flatMap(([path, template]) =>
    resourcesOf(template).map(([name, own]) => ({ path: `${path}/${name}`, ...own })),
  );
  const parametersOf = (module: string) =>
    (inside("uplink").resources as Record<string, Resource>)[module]?.properties?.["parameters"] ?? {};
  const made = (type: string) => resources.filter((own) => own.type === type && !own.existing);

  it("has the whole table of needs, as it is now", () => {
    expect(inside("uplink").variables?.["$fxv#0"]).toEqual(JSON.parse(needsForInfrastructure()));
  });

  it("takes Azure Storage for Durable in a private network by itself, and everything by the one that it takes", () => {
    const { parameters, variables, resources: own } = inside("uplink");
    expect(parameters?.["durableBackend"]?.defaultValue).toBe("");
    expect(main.parameters?.["durableBackend"]?.defaultValue).toBe("");
    expect(ofAzd.find(([name]) => name === "durableBackend")?.[1].value).toMatch(/^\$\{UPLINK_DURABLE_BACKEND=\}$/);
    expect(String(variables?.["backend"])).toMatch(
      /not\(empty\(parameters\('durableBackend'\)\)\), parameters\('durableBackend'\), if\(variables\('isPrivate'\), 'storage', 'scheduler'\)/,
    );
    const { backend: _, ...others } = variables ?? {};
    expect(JSON.stringify([others, own])).not.toContain("parameters('durableBackend')");
  });

  it("asks on the workbook for the object that one of its questions is about", () => {
    const { variables } = inside("insight");
    const [asked] = [variables?.["asked"]] as { content: { parameters: { name: string; value: string }[] } }[];
    const [anchor, ...others] = asked?.content.parameters ?? [];
    expect([anchor?.name, others]).toEqual(["Anchor", []]);
    const nobody = String(variables?.["nobody"]);
    expect(readFileSync(join(INFRA, "queries", "anchor.kql"), "utf8")).toContain(`"${nobody}"`);
    expect(JSON.stringify(variables)).toMatch(/replace\(.*\.body, variables\('nobody'\), '\{Anchor\}'\)/);
    expect(JSON.stringify(made("Microsoft.Insights/workbooks")[0]?.properties)).toMatch(
      /concat\(createArray\(variables\('asked'\)\), variables\('items'\)\)/,
    );
  });

  it("tells azd the tenant that its next hook registers in", () => {
    expect(main.outputs?.["AZURE_TENANT_ID"]?.value).toBe("[tenant().tenantId]");
  });

  it("refuses to federate with a target in another cloud or another tenant", () => {
    const exchange = String(inside("uplink").variables?.["checkedExchange"]);
    for (const other of ["environment().name", "toLower(tenant().tenantId)"])
      expect(exchange).toMatch(
        new RegExp(
          `variables\\('federates'\\), not\\(equals\\([^,]+, ${other.replace(/[().]/g, "\\$&")}\\)\\)\\), fail\\(`,
        ),
      );
  });

  it("gives every setting of the table a value, and has no value that no setting takes", () => {
    const { settings, values } = parametersOf("appSettings") as {
      settings: { value: string };
      values: { value: Record<string, string> };
    };
    expect(settings.value).toContain("variables('needs').settings");
    const wanted = [...NEEDS.settings, ...NEEDS.hostSettings].flatMap(({ azure }) =>
      azure.from === "infrastructure" || azure.from === "parameter" ? azure.value : [],
    );
    const given = [...Object.keys(values.value), "insightsConnection"];
    expect(given.toSorted()).toEqual([...new Set(wanted)].toSorted());
  });

  const INFRA = join(import.meta.dirname, "..", "..", "infra");
  const ofAzd = Object.entries(
    (
      JSON.parse(readFileSync(join(INFRA, "main.parameters.json"), "utf8")) as {
        parameters: Record<string, { value: string }>;
      }
    ).parameters,
  );

  it("has the parameters that azd's file gives, and every required one among them", () => {
    const given = ofAzd.map(([name]) => name);
    const known = Object.entries(main.parameters ?? {});
    expect(known.map(([name]) => name)).toEqual(expect.arrayContaining(given));
    for (const [name, own] of known) if (!("defaultValue" in own)) expect(given).toContain(name);
  });

  it("has azd ask for nothing that a hook finds out, and refuses to deploy without it", () => {
    // azd asks for what is required and empty before any hook has run.
    const script = readFileSync(join(INFRA, "scripts", "register-apps.mjs"), "utf8");
    const kept = [...script.matchAll(/keepInAzd\("(\w+)"/g)].map(([, name]) => name);
    const filled = ofAzd.filter(([, { value }]) => kept.includes(/^\$\{(\w+)/.exec(value)?.[1] ?? ""));
    expect(filled.map(([name]) => name)).toEqual(["targetClientId", "adminClientId"]);
    const checks = JSON.stringify(inside("uplink").variables);
    for (const [name] of filled) {
      expect(main.parameters?.[name]?.defaultValue, name).toBe("");
      expect(checks).toMatch(new RegExp(`if\\(empty\\(parameters\\('${name}'\\)\\), fail\\('${name} is empty`));
    }
    const required = Object.entries(main.parameters ?? {}).filter(([, own]) => !("defaultValue" in own));
    // Those two azd asks for itself.
    expect(required.map(([name]) => name)).toEqual(["environmentName", "location"]);
  });

  it("assigns roles by the table alone, each on what it is for", () => {
    const assignments = made("Microsoft.Authorization/roleAssignments");
    for (const own of assignments) {
      expect(own.copy, own.path).toBeDefined();
      expect(JSON.stringify(own.properties), own.path).toMatch(/roles'\)\[.*\]\.roleId/);
      expect(JSON.stringify(own.properties), own.path).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
    }
    const given = JSON.stringify(inside("uplink").resources);
    for (const scope of new Set(NEEDS.roles.map((need) => need.scope)))
      expect(given, scope).toContain(`equals(lambdaVariables('own').scope, '${scope}')`);
  });

  it("opens no storage account by key, and none to the public without a token", () => {
    const accounts = made("Microsoft.Storage/storageAccounts");
    expect(accounts.map((own) => own.path.split("/").at(-2)).toSorted()).toEqual([
      "dataStorage",
      "hostStorage",
      "taskHubStorage",
    ]);
    for (const own of accounts)
      expect(own.properties, own.path).toMatchObject({
        allowSharedKeyAccess: false,
        allowBlobPublicAccess: false,
        minimumTlsVersion: "TLS1_2",
        supportsHttpsTrafficOnly: true,
      });
  });

  it("keeps what is precious: a lock, versions, soft delete; and drops old versions", () => {
    expect(parametersOf("dataStorage")).toMatchObject({ isPrecious: { value: true } });
    expect(made("Microsoft.Authorization/locks")[0]).toMatchObject({
      condition: "[parameters('isPrecious')]",
      properties: { level: "CanNotDelete" },
    });
    const blobs = JSON.stringify(made("Microsoft.Storage/storageAccounts/blobServices")[0]?.properties);
    expect(blobs).toMatch(/isVersioningEnabled.*true\(\).*deleteRetentionPolicy/);
    expect(made("Microsoft.Storage/storageAccounts/managementPolicies").length).toBe(3);
  });

  it("reaches Service Bus, the vault and Application Insights by identity alone", () => {
    const namespaces = made("Microsoft.ServiceBus/namespaces");
    const keyed = namespaces.filter((own) => own.properties?.["disableLocalAuth"] !== true);
    // The named exception, which is made by a parameter only.
    expect(keyed.map((own) => own.path)).toEqual([expect.stringContaining("/agentQueues/")]);
    expect((inside("uplink").resources as Record<string, Resource>)["agentQueues"]?.condition).toBe(
      "[parameters('withAgentQueues')]",
    );
    expect(made("Microsoft.KeyVault/vaults")[0]?.properties).toMatchObject({
      enableRbacAuthorization: true,
      enablePurgeProtection: true,
    });
    expect(made("Microsoft.Insights/components")[0]?.properties).toMatchObject({ DisableLocalAuth: true });
  });

  it("runs on Flex Consumption with Node 22, one instance always ready for HTTP and one for Durable", () => {
    expect(made("Microsoft.Web/serverfarms")[0]?.sku).toEqual({ name: "FC1", tier: "FlexConsumption" });
    expect(made("Microsoft.Web/sites")[0]?.properties).toMatchObject({
      httpsOnly: true,
      functionAppConfig: {
        runtime: { name: "node", version: "22" },
        scaleAndConcurrency: {
          alwaysReady: [
            { name: "http", instanceCount: 1 },
            { name: "durable", instanceCount: 1 },
          ],
        },
        deployment: { storage: { authentication: { type: "UserAssignedIdentity" } } },
      },
    });
    for (const own of made("Microsoft.Web/sites/basicPublishingCredentialsPolicies"))
      expect(own.properties).toEqual({ allow: false });
  });

  it("asks for no key, and has none in an output", () => {
    expect(text).not.toMatch(/list(Keys|AccountSas|ServiceSas|Secrets|ConnectionStrings|AdminKeys|QueryKeys)?\(/i);
    const outputs = all.flatMap(([path, { outputs = {} }]) =>
      Object.entries(outputs).map(([name, own]) => `${path} ${name} ${JSON.stringify(own.value)}`),
    );
    expect(outputs.length).toBeGreaterThan(15);
    for (const own of outputs)
      expect(own.replaceAll(/key_?vault/gi, "")).not.toMatch(/key|password|secret|connectionString|sas\b/i);
  });

  it("makes a rule of every alert of the table, and each tells the same group", () => {
    const [rule, busRule] = ["scheduledQueryRules", "metricAlerts"].map(
      (kind) => made(`Microsoft.Insights/${kind}`)[0],
    );
    expect(parametersOf("alerts")).toMatchObject({ alerts: { value: "[variables('needs').alerts]" } });
    const { variables } = inside("alerts");
    expect(JSON.stringify(rule?.copy)).toContain("byQuery");
    expect(JSON.stringify(busRule?.copy)).toContain("deadLetters");
    expect(JSON.stringify(variables)).toMatch(/byQuery.*contains\(.*'query'\).*deadLetters.*'dead-letters'/);
    for (const own of [rule, busRule]) {
      expect(own?.properties).toMatchObject({ enabled: true, autoMitigate: true });
      expect(JSON.stringify(own?.properties?.["actions"])).toContain("Microsoft.Insights/actionGroups");
    }
    expect(main.parameters?.["alertWebhookUrl"]?.type).toBe("securestring");
  });

  it("mails and calls by one action group, as its two parameters say, and keeps the address that is called a secret", () => {
    const [group, ...others] = made("Microsoft.Insights/actionGroups");
    expect(others).toEqual([]);
    expect(group?.properties).toMatchObject({ enabled: true });
    const { webhookReceivers, copy } = (group?.properties ?? {}) as {
      webhookReceivers: string;
      copy: { input: object }[];
    };
    expect(webhookReceivers).toMatch(/^\[if\(empty\(parameters\('webhookUrl'\)\), createArray\(\), /);
    expect(webhookReceivers).toMatch(/'serviceUri', parameters\('webhookUrl'\), 'useCommonAlertSchema', true\(\)/);
    expect(copy).toMatchObject([{ name: "emailReceivers", input: { useCommonAlertSchema: true } }]);
    expect(inside("alerts").parameters?.["webhookUrl"]?.type).toBe("securestring");
    expect(parametersOf("alerts")).toMatchObject({
      emails: { value: "[parameters('alertEmails')]" },
      webhookUrl: { value: "[parameters('alertWebhookUrl')]" },
    });
  });

  it("samples nothing of ours where it arrives, and stops taking it at no cap", () => {
    // Absent: everything that is sent is kept.
    expect(made("Microsoft.Insights/components").map((own) => own.properties?.["SamplingPercentage"])).toEqual([
      undefined,
    ]);
    const workspaces = made("Microsoft.OperationalInsights/workspaces");
    expect(workspaces.map((own) => own.properties?.["workspaceCapping"])).toEqual([undefined]);
  });

  it("has a private endpoint for all that a private deployment closes", () => {
    const real = resources.filter(({ type }) => type !== "Microsoft.Resources/deployments");
    const closed = real.filter((own) => JSON.stringify(own.properties ?? {}).includes("'Disabled', 'Enabled'"));
    expect(new Set(closed.map((own) => own.type))).toEqual(
      new Set(["Microsoft.Storage/storageAccounts", "Microsoft.ServiceBus/namespaces", "Microsoft.KeyVault/vaults"]),
    );
    const endpoints = inside("uplink").variables?.["endpoints"] as readonly { of: string; group: string }[];
    expect(new Set(endpoints.map((own) => own.of))).toEqual(new Set(["host", "hub", "data", "bus", "vault"]));
    expect(made("Microsoft.Network/privateEndpoints").length).toBe(1);
  });
});

function resourcesOf(template: Template): readonly (readonly [string, Resource])[] {
  return Object.entries(template.resources);
}

function templatesOf(path: string, template: Template): readonly (readonly [string, Template])[] {
  const nested = resourcesOf(template).flatMap(([name, own]) =>
    own.properties?.template === undefined ? [] : templatesOf(`${path}/${name}`, own.properties.template),
  );
  return [[path, template], ...nested];
}
