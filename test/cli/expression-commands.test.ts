/** `uplink expression …` as a person uses it, and what a batch makes of every kind of line. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createExpressionBatch } from "../../cli/expression-batch.ts";
import { registerExpressionCommands } from "../../cli/expression-commands.ts";
import { runCommand } from "../support/command-line.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-expression-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const uplink = (args: readonly string[], input: string | readonly (string | Uint8Array)[] = []) =>
  runCommand(["expression", ...args], [registerExpressionCommands], {
    input: (async function* () {
      yield* typeof input === "string" ? [new TextEncoder().encode(input)] : input;
    })(),
  });

async function fileOf(json: unknown): Promise<string> {
  const path = join(folder, "object.json");
  await writeFile(path, typeof json === "string" ? json : JSON.stringify(json));
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

describe("eval", () => {
  it.each([
    ['Join(", ", [sn], [givenName])', "Lovelace, Ada\n"],
    ["[proxyAddresses]", "SMTP:a@x\nsmtp:b@x\n"],
    ["[PROXYADDRESSES]", "SMTP:a@x\nsmtp:b@x\n"],
    ["IsPresent([sn])", "True\n"],
    ["DateFromNum([pwdLastSet])", "12/3/2020 1:20:00 AM\n"],
    ["[objectSid]", "S-1-5-32-544\n"],
    ["[title]", ""],
    ["Now()", "1/15/2026 10:20:30 AM\n"],
    ["[sn] & %Suffix%", "Lovelace@corp=x\n"],
    ['SelectUniqueValue("a", "b", "c")', "c\n"],
    [
      "AppRoleAssignmentsComplex([roles])",
      '{"primary":false,"type":"WindowsAzureActiveDirectoryRole","displayName":"A","value":"1"}\n',
    ],
  ])("%s", async (expression, expected) => {
    // 132514320000000001 is more than a double holds; written as a number it must come in exactly.
    const path = await fileOf(
      '{"sn":"Lovelace","givenName":"Ada","proxyAddresses":["SMTP:a@x","smtp:b@x"],"pwdLastSet":132514320000000001,' +
        '"objectSid":{"$binary":"AQIAAAAAAAUgAAAAIAIAAA=="},"roles":[{"id":"r","value":"1","displayName":"A"}]}',
    );
    const around = ["--now", "2026-01-15T10:20:30", "--parameter", "Suffix=@corp=x", "--existing", "a", "b"];
    expect(await uplink(["eval", expression, "--source", path, ...around])).toMatchObject({ code: 0, out: expected });
  });

  it("tells null, left out and an empty text apart", async () => {
    const kind = async (expression: string) => {
      const { code, out } = await uplink(["eval", expression, "--json"]);
      expect(code).toBe(0);
      return JSON.parse(out) as unknown;
    };
    expect(await kind("[a]")).toEqual({ kind: "absent", value: null, flow: "null" });
    expect(await kind("IgnoreFlowIfNullOrEmpty([a])")).toEqual({ kind: "absent", value: null, flow: "ignore" });
    expect(await kind('Left("abc", 0)')).toEqual({ kind: "value", value: "" });
    const { out, err } = await uplink(["eval", "[a]"]);
    expect([out, err]).toEqual(["", "null: there is no value.\n"]);
  });

  it("reads the object from standard input, whatever cuts its letters", async () => {
    const bytes = new TextEncoder().encode('{"sn":"Müller"}');
    const cut = bytes.indexOf(0xc3) + 1;
    const { out } = await uplink(["eval", "[sn]", "--source", "-"], [bytes.slice(0, cut), bytes.slice(cut)]);
    expect(out).toBe("Müller\n");
  });

  it("says where an expression is wrong, and ends with 2", async () => {
    const { code, out, err } = await uplink(["eval", "Join(,[a)"]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain("\nJoin(,[a)\n      ^\n");
    const failed = await uplink(["eval", 'Error("no name")']);
    expect([failed.code, failed.out, failed.err]).toEqual([2, "", "no name (custom)\n"]);
  });

  it.each([
    [["eval"], "There is no expression."],
    [["eval", "[a]", "--batch"], "come from standard input"],
    [["eval", "[a]", "--now", "tomorrow"], "2026-01-15T10:20:30Z"],
    [["eval", "[a]", "--parameter", "x"], "Name=value"],
    [["eval", "[a]", "--source", "/nowhere/a.json"], "/nowhere/a.json can't be read"],
  ])("refuses %s", async (args, words) => {
    const { code, out, err } = await uplink(args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(words);
  });

  it.each([
    ["{", "is not JSON"],
    ["[]", "source must be an object, not an array."],
    ['{"a":[["b"]]}', "source.a holds an array inside an array."],
    ['{"a":{"$binary":"?"}}', "source.a.$binary: The text is not base64"],
    ['{"a":{"b":{"c":1}}}', "source.a.b must be a text"],
    ['{"a":1e999}', "source.a is a number that is too large."],
  ])("refuses the object %s", async (json, words) => {
    const { code, err } = await uplink(["eval", "[a]", "--source", await fileOf(json)]);
    expect(code).toBe(2);
    expect(err).toContain(words);
  });
});

describe("explain", () => {
  const expression = 'IIF(IsPresent([displayName]), [displayName], Join(", ", [sn], [givenName]))';

  it("shows what every part came to, each below the part it belongs to", async () => {
    const path = await fileOf({ sn: "Lovelace", givenName: "Ada" });
    const { code, out } = await uplink(["explain", expression, "--source", path]);
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(8);
    expect(lines[1]).toMatch(/^IIF\(.*… +"Lovelace, Ada"$/);
    expect(lines.slice(2)).toEqual([
      expect.stringMatching(/^ {2}IsPresent\(\[displayName\]\) +"False"$/),
      expect.stringMatching(/^ {4}\[displayName\] +null$/),
      expect.stringMatching(/^ {2}\[displayName\] +not evaluated$/),
      expect.stringMatching(/^ {2}Join\(.*\) +"Lovelace, Ada"$/),
      expect.stringMatching(/^ {4}\[sn\] +"Lovelace"$/),
      expect.stringMatching(/^ {4}\[givenName\] +"Ada"$/),
    ]);
  });

  it("hides what Redact hides, and shows where it failed", async () => {
    const path = await fileOf({ secret: "s3cret", title: "x" });
    const hidden = await uplink(["explain", 'Append(Redact([secret]), "!")', "--source", path]);
    expect(hidden.out).not.toContain("s3cret");
    expect(hidden.out).toContain("[Redact]");
    const failed = await uplink(["explain", 'Item(Split([title], ","), 9)', "--source", path]);
    expect(failed.code).toBe(2);
    expect(failed.out).toMatch(/^Item\(.* error \(range\): /m);
    expect(failed.out).toMatch(/^ {2}Split\(.*\["x"\]$/m);
  });

  it("is JSON when asked, and says where a text is wrong", async () => {
    const { out } = await uplink(["explain", expression, "--json"]);
    const { result, parts } = JSON.parse(out) as { result: unknown; parts: { depth: number; result: unknown }[] };
    expect(result).toEqual({ kind: "value", value: "" });
    expect(parts.map(({ depth }) => depth)).toEqual([0, 1, 2, 1, 1, 2, 2]);
    expect((await uplink(["explain", "[a"])).err).toContain("[a\n^");
  });
});

describe("check", () => {
  it("names every fault with its place, and ends with 1", async () => {
    const { code, out } = await uplink(["check", "Jion([a]) & Left([b])"]);
    expect(code).toBe(1);
    expect(out.match(/^error: /gm)).toHaveLength(2);
    expect(out).toContain("(unknown-function, at character 1)");
    expect(out).toContain("(arity, at character 13)");
  });

  it("knows the attributes of a class and the job's parameters when it is told which", async () => {
    const told = async (...args: string[]) => {
      const { code, out } = await uplink(["check", "Trim([sAMAcountName] & %Domain%)", "--json", ...args]);
      const { findings } = JSON.parse(out) as { findings: { severity: string; code: string }[] };
      return [code, ...findings.map((finding) => `${finding.severity} ${finding.code}`)];
    };
    expect(await told()).toEqual([0]);
    expect(await told("--class", "User")).toEqual([expect.any(Number), expect.stringContaining("unknown-attribute")]);
    expect(await told("--parameter", "DomainFQDN")).toEqual([1, "error unknown-parameter"]);
    expect(await told("--parameter", "DomainFQDN", "Domain")).toEqual([0]);
  });

  it("ends with 2 where the command line is wrong", async () => {
    const { code, err } = await uplink(["check", "[a]", "--class", "printer"]);
    expect(code).toBe(2);
    expect(err).toContain("Give one of: ");
    expect(await uplink(["check"])).toMatchObject({ code: 2 });
  });

  it("is content with what can be used", async () => {
    expect(await uplink(["check", "Trim([a])"])).toMatchObject({ code: 0, out: "No fault found.\n" });
    expect(JSON.parse((await uplink(["check", "Trim([a])", "--json"])).out)).toEqual({ findings: [] });
  });
});

describe("a batch", () => {
  it("gives every kind of result in the form of the contract", async () => {
    const lines = await batch(
      { id: "v", expression: "CStr(&HFF)", source: {} },
      { id: "m", expression: 'Split([a], ",")', source: { a: "x,y" } },
      { id: "n", expression: "[a]", source: { a: null } },
      { id: "i", expression: "IgnoreFlowIfNullOrEmpty([a])", source: { a: "" } },
      { id: "e", expression: 'Error("no")', source: {} },
      { id: "p", expression: "[a", source: {} },
      { id: "o", expression: "AppRoleAssignmentsComplex([r])", source: { r: [{ value: "1", displayName: "A" }] } },
    );
    const role = { primary: false, type: "WindowsAzureActiveDirectoryRole", displayName: "A", value: "1" };
    expect(lines).toEqual([
      { id: "v", kind: "value", value: "255" },
      { id: "m", kind: "multi", value: ["x", "y"] },
      { id: "n", kind: "absent", value: null, flow: "null" },
      { id: "i", kind: "absent", value: null, flow: "ignore" },
      { id: "e", kind: "error", value: null, errorClass: "custom", message: "no" },
      {
        id: "p",
        kind: "error",
        value: null,
        errorClass: "parse",
        message: expect.stringContaining("At character 1: "),
      },
      { id: "o", kind: "multi", value: [role] },
    ]);
  });

  it("answers a line that is no request in its place, and goes on", async () => {
    const lines = await batch(
      "nonsense",
      "",
      "[1]",
      '"text"',
      { expression: "[a]" },
      { id: 1 },
      { id: 2, expression: 5 },
      { id: 3, expression: "[a]", source: [] },
      { id: 4, expression: "[a]", context: { now: "noon" } },
      { id: 5, expression: "[a]", context: { existing: "a" } },
      { id: 6, expression: "%P%", context: { parameters: { P: {} } } },
      { id: 7, expression: "%P%", context: { parameters: { P: "x" } } },
    );
    const told = lines as { id: unknown; kind: string; errorClass?: string; message?: string }[];
    expect(told.map(({ id, kind, errorClass }) => [id, kind, errorClass])).toEqual([
      [null, "error", "parse"],
      [null, "error", "parse"],
      [null, "error", "type"],
      [null, "error", "type"],
      [null, "absent", undefined],
      [1, "error", "type"],
      [2, "error", "type"],
      [3, "error", "type"],
      [4, "error", "type"],
      [5, "error", "type"],
      [6, "error", "type"],
      [7, "value", undefined],
    ]);
    expect(told[5]?.message).toBe("expression must be a text, not missing.");
    expect(told[10]?.message).toBe("context.parameters.P must be a text, not an object.");
  });

  it("keeps every digit and every letter", async () => {
    const text =
      '{"id":12345678901234567890,"expression":"[n]","source":{"n":9007199254740993,"s":"1234567890123456789"}}';
    const { out } = await uplink(["eval", "--batch"], `${text}\n`);
    expect(out).toBe('{"id":12345678901234567890,"kind":"value","value":"9007199254740993"}\n');
    expect(await batch({ id: "ü\ud800", expression: "[s]", source: { s: "1234567890123456 \u2028\ud800" } })).toEqual([
      { id: "ü\ud800", kind: "value", value: "1234567890123456 \u2028\ud800" },
    ]);
  });

  it("takes existing values as they are written, and the line's clock", async () => {
    const expression = 'SelectUniqueValue("a", "b")';
    expect(
      await batch(
        { id: 1, expression, context: { existing: ["A"] } },
        { id: 2, expression, context: { existing: ["a"] } },
        { id: 3, expression, context: { existing: ["a", "b"] } },
        { id: 4, expression: "Now()", context: { now: "2021-08-25T17:41:18Z" } },
        { id: 5, expression: "Now()", context: { now: "2021-08-25T19:41:18+02:00" } },
      ),
    ).toMatchObject([
      { value: "a" },
      { value: "b" },
      { kind: "error", errorClass: "unique-exhausted" },
      { value: "8/25/2021 5:41:18 PM" },
      { value: "8/25/2021 5:41:18 PM" },
    ]);
  });

  it("has nothing to say to nothing, and takes a last line without its line feed and line ends of Windows", async () => {
    expect((await uplink(["eval", "--batch"], "")).out).toBe("");
    const { out } = await uplink(
      ["eval", "--batch"],
      '\ufeff{"id":1,"expression":"[a]"}\r\n{"id":2,"expression":"[a]"}',
    );
    expect(out.match(/"kind":"absent"/g)).toHaveLength(2);
  });

  it("gives names of directory extensions their case, and other names none", async () => {
    const source = { extension_1_Cost: "a", Mail: "b" };
    const line = (id: string, name: string) => ({ id, expression: `[${name}]`, source });
    expect(await batch(line("1", "extension_1_Cost"), line("2", "extension_1_cost"), line("3", "mail"))).toMatchObject([
      { value: "a" },
      { kind: "absent" },
      { value: "b" },
    ]);
  });

  it("answers whatever a line holds, with one line that the contract knows", () => {
    const convert = createExpressionBatch(() => 0);
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom("[a]", "Count([a])", 'Join(",", [a])', "Now()", "%p%"));
    const request = fc.record(
      {
        id: fc.jsonValue(),
        expression: field,
        source: fc.oneof(fc.jsonValue(), fc.record({ a: fc.jsonValue() })),
        context: fc.oneof(
          fc.jsonValue(),
          fc.record({ now: fc.jsonValue(), parameters: fc.record({ p: fc.jsonValue() }) }),
        ),
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
        expect(["value", "multi", "absent", "error"]).toContain((JSON.parse(answer) as { kind: string }).kind);
      }),
      { numRuns: 2000 },
    );
  });

  it("isn't ended by what is nested without end", async () => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    const text = `{"id":${deep},"expression":"[a]"}\n{"id":1,"expression":"[a]","source":{"a":${deep}}}\n{"id":2,"expression":"[a]"}\n`;
    const { code, out } = await uplink(["eval", "--batch"], text);
    expect(code).toBe(0);
    const ids = out
      .trimEnd()
      .split("\n")
      .map((one) => (JSON.parse(one) as { id: unknown }).id);
    expect(ids).toEqual([null, 1, 2]);
  });
});
