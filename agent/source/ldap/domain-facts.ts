/**
 * Who answers: the domain, the domain controller, and whether this agent may read from it at all.
 *
 * A cookie is worth something only on the DC (invocationId) and in the domain that gave it, and Samba accepts cookies
 * of other forests; so identity is read anew on every connection and compared by us. Read-only DCs don't serve DirSync.
 */
import type { DirectoryServer, DomainIdentity } from "../../../shared/contracts/change.ts";
import { guidFromBytes, sidFromBytes, splitDn } from "../../../shared/domain/values.ts";
import { SourceError } from "../../../shared/ports/source-directory.ts";
import { fallbackSyntaxTable, type SchemaRow, type SyntaxTable, syntaxTableFromSchema } from "../attribute-syntax.ts";
import type { LdapConnection } from "./connection.ts";
import { bytesOf, type LdapEntry, textOf, textsOf } from "./entries.ts";
import { resultCodeOf, unreachable } from "./errors.ts";

export interface DomainFacts {
  readonly domain: DomainIdentity;
  readonly server: DirectoryServer;
  readonly root: string;
  readonly schemaRoot: string;
  readonly isSamba: boolean;
  /** Days that a tombstone lives; a cookie older than half of it is not to be trusted. */
  readonly tombstoneDays: number;
}

const CAPABILITY_READ_ONLY_DC = "1.2.840.113556.1.4.1920";
const CAPABILITY_ACTIVE_DIRECTORY = "1.2.840.113556.1.4.800";
/** What AD takes when `tombstoneLifetime` is not set. */
const DEFAULT_TOMBSTONE_DAYS = 60;

const ROOT_DSE_ATTRIBUTES = [
  "defaultNamingContext",
  "schemaNamingContext",
  "configurationNamingContext",
  "dsServiceName",
  "dnsHostName",
  "highestCommittedUSN",
  "vendorName",
  "supportedCapabilities",
];

/** Throws `SourceError` source-config when the server is no writable domain controller, else as `LdapConnection.search`. */
export async function readDomainFacts(connection: LdapConnection): Promise<DomainFacts> {
  const rootDse = await one(connection, "", ROOT_DSE_ATTRIBUTES);
  const capabilities = textsOf(rootDse, "supportedCapabilities");
  const root = textOf(rootDse, "defaultNamingContext");
  const serviceName = textOf(rootDse, "dsServiceName");
  const schemaRoot = textOf(rootDse, "schemaNamingContext");
  if (!capabilities.includes(CAPABILITY_ACTIVE_DIRECTORY) || !root || !serviceName || !schemaRoot) {
    throw new SourceError(
      "source-config",
      `${connection.url} is not a domain controller of Active Directory.`,
      "Set url to a writable domain controller of the domain that this agent reads.",
    );
  }
  const domain = await one(connection, root, ["objectGUID", "objectSid"]);
  const service = await one(connection, serviceName, ["invocationId", "objectClass", "msDS-isRODC"]);
  const dnsName = textOf(rootDse, "dnsHostName") ?? new URL(connection.url).hostname;
  const isReadOnly =
    capabilities.includes(CAPABILITY_READ_ONLY_DC) ||
    textOf(service, "msDS-isRODC") === "TRUE" ||
    textsOf(service, "objectClass").some((name) => name.toLowerCase() === "ntdsdsaro");
  if (isReadOnly) {
    throw new SourceError(
      "source-config",
      `${dnsName} is a read-only domain controller: it doesn't serve DirSync.`,
      "Set url to a writable domain controller.",
    );
  }
  return {
    domain: {
      objectGuid: guidFromBytes(required(domain, "objectGUID", root)),
      sid: sidFromBytes(required(domain, "objectSid", root)),
      fqdn: fqdnOf(root),
    },
    server: {
      invocationId: guidFromBytes(required(service, "invocationId", serviceName)),
      dnsName,
      highestCommittedUsn: textOf(rootDse, "highestCommittedUSN") ?? "0",
    },
    root,
    schemaRoot,
    isSamba: /samba/i.test(textOf(rootDse, "vendorName") ?? ""),
    tombstoneDays: await readTombstoneDays(connection, textOf(rootDse, "configurationNamingContext")),
  };
}

/** The schema's word on every attribute's syntax; the built-in lists when it can't be read. */
export async function readSyntaxTable(connection: LdapConnection, schemaRoot: string): Promise<SyntaxTable> {
  try {
    const entries = await connection.search({
      base: schemaRoot,
      scope: "one",
      filter: "(objectClass=attributeSchema)",
      attributes: ["lDAPDisplayName", "attributeSyntax", "linkID", "systemFlags"],
      pageSize: 500,
    });
    return syntaxTableFromSchema(entries.flatMap(toSchemaRow));
  } catch (error) {
    if (resultCodeOf(error) === undefined) throw error;
    return fallbackSyntaxTable;
  }
}

function toSchemaRow(entry: LdapEntry): SchemaRow[] {
  const name = textOf(entry, "lDAPDisplayName");
  const attributeSyntax = textOf(entry, "attributeSyntax");
  if (name === undefined || attributeSyntax === undefined) return [];
  const linkId = textOf(entry, "linkID");
  return [
    {
      name,
      attributeSyntax,
      linkId: linkId === undefined ? undefined : Number(linkId),
      systemFlags: Number(textOf(entry, "systemFlags") ?? 0),
    },
  ];
}

async function readTombstoneDays(connection: LdapConnection, configurationRoot: string | undefined): Promise<number> {
  if (configurationRoot === undefined) return DEFAULT_TOMBSTONE_DAYS;
  try {
    const base = `CN=Directory Service,CN=Windows NT,CN=Services,${configurationRoot}`;
    const entry = await one(connection, base, ["tombstoneLifetime"]);
    return Number(textOf(entry, "tombstoneLifetime") ?? DEFAULT_TOMBSTONE_DAYS);
  } catch (error) {
    if (resultCodeOf(error) === undefined && !(error instanceof SourceError && error.code === "source-rights"))
      throw error;
    return DEFAULT_TOMBSTONE_DAYS;
  }
}

function fqdnOf(root: string): string {
  return splitDn(root)
    .map((part) => part.trim().replace(/^dc=/i, ""))
    .join(".")
    .toLowerCase();
}

async function one(connection: LdapConnection, base: string, attributes: readonly string[]): Promise<LdapEntry> {
  const found = await connection.search({ base, scope: "base", filter: "(objectClass=*)", attributes });
  if (found[0] !== undefined) return found[0];
  if (base === "") throw unreachable(new Error("the server gives no rootDSE"), connection.url);
  throw unreadable(connection, base);
}

function required(entry: LdapEntry, name: string, base: string): Buffer {
  const bytes = bytesOf(entry, name);
  if (bytes === undefined) {
    throw new SourceError(
      "source-rights",
      `The account can't read '${name}' of ${base}.`,
      "Use an account that authenticated users' default read rights apply to.",
    );
  }
  return bytes;
}

function unreadable(connection: LdapConnection, base: string): SourceError {
  return new SourceError(
    "source-rights",
    `The account '${connection.bindDn}' can't read ${base}.`,
    "Use an account that authenticated users' default read rights apply to.",
  );
}
