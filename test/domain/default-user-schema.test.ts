import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { compileExpression } from "../../shared/domain/expression/compile.ts";
import { GRAPH_USER_TARGET } from "../../shared/domain/graph-target.ts";

function table(file: string): string[][] {
  const text = readFileSync(new URL(`../fixtures/data/${file}`, import.meta.url), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .slice(1)
    .map((line) => line.split("\t"));
}

const rows = table("default-user-mapping.tsv");
const [user, inetOrgPerson] = defaultSchema().synchronizationRules[0]!.objectMappings;

/** The names of a row of the target table: `MSExch*`, `ExtensionAttribute1..15`, lists, notes in parentheses. */
function namesOf(cell: string): (target: string) => boolean {
  const patterns = cell.split(",").map((part) => {
    const name = part.replace(/\(.*\)/, "").trim();
    if (name.endsWith("1..15")) return new RegExp(`^${name.slice(0, -5)}(?:[1-9]|1[0-5])$`);
    return new RegExp(`^${name.replace("*", ".*")}$`);
  });
  return (target) => patterns.some((pattern) => pattern.test(target));
}

describe("the default mapping of users", () => {
  it("has every row of the table, and no other", () => {
    expect(rows.length).toBeGreaterThan(120);
    expect(user!.attributeMappings.map((mapping) => mapping.targetAttributeName)).toEqual(rows.map(([name]) => name));
  });

  it.each(rows.map(([target, expression, priority]) => [target!, expression!, Number(priority)] as const))(
    "maps %s as the table says",
    (target, expression, priority) => {
      const mapping = user!.attributeMappings.find((one) => one.targetAttributeName === target);
      const ours = target === "UsageLocation" ? "Coalesce([msExchUsageLocation], [c])" : expression;
      expect(mapping).toMatchObject({
        source: { expression: ours },
        matchingPriority: priority,
        flowType: "Always",
        flowBehavior: "FlowWhenChanged",
        defaultValue: null,
      });
      expect(compileExpression(ours)).toMatchObject({ ok: true });
    },
  );

  it("is the same for inetOrgPerson", () => {
    expect(inetOrgPerson).toMatchObject({ sourceObjectName: "inetOrgPerson", targetObjectName: "User" });
    expect(inetOrgPerson!.attributeMappings).toEqual(user!.attributeMappings);
    expect(inetOrgPerson!.scope).toEqual(user!.scope);
  });

  it("says of each source whether it is an attribute, a constant or a function", () => {
    const sourceOf = (target: string) =>
      user!.attributeMappings.find((one) => one.targetAttributeName === target)!.source;
    expect(sourceOf("Manager")).toMatchObject({ type: "Attribute", name: "manager" });
    expect(sourceOf("netBiosName")).toMatchObject({ type: "Constant", name: "%DomainNetBios%" });
    expect(sourceOf("City")).toMatchObject({ type: "Function", name: "Trim" });
  });
});

describe("the target table", () => {
  it.each(rows.map(([target]) => target!))("has a Graph property for %s, or a reason why not", (target) => {
    const entry = GRAPH_USER_TARGET.get(target);
    expect(entry).toBeDefined();
    if (entry && "notSettable" in entry) expect(entry.notSettable).not.toBe("");
    else expect(entry?.property).toMatch(/^[a-z]\w*(?:\.\w+)?$/i);
  });

  const facts = table("graph-target.tsv").map(
    ([names, property, type, max, flags]) => [names!, property!, type!, max ?? "", flags ?? ""] as const,
  );

  it.each(facts)("agrees with the facts about %s", (names, property, type, max, flags) => {
    const matching = [...GRAPH_USER_TARGET].filter(([target]) => namesOf(names)(target));
    expect(matching.length).toBeGreaterThan(0);
    for (const [, entry] of matching) {
      if (property === "-") {
        expect(entry).toHaveProperty("notSettable");
        continue;
      }
      if ("notSettable" in entry) throw new Error(`${names} has no property.`);
      const expected = property.replace(/\[0\]$/, "").replace("1..15", "\\d+");
      expect(entry.property).toMatch(new RegExp(`^${expected}$`));
      if (max !== "") expect(entry.maximumLength).toBe(Number(max));
      if (type === "boolean" || type === "reference") expect(entry.type).toBe(type);
      for (const flag of ["sensitive", "required", "unique", "clearable"] as const) {
        const isSaid = new RegExp(`(?:^| |,)${flag}(?: |$|,)`).test(flags.replace(/, required for.*/, ""));
        expect(entry[flag] ?? false, `${flag} of ${names}`).toBe(isSaid);
      }
    }
  });
});
