/** The documented cases through the program as it is run: a process, lines in, lines out. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");
let elsewhere: string;
beforeAll(async () => {
  elsewhere = await mkdtemp(join(tmpdir(), "uplink-batch-"));
});
afterAll(() => rm(elsewhere, { recursive: true, force: true }));

interface Vector {
  readonly id: string;
  readonly expected: unknown;
  readonly kind: string;
  readonly confidence: string;
  readonly dialect?: string;
  readonly flow?: string;
  readonly errorClass?: string;
  readonly errorMessage?: string;
  readonly compare?: "set";
}

function vectors(name: string): Vector[] {
  const url = new URL(`../fixtures/vectors/${name}.json`, import.meta.url);
  const all = JSON.parse(readFileSync(url, "utf8")) as Vector[];
  return all.filter(({ confidence, dialect }) => confidence === "high" && dialect !== "connect");
}

/** From a folder of its own, without configuration; `lines` on standard input. */
function uplink(args: readonly string[], lines: readonly unknown[], onOutput?: (close: () => void) => void) {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, "scripts", "uplink.mjs"), ...args], {
      cwd: elsewhere,
      env: { ...process.env, UPLINK_HOME: join(elsewhere, "home") },
    });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      onOutput?.(() => child.stdout.destroy());
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.on("error", reject).on("close", (code) => resolve({ code, out, err }));
    // Whoever stops reading leaves a broken pipe behind here too.
    child.stdin.on("error", () => undefined);
    child.stdin.end(lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""));
  });
}

async function answers(args: readonly string[], lines: readonly unknown[]): Promise<Record<string, unknown>[]> {
  const { code, out, err } = await uplink(args, lines);
  expect([code, err]).toEqual([0, ""]);
  return out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function expectedOf(vector: Vector): Record<string, unknown> {
  const { id, kind, expected, flow, errorClass, errorMessage, compare } = vector;
  if (kind === "absent") return { id, kind, value: null, flow };
  if (kind === "error") return { id, kind, value: null, errorClass, message: errorMessage ?? expect.any(String) };
  return { id, kind, value: compare === "set" ? [...(expected as unknown[])].sort() : expected };
}

it("gives every documented result of the language, in order", async () => {
  const all = vectors("expressions");
  expect(all.length).toBeGreaterThan(200);
  const lines = await answers(["expression", "eval", "--batch"], [...all, "not JSON"]);
  const results = lines.map((line, index) =>
    all[index]?.compare === "set" ? { ...line, value: [...(line["value"] as unknown[])].sort() } : line,
  );
  expect(results.pop()).toMatchObject({ id: null, kind: "error" });
  expect(results).toEqual(all.map(expectedOf));
  expect(await readdir(elsewhere)).toEqual([]);
});

it("gives every documented answer of scoping filters, in order", async () => {
  const all = vectors("scoping").filter(({ kind }) => kind === "value");
  expect(all.length).toBeGreaterThan(40);
  const lines = await answers(["scope", "eval", "--batch"], [...all, "not JSON"]);
  expect(lines.pop()).toMatchObject({ id: null, kind: "error" });
  expect(lines).toEqual(all.map(({ id, expected }) => ({ id, inScope: expected, because: expect.any(String) })));
});

it("goes on behind a pattern that tries too many ways", async () => {
  const source = { a: `${"a".repeat(60)}!` };
  const expression = 'Replace([a], , "^(a+)+$", , "x", , )';
  expect(
    await answers(
      ["expression", "eval", "--batch"],
      [
        { id: 1, expression, source },
        { id: 2, expression: "[a]", source },
      ],
    ),
  ).toMatchObject([
    { id: 1, kind: "error" },
    { id: 2, kind: "value", value: source.a },
  ]);
});

it("says nothing and ends well when its reader has had enough", async () => {
  const line = JSON.stringify({ id: 1, expression: "[a]", source: { a: "x".repeat(1000) } });
  const lines = Array.from({ length: 5000 }, () => line);
  expect(await uplink(["expression", "eval", "--batch"], lines, (close) => close())).toMatchObject({
    code: 0,
    err: "",
  });
});
