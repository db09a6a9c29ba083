/** `uplink scope …` as a person uses it, and what a batch makes of every kind of line. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createScopeBatch } from "../../cli/scope-batch.ts";
import { registerScopeEvalCommands } from "../../cli/scope-eval-commands.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { runCommand } from "../support/command-line.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-scope-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const uplink = (args: readonly string[], input = "") =>
  runCommand(["scope", ...args], [registerScopeEvalCommands], {
    input: (async function* () {
      yield input;
    })(),
  });

async function fileOf(name: string, json: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(json));
  return path;
}

async function batch(...lines: readonly unknown[]): Promise<unknown[]> {
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
  const { code, out, err } = await uplink(["eval", "--batch"], text);
  expect([code, err]).toEqual([0, ""]);
  return out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

const clause = (attribute: string, operator: string, value?: unknown) => ({ attribute, operator, value });
const SALES = {
  groups: [{ name: "Sales", clauses: [clause("dept", "EQUALS", "sales"), clause("mail", "IS NOT NULL")] }],
};

describe("eval and explain", () => {
  it("say whether an object is in, and which clause with which value decided", async () => {
    const filter = await fileOf("filter.json", {
      groups: [...SALES.groups, { clauses: [clause("country", "EQUALS", "FR")] }],
    });
    const source = await fileOf("ada.json", { dept: "sales", country: "US" });
    const told = await uplink(["eval", "--filter", filter, "--source", source]);
    expect(told).toMatchObject({ code: 0, err: "" });
    expect(told.out).toBe(
      "Out of scope: Sales wants mail IS NOT NULL, and the value is absent; group 2 wants country EQUALS 'FR', and the value is 'US'.\n",
    );
    const { out } = await uplink(["explain", "--filter", filter, "--source", source]);
    expect(out.split("\n").slice(2, -1)).toEqual([
      "group    clause               value    answer",
      `Sales    dept EQUALS 'sales'  "sales"  holds`,
      "Sales    mail IS NOT NULL     null     fails (decided)",
      `group 2  country EQUALS 'FR'  "US"     fails (decided)`,
    ]);
    const json = JSON.parse((await uplink(["explain", "--filter", filter, "--source", source, "--json"])).out);
    expect(json).toMatchObject({
      verdict: { inScope: false },
      groups: [
        { name: "Sales", answer: "fails" },
        { name: "group 2", answer: "fails" },
      ],
    });
  });

  it("takes the filter out of a schema, by the object's class or by name", async () => {
    const schema = await fileOf("schema.json", defaultSchema());
    const ada = await fileOf("ada.json", { objectClass: ["top", "person", "user"], sAMAccountName: "ada" });
    const byClass = await uplink(["explain", "--schema", schema, "--source", ada]);
    expect(byClass.out).toMatch(/^In scope: every clause of DefaultUserExclusions holds\.\n/);
    const named = await uplink(["explain", "--schema", schema, "--mapping", "GROUP", "--source", ada]);
    expect(named.out).toMatch(/^Out of scope: DefaultGroupExclusions wants groupType & /);
    const unclear = await uplink([
      "explain",
      "--schema",
      schema,
      "--source",
      await fileOf("x.json", { objectClass: "printer" }),
    ]);
    expect(unclear.code).toBe(2);
    expect(unclear.err).toMatch(/Give --mapping; the schema has: .*user.*group/i);
  });

  it("takes the units of a schema's rule for a part of the filter", async () => {
    const containerFilter = { includedContainers: ["OU=People,DC=corp,DC=example"] };
    const synchronizationRules = defaultSchema().synchronizationRules.map((rule) => ({ ...rule, containerFilter }));
    const schema = await fileOf("within.json", { synchronizationRules });
    const at = (distinguishedName: string) =>
      fileOf("ada.json", { objectClass: "user", sAMAccountName: "ada", distinguishedName });
    const there = await at("CN=ada,OU=People,DC=corp,DC=example");
    expect((await uplink(["explain", "--schema", schema, "--source", there])).out).toMatch(/^In scope/);
    const elsewhere = await at("CN=ada,OU=Other,DC=corp,DC=example");
    expect((await uplink(["explain", "--schema", schema, "--source", elsewhere])).out).toMatch(
      /^Out of scope: container 1 wants distinguishedName ENDS_WITH 'OU=People,DC=corp,DC=example'/,
    );
  });

  it("ends with 2 when a filter can't be evaluated for the object, and says why", async () => {
    const filter = await fileOf("filter.json", { groups: [{ clauses: [clause("objectSid", "EQUALS", "S-1-5-18")] }] });
    const source = await fileOf("x.json", { objectSid: { $binary: "AQID" } });
    const { code, out } = await uplink(["explain", "--filter", filter, "--source", source]);
    expect(code).toBe(2);
    expect(out).toContain("Neither in nor out of scope");
    expect(out).toMatch(/"\(no text\)" +undecided \(decided\): A value of 3 bytes/);
  });

  it.each([
    [["eval", "--filter", "f"], "There is no object."],
    [["eval", "--source", "-"], "One of --filter and --schema is needed."],
    [["eval", "--source", "-", "--filter", "/nowhere/f.json"], "/nowhere/f.json can't be read"],
  ])("refuses %s", async (args, words) => {
    const { code, err } = await uplink(args, "{}");
    expect(code).toBe(2);
    expect(err).toContain(words);
  });

  it.each([
    [{ groups: [{ clauses: [clause("a", "EQUAL", "x"), clause("manager", "IS NULL")] }] }, ["'EQUAL'", "manager"]],
    [{ clauses: [] }, ["has no groups"]],
    [{ groups: {} }, ["filter.groups must be an array, not an object."]],
    [{ groups: [{ clauses: [{ attribute: "a" }] }] }, ["filter.groups[0].clauses[0] lacks operatorName or operator."]],
    [{ groups: [{ name: 5 }] }, ["filter.groups[0].name must be a text"]],
    [{ groups: [{ clauses: [clause("a", "EQUALS", {})] }] }, ["has an operand that is an object"]],
  ])("refuses the filter %j", async (filter, words) => {
    const { code, err } = await uplink(["eval", "--filter", await fileOf("f.json", filter), "--source", "-"], "{}");
    expect(code).toBe(2);
    for (const word of words) expect(err).toContain(word);
  });
});

describe("clauses by objectGUID", () => {
  const UNIT = "00000000-0000-4000-8000-0000000000aa";
  const GROUP = "00000000-0000-4000-8000-0000000000bb";
  const filter = {
    groups: [
      {
        clauses: [
          clause("distinguishedName", "IS_DESCENDANT_OF", UNIT),
          clause("objectGUID", "NOT IS_MEMBER_OF", GROUP),
        ],
      },
    ],
  };

  it.each([
    [[], 2, "Neither in nor out"],
    [["--unit", UNIT.toUpperCase()], 2, "Neither in nor out"],
    [["--unit", `{${UNIT}}`, "--group", "none"], 0, "In scope"],
    [["--unit", UNIT, "--group", GROUP], 0, "Out of scope"],
    [["--unit", "none"], 0, "Out of scope"],
    [["--unit", "OU=Staff"], 2, ""],
  ] as const)("are answered by what is said of the object: %j", async (args, code, words) => {
    const told = await uplink(["eval", "--filter", await fileOf("f.json", filter), "--source", "-", ...args], "{}");
    expect(told.code).toBe(code);
    expect(told.out).toContain(words);
  });

  it("are answered so in a batch too", async () => {
    expect(
      await batch(
        { id: 1, filter, source: {}, facts: { units: [UNIT], groups: [] } },
        { id: 2, filter, source: {}, facts: { units: [] } },
        { id: 3, filter, source: {} },
        { id: 4, filter, source: {}, facts: { units: ["OU"] } },
        { id: 5, filter, source: {}, facts: [] },
      ),
    ).toMatchObject([
      { id: 1, inScope: true },
      { id: 2, inScope: false },
      { id: 3, kind: "error", message: expect.stringContaining("Neither in nor out of scope") },
      { id: 4, kind: "error", message: expect.stringContaining("facts.units must hold objectGUIDs") },
      { id: 5, kind: "error", message: "facts must be an object, not an array." },
    ]);
  });
});

describe("a batch", () => {
  it("answers in the form of the contract, in order", async () => {
    const source = { dept: "sales", mail: "a@x" };
    expect(
      await batch(
        { id: 1, filter: SALES, source },
        { id: 2, filter: SALES, source: { dept: "hr" } },
        { id: 3, filter: { groups: [] }, source },
        { id: 4, filter: { groups: [{ clauses: [clause("a", "IsMemberOf", "x")] }] }, source },
        { id: 5, filter: { groups: [{ clauses: [clause("n", "GREATER_THAN", 9007199254740992)] }] }, source: { n: 9 } },
      ),
    ).toEqual([
      { id: 1, inScope: true, because: "In scope: every clause of Sales holds." },
      { id: 2, inScope: false, because: "Out of scope: Sales wants dept EQUALS 'sales', and the value is 'hr'." },
      { id: 3, inScope: true, because: "In scope: the job has no filter." },
      { id: 4, kind: "error", message: expect.stringContaining("'IsMemberOf' is not supported") },
      { id: 5, inScope: false, because: expect.stringContaining("'9007199254740992'") },
    ]);
  });

  it("takes Graph's words for the same, and both in one filter", async () => {
    const graph = (attribute: string, operator: string, ...values: string[]) => ({
      sourceOperandName: attribute,
      operatorName: operator,
      targetOperand: { values },
    });
    const filter = {
      groups: [{ name: "Mixed", clauses: [graph("dept", "EQUALS", "sales"), clause("mail", "IS NULL")] }],
      inputFilterGroups: [{ clauses: [{ ...graph("x", "IS NULL"), targetOperand: null }] }],
      categoryFilterGroups: null,
    };
    expect(
      await batch({ id: 1, filter, source: { dept: "sales" } }, { id: 2, filter, source: { dept: "sales", x: "1" } }),
    ).toMatchObject([{ inScope: true }, { inScope: false, because: expect.stringContaining("input group 1") }]);
  });

  it("answers a line that is no request in its place, and goes on", async () => {
    const lines = await batch(
      "{",
      { id: 1, source: {} },
      { id: 2, filter: 5 },
      { id: 3, filter: SALES, source: 1 },
      null,
      { id: 4, filter: null },
    );
    expect(lines).toMatchObject([
      { id: null, kind: "error", message: expect.stringContaining("not JSON") },
      { id: 1, kind: "error", message: "filter is missing." },
      { id: 2, kind: "error", message: "filter must be an object, not a number." },
      { id: 3, kind: "error", message: "source must be an object, not a number." },
      { id: null, kind: "error", message: "The line must hold an object, not null." },
      { id: 4, inScope: true },
    ]);
  });

  it("answers whatever a line holds, with one line that the contract knows", () => {
    const convert = createScopeBatch();
    const clause = fc.oneof(
      fc.jsonValue(),
      fc.record({
        attribute: fc.constantFrom("a", "distinguishedName", "manager"),
        operator: fc.constantFrom("EQUALS", "IS NULL", "&", "REGEX MATCH", "GREATER_THAN", "IsMemberOf"),
        value: fc.oneof(fc.string(), fc.integer(), fc.jsonValue()),
      }),
    );
    const groups = fc.array(fc.oneof(fc.jsonValue(), fc.record({ clauses: fc.array(clause, { maxLength: 3 }) })), {
      maxLength: 3,
    });
    const request = fc.record(
      {
        id: fc.jsonValue(),
        filter: fc.oneof(fc.jsonValue(), fc.record({ groups })),
        source: fc.oneof(fc.jsonValue(), fc.record({ a: fc.jsonValue(), distinguishedName: fc.string() })),
      },
      { requiredKeys: [] },
    );
    const line = fc.oneof(
      fc.string({ unit: "binary" }),
      request.map((one) => JSON.stringify(one)),
    );
    fc.assert(
      fc.property(line, (text) => {
        const answer = convert(text);
        expect(answer).not.toContain("\n");
        expect(answer).not.toContain("A defect of the program");
        const told = JSON.parse(answer) as { inScope?: unknown; because?: unknown; kind?: unknown; message?: unknown };
        const isVerdict = typeof told.inScope === "boolean" && typeof told.because === "string";
        expect(isVerdict || (told.kind === "error" && typeof told.message === "string")).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
