/** `uplink target show`: an object as the target has it now, read through Microsoft Graph's API. */
import type { Command } from "commander";
import { z } from "zod";
import { AgentError } from "../agent/agent-error.ts";
import { ADMIN_HELP } from "./admin-commands.ts";
import { type Connection, connect } from "./connection.ts";
import { listOf, tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

const PROPERTIES = [
  ...["id", "userPrincipalName", "displayName", "givenName", "surname", "mail", "mailNickname", "accountEnabled"],
  ...["userType", "jobTitle", "department", "companyName", "employeeId", "officeLocation", "streetAddress", "city"],
  ...["state", "postalCode", "country", "usageLocation", "preferredLanguage", "businessPhones", "mobilePhone"],
  ...["faxNumber", "onPremisesImmutableId", "createdDateTime"],
];
const MOST = 25;

const Entry = z.record(z.string(), z.unknown());
type Entry = z.infer<typeof Entry>;
const Page = z.object({ value: z.array(Entry) });
const GraphError = z.object({ error: z.object({ message: z.string() }) });

export function registerTargetCommands(program: Command, context: CommandContext): void {
  program
    .command("target")
    .description("The target directory.")
    .command("show <name>")
    .description("A user, by user principal name, mail, id, or the beginning of name or display name.")
    .option("--json", "as JSON")
    .addHelpText("after", ADMIN_HELP)
    .action((name: string, options: { json?: boolean }) => show(name, options, context));
}

async function show(name: string, options: { readonly json?: boolean }, { terminal }: CommandContext): Promise<void> {
  const connection = await connect(terminal);
  const found = await search(connection, "users", name);
  const deleted = found.length > 0 ? [] : await search(connection, "directory/deletedItems/microsoft.graph.user", name);
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
  const manager = found.length > 0 ? await managerOf(connection, text(only["id"])) : undefined;
  const shown: Entry = {
    ...only,
    ...(manager === undefined ? {} : { manager }),
    ...(deleted.length > 0 ? { deleted: true } : {}),
  };
  if (options.json) terminal.out.write(`${JSON.stringify(shown, null, 2)}\n`);
  else terminal.out.write(listOf(Object.entries(shown).map(([property, value]) => [property, text(value)])));
}

async function search(connection: Connection, path: string, name: string): Promise<Entry[]> {
  const select = `$select=${PROPERTIES.join(",")}`;
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name)) {
    const at = path === "users" ? `users/${name}?${select}` : `directory/deletedItems/${name}`;
    const answer = await connection.graph(at);
    if (answer.status === 404) return [];
    return [withoutNoise(await read(answer, Entry))];
  }
  const value = `'${name.replaceAll("'", "''")}'`;
  const filter = name.includes("@")
    ? `userPrincipalName eq ${value} or mail eq ${value}`
    : `startswith(displayName,${value}) or startswith(userPrincipalName,${value})`;
  const query = `$filter=${encodeURIComponent(filter)}&${select}&$top=${MOST}`;
  return (await read(await connection.graph(`${path}?${query}`), Page)).value.map(withoutNoise);
}

/** undefined where there is none. */
async function managerOf(connection: Connection, id: string): Promise<string | undefined> {
  const answer = await connection.graph(`users/${id}/manager?$select=displayName,userPrincipalName`);
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
