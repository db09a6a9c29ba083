/** Groups and scope in LDIF files: lists by GUID, units and groups by their records, and nothing that isn't whole. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AgentSource } from "../../../agent/agent-source.ts";
import { createLdifSource } from "../../../agent/source/ldif/ldif-source.ts";
import { LdifSettings } from "../../../agent/source/ldif/settings.ts";
import { Change } from "../../../shared/contracts/change.ts";
import type { SourceReadOrder } from "../../../shared/ports/source-directory.ts";
import { createRecordingLog, guidNumber } from "../builders.ts";

let folder: string;
let file: string;
let source: AgentSource;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-ldif-"));
  file = join(folder, "corp.ldif");
  source = createLdifSource({
    settings: LdifSettings.parse({ kind: "ldif", file, pollSeconds: 30, settleMilliseconds: 20 }),
    clock: { now: () => Date.UTC(2026, 10, 22) },
    log: createRecordingLog(),
  });
});
afterEach(async () => {
  await source.close();
  await rm(folder, { recursive: true, force: true });
});

const ROOT = "DC=corp,DC=example,DC=com";
const record = (dn: string, number: number, classes: readonly string[], lines: readonly string[] = []) =>
  [
    `dn: ${dn}`,
    ...classes.map((name) => `objectClass: ${name}`),
    `objectGUID: ${guidNumber(number)}`,
    ...lines,
    "",
    "",
  ].join("\n");
const unit = (number: number, name: string, above = "") =>
  record(`OU=${name},${above}${ROOT}`, number, ["top", "organizationalUnit"]);
const user = (number: number, place: string, lines: readonly string[] = []) =>
  record(`CN=User ${number},${place},${ROOT}`, number, ["top", "person", "user"], lines);
const group = (number: number, members: readonly string[], lines: readonly string[] = []) =>
  record(
    `CN=Group ${number},OU=Groups,${ROOT}`,
    number,
    ["top", "group"],
    [...members.map((dn) => `member: ${dn}`), ...lines],
  );
const dnOf = (number: number, place: string) => `CN=User ${number},${place},${ROOT}`;

const SID = "S-1-5-21-9-8-7-1105";
const FILE = [
  record(ROOT, 1, ["top", "domain", "domainDNS"], ["objectSid: S-1-5-21-1-2-3"]),
  unit(2, "Staff"),
  unit(3, "Deep\\2C er", "OU=Staff,"),
  unit(4, "Sales"),
  unit(5, "Groups"),
  user(10, "OU=Staff"),
  user(11, "OU=deep\\, er,ou=STAFF"),
  user(12, "OU=Sales"),
  record(`CN=${SID},CN=ForeignSecurityPrincipals,${ROOT}`, 15, ["top", "foreignSecurityPrincipal"]),
  group(20, [dnOf(10, "OU=Staff"), `CN=Group 21,OU=Groups,${ROOT}`, `CN=${SID},CN=ForeignSecurityPrincipals,${ROOT}`]),
  group(21, [dnOf(12, "OU=Sales"), `CN=Group 20,OU=Groups,${ROOT}`]),
  group(22, []),
];

async function read(more: Partial<SourceReadOrder> = {}): Promise<Change[]> {
  const changes: Change[] = [];
  const order: SourceReadOrder = {
    kind: "full",
    attributes: ["cn", "member"],
    objectClasses: ["user", "group", "contact"],
    watermark: null,
    scope: { organizationalUnits: [], groups: [] },
    reportsLeaves: false,
    ...more,
  };
  for await (const page of source.read(order)) changes.push(...page.changes);
  for (const change of changes) Change.parse(change);
  return changes;
}
const inScope = async (organizationalUnits: number[], groups: number[], reportsLeaves = false) => {
  await writeFile(file, FILE.join(""));
  const scope = { organizationalUnits: organizationalUnits.map(guidNumber), groups: groups.map(guidNumber) };
  return read({ scope, reportsLeaves });
};
const what = (changes: readonly Change[]) =>
  changes.map(({ op, objectGuid }) => `${op} ${Number.parseInt(objectGuid.slice(-4), 16)}`);

describe("groups", () => {
  it("carry whole lists by GUID, empty ones too, and foreign members by their SID", async () => {
    await writeFile(file, FILE.join(""));
    const groups = (await read()).flatMap((change) =>
      change.op === "upsert" && change.objectClass === "group" ? [change] : [],
    );
    expect(groups.map(({ links }) => links?.[0])).toEqual([
      expect.objectContaining({
        mode: "replace",
        add: [{ guid: guidNumber(10) }, { guid: guidNumber(21) }, { guid: guidNumber(15), sid: SID }],
        last: true,
      }),
      expect.objectContaining({ add: [{ guid: guidNumber(12) }, { guid: guidNumber(20) }] }),
      expect.objectContaining({ add: [], part: 0, last: true }),
    ]);
  });

  it("of which the export has a part only end the read: the rest would count as gone", async () => {
    await writeFile(file, [...FILE, group(23, [], [`member;range=0-1499: ${dnOf(10, "OU=Staff")}`])].join(""));
    await expect(read()).rejects.toMatchObject({ code: "source-record", message: expect.stringContaining("Group 23") });
  });
});

describe("a scope", () => {
  it("of units holds what is below them", async () => {
    expect(what(await inScope([2], []))).toEqual(["container 2", "container 3", "upsert 10", "upsert 11"]);
    expect(what(await inScope([3], []))).toEqual(["container 2", "container 3", "upsert 11"]);
  });

  it("of groups holds their members, those of nested ones, and the groups", async () => {
    const sent = what(await inScope([], [20])).filter((one) => one.startsWith("upsert"));
    expect(sent).toEqual(["upsert 10", "upsert 12", "upsert 20", "upsert 21"]);
  });

  it("of both holds who is in both", async () => {
    expect(what(await inScope([4], [20])).filter((one) => one.startsWith("upsert"))).toEqual(["upsert 12"]);
  });

  it("tells of others by GUID where that is ordered", async () => {
    const changes = await inScope([2], [], true);
    expect(what(changes).filter((one) => one.startsWith("leave"))).toEqual([
      "leave 12",
      "leave 20",
      "leave 21",
      "leave 22",
    ]);
    expect(changes.at(-1)).toEqual({ op: "leave", objectGuid: guidNumber(22), reason: expect.any(String) });
  });

  it("that names what the file doesn't hold, or no group, sends nothing", async () => {
    await expect(inScope([2, 77], [10])).rejects.toMatchObject({
      code: "source-scope",
      objectGuids: [guidNumber(77), guidNumber(10)],
    });
    await expect(source.checkScope({ organizationalUnits: [guidNumber(77)], groups: [] })).rejects.toMatchObject({
      code: "source-scope",
    });
    await source.checkScope({ organizationalUnits: [guidNumber(2)], groups: [guidNumber(20)] });
  });

  it("doesn't take a tombstone for the object", async () => {
    const gone = record(
      `OU=Gone\\0ADEL:x,CN=Deleted Objects,${ROOT}`,
      6,
      ["top", "organizationalUnit"],
      ["isDeleted: TRUE"],
    );
    await writeFile(file, [...FILE, gone].join(""));
    const scope = { organizationalUnits: [guidNumber(6)], groups: [] };
    await expect(read({ scope })).rejects.toMatchObject({ code: "source-scope" });
  });
});
