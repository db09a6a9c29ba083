/**
 * NDJSON in, NDJSON out: a line for each line, in order, in bounded memory.
 *
 * What isn't written yet waits for the reader of the output, and so does the reading: millions of lines need no more
 * memory than a few. A last line without a line feed counts; the line feed at the end begins no further line.
 */

import { once } from "node:events";
import { Readable, Writable } from "node:stream";
import type { Terminal } from "./terminal.ts";

/** Characters; a longer line is refused instead of kept. */
const LONGEST_LINE = 64 * 1024 * 1024;
/** The exit status of a program that SIGINT ended, by the shells' convention. */
export const INTERRUPTED = 130;
/** Characters that are written at a time. */
const OUTPUT_SIZE = 64 * 1024;

/**
 * `convert` gets a line without its line feed, or undefined in place of one that is too long; what it returns is
 * written with one. It must not throw. False when the terminal's signal ended it before the input did.
 */
export async function convertLines(
  terminal: Terminal,
  convert: (line: string | undefined) => string,
  longest = LONGEST_LINE,
): Promise<boolean> {
  const input = terminal.input ?? [];
  const decoder = new TextDecoder();
  let pieces: string[] = [];
  let length = 0;
  let output = "";
  const take = (piece: string) => {
    length += piece.length;
    if (length <= longest) pieces.push(piece);
    else pieces = [];
  };
  const endLine = () => {
    output += `${convert(length > longest ? undefined : pieces.join(""))}\n`;
    pieces = [];
    length = 0;
  };
  const flush = async () => {
    const text = output;
    output = "";
    if (text !== "") await write(terminal, text);
  };
  const stopReading = () => input instanceof Readable && input.destroy();
  terminal.stop.addEventListener("abort", stopReading, { once: true });
  try {
    for await (const chunk of input) {
      if (terminal.stop.aborted) return false;
      const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
      let start = 0;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
        take(text.slice(start, end));
        endLine();
        start = end + 1;
        if (output.length > OUTPUT_SIZE) await flush();
      }
      take(text.slice(start));
      await flush();
    }
    take(decoder.decode());
    if (length > 0) endLine();
    await flush();
    return true;
  } catch (error) {
    if (!terminal.stop.aborted) throw error;
    return false;
  } finally {
    terminal.stop.removeEventListener("abort", stopReading);
  }
}

async function write({ out, stop }: Terminal, text: string): Promise<void> {
  if (out.write(text) !== false || !(out instanceof Writable)) return;
  await once(out, "drain", { signal: stop });
}

/** Why a line is no JSON. */
export function wordsOfLine(line: string | undefined, error: unknown): string {
  if (line === undefined) return `The line has more than ${LONGEST_LINE} characters.`;
  if (line.trim() === "") return "The line is empty: every line must hold an object of JSON.";
  return `The line is not JSON. ${error instanceof Error ? error.message : String(error)}`;
}
