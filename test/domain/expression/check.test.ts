import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ACTIVE_DIRECTORY } from "../../../shared/domain/active-directory.ts";
import { defaultSchema } from "../../../shared/domain/default-schema.ts";
import { type CheckOptions, checkExpression, type Finding } from "../../../shared/domain/expression/check.ts";
import { compileExpression } from "../../../shared/domain/expression/compile.ts";

const USER: CheckOptions = { source: ACTIVE_DIRECTORY.get("user"), parameters: new Set(["DomainFQDN"]) };

const short = ({ severity, code, position }: Finding) => `${severity} ${code} ${position}`;
const findings = (text: string, options: CheckOptions = USER) => checkExpression(text, options).findings;

describe("the check of an expression", () => {
  it.each<[string, string[]]>([
    // The text.
    ["Trim([mail]", ["error parse 4"]],
    ["", ["error parse 0"]],
    ["Frobnicate([mail])", ["error unknown-function 0"]],
    ["Guid(1)", ["error arity 5"]],
    ['IIF([mail]="a" OR [cn]="b","c","d")', ["error unsupported 15"]],
    ['Trim(SelectUniqueValue([mail],"b"))', ["error nesting 5"]],
    ["Trim(mail)", ["error parse 5"]],
    [`Trim("${"a".repeat(10_000)}")`, ["error length 10000"]],
    [`${"Trim(".repeat(501)}[mail]${")".repeat(501)}`, ["error nesting 2500"]],
    ["DefaultDomain()", ["error unsupported 0"]],
    // Kinds.
    ["BitAnd(Now(), [userAccountControl])", ["error type 7"]],
    ['BitAnd("x", 1)', ["error type 7"]],
    ['BitAnd("12", [uSNChanged])', []],
    ["BitAnd([department], 1)", ["warning conversion 7"]],
    ["BitAnd(Mid([department], 1, 2), 1)", []],
    ["BitAnd([manager], [whenCreated])", ["error type 7", "error type 18"]],
    ['BitAnd(IIF([cn]="a", 1, Now()), 1)', ["error type 7"]],
    ['DateDiff("d", [pwdLastSet], Now())', ["error type 14"]],
    ['DateDiff("d", DateFromNum([pwdLastSet]), [whenCreated])', []],
    ['DateDiff("d", [extensionAttribute1], "2026-13-01")', ["error date 37"]],
    ["NumFromDate([isCriticalSystemObject])", ["error type 12"]],
    ["IIF([manager], 1, 2)", ["error type 4"]],
    ["IIF([isCriticalSystemObject], 1, 2)", []],
    ["IIF([department], 1, 2)", ["warning conversion 4"]],
    ['CBool("perhaps")', ["error type 6"]],
    ['CBool("")', []],
    ["StringFromSid([objectSid])", []],
    ["StringFromSid([userAccountControl])", ["error type 14"]],
    ['StringFromSid("x")', ["error type 14"]],
    ["SingleAppRoleAssignment([memberOf])", ["error type 24"]],
    ["Not([department])", []],
    ["Append([objectGUID], [whenCreated])", []],
    ["BitAnd([unheardOf], 1)", ["warning unknown-attribute 7"]],
    ['BitAnd(Error("no"), 1)', []],
    // Constants.
    ['Mid([mail], 0, "b")', ["error range 12", "error type 15"]],
    ["Mid([mail], 1, -1)", ["warning range 15"]],
    ["Left([mail], -1)", ["warning range 13"]],
    ["Left([mail], 0)", ["warning range 13"]],
    ['Word([mail], 0, ",")', ["warning range 13"]],
    ["Item([memberOf], 0)", ["error range 17"]],
    ['Item(Split("a,b", ","), 3)', ["error range 0"]],
    ["RandomString(300, 1, 1, 1, 1)", ["error range 13"]],
    ["RandomString(3, 1, 1, 1, 1)", ["error range 0"]],
    ["RandomString(12, 1, 1, 1, 1)", []],
    ['DateAdd("fortnight", 1, Now())', ["error range 8"]],
    ["DateAdd([department], 1, Now())", []],
    ['ToLower([mail], "no culture")', ["error culture 16"]],
    ['ToLower([mail], "tr-TR")', []],
    ['FormatDateTime([cn], "foo", "yyyy\'", "%")', ["error date 21", "error date 28", "error date 37"]],
    ['FormatDateTime([cn], , "yyyy", "dd")', []],
    ['InStr([mail], "a", 0, "foo")', ["error range 19", "error range 22"]],
    ["ConvertFromBase64([mail], UTF16)", ["error parse 26"]],
    ['Replace([mail], , "(", , "", , )', ["error regex 18"]],
    ['CDate("2026-02-30")', ["error date 6"]],
    ['CDate(Append("2026-02-", "30"))', ["error date 0"]],
    ['Error("always")', []],
    ['SelectUniqueValue("a", "b")', []],
    ['IgnoreFlowIfNullOrEmpty("")', []],
    ['Switch([cn], , "a", "x", "b", "y", "a", "z")', ["warning constant 35"]],
    ['Switch(IsPresent([cn]), , "true", "x", "False", "y")', ["warning constant 26"]],
    ['Switch([isCriticalSystemObject], , "TRUE", "x")', []],
    // What is read.
    ["Trim([sammaccountname])", ["warning unknown-attribute 5"]],
    ["Trim([SamAccountName])", ["warning attribute-case 5"]],
    ["[ms-DS-ConsistencyGuid]", []],
    ['Join("@", [cn], %DomainFQDN%, %Domain%)', ["error unknown-parameter 30"]],
    // One of several values.
    ["Left([proxyAddresses], 3)", ["warning first-value 5"]],
    ["Left(Item([proxyAddresses], 1), 3)", []],
    ["Left(ToLower(RemoveDuplicates([proxyAddresses])), 3)", ["warning first-value 5"]],
    ['Join(";", [proxyAddresses])', []],
    ["Trim([proxyAddresses])", []],
    ["Count([proxyAddresses])", []],
    ['"x" & [proxyAddresses]', ["warning first-value 6"]],
    ['IIF([proxyAddresses] = "a", 1, 2)', ["warning first-value 4"]],
    ['Switch([proxyAddresses], , "a", 1)', ["warning first-value 7"]],
    ['SelectUniqueValue([proxyAddresses], "a")', ["warning first-value 18"]],
    ['Trim([mail] = "x")', ["warning unsupported 5"]],
    ['Not([mail] = "x")', []],
  ])("of %s finds %j", (text, wanted) => {
    const found = findings(text);
    expect(found.map(short)).toEqual(wanted);
    for (const { message, remedy, excerpt } of found) {
      expect(message).toMatch(/^[^a-z].*\.$/s);
      expect(remedy).toMatch(/\.$|"$/);
      expect(excerpt).toMatch(/\n *\^$/);
    }
  });

  it("finds every fault in one run", () => {
    const text = `IIF(IsPresent([mial]),
  Trimm(Left([cn], "x")),
  Join("-", Now("a"), Replace([cn], , "[", , "", , ), %Nothing%))`;
    const found = findings(text);
    expect(found.map(({ severity, code }) => `${severity} ${code}`)).toEqual([
      "warning unknown-attribute",
      "error unknown-function",
      "error type",
      "error arity",
      "error regex",
      "error unknown-parameter",
    ]);
    expect(found[0]!.remedy).toContain("[mail]");
    expect(found[1]!.remedy).toContain("Trim");
    expect(found[2]!.excerpt).toBe('  Trimm(Left([cn], "x")),\n                   ^');
  });

  it("gives the program unless there is an error, and what is known of the result", () => {
    const good = checkExpression("BitAnd([userAccountControl], 2)", USER);
    expect(good.program?.attributes).toEqual(["userAccountControl"]);
    expect(good.result).toMatchObject({ kinds: new Set(["number"]), many: false });
    expect(checkExpression("[proxyAddresses]", USER).result).toMatchObject({ kinds: new Set(["text"]), many: true });
    const passedOn = checkExpression('Replace([isCriticalSystemObject], , "(?<n>b)", "n", , [cn])', USER).result;
    expect(passedOn?.kinds).toEqual(new Set(["Boolean", "text"]));
    expect(checkExpression("Left([proxyAddresses], 3)", USER).program).toBeDefined();
    expect(checkExpression("Frobnicate()", USER)).not.toHaveProperty("program");
    expect(checkExpression("Left(").node).toBeUndefined();
  });

  it("says nothing of attributes and parameters when it isn't told which there are", () => {
    expect(findings("Append([anything], BitAnd([other], %P%))", {})).toEqual([]);
  });

  it("refuses what the compiler refuses, at the same place", () => {
    const url = new URL("../../fixtures/vectors/expressions.json", import.meta.url);
    const vectors = JSON.parse(readFileSync(url, "utf8")) as { expression: string; dialect: string; kind: string }[];
    const own = vectors.filter(({ dialect }) => dialect !== "connect");
    expect(own.length).toBeGreaterThan(150);
    for (const { expression, kind } of own) {
      const compiled = compileExpression(expression);
      const [first] = findings(expression, {}).filter(({ severity }) => severity === "error");
      if (!compiled.ok) expect(first).toMatchObject(compiled.failure);
      else if (kind !== "error") expect(first).toBeUndefined();
    }
  });

  const mappings = defaultSchema().synchronizationRules.flatMap((rule) => rule.objectMappings);
  it.each(mappings.map((mapping) => [mapping.name ?? "", mapping] as const))("finds nothing in %s", (_, mapping) => {
    const source = ACTIVE_DIRECTORY.get(mapping.sourceObjectName?.toLowerCase() ?? "");
    const parameters = new Set(["DomainFQDN", "DomainNetBios", "ForestFQDN", "ForestNetBios", "ConfigurationId"]);
    for (const { source: expression } of mapping.attributeMappings) {
      expect(findings(expression?.expression ?? "", { source, parameters })).toEqual([]);
    }
  });
});
