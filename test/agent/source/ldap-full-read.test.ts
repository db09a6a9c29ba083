/** Full reads on the wire: paging as Windows does it, windows as Samba needs them, and exactly what an entry carried. */
import { describe, expect, it } from "vitest";
import { bytesOfGuid, DOMAIN_GUID, ROOT } from "../../support/fake-ldap/fake-domain.ts";
import { guidNumber } from "../builders.ts";
import { extended, tokenOf, useLdapSource, user } from "./ldap-fixture.ts";

const f = useLdapSource();

describe("a full read", () => {
  it("follows MoreResults to the last page, each with its cookie, incremental values, extended DNs, and classes alone in the filter", async () => {
    const cookies: string[] = [];
    f.domain.dirSync = ({ dirSync }) => {
      cookies.push(dirSync?.cookie ?? "");
      const page = cookies.length;
      return { entries: [user(page * 10), user(page * 10 + 1)], dirSync: { more: page < 3, cookie: `after-${page}` } };
    };
    const { pages, changes } = await f.read();
    expect(cookies).toEqual(["", "after-1", "after-2"]);
    expect(changes.map(({ objectGuid }) => objectGuid)).toEqual([10, 11, 20, 21, 30, 31].map(guidNumber));
    expect(pages.map(({ isLast }) => isLast)).toEqual([false, false, true]);
    expect(tokenOf(pages.at(-1))).toBe("after-3");
    const search = f.server.searches.findLast(({ dirSync }) => dirSync !== undefined);
    expect(search?.dirSync?.flags).toBe(0x80000000);
    expect(search?.controls.has("1.2.840.113556.1.4.529")).toBe(true);
    expect(search?.attributes).toEqual(expect.arrayContaining(["objectclass", "name", "isdeleted", "lastknownparent"]));
    expect(search?.base).toBe(ROOT);
    expect(JSON.stringify(search?.filter)).not.toContain("objectcategory");
  });

  it("goes on through an empty page in the middle", async () => {
    let page = 0;
    f.domain.dirSync = () => {
      page++;
      return { entries: page === 2 ? [] : [user(page)], dirSync: { more: page < 3, cookie: String(page) } };
    };
    expect((await f.read()).changes).toHaveLength(2);
  });

  it("sends exactly what was carried: no padding, bytes by the schema, the order's names, no computers", async () => {
    f.domain.dirSync = () => ({
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
    const { changes } = await f.read({
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
            add: [{ guid: guidNumber(2) }],
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
    f.domain.dirSync = () => ({
      entries: Array.from({ length: 1_234 }, (_, index) => user(index)),
      dirSync: { more: false, cookie: "end" },
    });
    const { pages } = await f.read();
    expect(pages.map(({ changes }) => changes.length)).toEqual([500, 500, 234]);
    expect(pages.map(({ watermarkAfter }) => watermarkAfter !== undefined)).toEqual([false, false, true]);
  });

  it("asks a second time for what DirSync never carries", async () => {
    f.domain.dirSync = () => ({ entries: [user(1, { department: ["IT"] })], dirSync: { more: false, cookie: "end" } });
    f.domain.search = () => ({
      entries: [user(1, { memberOf: [extended(9, `CN=Group,${ROOT}`)], department: ["stale"] })],
    });
    const { changes } = await f.read({ attributes: ["department", "memberOf"] });
    expect(changes[0]).toMatchObject({ attributes: { department: ["IT"], memberOf: [`CN=Group,${ROOT}`] } });
  });

  it("goes by windows of uSNCreated on Samba, and keeps the cookie of the first", async () => {
    f.domain.vendorName = "Samba Team";
    f.domain.highestUsn = "9000";
    let window = 0;
    f.domain.dirSync = () => ({ entries: [user(++window)], dirSync: { more: false, cookie: `window-${window}` } });
    const { pages, changes } = await f.read();
    const bounds = f.server.searches
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
