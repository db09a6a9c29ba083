/**
 * `uplink target show`: an object as the target has it now. The local runtime's target is read through Microsoft Graph's API, with all that it
 * has; a deployed service is asked for what it sees of a tenant, by whole values, and for who has it.
 */
import type { Command } from "commander";
import { z } from "zod";
import { AgentError } from "../agent/agent-error.ts";
import { listTargetObjects, type TargetObjectReply } from "../shared/contracts/admin/target-objects.ts";
import type { AdminClient } from "./admin-client.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { withNames } from "./admin-views.ts";
import { connect, type LocalGraph } from "./connection.ts";
import { listOf, tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

const PROPERTIES = [
  ...["id", "userPrincipalName", "displayName", "givenName", "surname", "mail", "mailNickname", "accountEnabled"],
  ...["userType", "jobTitle", "department", "companyName", "employeeId", "officeLocation", "streetAddress", "city"],
  ...["state", "postalCode", "country", "usageLocation", "preferredLanguage", "businessPhones", "mobilePhone"],
  ...["faxNumber", "onPremisesImmutableId", "createdDateTime"],
];
const MOST = 25;
const HELP = `
The local runtime's target is looked through for users, by the beginning of name or display name too. A deployed service looks for users
and groups by whole values alone: user principal name, mail, id or source anchor; of the deleted by id or source anchor.
`;

const Entry = z.record(z.string(), z.unknown());
type Entry = z.infer<typeof Entry>;
const Page = z.object({ value: z.array(Entry) });
const GraphError = z.object({ error: z.object({ message: z.string() }) });

export function registerTargetCommands(program: Command, context: CommandContext): void {
  program
    .command("target")
    .description("The target directory.")
    .command("show <name>")
    .description(
      "An object by user principal name, mail or id; of a deployed service by source anchor too, of the local runtime by the beginning of name or display name.",
    )
    .option("--json", "as JSON")
    .addHelpText("after", HELP + ADMIN_HELP)
    .action((name: string, options: { json?: boolean }) => show(name, options, context));
}

interface Shown {
  readonly json?: boolean;
}

async function show(name: string, options: Shown, context: CommandContext): Promise<void> {
  const { admin, graph } = await connect(context.terminal);
  return graph ? showLocal(graph, name, options, context) : showDeployed(admin, name, options, context);
}

async function showDeployed(
  client: AdminClient,
  name: string,
  { json }: Shown,
  { terminal }: CommandContext,
): Promise<void> {
  const { value: found } = await client.call(listTargetObjects, { query: { name } });
  const [only] = found;
  if (!only)
    throw new AgentError(
      "not-found",
      `The target has no object with the value '${name}', neither living nor among the deleted ones.`,
      "A deployed service looks for whole values: give the user principal name, the mail address, the id or the source anchor; of who is deleted, the id or the source anchor.",
    );
  if (json) terminal.out.write(`${JSON.stringify(found.length === 1 ? only : found, null, 2)}\n`);
  else {
    const view = found.length === 1 ? objectView(only) : objectTable(found);
    terminal.out.write(withNames(view, await client.configurations()));
  }
}

/** By its configuration's id, as `withNames` knows it. */
function holderOf({ linkedTo }: TargetObjectReply): string {
  return linkedTo ? `${linkedTo.configurationId}:${linkedTo.objectGuid}` : "nobody's";
}

function objectView(object: TargetObjectReply): string {
  const { linkedTo: _, synchronized, deleted, ...values } = object;
  return listOf([
    ...Object.entries(values).map(([property, value]): [string, string] => [property, text(value)]),
    ["synchronized", synchronized ? "by another directory synchronisation" : null],
    ["deleted", deleted ? "true" : null],
    ["source object", holderOf(object)],
  ]);
}

function objectTable(objects: readonly TargetObjectReply[]): string {
  const rows = objects.map((object) => [
    object.type,
    object.displayName ?? "",
    object.userPrincipalName ?? "",
    object.deleted ? "deleted" : object.accountEnabled === false ? "disabled" : "living",
    object.id,
    holderOf(object),
  ]);
  return tableOf([["type", "name", "user principal name", "state", "id", "source object"], ...rows]);
}

async function showLocal(graph: LocalGraph, name: string, options: Shown, { terminal }: CommandContext): Promise<void> {
  const found = await search(graph, "users", name);
  const deleted = found.length > 0 ? [] : await search(graph, "directory/deletedItems/microsoft.graph.user", name);
  const [only] = found.length > 0 ? found : deleted;
  if (!only)
    throw new AgentError(
      "not-found",
      `The target has no user '${name}', neither living nor among the deleted ones.`,
      "Give the user principal name, the mail address, the id, or how the name begins. What the service did: uplink logs.",
    );
  const users = found.length > 0 ? found : deleted;
  if (users.length > 1) {
    if (options.json) terminal.out.write(`${JSON.stringify(users, null, 2)}\n`);
    else terminal.out.write(userTable(users));
    return;
  }
  const manager = found.length > 0 ? await managerOf(graph, text(only["id"])) : undefined;
  const shown: Entry = {
    ...only,
    ...(manager === undefined ? {} : { manager }),
    ...(deleted.length > 0 ? { deleted: true } : {}),
  };
  if (options.json) terminal.out.write(`${JSON.stringify(shown, null, 2)}\n`);
  else terminal.out.write(listOf(Object.entries(shown).map(([property, value]) => [property, text(value)])));
}

async function search(graph: LocalGraph, path: string, name: string): Promise<Entry[]> {
  const select = `$select=${PROPERTIES.join(",")}`;
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name)) {
    const at = path === "users" ? `users/${name}?${select}` : `directory/deletedItems/${name}`;
    const answer = await graph(at);
    if (answer.status === 404) return [];
    return [withoutNoise(await read(answer, Entry))];
  }
  const value = `'${name.replaceAll("'", "''")}'`;
  const filter = name.includes("@")
    ? `userPrincipalName eq ${value} or mail eq ${value}`
    : `startswith(displayName,${value}) or startswith(userPrincipalName,${value})`;
  const query = `$filter=${encodeURIComponent(filter)}&${select}&$top=${MOST}`;
  return (await read(await graph(`${path}?${query}`), Page)).value.map(withoutNoise);
}

/** undefined where there is none. */
async function managerOf(graph: LocalGraph, id: string): Promise<string | undefined> {
  const answer = await graph(`users/${id}/manager?$select=displayName,userPrincipalName`);
  if (answer.status === 404) return undefined;
  const manager = await read(answer, Entry);
  return `${text(manager["displayName"])} (${text(manager["userPrincipalName"])})`;
}

async function read<T>(answer: Response, schema: z.ZodType<T>): Promise<T> {
  const json: unknown = await answer.json().catch(() => undefined);
  const parsed = schema.safeParse(json);
  if (answer.ok && parsed.success) return parsed.data;
  const said = GraphError.safeParse(json);
  throw new AgentError(
    "service-refused",
    `The target answered with status ${answer.status}: ${said.success ? said.data.error.message : "nothing readable"}`,
    "See the directory's log.",
  );
}

function withoutNoise(entry: Entry): Entry {
  return Object.fromEntries(
    Object.entries(entry).filter(([name, value]) => !name.startsWith("@odata") && value !== null && text(value) !== ""),
  );
}

function userTable(users: readonly Entry[]): string {
  const rows = users.map((user) => [
    text(user["displayName"]),
    text(user["userPrincipalName"]),
    user["accountEnabled"] === false ? "disabled" : "enabled",
    text(user["id"]),
  ]);
  const more = users.length === MOST ? `The first ${MOST}; give more of the name.\n` : "";
  return tableOf([["name", "user principal name", "account", "id"], ...rows]) + more;
}

function text(value: unknown): string {
  if (value === null || value === undefined) return "";
  return Array.isArray(value)
    ? value.map(text).join(", ")
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value);
}
