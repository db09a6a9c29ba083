/**
 * The LDAP source before a fake domain controller. `useLdapSource()` starts the server once a file, and gives each test a fresh domain
 * and source.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { AgentSource } from "../../../agent/agent-source.ts";
import { createLdapSource } from "../../../agent/source/ldap/ldap-source.ts";
import { LdapSettings } from "../../../agent/source/ldap/settings.ts";
import { watermarkIdOf } from "../../../agent/watermark-id.ts";
import { Change, Watermark } from "../../../shared/contracts/change.ts";
import type { SourcePage, SourceReadOrder } from "../../../shared/ports/source-directory.ts";
import { bytesOfGuid, type FakeDomain, INVOCATION_ID, ROOT, serveDomain } from "../../support/fake-ldap/fake-domain.ts";
import { type FakeEntry, type FakeLdap, startFakeLdap } from "../../support/fake-ldap/fake-ldap.ts";
import { createRecordingLog, guidNumber } from "../builders.ts";

export const NOW = Date.UTC(2026, 10, 22);
export const PASSWORD = "correct horse battery staple";

export interface LdapFixture {
  folder: string;
  server: FakeLdap;
  domain: FakeDomain;
  source: AgentSource;
  readonly log: ReturnType<typeof createRecordingLog>;
  sourceOf(overrides?: Partial<LdapSettings>, environment?: Record<string, string>): AgentSource;
  read(order?: Partial<SourceReadOrder>): Promise<{ pages: SourcePage[]; changes: Change[] }>;
  delta(order?: Partial<SourceReadOrder>): Promise<{ pages: SourcePage[]; changes: Change[] }>;
}

export function useLdapSource(): LdapFixture {
  const log = createRecordingLog();
  // Filled before each test.
  const fixture = {
    log,
    sourceOf: (overrides = {}, environment = { UPLINK_LDAP_PASSWORD: PASSWORD }) =>
      createLdapSource({
        settings: LdapSettings.parse({
          kind: "ldap",
          url: fixture.server.url,
          bindDn: "reader@corp.example.com",
          caFile: fixture.server.caFile,
          connectTimeoutSeconds: 2,
          timeoutSeconds: 2,
          ...overrides,
        }),
        environment,
        clock: { now: () => NOW },
        log,
      }),
    read: async (order = {}) => {
      const pages: SourcePage[] = [];
      const whole: SourceReadOrder = {
        kind: "full",
        attributes: ["department", "manager", "objectGUID"],
        objectClasses: ["user", "inetOrgPerson"],
        watermark: null,
        scope: { organizationalUnits: [], groups: [] },
        reportsLeaves: false,
        ...order,
      };
      for await (const page of fixture.source.read(whole)) pages.push(page);
      const changes = pages.flatMap((page) => page.changes);
      for (const change of changes) Change.parse(change);
      return { pages, changes };
    },
    delta: (order = {}) => fixture.read({ kind: "delta", watermark: buildWatermark(), ...order }),
  } as LdapFixture;
  beforeAll(async () => {
    fixture.folder = await mkdtemp(join(tmpdir(), "uplink-ldap-"));
    fixture.server = await startFakeLdap(fixture.folder);
  });
  afterAll(async () => {
    await fixture.server.close();
    await rm(fixture.folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    fixture.server.password = PASSWORD;
    fixture.server.searches.length = 0;
    fixture.server.binds.length = 0;
    fixture.domain = serveDomain(fixture.server);
    fixture.source = fixture.sourceOf();
  });
  afterEach(async () => {
    await fixture.source.close();
    fixture.server.dropConnections();
  });
  return fixture;
}

export function buildWatermark(overrides: Partial<Extract<Watermark, { mode: "dirsync" }>> = {}): Watermark {
  const token = Buffer.from("cookie-1").toString("base64");
  return Watermark.parse({
    mode: "dirsync",
    id: watermarkIdOf(token),
    token,
    invocationId: INVOCATION_ID,
    dnsName: "dc1.corp.example.com",
    usn: "4000",
    at: new Date(NOW - 86_400_000).toISOString(),
    ...overrides,
  });
}

export const extended = (number: number, dn: string) =>
  `<GUID=${guidNumber(number)}>;<SID=S-1-5-21-1-2-3-${number}>;${dn}`;
export function user(
  number: number,
  attributes: FakeEntry["attributes"] = {},
  classes = ["top", "person", "organizationalPerson", "user"],
): FakeEntry {
  return {
    dn: extended(number, `CN=User ${number},OU=Staff,${ROOT}`),
    attributes: {
      objectGUID: [bytesOfGuid(guidNumber(number))],
      objectClass: classes,
      name: [`User ${number}`],
      ...attributes,
    },
  };
}
/** What DirSync says of a changed object: the changed attributes and no class. */
export function changed(number: number, attributes: FakeEntry["attributes"]): FakeEntry {
  return {
    dn: extended(number, `CN=User ${number},OU=Staff,${ROOT}`),
    attributes: { objectGUID: [bytesOfGuid(guidNumber(number))], ...attributes },
  };
}
export const tokenOf = (page: SourcePage | undefined) =>
  Buffer.from(page?.watermarkAfter?.token ?? "", "base64").toString();
