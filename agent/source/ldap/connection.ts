/**
 * One signed-in connection to one domain controller.
 *
 * ldapts reconnects by itself when a socket went away, and then searches *without* a bind: as nobody, one sees less and
 * gets result 0 all the same. So this connection never comes back: a search on a closed one is an error, and who holds
 * it makes a new one, with everything that a new one must prove.
 */
import { readFile } from "node:fs/promises";
import { Client, type Control, type Filter } from "ldapts";
import { SourceError } from "../../../shared/ports/source-directory.ts";
import { fileFault } from "../../file-fault.ts";
import { EveryName, type LdapEntry, NamesForTheRequest, toLdapEntry } from "./entries.ts";
import { connectionError, resultCodeOf, unreachable } from "./errors.ts";
import { LDAP_PASSWORD_VARIABLE, type LdapSettings } from "./settings.ts";

export interface LdapSearch {
  readonly base: string;
  readonly scope: "base" | "one" | "sub";
  readonly filter?: Filter | string;
  readonly attributes: readonly string[];
  readonly controls?: readonly Control[];
  /** Simple paged results, for searches without a control of their own that pages. */
  readonly pageSize?: number;
  /** At most so many entries; more is no error. */
  readonly sizeLimit?: number;
}

export interface LdapConnection {
  readonly url: string;
  readonly bindDn: string;
  /** The server's refusal comes as ldapts' `ResultCodeError`; everything else as `SourceError` source-unreachable. */
  search(request: LdapSearch): Promise<LdapEntry[]>;
  isOpen(): boolean;
  close(): Promise<void>;
}

/** Connects and signs in. Throws `SourceError`: source-unreachable, source-credentials, source-config. */
export async function connectLdap(
  settings: LdapSettings,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<LdapConnection> {
  const password = await readPassword(settings, environment);
  const client = new Client({
    url: settings.url,
    connectTimeout: settings.connectTimeoutSeconds * 1000,
    timeout: settings.timeoutSeconds * 1000,
    strictDN: false,
    tlsOptions: {
      minVersion: "TLSv1.2",
      ...(settings.caFile === undefined ? {} : { ca: await readCa(settings.caFile) }),
      ...(settings.tlsServerName === undefined ? {} : { servername: settings.tlsServerName }),
    },
  });
  try {
    await client.bind(settings.bindDn, password);
  } catch (error) {
    // A refused bind leaves the socket open.
    await client.unbind().catch(() => undefined);
    throw connectionError(error, settings.url, settings.bindDn);
  }
  let open = true;
  return {
    url: settings.url,
    bindDn: settings.bindDn,
    isOpen: () => open && client.isConnected,
    search: async (request) => {
      if (!open || !client.isConnected) throw unreachable(new Error("the connection was closed"), settings.url);
      try {
        const result = await client.search(
          request.base,
          {
            scope: request.scope,
            ...(request.filter === undefined ? {} : { filter: request.filter }),
            attributes: NamesForTheRequest.from(request.attributes),
            explicitBufferAttributes: new EveryName(),
            // ldapts' own default is 10 seconds, after which the server gives up. 0: the server's limit.
            timeLimit: 0,
            ...(request.sizeLimit === undefined ? {} : { sizeLimit: request.sizeLimit }),
            ...(request.pageSize === undefined ? {} : { paged: { pageSize: request.pageSize } }),
          },
          request.controls === undefined ? undefined : [...request.controls],
        );
        return result.searchEntries.map(toLdapEntry);
      } catch (error) {
        if (resultCodeOf(error) !== undefined) throw error;
        open = false;
        await client.unbind().catch(() => undefined);
        throw unreachable(error, settings.url);
      }
    },
    close: async () => {
      open = false;
      await client.unbind().catch(() => undefined);
    },
  };
}

async function readPassword(
  settings: LdapSettings,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const fromEnvironment = environment[LDAP_PASSWORD_VARIABLE];
  if (fromEnvironment !== undefined && fromEnvironment !== "") return fromEnvironment;
  const remedy = `Set ${LDAP_PASSWORD_VARIABLE}, or passwordFile to a file that only this account can read.`;
  if (settings.passwordFile === undefined) {
    throw new SourceError("source-config", `There is no password for '${settings.bindDn}'.`, remedy);
  }
  let password: string;
  try {
    password = (await readFile(settings.passwordFile, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    throw new SourceError(
      "source-config",
      `Cannot read the password file ${settings.passwordFile}: ${fileFault(error)}.`,
      remedy,
      {
        cause: error,
      },
    );
  }
  // An empty password is an anonymous bind to a directory: it would succeed, and see nothing.
  if (password === "")
    throw new SourceError("source-config", `The password file ${settings.passwordFile} is empty.`, remedy);
  return password;
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new SourceError(
      "source-config",
      `Cannot read the authority's certificate ${path}: ${fileFault(error)}.`,
      "Set caFile to a PEM file, or leave it out to use the system's authorities.",
      { cause: error },
    );
  }
}
