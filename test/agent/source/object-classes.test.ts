/** Which class an object is sent under. */
import { expect, it } from "vitest";
import { fallbackSyntaxTable, syntaxTableFromSchema } from "../../../agent/source/attribute-syntax.ts";
import { classOf } from "../../../agent/source/object-classes.ts";

const user = ["top", "person", "organizationalPerson", "user"];

it.each<[string[], string[], string | undefined]>([
  [user, ["user"], "user"],
  [[...user].reverse(), ["user"], "user"],
  [user.map((name) => name.toUpperCase()), ["user"], "user"],
  [[...user, "inetOrgPerson"], ["user", "inetOrgPerson"], "inetOrgPerson"],
  [[...user, "inetOrgPerson"], ["user"], undefined],
  [[...user, "computer"], ["user"], undefined],
  [["computer", ...user], ["user"], undefined],
  [[...user, "computer", "msDS-GroupManagedServiceAccount"], ["user", "computer"], undefined],
  [[...user, "contosoEmployee"], ["user"], "user"],
  [[...user, "contosoEmployee"], ["user", "contosoEmployee"], "contosoEmployee"],
  [["top", "group"], ["user"], undefined],
  [["top", "organizationalUnit"], ["user"], "organizationalUnit"],
  [[], ["user"], undefined],
])("%j, asked for %j: %s", (classes, wanted, expected) => {
  expect(classOf(classes, wanted)?.objectClass).toBe(expected);
});

it("knows syntaxes from the schema, and from its lists where there is none", () => {
  const table = syntaxTableFromSchema([
    { name: "badge", attributeSyntax: "2.5.5.10", linkId: undefined, systemFlags: 0 },
    { name: "manager", attributeSyntax: "2.5.5.1", linkId: 42, systemFlags: 0 },
    { name: "directReports", attributeSyntax: "2.5.5.1", linkId: 43, systemFlags: 0 },
    { name: "homeMDB", attributeSyntax: "2.5.5.1", linkId: undefined, systemFlags: 0 },
    { name: "canonicalName", attributeSyntax: "2.5.5.12", linkId: undefined, systemFlags: 4 },
    { name: "objectGUID", attributeSyntax: "2.5.5.10", linkId: undefined, systemFlags: 19 },
  ]);
  expect(
    ["BADGE", "manager", "directReports", "homeMDB", "canonicalName", "thumbnailPhoto", "department"].map(table.of),
  ).toEqual(["binary", "link", "dn", "dn", "text", "binary", "text"]);
  expect(["badge", "directReports", "canonicalName", "objectGUID", "memberOf"].map(table.isLocal)).toEqual([
    false,
    true,
    true,
    false,
    true,
  ]);
  expect(["objectguid", "MANAGER", "userCertificate;binary", "sn"].map(fallbackSyntaxTable.of)).toEqual([
    "binary",
    "link",
    "binary",
    "text",
  ]);
});
