/**
 * The applications of a deployment in Entra ID, by the table of needs (`infra/needs.json`):
 *
 *   node infra/scripts/register-apps.mjs apps        --environment NAME --tenant TENANT [--cloud public|usgov|china] [--admin-tenant TENANT] [--assign-me] [--azd]
 *   node infra/scripts/register-apps.mjs federate    --environment NAME --tenant TENANT --identity-tenant TENANT --identity-principal ID [--cloud …]
 *   node infra/scripts/register-apps.mjs certificate --environment NAME --tenant TENANT --file certificate.pem [--cloud …]
 *
 * `apps` makes three: the one that writes to the target tenant (with exactly the listed permissions of Microsoft Graph, granted), the
 * admin API's with its two roles, and the public client of `uplink login`. `federate` lets the managed identity speak for the first, so
 * that there is no secret; `certificate` does for a target in another tenant or cloud. Each finds what it made before, and is harmless again.
 * It makes no secret, removes nothing, and prints ids only.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createGraph, RegistrationError, run, tenantOfAzd, tokenFor } from "./graph.mjs";

const needs = JSON.parse(readFileSync(new URL("../needs.json", import.meta.url), "utf8"));
const { adminApplication, clientApplication, graphPermissions, graphAppId } = needs;

const namesOf = (environment) => ({
  target: `directory-uplink-${environment}-export`,
  admin: `directory-uplink-${environment}-api`,
  client: `directory-uplink-${environment}-cli`,
});

async function main(argv) {
  const { positionals, values } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      environment: { type: "string" },
      tenant: { type: "string" },
      "admin-tenant": { type: "string" },
      "identity-tenant": { type: "string" },
      "identity-principal": { type: "string" },
      cloud: { type: "string", default: "public" },
      file: { type: "string" },
      "graph-url": { type: "string" },
      "assign-me": { type: "boolean", default: false },
      azd: { type: "boolean", default: false },
    },
  });
  const commands = { apps, federate, certificate };
  const command = commands[positionals[0] ?? ""];
  if (!command) throw new RegistrationError(`Say what to do: ${Object.keys(commands).join(", ")}.`);
  // Where azd calls, its environment has what isn't said.
  const given = (name, variable) => values[name] || process.env[variable] || undefined;
  const options = {
    ...values,
    environment: given("environment", "AZURE_ENV_NAME"),
    tenant: given("tenant", "UPLINK_TARGET_TENANT_ID") ?? (values.azd ? tenantOfAzd() : undefined),
    adminTenant: given("admin-tenant", "UPLINK_ADMIN_TENANT_ID"),
    identityTenant: given("identity-tenant", "UPLINK_IDENTITY_TENANT_ID"),
    identityPrincipal: given("identity-principal", "UPLINK_IDENTITY_PRINCIPAL_ID"),
    cloud: (values.azd && process.env.UPLINK_TARGET_CLOUD) || values.cloud,
  };
  for (const name of ["environment", "tenant"])
    if (!options[name])
      throw new RegistrationError(
        `--${name} is missing.${values.azd && name === "tenant" ? " Nobody is signed in: run 'azd auth login', and try again." : ""}`,
      );
  const cloud = needs.targetClouds[options.cloud];
  if (!cloud) throw new RegistrationError(`--cloud is one of ${Object.keys(needs.targetClouds).join(", ")}.`);
  const told = await command({ ...options, cloud, baseUrl: options["graph-url"] ?? cloud.graphUrl });
  process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
}

/** The three applications. `--azd` keeps their ids in azd's environment, from which the deployment takes them. */
async function apps(options) {
  const names = namesOf(options.environment);
  const inTarget = graphOf(options, options.tenant);
  const target = await upsertApplication(inTarget, names.target, {
    displayName: `Directory Uplink export (${options.environment})`,
    signInAudience: "AzureADMyOrg",
    requiredResourceAccess: [
      {
        resourceAppId: graphAppId,
        resourceAccess: graphPermissions.map(({ appRoleId }) => ({ id: appRoleId, type: "Role" })),
      },
    ],
  });
  const beyond = await grantPermissions(inTarget, await principalOf(inTarget, target.appId));

  const adminTenant = options.adminTenant ?? options.tenant;
  const inAdmin = adminTenant === options.tenant ? inTarget : graphOf(options, adminTenant);
  const admin = await registerAdminApi(inAdmin, names, options.environment);
  if (options["assign-me"]) await assignMe(inAdmin, admin.principal);

  const told = { targetClientId: target.appId, adminClientId: admin.appId, commandLineClientId: admin.clientAppId };
  if (options.azd) {
    keepInAzd("UPLINK_TARGET_CLIENT_ID", told.targetClientId);
    keepInAzd("UPLINK_ADMIN_CLIENT_ID", told.adminClientId);
    keepInAzd("UPLINK_CLIENT_ID", told.commandLineClientId);
  }
  return {
    ...told,
    ...(beyond.length === 0 ? {} : { heldBeyondTheTable: beyond }),
    signIn: `uplink login --url <service> --tenant ${adminTenant} --client-id ${told.commandLineClientId} --audience ${told.adminClientId}`,
  };
}

/** Lets the managed identity speak for the application: its token is taken instead of a secret. Within one tenant only. */
async function federate(options) {
  if (options.azd && process.env.UPLINK_TARGET_CERTIFICATE_NAME)
    return { federated: false, because: "UPLINK_TARGET_CERTIFICATE_NAME: the target takes a certificate" };
  for (const name of ["identityTenant", "identityPrincipal"])
    if (!options[name])
      throw new RegistrationError(`--${name.replace(/[A-Z]/, (c) => `-${c.toLowerCase()}`)} is missing.`);
  const ids = [options.identityTenant, options.tenant].map((own) => own.toLowerCase());
  // A tenant may be named by a domain of it, which says nothing here.
  if (ids.every((own) => /^[0-9a-f-]{36}$/.test(own)) && ids[0] !== ids[1])
    throw new RegistrationError(
      `The managed identity is of tenant ${options.identityTenant}, the application of ${options.tenant}: Microsoft Entra takes the one for the other within one tenant only. Give the target a certificate (infra/README.md, "A target in another tenant or cloud"). Nothing was sent.`,
    );
  const call = graphOf(options, options.tenant);
  const { target } = namesOf(options.environment);
  const path = `/applications(uniqueName='${target}')/federatedIdentityCredentials`;
  const wanted = {
    name: "managed-identity",
    issuer: `${options.cloud.authorityUrl}/${options.identityTenant}/v2.0`,
    subject: options.identityPrincipal,
    audiences: [options.cloud.exchangeAudience],
    description: "The functions app of Directory Uplink",
  };
  const { value = [] } = (await call("GET", path)) ?? {};
  const there = value.find(({ name }) => name === wanted.name);
  if (there === undefined) await call("POST", path, wanted);
  else {
    // Its name is for good, and refused even where it is the same.
    const { name: _, ...updatable } = wanted;
    await call("PATCH", `${path}/${there.id}`, updatable);
  }
  return { federated: target, issuer: wanted.issuer, subject: wanted.subject };
}

/** The public half of a certificate whose private key stays in the key vault. */
async function certificate(options) {
  if (!options.file) throw new RegistrationError("--file is missing: the certificate, PEM.");
  const pem = readFileSync(options.file, "utf8");
  if (pem.includes("PRIVATE KEY"))
    throw new RegistrationError(`${options.file} holds a private key: give the certificate alone. Nothing was sent.`);
  const key = /-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/.exec(pem)?.[1]?.replace(/\s/g, "");
  if (!key) throw new RegistrationError(`${options.file} holds no certificate in PEM.`);
  const call = graphOf(options, options.tenant);
  const { target } = namesOf(options.environment);
  const path = `/applications(uniqueName='${target}')`;
  // Asked for by name: else each comes without its value, is taken for another one, and would be written back empty.
  const { keyCredentials = [] } = await call("GET", `${path}?$select=id,keyCredentials`);
  const kept = keyCredentials.filter((own) => own.key !== key);
  const fresh = { type: "AsymmetricX509Cert", usage: "Verify", key, displayName: "Directory Uplink" };
  await call("PATCH", path, { keyCredentials: [...kept, fresh] });
  return { certificateOf: target, keys: kept.length + 1 };
}

async function registerAdminApi(call, names, environment) {
  const { roles, scope, displayName } = adminApplication;
  const api = {
    // Tokens of version 2: their audience is the application's id, their issuer the tenant's v2.0.
    requestedAccessTokenVersion: 2,
    oauth2PermissionScopes: [
      {
        ...{ id: scope.id, value: scope.value, type: "User", isEnabled: true },
        ...{ adminConsentDisplayName: scope.displayName, adminConsentDescription: scope.description },
        ...{ userConsentDisplayName: scope.displayName, userConsentDescription: scope.description },
      },
    ],
  };
  const admin = await upsertApplication(call, names.admin, {
    displayName: `${displayName} (${environment})`,
    signInAudience: "AzureADMyOrg",
    appRoles: roles.map((role) => ({ ...role, allowedMemberTypes: ["User", "Application"], isEnabled: true })),
    api,
  });
  const client = await upsertApplication(call, names.client, {
    displayName: `${clientApplication.displayName} (${environment})`,
    signInAudience: "AzureADMyOrg",
    isFallbackPublicClient: true,
    publicClient: { redirectUris: clientApplication.redirectUris },
    requiredResourceAccess: [{ resourceAppId: admin.appId, resourceAccess: [{ id: scope.id, type: "Scope" }] }],
  });
  await call("PATCH", `/applications/${admin.id}`, {
    identifierUris: [`api://${admin.appId}`],
    // Nobody is asked for consent by our own command line.
    api: { ...api, preAuthorizedApplications: [{ appId: client.appId, delegatedPermissionIds: [scope.id] }] },
  });
  const principal = await principalOf(call, admin.appId);
  await principalOf(call, client.appId);
  return { appId: admin.appId, clientAppId: client.appId, principal };
}

/** Made or brought to what is wanted, by its unique name. */
async function upsertApplication(call, uniqueName, wanted) {
  const path = `/applications(uniqueName='${uniqueName}')`;
  await call("PATCH", path, wanted, { headers: { Prefer: "create-if-missing" } });
  return call("GET", path);
}

async function principalOf(call, appId) {
  const there = await call("GET", `/servicePrincipals(appId='${appId}')`, undefined, { missing: true });
  return there ?? call("POST", "/servicePrincipals", { appId });
}

/** Grants what the table lists. Returns what the application holds beyond it: that is told, and taken away by nobody. */
async function grantPermissions(call, principal) {
  const resource = await principalOf(call, graphAppId);
  const { value: held = [] } = await call("GET", `/servicePrincipals/${principal.id}/appRoleAssignments`);
  const has = new Set(held.filter((own) => own.resourceId === resource.id).map(({ appRoleId }) => appRoleId));
  const body = { principalId: principal.id, resourceId: resource.id };
  for (const { appRoleId } of graphPermissions)
    if (!has.has(appRoleId))
      await call("POST", `/servicePrincipals/${principal.id}/appRoleAssignments`, { ...body, appRoleId });
  const listed = new Set(graphPermissions.map(({ appRoleId }) => appRoleId));
  return [...has].filter((appRoleId) => !listed.has(appRoleId));
}

/** Whoever runs this may administer the service. */
async function assignMe(call, resource) {
  const me = await call("GET", "/me");
  const { id: appRoleId } = adminApplication.roles.find(({ value }) => value === "Synchronization.ReadWrite.All");
  const { value: held = [] } = await call("GET", `/servicePrincipals/${resource.id}/appRoleAssignedTo`);
  if (held.some((own) => own.principalId === me.id && own.appRoleId === appRoleId)) return;
  const body = { principalId: me.id, resourceId: resource.id, appRoleId };
  await call("POST", `/servicePrincipals/${resource.id}/appRoleAssignedTo`, body);
}

function graphOf({ baseUrl }, tenantId) {
  return createGraph({ baseUrl, token: tokenFor(tenantId, new URL(baseUrl).origin) });
}

function keepInAzd(name, value) {
  if (run("azd", ["env", "set", name, value]) === undefined)
    throw new RegistrationError(`azd can't keep ${name}: run 'azd env set ${name} ${value}'.`);
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error instanceof RegistrationError ? error.message : error.stack}\n`);
  process.exitCode = 1;
});
