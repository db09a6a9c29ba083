/** The sample forests, read as the agent reads them. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLdifSource } from "../../../agent/source/ldif/ldif-source.ts";
import { LdifSettings } from "../../../agent/source/ldif/settings.ts";
import { ensureSamples, SAMPLE_FORESTS, sampleLdif } from "../../../local/samples/generate.ts";
import { escapeRdn, ldifOf } from "../../../local/samples/ldif-text.ts";
import type { Change } from "../../../shared/contracts/change.ts";
import { normalDn } from "../../../shared/domain/values.ts";
import { logBy } from "../../../shared/ports/log.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-samples-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ATTRIBUTES = ["userPrincipalName", "manager", "userAccountControl", "mS-DS-ConsistencyGuid", "sAMAccountName"];

async function readAll(file: string) {
  const warnings: unknown[] = [];
  const source = createLdifSource({
    settings: LdifSettings.parse({ kind: "ldif", file }),
    clock: { now: () => 0 },
    log: logBy((level, ...of) => {
      if (level === "warn") warnings.push(of);
    }),
  });
  const { domain } = await source.describe();
  const changes: Change[] = [];
  const order = {
    kind: "full",
    watermark: null,
    attributes: ATTRIBUTES,
    objectClasses: ["user", "inetOrgPerson"],
    scope: { organizationalUnits: [], groups: [] },
    reportsLeaves: false,
  };
  for await (const page of source.read(order as Parameters<typeof source.read>[0])) changes.push(...page.changes);
  const upserts = changes.flatMap((change) => (change.op === "upsert" ? [change] : []));
  return { domain, upserts, people: upserts.filter((one) => one.attributes["userPrincipalName"]), warnings };
}

describe.each(SAMPLE_FORESTS)("the forest $name", ({ plan, name }) => {
  test("is read without a fault: its people, each with a manager that is there, and accounts of the system", async () => {
    const file = (await ensureSamples(folder)).get(name)!;
    const { domain, people, upserts, warnings } = await readAll(file);
    expect(domain.fqdn).toBe(plan.fqdn);
    expect(people).toHaveLength(plan.people);
    expect(upserts.length - people.length).toBe(7);
    expect(warnings).toEqual([]);
    expect(people.filter((one) => one.links?.[0]?.add.length === 1)).toHaveLength(plan.people - 1);
    const upns = people.map((one) => String(one.attributes["userPrincipalName"]?.[0]));
    expect(new Set(upns).size).toBe(plan.people);
    expect(upns.every((upn) => /^[!-~]+@[a-z.]+$/.test(upn))).toBe(true);
    expect(people.filter((one) => one.attributes["userAccountControl"]?.[0] === "514").length).toBeGreaterThan(1);
    expect(upserts.some((one) => /[^\0-\x7f]/.test(one.dn))).toBe(true);
  });
});

test("one person lives in both, under the same consistency GUID and nobody else", async () => {
  const files = [...(await ensureSamples(folder)).values()];
  const both = await Promise.all(files.map(readAll));
  const shared = both.map(({ people }) => people.filter((one) => one.attributes["mS-DS-ConsistencyGuid"]));
  expect(shared.map((list) => list.length)).toEqual([1, 1]);
  expect(shared[0]?.[0]?.attributes["mS-DS-ConsistencyGuid"]).toEqual(
    shared[1]?.[0]?.attributes["mS-DS-ConsistencyGuid"],
  );
  const guids = both.flatMap(({ upserts }) => upserts.map((one) => one.objectGuid));
  expect(new Set(guids).size).toBe(guids.length);
});

test("the text is the same each time, and an edited file is never touched", async () => {
  const [forest] = SAMPLE_FORESTS;
  const file = (await ensureSamples(folder)).get(forest!.name)!;
  expect(await readFile(file, "utf8")).toBe(sampleLdif(forest!));
  await writeFile(file, "mine\n");
  await ensureSamples(folder);
  expect(await readFile(file, "utf8")).toBe("mine\n");
});

test("what a plain line can't carry goes as base64, and a name into a DN with its escapes", () => {
  expect(ldifOf({ dn: "CN=A", attributes: { cn: [" lead", "a\nb", "ž"] } })).toBe(
    "dn: CN=A\ncn:: IGxlYWQ=\ncn:: YQpi\ncn: ž\n\n",
  );
  expect(normalDn(`CN=${escapeRdn('#a, b+"c"\\ ')},DC=x`)).toBe(normalDn('CN=\\#a\\, b\\+\\"c\\"\\\\\\ ,DC=x'));
});
