/** Connecting, and what the LDAP source refuses to work with. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createLdapSource } from "../../../agent/source/ldap/ldap-source.ts";
import { LdapSettings } from "../../../agent/source/ldap/settings.ts";
import { DOMAIN_GUID, type FakeDomain, INVOCATION_ID, READER_SID } from "../../support/fake-ldap/fake-domain.ts";
import { NOW, PASSWORD, useLdapSource, user } from "./ldap-fixture.ts";

const f = useLdapSource();

describe("describing", () => {
  it("names domain and server, and is complete on Windows", async () => {
    expect(await f.source.describe()).toEqual({
      domain: { objectGuid: DOMAIN_GUID, sid: "S-1-5-21-1-2-3", fqdn: "corp.example.com" },
      server: { invocationId: INVOCATION_ID, dnsName: "dc1.corp.example.com", highestCommittedUsn: "5000" },
      visibility: "complete",
    });
  });

  it("is partial on Samba", async () => {
    f.domain.vendorName = "Samba Team (https://www.samba.org)";
    expect((await f.source.describe()).visibility).toBe("partial");
  });

  it.each<[string, () => void, string, RegExp]>([
    [
      "a read-only DC, by its capability",
      () => f.domain.capabilities.push("1.2.840.113556.1.4.1920"),
      "source-config",
      /read-only/,
    ],
    ["a read-only DC, by its class", () => Object.assign(f.domain, { readOnly: true }), "source-config", /read-only/],
    [
      "another kind of server",
      () => Object.assign(f.domain, { capabilities: [] }),
      "source-config",
      /not a domain controller/,
    ],
    [
      "hidden Deleted Objects",
      () => Object.assign(f.domain, { deletedObjectsVisible: false }),
      "source-rights",
      /CN=Deleted Objects.*List contents/,
    ],
    [
      "a wrong password",
      () => Object.assign(f.server, { password: "another" }),
      "source-credentials",
      /reader@corp.example.com.*password is wrong/,
    ],
  ])("refuses %s", async (_name, arrange, code, message) => {
    arrange();
    const error = await f.source.describe().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message), remedy: expect.stringMatching(/\w/) });
    expect(JSON.stringify(error) + String(error)).not.toContain(PASSWORD);
  });

  it.each([50, 1])("refuses when DirSync is denied (result %i)", async (result) => {
    const answer = f.server.onSearch;
    f.server.onSearch = (search) =>
      search.dirSync ? { result, message: "00002105: SecErr: DSID-032921CC, problem 4003" } : answer(search);
    await expect(f.source.describe()).rejects.toMatchObject({
      code: "source-rights",
      message: expect.stringContaining("Replicating Directory Changes"),
      remedy: expect.stringContaining("dsacls"),
    });
  });

  it.each<[string, Partial<FakeDomain>, RegExp | undefined]>([
    ["by the access list", {}, undefined],
    [
      "by a group on the access list",
      { accessList: [{ type: "allow", mask: 0x14, sid: "S-1-5-21-1-2-3-513" }] },
      undefined,
    ],
    ["by an entry for whoever signed in", { accessList: [{ type: "allow", mask: 0x14, sid: "S-1-5-11" }] }, undefined],
    [
      "not: List contents is missing on the list",
      { accessList: [{ type: "allow", mask: 0x10, sid: READER_SID }] },
      /can't see/,
    ],
    [
      "not even by a tombstone when the list says no",
      { accessList: [], tombstones: [user(1, { isDeleted: ["TRUE"] })] },
      /can't see/,
    ],
    [
      "by a tombstone, where the list is hidden",
      { accessList: undefined, tombstones: [user(1, { isDeleted: ["TRUE"] })] },
      undefined,
    ],
    ["not: no tombstone, and the list is hidden", { accessList: undefined }, /Nothing proves .*List contents/],
    ["not: no tombstone, and the account's groups are hidden", { tokenGroups: [] }, /Nothing proves .*List contents/],
  ])("sight of deleted objects is proved %s", async (_name, domain, refusal) => {
    Object.assign(f.domain, domain);
    if (refusal === undefined) await expect(f.source.describe()).resolves.toMatchObject({ visibility: "complete" });
    else {
      await expect(f.source.describe()).rejects.toMatchObject({
        code: "source-rights",
        message: expect.stringMatching(refusal),
        remedy: expect.stringContaining("LCRPRC"),
      });
    }
  });

  it("refuses when a right on deleted objects is taken away while it runs, but not when tombstones end", async () => {
    f.domain.accessList = undefined;
    f.domain.tombstones = [user(1, { isDeleted: ["TRUE"] })];
    await f.source.describe();
    f.domain.tombstones = [];
    await f.source.describe();
    f.domain.accessList = [{ type: "deny", mask: 0x4, sid: READER_SID }];
    await expect(f.source.describe()).rejects.toMatchObject({ code: "source-rights" });
  });

  it("names an unreachable server", async () => {
    f.source = f.sourceOf({ url: "ldaps://127.0.0.1:1" });
    await expect(f.source.describe()).rejects.toMatchObject({
      code: "source-unreachable",
      message: expect.stringContaining("127.0.0.1:1"),
    });
  });

  it("doesn't trust a certificate of another authority", async () => {
    const { caFile: _, ...withoutCa } = LdapSettings.parse({
      kind: "ldap",
      url: f.server.url,
      bindDn: "x",
      caFile: "y",
    });
    f.source = createLdapSource({
      settings: withoutCa,
      environment: { UPLINK_LDAP_PASSWORD: PASSWORD },
      clock: { now: () => NOW },
      log: f.log,
    });
    await expect(f.source.describe()).rejects.toMatchObject({
      code: "source-config",
      remedy: expect.stringContaining("caFile"),
    });
    expect(f.server.binds).toEqual([]);
  });

  it.each(["", "\n"])("never binds without a password (file holds %j)", async (content) => {
    const passwordFile = join(f.folder, "password");
    await writeFile(passwordFile, content);
    f.source = f.sourceOf({ passwordFile }, {});
    await expect(f.source.describe()).rejects.toMatchObject({ code: "source-config" });
    expect(f.server.binds).toEqual([]);
  });

  it("takes the password from its file, without the line's end", async () => {
    const passwordFile = join(f.folder, "password");
    await writeFile(passwordFile, `${PASSWORD}\r\n`);
    f.source = f.sourceOf({ passwordFile }, {});
    await f.source.describe();
    expect(f.server.binds).toHaveLength(1);
  });

  it("binds again after the connection was lost, and never searches as nobody", async () => {
    await f.source.describe();
    f.server.dropConnections();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await f.source.describe();
    expect(f.server.binds).toHaveLength(2);
  });

  it("leaves no connection behind after a refused bind", async () => {
    f.server.password = "another";
    await f.source.describe().catch(() => undefined);
    await expect.poll(() => f.server.connections()).toBe(0);
  });
});
