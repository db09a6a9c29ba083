/** An LDIF file as a source: identity, content, what makes a read incomplete, and waiting for a change. */
import { createHash } from "node:crypto";
import { appendFile, mkdtemp, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AgentSource } from "../../../agent/agent-source.ts";
import { createLdifSource } from "../../../agent/source/ldif/ldif-source.ts";
import { LdifSettings } from "../../../agent/source/ldif/settings.ts";
import { Change } from "../../../shared/contracts/change.ts";
import type { AgentScope } from "../../../shared/contracts/configuration.ts";
import { guidToBytes } from "../../../shared/domain/values.ts";
import type { SourcePage } from "../../../shared/ports/source-directory.ts";
import { createRecordingLog, guidNumber } from "../builders.ts";

let folder: string;
let file: string;
let source: AgentSource;
const log = createRecordingLog();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-ldif-"));
  file = join(folder, "corp.ldif");
  source = createLdifSource({
    settings: LdifSettings.parse({ kind: "ldif", file, pollSeconds: 30, settleMilliseconds: 20 }),
    clock: { now: () => Date.UTC(2026, 10, 22) },
    log,
  });
});
afterEach(async () => {
  await source.close();
  await rm(folder, { recursive: true, force: true });
});

const base64Guid = (number: number) => Buffer.from(guidToBytes(guidNumber(number))).toString("base64");
const DOMAIN = `dn: DC=corp,DC=example,DC=com
objectClass: top
objectClass: domain
objectClass: domainDNS
objectGUID:: ${base64Guid(1)}
objectSid: S-1-5-21-1-2-3

`;
const STAFF = `dn: OU=Staff,DC=corp,DC=example,DC=com
objectClass: top
objectClass: organizationalUnit
objectGUID: ${guidNumber(2)}

`;
function person(
  number: number,
  lines = "",
  classes = "objectClass: top\nobjectClass: person\nobjectClass: user",
): string {
  return `dn: CN=User ${number},OU=Staff,DC=corp,DC=example,DC=com\n${classes}\nobjectGUID:: ${base64Guid(number)}\n${lines}\n`;
}

const WITHOUT_SCOPE = {
  watermark: null,
  scope: { organizationalUnits: [], groups: [] } as AgentScope,
  reportsLeaves: false,
};

async function read(
  attributes = ["sAMAccountName", "manager", "objectGUID", "distinguishedName"],
  objectClasses = ["user", "inetOrgPerson"],
) {
  const pages: SourcePage[] = [];
  for await (const page of source.read({
    kind: "full",
    attributes,
    objectClasses,
    ...WITHOUT_SCOPE,
  }))
    pages.push(page);
  const changes = pages.flatMap((page) => page.changes);
  for (const change of changes) Change.parse(change);
  return { pages, changes };
}

describe("a file", () => {
  it("says whose domain it is", async () => {
    await writeFile(file, DOMAIN);
    expect(await source.describe()).toEqual({
      domain: { objectGuid: guidNumber(1), sid: "S-1-5-21-1-2-3", fqdn: "corp.example.com" },
      server: { invocationId: "00000000-0000-0000-0000-000000000000", dnsName: "corp.ldif", highestCommittedUsn: "0" },
      visibility: "partial",
    });
  });

  it("gives users and containers, by the order's names, references by GUID, and no computers", async () => {
    const computer = "objectClass: computer\nobjectClass: user\nobjectClass: top";
    const manager = "CN=user 11,ou=Staff, DC=corp,DC=example,DC=com";
    await writeFile(
      file,
      DOMAIN +
        STAFF +
        person(10, `SAMACCOUNTNAME: u10\nmanager: ${manager}\n`) +
        person(11, "department: IT\n") +
        person(12, "", computer),
    );
    const { changes, pages } = await read(["sAMAccountName", "manager", "objectGUID", "objectSid"]);
    expect(changes).toEqual([
      {
        op: "container",
        objectClass: "organizationalUnit",
        objectGuid: guidNumber(2),
        dn: "OU=Staff,DC=corp,DC=example,DC=com",
        parentGuid: guidNumber(1),
      },
      {
        op: "upsert",
        objectClass: "user",
        objectGuid: guidNumber(10),
        dn: "CN=User 10,OU=Staff,DC=corp,DC=example,DC=com",
        parentGuid: guidNumber(2),
        attributes: { sAMAccountName: ["u10"], objectGUID: [{ base64: base64Guid(10) }] },
        links: [
          {
            attribute: "manager",
            mode: "replace",
            add: [{ guid: guidNumber(11) }],
            remove: [],
            part: 0,
            last: true,
          },
        ],
      },
      expect.objectContaining({ objectGuid: guidNumber(11), attributes: { objectGUID: [{ base64: base64Guid(11) }] } }),
    ]);
    expect(pages.at(-1)).toMatchObject({
      isLast: true,
      watermarkAfter: { mode: "ldif", token: await source.fingerprint?.() },
    });
  });

  it("passes over what is no person, whatever it is", async () => {
    const others = [
      "objectClass: top\nobjectClass: container",
      "objectClass: group\nobjectClass: top\nsAMAccountName: staff",
      "objectClass: top\nobjectClass: person\nobjectClass: organizationalPerson\nobjectClass: contact",
      "objectClass: top\nobjectClass: builtinDomain",
      "objectClass: top\nobjectClass: contosoPrinter",
    ];
    const hidden = ["OU=Hidden", "CN=NTDS Quotas", "CN=Policy,CN=IP Security,CN=System"].map(
      (name) => `dn: ${name},DC=corp,DC=example,DC=com\n\n`,
    );
    await writeFile(
      file,
      DOMAIN + hidden.join("") + others.map((classes, index) => person(20 + index, "", classes)).join(""),
    );
    expect((await read()).changes).toEqual([]);
  });

  it("gives people of any order of classes, and of a class that only the service knows", async () => {
    const classes =
      "objectClass: user\nobjectClass: contosoEmployee\nobjectClass: organizationalPerson\nobjectClass: top";
    const custom = "objectClass: top\nobjectClass: person\nobjectClass: contosoGuest\nuserPrincipalName: g@x";
    await writeFile(file, DOMAIN + person(10, "", classes) + person(11, "", custom));
    await expect(read()).rejects.toMatchObject({ code: "source-record", message: expect.stringContaining("User 11") });
    expect((await read([], ["user", "contosoGuest"])).changes).toMatchObject([
      { objectGuid: guidNumber(10), objectClass: "user" },
      { objectGuid: guidNumber(11), objectClass: "contosoGuest" },
    ]);
  });

  it("gives bytes as bytes, whichever form the tool wrote", async () => {
    await writeFile(file, DOMAIN + person(10, "objectSid: S-1-5-21-7-8-9-1104\nthumbnailPhoto:: /9j/\nsn:: w6Q=\n"));
    const { changes } = await read(["objectSid", "thumbnailPhoto", "sn"]);
    expect(changes[0]).toMatchObject({
      attributes: {
        objectSid: [{ base64: "AQUAAAAAAAUVAAAABwAAAAgAAAAJAAAAUAQAAA==" }],
        thumbnailPhoto: [{ base64: "/9j/" }],
        sn: ["ä"],
      },
    });
  });

  it("gives 1,200 users in pages", async () => {
    await writeFile(file, DOMAIN + Array.from({ length: 1_200 }, (_, index) => person(index + 10)).join(""));
    const { pages, changes } = await read();
    expect(changes).toHaveLength(1_200);
    expect(pages.map((page) => page.changes.length)).toEqual([500, 500, 200]);
    expect(source.expectedObjects?.()).toBe(1_201);
  });
});

describe("refuses", () => {
  it.each<[string, string, string, RegExp]>([
    [
      "a user without objectGUID",
      DOMAIN + person(10).replace(/objectGUID.*\n/, ""),
      "source-record",
      /CN=User 10,.*no objectGUID/,
    ],
    [
      "a unit without objectGUID",
      DOMAIN + STAFF.replace(/objectGUID.*\n/, ""),
      "source-record",
      /OU=Staff,.*no objectGUID/,
    ],
    [
      "two records run together",
      DOMAIN + person(10).trimEnd().concat("\n", person(11)),
      "source-record",
      /line 13 .*User 11.*User 10/,
    ],
    [
      "two records run together without the second's DN",
      DOMAIN + person(10, `objectGUID:: ${base64Guid(11)}\n`),
      "source-record",
      /User 10,.*line 8 .*2 values of objectGUID/,
    ],
    [
      "two SIDs in a record",
      DOMAIN + person(10, "objectSid: S-1-5-21-1-2-3-4\nobjectSid;binary: S-1-5-21-1-2-3-5\n"),
      "source-record",
      /User 10,.*line 8 .*2 values of objectSid/,
    ],
    [
      "a hidden record that may be a person",
      `${DOMAIN}dn: CN=Hidden,OU=System,DC=corp,DC=example,DC=com\n\n`,
      "source-record",
      /CN=Hidden.*no objectClass/,
    ],
    [
      "a unit without objectClass",
      DOMAIN + STAFF.replaceAll(/objectClass.*\n/g, ""),
      "source-record",
      /OU=Staff.*no objectClass/,
    ],
    [
      "a record without objectClass",
      DOMAIN + person(10, "", "cn: x"),
      "source-record",
      /User 10,.*line 8 .*no objectClass/,
    ],
    [
      "a record of class top alone",
      DOMAIN + person(10, "", "objectClass: top"),
      "source-record",
      /User 10,.*'top' alone/,
    ],
    [
      "a person without the class user",
      DOMAIN + person(10, "", "objectClass: top\nobjectClass: person\nobjectClass: organizationalPerson"),
      "source-record",
      /User 10,.*line 8 .*top, person, organizationalPerson/,
    ],
    [
      "an account whose class has a typing error",
      DOMAIN + person(10, "sAMAccountName: u10\n", "objectClass: top\nobjectClass: usr"),
      "source-record",
      /User 10,.*usr/,
    ],
    [
      "a class with a blank behind it",
      DOMAIN + person(10, "", "objectClass: user "),
      "source-record",
      /User 10,.*classes/,
    ],
    [
      "an objectGUID twice",
      DOMAIN + person(10) + person(10).replace("CN=User 10", "CN=Twin"),
      "source-record",
      /User 10.*Twin/,
    ],
    [
      "a GUID that is none",
      DOMAIN + person(10).replace(/objectGUID.*/, "objectGUID: 1234"),
      "source-record",
      /User 10.*objectGUID/,
    ],
    ["a file without its domain", person(10), "source-config", /domainDNS/],
    ["a file that ends inside a record", DOMAIN + person(10).slice(0, -20), "source-incomplete", /ends inside/],
  ])("%s", async (_name, text, code, message) => {
    await writeFile(file, text);
    await expect(read()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it("a missing file, naming it", async () => {
    await expect(source.describe()).rejects.toMatchObject({
      code: "source-unreachable",
      message: expect.stringContaining(file),
    });
  });

  it("a delta", async () => {
    await writeFile(file, DOMAIN);
    const pages = source.read({ kind: "delta", attributes: [], objectClasses: [], ...WITHOUT_SCOPE });
    await expect(pages[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "source-cookie" });
  });

  it("what changed while it was read: no last page, however late it shows", async () => {
    const users = Array.from({ length: 1_200 }, (_, index) => person(index + 10)).join("");
    await writeFile(file, DOMAIN + users);
    const pages: SourcePage[] = [];
    const reading = (async () => {
      for await (const page of source.read({
        kind: "full",
        attributes: [],
        objectClasses: ["user"],
        ...WITHOUT_SCOPE,
      })) {
        if (pages.length === 0) await writeFile(file, DOMAIN + users + person(5_000));
        pages.push(page);
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "source-incomplete" });
    expect(pages.some((page) => page.isLast || page.watermarkAfter)).toBe(false);
  });
});

describe("a manifest", () => {
  const manifest = (content: unknown) => writeFile(`${file}.manifest.json`, JSON.stringify(content));
  const text = DOMAIN + STAFF + person(10);
  const sha256 = createHash("sha256").update(text).digest("hex");

  it("that fits makes the file complete", async () => {
    await writeFile(file, text);
    await manifest({ count: 3, sha256 });
    expect((await source.describe()).visibility).toBe("complete");
  });

  it.each([
    ["count", { count: 4, sha256 }],
    ["digest", { count: 3, sha256: "0".repeat(64) }],
  ])("whose %s doesn't fit makes the read incomplete", async (_name, content) => {
    await writeFile(file, text);
    await manifest(content);
    await expect(source.describe()).rejects.toMatchObject({ code: "source-incomplete" });
  });

  it("that says nothing is an error", async () => {
    await writeFile(file, text);
    await manifest({ records: 3 });
    await expect(source.describe()).rejects.toMatchObject({
      code: "source-config",
      message: expect.stringContaining("manifest"),
    });
  });
});

describe("a file that was just written", () => {
  const text = DOMAIN + person(10);
  /** What is read `age` milliseconds after the file was written. */
  async function at(age: number, settleMilliseconds: number): Promise<string | undefined> {
    const { mtimeMs } = await stat(file);
    const fresh = createLdifSource({
      settings: LdifSettings.parse({ kind: "ldif", file, settleMilliseconds }),
      clock: { now: () => mtimeMs + age },
      log,
    });
    return fresh.fingerprint?.().finally(() => fresh.close());
  }

  it("is not read before it rested, though it ends between two records", async () => {
    await writeFile(file, text);
    await expect(at(0, 60_000)).rejects.toMatchObject({
      code: "source-incomplete",
      message: expect.stringContaining(file),
    });
    await expect(at(58_900, 60_000)).rejects.toMatchObject({ code: "source-incomplete" });
    expect(await at(60_000, 60_000)).toMatch(/^[0-9a-f]{64}$/);
  });

  it("is waited for when little is missing", async () => {
    await writeFile(file, text);
    const began = performance.now();
    expect(await at(59_950, 60_000)).toMatch(/^[0-9a-f]{64}$/);
    expect(performance.now() - began).toBeGreaterThan(40);
  });

  it("is not read when more came while it was waited for", async () => {
    await writeFile(file, text);
    const outcome = at(0, 500).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await appendFile(file, person(11));
    expect(await outcome).toMatchObject({ code: "source-incomplete" });
  });

  it("is read when its time lies in the future", async () => {
    await writeFile(file, text);
    await utimes(file, new Date("2090-01-01"), new Date("2090-01-01"));
    expect(await at(-1e9, 60)).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("waiting", () => {
  it("ends soon after the file was written, or replaced by another", async () => {
    await writeFile(file, DOMAIN);
    await source.describe();
    const signal = new AbortController().signal;
    const first = source.waitForChange(signal);
    await writeFile(file, DOMAIN + STAFF);
    await first;
    const before = await source.fingerprint?.();
    const second = source.waitForChange(signal);
    await writeFile(`${file}.new`, DOMAIN + STAFF + person(10));
    await rename(`${file}.new`, file);
    await second;
    expect(await source.fingerprint?.()).not.toBe(before);
  });

  it("ends at once when aborted", async () => {
    await writeFile(file, DOMAIN);
    await source.describe();
    const stop = new AbortController();
    const waiting = source.waitForChange(stop.signal);
    stop.abort();
    await waiting;
  });
});
