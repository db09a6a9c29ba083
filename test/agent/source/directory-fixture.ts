/**
 * The LDAP source before the domain controllers of a modelled directory. `useDirectory(["DC1", "DC2"])` starts a server for each, once a
 * file, and gives each test a new domain behind them.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { AgentSource } from "../../../agent/agent-source.ts";
import { createLdapSource } from "../../../agent/source/ldap/ldap-source.ts";
import { LdapSettings } from "../../../agent/source/ldap/settings.ts";
import { Change, type Watermark } from "../../../shared/contracts/change.ts";
import type { SourcePage, SourceReadOrder } from "../../../shared/ports/source-directory.ts";
import { createFakeDirectory, type FakeDirectory } from "../../support/fake-ldap/directory/fake-directory.ts";
import { type ServedDc, serveDc } from "../../support/fake-ldap/directory/serve-dc.ts";
import { type FakeLdap, startFakeLdap } from "../../support/fake-ldap/fake-ldap.ts";
import { createRecordingLog } from "../builders.ts";

const PASSWORD = "correct horse battery staple";
const ATTRIBUTES = ["displayName", "department", "manager"];
const CLASSES = ["user", "inetOrgPerson"];

export interface Read {
  readonly pages: SourcePage[];
  readonly changes: Change[];
  /** Of the last page. */
  readonly watermark: Watermark | undefined;
  /** What ended the read early. */
  readonly error: unknown;
}
export interface DirectoryFixture {
  /** The first domain controller. */
  readonly served: ServedDc;
  readonly directory: FakeDirectory;
  servedAs(name: string): ServedDc;
  readonly log: ReturnType<typeof createRecordingLog>;
  /** Reads to the end or to the error; every domain controller has one source. Every change passes the contract. */
  read(order?: Partial<SourceReadOrder>, dc?: string): Promise<Read>;
  /** Since `watermark`; an error ends the test. */
  delta(watermark: Watermark | undefined, order?: Partial<SourceReadOrder>, dc?: string): Promise<Read>;
  /** A fresh source of that domain controller. */
  sourceOf(dc: string, overrides?: Partial<LdapSettings>): AgentSource;
}

export function useDirectory(
  names: readonly string[] = ["DC1"],
  options: { recycleBin?: boolean } = {},
): DirectoryFixture {
  const log = createRecordingLog();
  const servers = new Map<string, FakeLdap>();
  const served = new Map<string, ServedDc>();
  const sources = new Map<string, AgentSource>();
  const opened: AgentSource[] = [];
  const state: { directory?: FakeDirectory; folder?: string } = {};

  const servedAs = (name: string): ServedDc => {
    const found = served.get(name);
    if (found === undefined) throw new Error(`There is no ${name}.`);
    return found;
  };
  const sourceOf = (name: string, overrides: Partial<LdapSettings> = {}): AgentSource => {
    const { server } = servedAs(name);
    const source = createLdapSource({
      settings: LdapSettings.parse({
        kind: "ldap",
        url: server.url,
        bindDn: "reader@corp.example.com",
        caFile: server.caFile,
        connectTimeoutSeconds: 5,
        timeoutSeconds: 5,
        ...overrides,
      }),
      environment: { UPLINK_LDAP_PASSWORD: PASSWORD },
      clock: { now: () => Date.UTC(2026, 10, 22) },
      log,
    });
    opened.push(source);
    return source;
  };
  const fixture: DirectoryFixture = {
    log,
    get served() {
      return servedAs(names[0] ?? "");
    },
    get directory() {
      return state.directory as FakeDirectory;
    },
    servedAs,
    sourceOf,
    read: async (order = {}, dc = names[0] ?? "") => {
      const source = sources.get(dc) ?? sourceOf(dc);
      sources.set(dc, source);
      const pages: SourcePage[] = [];
      let error: unknown;
      try {
        const whole: SourceReadOrder = {
          kind: "full",
          attributes: ATTRIBUTES,
          objectClasses: CLASSES,
          watermark: null,
          scope: { organizationalUnits: [], groups: [] },
          reportsLeaves: true,
          ...order,
        };
        for await (const page of source.read(whole)) pages.push(page);
      } catch (caught) {
        error = caught;
      }
      const changes = pages.flatMap((page) => page.changes);
      for (const change of changes) Change.parse(change);
      return { pages, changes, watermark: error === undefined ? pages.at(-1)?.watermarkAfter : undefined, error };
    },
    delta: async (watermark, order = {}, dc = names[0] ?? "") => {
      const read = await fixture.read({ kind: "delta", watermark: watermark ?? null, ...order }, dc);
      if (read.error !== undefined) throw read.error;
      return read;
    },
  };
  beforeAll(async () => {
    state.folder = await mkdtemp(join(tmpdir(), "uplink-directory-"));
    for (const name of names) servers.set(name, await startFakeLdap(state.folder));
  });
  afterAll(async () => {
    for (const server of servers.values()) await server.close();
    if (state.folder !== undefined) await rm(state.folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    state.directory = createFakeDirectory({ dcs: names, ...options });
    for (const [name, server] of servers) {
      server.password = PASSWORD;
      server.searches.length = 0;
      server.binds.length = 0;
      served.set(name, serveDc(server, state.directory.dc(name)));
    }
  });
  afterEach(async () => {
    for (const source of opened) await source.close();
    opened.length = 0;
    sources.clear();
    for (const server of servers.values()) server.dropConnections();
  });
  return fixture;
}

/** The link values that changes carry for an attribute, by GUID, in the order of reading. */
export function linkGuids(changes: readonly Change[], attribute: string, side: "add" | "remove" = "add"): string[] {
  return changes.flatMap((change) =>
    change.op !== "upsert"
      ? []
      : (change.links ?? [])
          .filter((one) => one.attribute === attribute)
          .flatMap((one) => one[side].map(({ guid }) => guid ?? "")),
  );
}
