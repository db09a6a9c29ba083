/** A file that an admin names, or standard input as `-`. */

import { readFile } from "node:fs/promises";
import { AgentError } from "../agent/agent-error.ts";
import { parseExactJson } from "./exact-json.ts";
import { ShapeError } from "./json-source.ts";
import type { Terminal } from "./terminal.ts";

/** Throws `AgentError` that names the file when it can't be read or isn't JSON. */
export async function readJson(path: string, terminal: Terminal): Promise<unknown> {
  const name = path === "-" ? "Standard input" : `The file ${path}`;
  let text: string;
  try {
    text = path === "-" ? await readInput(terminal) : await readFile(path, "utf8");
  } catch (error) {
    const message = `${name} can't be read: ${error instanceof Error ? error.message : String(error)}`;
    throw new AgentError("config-invalid", message, "Check the path and who may read it.");
  }
  try {
    return parseExactJson(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    const message = `${name} is not JSON: ${error instanceof Error ? error.message : String(error)}`;
    throw new AgentError("config-invalid", message, "Correct the file; one object of JSON is wanted.");
  }
}

async function readInput({ input }: Terminal): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of input ?? [])
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** What was made of a file's content; a wrong shape is told with the file's name. */
export function shaped<Made>(path: string, make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new AgentError("config-invalid", `${path}: ${error.message}`, "Correct the file; --help shows its form.");
  }
}
