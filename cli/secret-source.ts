/**
 * Secrets by reference: the name of a variable of the environment, or a file, or standard input; never a value among the arguments, which
 * everybody on the machine can read and a shell remembers.
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { AgentError } from "../agent/agent-error.ts";
import { SECRET_KEYS, type SecretKey } from "../shared/contracts/admin/secrets.ts";
import type { Terminal } from "./terminal.ts";

export type SecretReference = { readonly env: string } | { readonly file: string } | { readonly stdin: true };

/**
 * A line feed at the end isn't part of it. `folder`: where relative paths begin. Throws `AgentError` config-invalid that names the
 * reference, never the value.
 */
export async function readSecret(
  key: SecretKey,
  reference: SecretReference,
  terminal: Terminal,
  folder = ".",
): Promise<string> {
  const value = (await textOf(key, reference, terminal, folder)).replace(/\r?\n$/, "");
  if (value === "") throw missing(key, `${wordsOf(reference)} is empty`);
  return value;
}

/** `KEY=NAME` as an option has it. */
export function parseReference(text: string, kind: "env" | "file"): readonly [SecretKey, SecretReference] {
  const [key, ...rest] = text.split("=");
  const name = rest.join("=");
  if (name === "") throw new AgentError("config-invalid", `'${text}' is no KEY=…`, `Give AppKey=NAME, for example.`);
  return [secretKey(key ?? ""), kind === "env" ? { env: name } : { file: name }];
}

export function secretKey(text: string): SecretKey {
  const key = SECRET_KEYS.find((own) => own.toLowerCase() === text.toLowerCase());
  if (key) return key;
  throw new AgentError(
    "config-invalid",
    `There is no secret called '${text}'.`,
    `There are: ${SECRET_KEYS.join(", ")}.`,
  );
}

export function wordsOf(reference: SecretReference): string {
  if ("env" in reference) return `the variable ${reference.env}`;
  return "file" in reference ? `the file ${reference.file}` : "standard input";
}

async function textOf(
  key: SecretKey,
  reference: SecretReference,
  { environment, input }: Terminal,
  folder: string,
): Promise<string> {
  if ("env" in reference) {
    const value = environment[reference.env];
    if (value === undefined) throw missing(key, `the variable ${reference.env} is not set`);
    return value;
  }
  if ("file" in reference) {
    try {
      return await readFile(resolve(folder, reference.file), "utf8");
    } catch (error) {
      const why = error instanceof Error && "code" in error ? String(error.code) : String(error);
      throw missing(key, `the file ${reference.file} can't be read (${why})`);
    }
  }
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of input ?? [])
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

function missing(key: SecretKey, why: string): AgentError {
  return new AgentError("config-invalid", `The secret ${key}: ${why}.`, "Set it where this runs, and try again.");
}
