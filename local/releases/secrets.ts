/**
 * Whether a recording says anything that belongs to the machine or the runtime it was made with: secrets, keys, tokens,
 * folders. What is packed in rows and blobs is recorded as text, and looked at as such.
 */
import { readdir, readFile } from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../start/home.ts";
import type { Program, ReleaseContent } from "./release-files.ts";

/** Names of values that nobody may learn, in the runtime's own files. */
const SECRET_NAMES = /secret|key$|^d$|token/i;
/** Shorter ones are no secrets, and would be found everywhere. */
const SECRET_LENGTH = 20;
/** What looks like a secret, wherever it comes from. */
export const SECRET_FORMS: readonly (readonly [string, RegExp])[] = [
  ["a connection string", /AccountKey=|SharedAccessKey=|SharedAccessSignature=/],
  ["a private key", /-----BEGIN [A-Z ]*PRIVATE KEY/],
  ["a signed token", /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/],
];

/** Every finding as a sentence; none for a clean recording. */
export async function findSecrets(
  home: string,
  content: Partial<ReleaseContent>,
  programs: Readonly<Partial<Record<Program, Uint8Array>>>,
): Promise<string[]> {
  const secrets = await secretsIn(home);
  if (secrets.size === 0) throw new Error(`No secret was found in ${home}: the check looks in the wrong place.`);
  const places = [home, projectRoot, `${homedir()}/`, ...(hostname().length > 4 ? [hostname()] : [])];
  const found: string[] = [];
  const look = (where: string, text: string, forms: typeof SECRET_FORMS, names: readonly string[]) => {
    for (const [secret, file] of secrets) if (text.includes(secret)) found.push(`${where} holds a secret of ${file}`);
    for (const name of names) if (text.includes(name)) found.push(`${where} names ${name}`);
    for (const [what, form] of forms) if (form.test(text)) found.push(`${where} holds what looks like ${what}`);
  };
  for (const [part, value] of Object.entries(content)) {
    for (const [where, text] of textsOf(part, value)) look(where, text, SECRET_FORMS, places);
  }
  // Programs hold the words for keys and tokens; a packer's paths are relative when all lies below the project.
  for (const [name, bytes] of Object.entries(programs)) {
    const text = Buffer.from(bytes).toString("utf8");
    look(name, text, [["a path out of the project", /"(\.\.\/)+[^"]*node_modules\//]], [home, projectRoot]);
  }
  return [...new Set(found)];
}

/** Secrets of the runtime in `home`, by value, with the file that has them. */
export async function secretsIn(home: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const entries = await readdir(home, { recursive: true, withFileTypes: true });
  // What storage holds is what is looked at, not what is looked for.
  const own = entries.filter((one) => one.isFile() && !one.parentPath.startsWith(join(home, "azurite")));
  for (const entry of own.filter((one) => one.name.endsWith(".json"))) {
    const path = join(entry.parentPath, entry.name);
    const text = await readFile(path, "utf8");
    for (const secret of text.startsWith("{") || text.startsWith("[") ? secretValues(parse(text)) : []) {
      found.set(secret, entry.name);
    }
  }
  return found;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function secretValues(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    typeof inner === "string"
      ? SECRET_NAMES.test(name) && inner.length >= SECRET_LENGTH
        ? [inner]
        : []
      : secretValues(inner),
  );
}

/** The text of a part, and of what lies in it as bytes that are no text. */
function* textsOf(part: string, value: unknown): Generator<readonly [string, string]> {
  yield [part, JSON.stringify(value)];
  for (const base64 of base64In(value)) yield [`${part} (bytes)`, Buffer.from(base64, "base64").toString("utf8")];
}

function* base64In(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name === "base64" && typeof inner === "string") yield inner;
    else yield* base64In(inner);
  }
}
