/**
 * Active Directory as a source: DirSync over LDAPS, full and delta, from one writable domain controller.
 *
 * The connection is kept between polls. A new one proves everything anew (who answers, that it isn't read-only, that the
 * account may replicate and sees deleted objects), because a name may lead to another DC and rights may have been taken
 * away. A watermark that is of no use on the DC that answers is `source-cookie`, and a full read follows.
 */
import type { Change, Watermark } from "../../../shared/contracts/change.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import type { Log } from "../../../shared/ports/log.ts";
import type { SourceDescription, SourcePage, SourceReadOrder } from "../../../shared/ports/source-directory.ts";
import type { AgentSource } from "../../agent-source.ts";
import { rest } from "../../rest.ts";
import { watermarkIdOf } from "../../watermark-id.ts";
import type { SyntaxTable } from "../attribute-syntax.ts";
import { memberName } from "../member-lists.ts";
import { CONTAINER_CLASSES } from "../object-classes.ts";
import type { ReadShape } from "./changes.ts";
import { connectLdap, type LdapConnection } from "./connection.ts";
import { proveSightOfDeletedObjects } from "./deleted-objects.ts";
import { deltaChanges } from "./delta-read.ts";
import { type DirSyncPage, type DirSyncRequest, readDirSyncPage } from "./dirsync.ts";
import { type DomainFacts, readDomainFacts, readSyntaxTable } from "./domain-facts.ts";
import { resultCodeOf, unreachable } from "./errors.ts";
import { createFullReadChanges, type FullReadChanges } from "./full-changes.ts";
import { fullReadPages, serverPages } from "./full-read.ts";
import { type KeptMembers, type LdapScope, openScope } from "./ldap-scope.ts";
import { lookUp } from "./look-up.ts";
import { inPages } from "./pages.ts";
import type { ReadDeps } from "./read-deps.ts";
import { readPlaces } from "./scope-places.ts";
import type { LdapSettings } from "./settings.ts";
import { replicationCursor, usableCookie } from "./watermark-use.ts";

export interface LdapSourceDeps {
  readonly settings: LdapSettings;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /** How a domain controller is reached; left out: by LDAPS. */
  readonly connect?: typeof connectLdap;
}

interface Session {
  readonly connection: LdapConnection;
  readonly facts: DomainFacts;
  readonly syntax: SyntaxTable;
}

export function createLdapSource(deps: LdapSourceDeps): AgentSource {
  const { settings, log } = deps;
  let session: Session | undefined;
  let keptMembers: KeptMembers | undefined;

  /** A session whose facts were read just now. */
  async function freshSession(): Promise<Session> {
    if (session?.connection.isOpen()) {
      const facts = await readDomainFacts(session.connection);
      await proveSightOfDeletedObjects(session.connection, facts.root, false);
      session = { ...session, facts };
      return session;
    }
    const connection = await (deps.connect ?? connectLdap)(settings, deps.environment);
    try {
      const facts = await readDomainFacts(connection);
      await proveSightOfDeletedObjects(connection, facts.root, true);
      await proveReplication(connection, facts.root);
      const syntax = await readSyntaxTable(connection, facts.schemaRoot);
      session = { connection, facts, syntax };
      log.debug("directory-connected", { server: facts.server.dnsName, samba: facts.isSamba });
      return session;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async function* read(order: SourceReadOrder): AsyncGenerator<SourcePage> {
    const before = session?.facts.server.invocationId;
    const { connection, facts, syntax } = await freshSession();
    if (before !== undefined && before !== facts.server.invocationId) {
      throw unreachable(new Error("another domain controller answers than the one described"), settings.url);
    }
    const scope = await openScope({ connection, root: facts.root }, order.scope, {
      watermarkId: order.kind === "delta" ? order.watermark?.id : undefined,
      kept: keptMembers,
    });
    for await (const page of pagesOf(order, { connection, facts, syntax }, scope)) {
      // An empty page says nothing of anybody.
      if (page.changes.length > 0) await scope.check();
      if (page.watermarkAfter !== undefined) keptMembers = scope.keep(page.watermarkAfter.id);
      yield page;
    }
  }

  async function* pagesOf(order: SourceReadOrder, { connection, facts, syntax }: Session, scope: LdapScope) {
    const { root, isSamba } = facts;
    const shape: ReadShape = { attributes: order.attributes, objectClasses: order.objectClasses, syntax };
    const filter = classFilter(order.objectClasses);
    const readDeps: ReadDeps = { connection, log, root, filter, shape, scope, isSamba };
    if (order.kind === "delta") {
      const cookie = await usableCookie(connection, order.watermark, facts, deps.clock);
      const request = scope.hasGroups ? withGroups(order, root) : { root, filter, attributes: order.attributes };
      for await (const page of serverPages(connection, request, cookie))
        yield* inPages(deltaChanges(readDeps, page.entries), watermarkOf(page, facts), !page.more);
      return;
    }
    const highestUsn = Number(facts.server.highestCommittedUsn);
    const full = await createFullReadChanges({ ...readDeps, reportsLeaves: order.reportsLeaves, highestUsn });
    const request = { root, filter, attributes: order.attributes, isSamba, highestUsn };
    for await (const page of fullReadPages(connection, request)) {
      const changes = page.more ? full.ofPage(page.entries) : lastChanges(full, page);
      yield* inPages(changes, watermarkOf(page, facts), !page.more);
    }
  }

  function watermarkOf(page: DirSyncPage, facts: DomainFacts): Watermark {
    const token = page.cookie.toString("base64");
    return {
      mode: "dirsync",
      id: watermarkIdOf(token),
      token,
      invocationId: facts.server.invocationId,
      dnsName: facts.server.dnsName,
      usn: facts.server.highestCommittedUsn,
      at: new Date(deps.clock.now()).toISOString(),
    };
  }

  return {
    reads: "delta",
    describe: () =>
      inSourceErrors(settings.url, async (): Promise<SourceDescription> => {
        const { facts } = await freshSession();
        return { domain: facts.domain, server: facts.server, visibility: facts.isSamba ? "partial" : "complete" };
      }),
    read: async function* (order) {
      try {
        yield* read(order);
      } catch (error) {
        throw toSourceError(error, settings.url);
      }
    },
    checkScope: (scope) =>
      inSourceErrors(settings.url, async () => {
        const { connection, facts } = await freshSession();
        await readPlaces(connection, facts.root, scope);
      }),
    replicationCursor: (invocationId) =>
      inSourceErrors(settings.url, async () => {
        const { connection, facts } = await freshSession();
        return (await replicationCursor(connection, facts.root, invocationId))?.toString();
      }),
    lookUp: (order) =>
      inSourceErrors(settings.url, async () => {
        const connection = await (deps.connect ?? connectLdap)(settings, deps.environment);
        try {
          const facts = await readDomainFacts(connection);
          const isKnown = session?.facts.schemaRoot === facts.schemaRoot;
          const syntax = (isKnown && session?.syntax) || (await readSyntaxTable(connection, facts.schemaRoot));
          const { root, isSamba } = facts;
          const { attributes, objectClasses } = order;
          const shape: ReadShape = { attributes, objectClasses, syntax };
          return await lookUp(
            { connection, log, root, filter: classFilter(objectClasses), shape, isSamba },
            facts,
            order,
          );
        } finally {
          await connection.close();
        }
      }),
    waitForChange: (signal) => rest(settings.pollSeconds * 1000, signal),
    close: async () => {
      await session?.connection.close();
      session = undefined;
    },
  };
}

async function* lastChanges(full: FullReadChanges, page: DirSyncPage): AsyncGenerator<readonly Change[]> {
  yield* full.ofPage(page.entries);
  yield* full.end();
}

/** One page with next to nothing in it: whether the account may use DirSync here at all. */
async function proveReplication(connection: LdapConnection, root: string): Promise<void> {
  await readDirSyncPage(connection, {
    root,
    filter: "(objectClass=domainDNS)",
    attributes: [],
    cookie: Buffer.alloc(0),
  });
}

/** What groups of the scope took in or let go, whatever classes are asked for. */
function withGroups(order: SourceReadOrder, root: string): Omit<DirSyncRequest, "cookie"> {
  const hasMember = memberName(order.attributes) !== undefined;
  return {
    root,
    filter: classFilter([...order.objectClasses, "group"]),
    attributes: hasMember ? order.attributes : [...order.attributes, "member"],
  };
}

/** `objectCategory` would lose all tombstones, so computers come too and are dropped by class. */
function classFilter(objectClasses: readonly string[]): string {
  const names = [...new Set([...objectClasses, ...CONTAINER_CLASSES])].filter((name) =>
    /^[A-Za-z][A-Za-z0-9-]*$/.test(name),
  );
  return `(|${names.map((name) => `(objectClass=${name})`).join("")})`;
}

async function inSourceErrors<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toSourceError(error, url);
  }
}

/** A refusal of the server that no one below understood is a server that doesn't serve at the moment. */
function toSourceError(error: unknown, url: string): unknown {
  return resultCodeOf(error) === undefined ? error : unreachable(error, url);
}
