/** The stream of lines: order, one for one, and no more in memory than the reader lets through. */
import { PassThrough, Writable } from "node:stream";
import { expect, it } from "vitest";
import { convertLines, wordsOfLine } from "../../cli/lines.ts";
import type { Terminal } from "../../cli/terminal.ts";

function terminalOf(
  input: AsyncIterable<Uint8Array | string>,
  out: Terminal["out"],
  stop = new AbortController(),
): Terminal {
  return { input, out, err: { write: () => true }, environment: {}, fetch, stop: stop.signal };
}

async function* bytes(...chunks: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield new TextEncoder().encode(chunk);
}

async function converted(longest: number | undefined, ...chunks: readonly string[]): Promise<string[]> {
  let text = "";
  const out = { write: (more: string) => (text += more) };
  const ended = await convertLines(terminalOf(bytes(...chunks), out), (line) => `<${line ?? "too long"}>`, longest);
  expect(ended).toBe(true);
  expect(text === "" || text.endsWith("\n")).toBe(true);
  return text.split("\n").slice(0, -1);
}

it.each([
  ["nothing", [], []],
  ["one line", ["a\n"], ["<a>"]],
  ["a last line without an end", ["a\nb"], ["<a>", "<b>"]],
  ["lines cut anywhere", ["a", "b\nc", "\n", "\nd\ne"], ["<ab>", "<c>", "<>", "<d>", "<e>"]],
  ["empty lines", ["\n\n"], ["<>", "<>"]],
  [
    "a line that is too long, in pieces and whole",
    ["12345", "6\nab\n1234567\n12345"],
    ["<too long>", "<ab>", "<too long>", "<12345>"],
  ],
  ["a last line that is too long", ["ab\n123456"], ["<ab>", "<too long>"]],
])("makes lines of %s", async (_, chunks, expected) => {
  expect(await converted(5, ...chunks)).toEqual(expected);
});

it("says what is wrong with a line", () => {
  expect(wordsOfLine(undefined, undefined)).toContain("more than 67108864 characters");
  expect(wordsOfLine(" ", new Error("x"))).toContain("empty");
  expect(wordsOfLine("{", new Error("Unexpected end"))).toBe("The line is not JSON. Unexpected end");
});

it("reads no further than its output is read", async () => {
  let given = 0;
  const line = `${"x".repeat(1023)}\n`;
  const input = (async function* () {
    for (; given < 1000; given++) yield line.repeat(64);
  })();
  let release: (() => void) | undefined;
  let written = 0;
  const out = new Writable({
    highWaterMark: 64 * 1024,
    decodeStrings: false,
    write: (text: string, _, done) => {
      written += text.length;
      release = done;
    },
  });
  const end = convertLines(terminalOf(input, out), (text) => text ?? "");
  while (release === undefined) await new Promise((resolve) => setImmediate(resolve));
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  // 64 KB a chunk: what is waiting to be written is a chunk or two, not the thousand that there are.
  expect(given).toBeLessThan(4);
  const drain = setInterval(() => release?.(), 0);
  await end;
  clearInterval(drain);
  expect(given).toBe(1000);
  expect(written).toBeGreaterThan(900 * 64 * 1024);
});

it("ends when it is told to, though nothing comes in", async () => {
  const stop = new AbortController();
  const input = new PassThrough();
  let text = "";
  const out = { write: (more: string) => (text += more) };
  const end = convertLines(terminalOf(input, out, stop), (line) => line ?? "");
  input.write("a\nb");
  while (text === "") await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  expect(await end).toBe(false);
  expect(text).toBe("a\n");
  expect(input.destroyed).toBe(true);
});
