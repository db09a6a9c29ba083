/** Deltas on the wire: second reads, what an ACL hides, tombstones, cookies that are of no use. */
import { describe, expect, it } from "vitest";
import { Watermark } from "../../../shared/contracts/change.ts";
import type { SourcePage, SourceReadOrder } from "../../../shared/ports/source-directory.ts";
import { bytesOfGuid, DOMAIN_GUID, INVOCATION_ID, ROOT } from "../../support/fake-ldap/fake-domain.ts";
import type { FakeEntry } from "../../support/fake-ldap/fake-ldap.ts";
import { guidNumber } from "../builders.ts";
import { buildWatermark, changed, extended, NOW, tokenOf, useLdapSource, user } from "./ldap-fixture.ts";

const f = useLdapSource();

describe("a delta", () => {
  it("reads again what was reported, whole, at most 100 a search, and lists what changed", async () => {
    f.domain.dirSync = ({ dirSync }) => {
      expect(dirSync?.cookie).toBe("cookie-1");
      return {
        entries: Array.from({ length: 250 }, (_, index) => changed(index, { department: index === 0 ? [] : ["New"] })),
        dirSync: { more: false, cookie: "cookie-2" },
      };
    };
    f.domain.search = () => ({
      entries: Array.from({ length: 250 }, (_, index) =>
        user(index, { mail: [`${index}@example.com`], ...(index === 0 ? {} : { department: ["New"] }) }),
      ),
    });
    const { pages, changes } = await f.delta({ attributes: ["department", "mail"] });
    expect(
      f.server.searches.filter(({ alternatives }) => alternatives > 10).map(({ alternatives }) => alternatives),
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
    f.domain.dirSync = () => ({
      entries: [changed(1, { department: ["Seen by DirSync"] })],
      dirSync: { more: false, cookie: "c" },
    });
    f.domain.search = () => ({ entries: [user(1)] });
    expect((await f.delta()).changes[0]).toMatchObject({
      changed: ["department", "objectGUID"],
      attributes: { department: ["Seen by DirSync"] },
    });
  });

  it("asks DirSync itself for an object that the account may not read", async () => {
    f.domain.dirSync = ({ dirSync }) =>
      dirSync?.cookie === ""
        ? { entries: [user(1, { department: ["New"], mail: ["a@b"] })], dirSync: { more: false, cookie: "x" } }
        : { entries: [changed(1, { department: ["New"] })], dirSync: { more: false, cookie: "c" } };
    const { changes, pages } = await f.delta({ attributes: ["department", "mail"] });
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
    f.domain.dirSync = () => ({
      entries: [
        changed(1, { isDeleted: ["TRUE"] }),
        changed(2, { department: ["x"] }),
        changed(3, { isDeleted: ["TRUE"] }),
        changed(4, { isDeleted: ["TRUE"] }),
      ],
      dirSync: { more: false, cookie: "c" },
    });
    f.domain.search = () => ({
      entries: [
        user(1, { isDeleted: ["TRUE"] }),
        user(2, { isDeleted: ["TRUE"] }),
        user(3, { isDeleted: ["TRUE"] }, ["top", "person", "organizationalPerson", "user", "computer"]),
      ],
    });
    expect((await f.delta()).changes).toEqual(
      [1, 2, 4].map((number) => ({ op: "delete", objectGuid: guidNumber(number) })),
    );
  });

  it("sends an undeleted object whole: what deletion took is cleared", async () => {
    f.domain.dirSync = ({ dirSync }) =>
      dirSync?.cookie === ""
        ? { entries: [user(1, { mail: ["hidden@b"] })], dirSync: { more: false, cookie: "x" } }
        : { entries: [changed(1, { isDeleted: [] })], dirSync: { more: false, cookie: "c" } };
    f.domain.search = () => ({ entries: [user(1)] });
    const { changes } = await f.delta({ attributes: ["department", "mail"] });
    expect(changes).toEqual([
      expect.objectContaining({ op: "upsert", changed: ["department", "mail"], attributes: { mail: ["hidden@b"] } }),
    ]);
  });

  it("lets the objects below a renamed OU follow it", async () => {
    const unit = (attributes: FakeEntry["attributes"]): FakeEntry => ({
      dn: extended(50, `OU=New,${ROOT}`),
      attributes: { objectGUID: [bytesOfGuid(guidNumber(50))], ...attributes },
    });
    f.domain.dirSync = () => ({
      entries: [unit({ name: ["New"], parentGUID: [bytesOfGuid(DOMAIN_GUID)] })],
      dirSync: { more: false, cookie: "c" },
    });
    f.domain.search = ({ base, alternatives }) => {
      if (base.startsWith("<GUID=")) return { entries: [unit({}), user(1), user(2)] };
      return alternatives === 1
        ? { entries: [unit({ objectClass: ["top", "organizationalUnit"] })] }
        : { entries: [user(1), user(2)] };
    };
    const { changes, pages } = await f.delta({ attributes: ["department", "distinguishedName"] });
    expect(changes.map(({ op, objectGuid }) => [op, objectGuid])).toEqual([
      ["container", guidNumber(50)],
      ["upsert", guidNumber(1)],
      ["upsert", guidNumber(2)],
    ]);
    expect(changes[1]).toMatchObject({ changed: ["distinguishedName"] });
    expect(pages.at(-1)?.watermarkAfter).toBeDefined();
  });

  it("reads values beyond the server's range", async () => {
    f.domain.dirSync = () => ({ entries: [changed(1, { mail: ["x"] })], dirSync: { more: false, cookie: "c" } });
    const asked: string[] = [];
    f.domain.search = ({ base, attributes }) => {
      if (!base.startsWith("<GUID=")) return { entries: [user(1, { "mail;range=0-1": ["a", "b"] })] };
      asked.push(attributes.join());
      const all = ["a", "b", "c", "d", "e"];
      const from = Number(/range=(\d+)-/.exec(asked.at(-1) ?? "")?.[1]);
      const to = from + 3 > all.length ? "*" : from + 2;
      return { entries: [user(1, { [`mail;range=${from}-${to}`]: all.slice(from, from + 3) })] };
    };
    expect((await f.delta({ attributes: ["mail"] })).changes[0]).toMatchObject({
      attributes: { mail: ["a", "b", "c", "d", "e"] },
    });
    // Each begins with the last value of the one before.
    expect(asked.map((names) => /range=(\d+)-/.exec(names)?.[1])).toEqual(["0", "2", "4"]);
  });

  it("without changes is one empty page with the new cookie", async () => {
    f.domain.dirSync = () => ({ dirSync: { more: false, cookie: "later" } });
    const { pages } = await f.delta();
    expect(pages).toHaveLength(1);
    expect(pages[0]).toMatchObject({
      changes: [],
      isLast: true,
      watermarkAfter: { mode: "dirsync", invocationId: INVOCATION_ID, usn: "5000" },
    });
    expect(tokenOf(pages[0])).toBe("later");
  });

  it.each([12, 53])("says that a full read is needed when the cookie is refused (result %i)", async (result) => {
    f.domain.dirSync = () => ({ result, message: "bad cookie" });
    await expect(f.delta()).rejects.toMatchObject({ code: "source-cookie" });
  });

  it("says that a full read is needed when one answer holds more than can be taken", async () => {
    const entries = Array.from({ length: 130_000 }, (_, index) => ({ dn: `CN=${index}`, attributes: {} }));
    f.domain.dirSync = () => ({ entries, dirSync: { more: false, cookie: "end" } });
    f.source = f.sourceOf({ timeoutSeconds: 20 });
    await expect(f.delta()).rejects.toMatchObject({
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
    f.domain.dirSync = () => {
      throw new Error("The cookie was used.");
    };
    await expect(f.delta({ watermark })).rejects.toMatchObject({ code: "source-cookie" });
  });

  it("ends without a watermark when the server goes away in the middle", async () => {
    let page = 0;
    f.domain.dirSync = () =>
      ++page === 1 ? { entries: [changed(1, { mail: ["x"] })], dirSync: { more: true, cookie: "1" } } : { cut: true };
    f.domain.search = () => ({ entries: [user(1)] });
    const pages: SourcePage[] = [];
    const reading = (async () => {
      const order: SourceReadOrder = {
        kind: "delta",
        attributes: ["mail"],
        objectClasses: ["user"],
        watermark: buildWatermark(),
        scope: { organizationalUnits: [], groups: [] },
        reportsLeaves: false,
      };
      for await (const one of f.source.read(order)) pages.push(one);
    })();
    await expect(reading).rejects.toMatchObject({ code: "source-unreachable" });
    expect(pages.map(({ isLast }) => isLast)).toEqual([false]);
    expect(tokenOf(pages[0])).toBe("1");
  });

  it("refuses when sight of deleted objects was taken away meanwhile", async () => {
    await f.source.describe();
    f.domain.deletedObjectsVisible = false;
    await expect(f.delta()).rejects.toMatchObject({ code: "source-rights" });
  });

  it("doesn't go on with another DC that answers under the same name", async () => {
    await f.source.describe();
    f.domain.invocationId = guidNumber(77);
    await expect(f.delta()).rejects.toMatchObject({ code: "source-unreachable" });
  });
});
