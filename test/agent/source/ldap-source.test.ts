/** The LDAP source on the wire, against a server that does what Windows does and Samba doesn't, and what goes wrong. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AgentSource } from "../../../agent/agent-source.ts";
import { createLdapSource } from "../../../agent/source/ldap/ldap-source.ts";
import { LdapSettings } from "../../../agent/source/ldap/settings.ts";
import { watermarkIdOf } from "../../../agent/watermark-id.ts";
import { Change, Watermark } from "../../../shared/contracts/change.ts";
import type { SourcePage, SourceReadOrder } from "../../../shared/ports/source-directory.ts";
import {
  bytesOfGuid,
  DOMAIN_GUID,
  type FakeDomain,
  INVOCATION_ID,
  ROOT,
  serveDomain,
} from "../../support/fake-ldap/fake-domain.ts";
import { type FakeEntry, type FakeLdap, startFakeLdap } from "../../support/fake-ldap/fake-ldap.ts";
import { createRecordingLog, guidNumber } from "../builders.ts";

const NOW = Date.UTC(2026, 10, 22);
const PASSWORD = "correct horse battery staple";
let folder: string;
let server: FakeLdap;
let domain: FakeDomain;
let source: AgentSource;
const log = createRecordingLog();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-ldap-"));
  server = await startFakeLdap(folder);
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  server.password = PASSWORD;
  server.searches.length = 0;
  server.binds.length = 0;
  domain = serveDomain(server);
  source = sourceOf();
});
afterEach(async () => {
  await source.close();
  server.dropConnections();
});

function sourceOf(
  overrides: Partial<LdapSettings> = {},
  environment: Record<string, string> = { UPLINK_LDAP_PASSWORD: PASSWORD },
): AgentSource {
  return createLdapSource({
    settings: LdapSettings.parse({
      kind: "ldap",
      url: server.url,
      bindDn: "reader@corp.example.com",
      caFile: server.caFile,
      connectTimeoutSeconds: 2,
      timeoutSeconds: 2,
      ...overrides,
    }),
    environment,
    clock: { now: () => NOW },
    log,
  });
}

function buildWatermark(overrides: Partial<Extract<Watermark, { mode: "dirsync" }>> = {}): Watermark {
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

async function read(order: Partial<SourceReadOrder> = {}) {
  const pages: SourcePage[] = [];
  const whole = {
    kind: "full",
    attributes: ["department", "manager", "objectGUID"],
    objectClasses: ["user", "inetOrgPerson"],
    watermark: null,
    ...order,
  } as const;
  for await (const page of source.read(whole)) pages.push(page);
  const changes = pages.flatMap((page) => page.changes);
  for (const change of changes) Change.parse(change);
  return { pages, changes };
}
const delta = (order: Partial<SourceReadOrder> = {}) => read({ kind: "delta", watermark: buildWatermark(), ...order });

const extended = (number: number, dn: string) => `<GUID=${guidNumber(number)}>;<SID=S-1-5-21-1-2-3-${number}>;${dn}`;
function user(
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
function changed(number: number, attributes: FakeEntry["attributes"]): FakeEntry {
  return {
    dn: extended(number, `CN=User ${number},OU=Staff,${ROOT}`),
    attributes: { objectGUID: [bytesOfGuid(guidNumber(number))], ...attributes },
  };
}
const tokenOf = (page: SourcePage | undefined) => Buffer.from(page?.watermarkAfter?.token ?? "", "base64").toString();

describe("describing", () => {
  it("names domain and server, and is complete on Windows", async () => {
    expect(await source.describe()).toEqual({
      domain: { objectGuid: DOMAIN_GUID, sid: "S-1-5-21-1-2-3", fqdn: "corp.example.com" },
      server: { invocationId: INVOCATION_ID, dnsName: "dc1.corp.example.com", highestCommittedUsn: "5000" },
      visibility: "complete",
    });
  });

  it("is partial on Samba", async () => {
    domain.vendorName = "Samba Team (https://www.samba.org)";
    expect((await source.describe()).visibility).toBe("partial");
  });

  it.each<[string, () => void, string, RegExp]>([
    [
      "a read-only DC, by its capability",
      () => domain.capabilities.push("1.2.840.113556.1.4.1920"),
      "source-config",
      /read-only/,
    ],
    ["a read-only DC, by its class", () => Object.assign(domain, { readOnly: true }), "source-config", /read-only/],
    [
      "another kind of server",
      () => Object.assign(domain, { capabilities: [] }),
      "source-config",
      /not a domain controller/,
    ],
    [
      "hidden Deleted Objects",
      () => Object.assign(domain, { deletedObjectsVisible: false }),
      "source-rights",
      /CN=Deleted Objects.*List contents/,
    ],
    [
      "a wrong password",
      () => Object.assign(server, { password: "another" }),
      "source-credentials",
      /reader@corp.example.com.*password is wrong/,
    ],
  ])("refuses %s", async (_name, arrange, code, message) => {
    arrange();
    const error = await source.describe().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message), remedy: expect.stringMatching(/\w/) });
    expect(JSON.stringify(error) + String(error)).not.toContain(PASSWORD);
  });

  it.each([50, 1])("refuses when DirSync is denied (result %i)", async (result) => {
    const answer = server.onSearch;
    server.onSearch = (search) =>
      search.dirSync ? { result, message: "00002105: SecErr: DSID-032921CC, problem 4003" } : answer(search);
    await expect(source.describe()).rejects.toMatchObject({
      code: "source-rights",
      message: expect.stringContaining("Replicating Directory Changes"),
      remedy: expect.stringContaining("dsacls"),
    });
  });

  it.each([0, 1])(
    "warns when no deleted object is visible, as without List contents (%i tombstones)",
    async (count) => {
      domain.tombstones = count === 0 ? [] : [user(1, { isDeleted: ["TRUE"] })];
      log.lines.length = 0;
      await source.describe();
      expect(log.lines.filter(({ event }) => event === "no-deleted-object-visible")).toHaveLength(1 - count);
    },
  );

  it("names an unreachable server", async () => {
    source = sourceOf({ url: "ldaps://127.0.0.1:1" });
    await expect(source.describe()).rejects.toMatchObject({
      code: "source-unreachable",
      message: expect.stringContaining("127.0.0.1:1"),
    });
  });

  it("doesn't trust a certificate of another authority", async () => {
    const { caFile: _, ...withoutCa } = LdapSettings.parse({ kind: "ldap", url: server.url, bindDn: "x", caFile: "y" });
    source = createLdapSource({
      settings: withoutCa,
      environment: { UPLINK_LDAP_PASSWORD: PASSWORD },
      clock: { now: () => NOW },
      log,
    });
    await expect(source.describe()).rejects.toMatchObject({
      code: "source-config",
      remedy: expect.stringContaining("caFile"),
    });
    expect(server.binds).toEqual([]);
  });

  it.each(["", "\n"])("never binds without a password (file holds %j)", async (content) => {
    const passwordFile = join(folder, "password");
    await writeFile(passwordFile, content);
    source = sourceOf({ passwordFile }, {});
    await expect(source.describe()).rejects.toMatchObject({ code: "source-config" });
    expect(server.binds).toEqual([]);
  });

  it("takes the password from its file, without the line's end", async () => {
    const passwordFile = join(folder, "password");
    await writeFile(passwordFile, `${PASSWORD}\r\n`);
    source = sourceOf({ passwordFile }, {});
    await source.describe();
    expect(server.binds).toHaveLength(1);
  });

  it("binds again after the connection was lost, and never searches as nobody", async () => {
    await source.describe();
    server.dropConnections();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await source.describe();
    expect(server.binds).toHaveLength(2);
  });

  it("leaves no connection behind after a refused bind", async () => {
    server.password = "another";
    await source.describe().catch(() => undefined);
    await expect.poll(() => server.connections()).toBe(0);
  });
});

describe("a full read", () => {
  it("follows MoreResults to the last page, each with its cookie, incremental values, extended DNs, and classes alone in the filter", async () => {
    const cookies: string[] = [];
    domain.dirSync = ({ dirSync }) => {
      cookies.push(dirSync?.cookie ?? "");
      const page = cookies.length;
      return { entries: [user(page * 10), user(page * 10 + 1)], dirSync: { more: page < 3, cookie: `after-${page}` } };
    };
    const { pages, changes } = await read();
    expect(cookies).toEqual(["", "after-1", "after-2"]);
    expect(changes.map(({ objectGuid }) => objectGuid)).toEqual([10, 11, 20, 21, 30, 31].map(guidNumber));
    expect(pages.map(({ isLast }) => isLast)).toEqual([false, false, true]);
    expect(tokenOf(pages.at(-1))).toBe("after-3");
    const search = server.searches.at(-1);
    expect(search?.dirSync?.flags).toBe(0x80000000);
    expect(search?.controls.has("1.2.840.113556.1.4.529")).toBe(true);
    expect(search?.attributes).toEqual(expect.arrayContaining(["objectclass", "name", "isdeleted", "lastknownparent"]));
    expect(search?.base).toBe(ROOT);
    expect(JSON.stringify(search?.filter)).not.toContain("objectcategory");
  });

  it("goes on through an empty page in the middle", async () => {
    let page = 0;
    domain.dirSync = () => {
      page++;
      return { entries: page === 2 ? [] : [user(page)], dirSync: { more: page < 3, cookie: String(page) } };
    };
    expect((await read()).changes).toHaveLength(2);
  });

  it("sends exactly what was carried: no padding, bytes by the schema, the order's names, no computers", async () => {
    domain.dirSync = () => ({
      entries: [
        user(1, {
          DEPARTMENT: ["IT"],
          companyBadge: ["looks like text"],
          "manager;range=1-1": [extended(2, `CN=Boss,${ROOT}`)],
        }),
        user(3, {}, ["top", "person", "organizationalPerson", "user", "computer"]),
        user(4, {}, ["top", "person", "organizationalPerson", "user", "inetOrgPerson"]),
        {
          dn: extended(5, `OU=Staff,${ROOT}`),
          attributes: {
            objectGUID: [bytesOfGuid(guidNumber(5))],
            objectClass: ["top", "organizationalUnit"],
            parentGUID: [bytesOfGuid(DOMAIN_GUID)],
          },
        },
        user(6, { isDeleted: ["TRUE"] }),
        user(7, { isDeleted: ["TRUE"] }, ["top", "person", "organizationalPerson", "user", "computer"]),
      ],
      dirSync: { more: false, cookie: "end" },
    });
    const { changes } = await read({
      attributes: ["department", "mail", "manager", "companyBadge", "cn", "distinguishedName"],
    });
    expect(changes).toEqual([
      {
        op: "upsert",
        objectClass: "user",
        objectGuid: guidNumber(1),
        dn: `CN=User 1,OU=Staff,${ROOT}`,
        attributes: {
          department: ["IT"],
          companyBadge: [{ base64: Buffer.from("looks like text").toString("base64") }],
          cn: ["User 1"],
          distinguishedName: [`CN=User 1,OU=Staff,${ROOT}`],
        },
        links: [
          {
            attribute: "manager",
            mode: "replace",
            add: [{ guid: guidNumber(2), sid: "S-1-5-21-1-2-3-2", dn: `CN=Boss,${ROOT}` }],
            remove: [],
            part: 0,
            last: true,
          },
        ],
      },
      expect.objectContaining({ objectGuid: guidNumber(4), objectClass: "inetOrgPerson" }),
      {
        op: "container",
        objectClass: "organizationalUnit",
        objectGuid: guidNumber(5),
        dn: `OU=Staff,${ROOT}`,
        parentGuid: DOMAIN_GUID,
      },
      { op: "delete", objectGuid: guidNumber(6) },
    ]);
  });

  it("reads a large page in runs of 500, the watermark on the last", async () => {
    domain.dirSync = () => ({
      entries: Array.from({ length: 1_234 }, (_, index) => user(index)),
      dirSync: { more: false, cookie: "end" },
    });
    const { pages } = await read();
    expect(pages.map(({ changes }) => changes.length)).toEqual([500, 500, 234]);
    expect(pages.map(({ watermarkAfter }) => watermarkAfter !== undefined)).toEqual([false, false, true]);
  });

  it("asks a second time for what DirSync never carries", async () => {
    domain.dirSync = () => ({ entries: [user(1, { department: ["IT"] })], dirSync: { more: false, cookie: "end" } });
    domain.search = () => ({
      entries: [user(1, { memberOf: [extended(9, `CN=Group,${ROOT}`)], department: ["stale"] })],
    });
    const { changes } = await read({ attributes: ["department", "memberOf"] });
    expect(changes[0]).toMatchObject({ attributes: { department: ["IT"], memberOf: [`CN=Group,${ROOT}`] } });
  });

  it("goes by windows of uSNCreated on Samba, and keeps the cookie of the first", async () => {
    domain.vendorName = "Samba Team";
    domain.highestUsn = "9000";
    let window = 0;
    domain.dirSync = () => ({ entries: [user(++window)], dirSync: { more: false, cookie: `window-${window}` } });
    const { pages, changes } = await read();
    const bounds = server.searches
      .filter(({ dirSync, filter }) => dirSync && JSON.stringify(filter).includes("usncreated"))
      .map(({ filter }) => [...JSON.stringify(filter).matchAll(/"value":"(\d+)"/g)].map((match) => Number(match[1])));
    expect(bounds[0]?.[0]).toBe(0);
    for (const [index, [low]] of bounds.entries()) if (index > 0) expect(low).toBe((bounds[index - 1]?.[1] ?? 0) + 1);
    expect(bounds.at(-1)?.[1]).toBeGreaterThanOrEqual(9_000);
    expect(changes).toHaveLength(bounds.length);
    expect(tokenOf(pages.at(-1))).toBe("window-1");
    expect(pages.filter(({ isLast }) => isLast)).toHaveLength(1);
  });
});

describe("a delta", () => {
  it("reads again what was reported, whole, at most 100 a search, and lists what changed", async () => {
    domain.dirSync = ({ dirSync }) => {
      expect(dirSync?.cookie).toBe("cookie-1");
      return {
        entries: Array.from({ length: 250 }, (_, index) => changed(index, { department: index === 0 ? [] : ["New"] })),
        dirSync: { more: false, cookie: "cookie-2" },
      };
    };
    domain.search = () => ({
      entries: Array.from({ length: 250 }, (_, index) =>
        user(index, { mail: [`${index}@example.com`], ...(index === 0 ? {} : { department: ["New"] }) }),
      ),
    });
    const { pages, changes } = await delta({ attributes: ["department", "mail"] });
    expect(
      server.searches.filter(({ alternatives }) => alternatives > 10).map(({ alternatives }) => alternatives),
    ).toEqual([100, 100, 50]);
    expect(changes).toHaveLength(250);
    expect(changes[0]).toMatchObject({ changed: ["department"], attributes: { mail: ["0@example.com"] } });
    expect(changes[0]).not.toHaveProperty("attributes.department");
    expect(changes[1]).toMatchObject({
      changed: ["department"],
      attributes: { department: ["New"], mail: ["1@example.com"] },
    });
    expect(tokenOf(pages.at(-1))).toBe("cookie-2");
  });

  it("takes from DirSync what an ACL hides from the second read: never 'cleared'", async () => {
    domain.dirSync = () => ({
      entries: [changed(1, { department: ["Seen by DirSync"] })],
      dirSync: { more: false, cookie: "c" },
    });
    domain.search = () => ({ entries: [user(1)] });
    expect((await delta()).changes[0]).toMatchObject({
      changed: ["department", "objectGUID"],
      attributes: { department: ["Seen by DirSync"] },
    });
  });

  it("asks DirSync itself for an object that the account may not read", async () => {
    domain.dirSync = ({ dirSync }) =>
      dirSync?.cookie === ""
        ? { entries: [user(1, { department: ["New"], mail: ["a@b"] })], dirSync: { more: false, cookie: "x" } }
        : { entries: [changed(1, { department: ["New"] })], dirSync: { more: false, cookie: "c" } };
    const { changes, pages } = await delta({ attributes: ["department", "mail"] });
    expect(changes).toEqual([
      expect.objectContaining({
        op: "upsert",
        changed: ["department"],
        attributes: { department: ["New"], mail: ["a@b"] },
      }),
    ]);
    expect(tokenOf(pages.at(-1))).toBe("c");
  });

  it("says deleted by tombstones, reported or met, and not for computers", async () => {
    domain.dirSync = () => ({
      entries: [
        changed(1, { isDeleted: ["TRUE"] }),
        changed(2, { department: ["x"] }),
        changed(3, { isDeleted: ["TRUE"] }),
        changed(4, { isDeleted: ["TRUE"] }),
      ],
      dirSync: { more: false, cookie: "c" },
    });
    domain.search = () => ({
      entries: [
        user(1, { isDeleted: ["TRUE"] }),
        user(2, { isDeleted: ["TRUE"] }),
        user(3, { isDeleted: ["TRUE"] }, ["top", "person", "organizationalPerson", "user", "computer"]),
      ],
    });
    expect((await delta()).changes).toEqual(
      [1, 2, 4].map((number) => ({ op: "delete", objectGuid: guidNumber(number) })),
    );
  });

  it("sends an undeleted object whole: what deletion took is cleared", async () => {
    domain.dirSync = ({ dirSync }) =>
      dirSync?.cookie === ""
        ? { entries: [user(1, { mail: ["hidden@b"] })], dirSync: { more: false, cookie: "x" } }
        : { entries: [changed(1, { isDeleted: [] })], dirSync: { more: false, cookie: "c" } };
    domain.search = () => ({ entries: [user(1)] });
    const { changes } = await delta({ attributes: ["department", "mail"] });
    expect(changes).toEqual([
      expect.objectContaining({ op: "upsert", changed: ["department", "mail"], attributes: { mail: ["hidden@b"] } }),
    ]);
  });

  it("lets the objects below a renamed OU follow it", async () => {
    const unit = (attributes: FakeEntry["attributes"]): FakeEntry => ({
      dn: extended(50, `OU=New,${ROOT}`),
      attributes: { objectGUID: [bytesOfGuid(guidNumber(50))], ...attributes },
    });
    domain.dirSync = () => ({
      entries: [unit({ name: ["New"], parentGUID: [bytesOfGuid(DOMAIN_GUID)] })],
      dirSync: { more: false, cookie: "c" },
    });
    domain.search = ({ base, alternatives }) => {
      if (base.startsWith("<GUID=")) return { entries: [unit({}), user(1), user(2)] };
      return alternatives === 1
        ? { entries: [unit({ objectClass: ["top", "organizationalUnit"] })] }
        : { entries: [user(1), user(2)] };
    };
    const { changes, pages } = await delta({ attributes: ["department", "distinguishedName"] });
    expect(changes.map(({ op, objectGuid }) => [op, objectGuid])).toEqual([
      ["container", guidNumber(50)],
      ["upsert", guidNumber(1)],
      ["upsert", guidNumber(2)],
    ]);
    expect(changes[1]).toMatchObject({ changed: ["distinguishedName"] });
    expect(pages.at(-1)?.watermarkAfter).toBeDefined();
  });

  it("reads values beyond the server's range", async () => {
    domain.dirSync = () => ({ entries: [changed(1, { mail: ["x"] })], dirSync: { more: false, cookie: "c" } });
    const asked: string[] = [];
    domain.search = ({ base, attributes }) => {
      if (!base.startsWith("<GUID=")) return { entries: [user(1, { "mail;range=0-1": ["a", "b"] })] };
      asked.push(attributes.join());
      return {
        entries: [user(1, asked.length === 1 ? { "mail;range=2-3": ["c", "d"] } : { "mail;range=4-*": ["e"] })],
      };
    };
    expect((await delta({ attributes: ["mail"] })).changes[0]).toMatchObject({
      attributes: { mail: ["a", "b", "c", "d", "e"] },
    });
    expect(asked).toEqual(["mail;range=2-*", "mail;range=4-*"]);
  });

  it("without changes is one empty page with the new cookie", async () => {
    domain.dirSync = () => ({ dirSync: { more: false, cookie: "later" } });
    const { pages } = await delta();
    expect(pages).toHaveLength(1);
    expect(pages[0]).toMatchObject({
      changes: [],
      isLast: true,
      watermarkAfter: { mode: "dirsync", invocationId: INVOCATION_ID, usn: "5000" },
    });
    expect(tokenOf(pages[0])).toBe("later");
  });

  it.each([12, 53])("says that a full read is needed when the cookie is refused (result %i)", async (result) => {
    domain.dirSync = () => ({ result, message: "bad cookie" });
    await expect(delta()).rejects.toMatchObject({ code: "source-cookie" });
  });

  it("says that a full read is needed when one answer holds more than can be taken", async () => {
    const entries = Array.from({ length: 130_000 }, (_, index) => ({ dn: `CN=${index}`, attributes: {} }));
    domain.dirSync = () => ({ entries, dirSync: { more: false, cookie: "end" } });
    source = sourceOf({ timeoutSeconds: 20 });
    await expect(delta()).rejects.toMatchObject({
      code: "source-cookie",
      message: expect.stringContaining("one answer"),
    });
  });

  it.each<[string, Watermark | null]>([
    ["another DC's", buildWatermark({ invocationId: guidNumber(9) })],
    ["one of later than this DC's highest USN", buildWatermark({ usn: "5001" })],
    [
      "one older than half the tombstone lifetime",
      buildWatermark({ at: new Date(NOW - 91 * 86_400_000).toISOString() }),
    ],
    ["a file's", Watermark.parse({ mode: "ldif", id: "x", token: "y", at: "z" })],
    ["none", null],
  ])("never uses %s watermark", async (_name, watermark) => {
    domain.dirSync = () => {
      throw new Error("The cookie was used.");
    };
    await expect(delta({ watermark })).rejects.toMatchObject({ code: "source-cookie" });
  });

  it("ends without a watermark when the server goes away in the middle", async () => {
    let page = 0;
    domain.dirSync = () =>
      ++page === 1 ? { entries: [changed(1, { mail: ["x"] })], dirSync: { more: true, cookie: "1" } } : { cut: true };
    domain.search = () => ({ entries: [user(1)] });
    const pages: SourcePage[] = [];
    const reading = (async () => {
      const order = {
        kind: "delta",
        attributes: ["mail"],
        objectClasses: ["user"],
        watermark: buildWatermark(),
      } as const;
      for await (const one of source.read(order)) pages.push(one);
    })();
    await expect(reading).rejects.toMatchObject({ code: "source-unreachable" });
    expect(pages.map(({ isLast }) => isLast)).toEqual([false]);
    expect(tokenOf(pages[0])).toBe("1");
  });

  it("refuses when sight of deleted objects was taken away meanwhile", async () => {
    await source.describe();
    domain.deletedObjectsVisible = false;
    await expect(delta()).rejects.toMatchObject({ code: "source-rights" });
  });

  it("doesn't go on with another DC that answers under the same name", async () => {
    await source.describe();
    domain.invocationId = guidNumber(77);
    await expect(delta()).rejects.toMatchObject({ code: "source-unreachable" });
  });
});
