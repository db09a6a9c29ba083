/**
 * Secrets in files of configuration: by reference only. The service answers which keys it has, never what is in them, so a plan can't tell
 * whether a value is another one: it sets what the service lacks, and everything that the files name where that is asked for.
 *
 * One write replaces all secrets of a configuration. So all that a file names are sent together, and a key that the service has and the
 * file doesn't name is a fault: nothing is deleted because a file is silent about it. Values are read when a plan is carried out, all of
 * them before its first step; neither plan nor digest has anything of them.
 */
import { realpath } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { AgentError } from "../agent/agent-error.ts";
import { SECRET_KEYS, type SecretKey, type SecretsRequest } from "../shared/contracts/admin/secrets.ts";
import type { SecretsInFile } from "../shared/contracts/configuration-file.ts";
import type { ConfigPlan } from "./config-plan.ts";
import { readSecret, wordsOf } from "./secret-source.ts";
import type { Terminal } from "./terminal.ts";

export interface SecretsStep {
  readonly kind: "secrets";
  readonly domainFqdn: string;
  readonly references: SecretsInFile;
  /** What the service has by now. */
  readonly before: readonly SecretKey[];
}

/** Undefined: there is nothing to set. `present`: the keys that the service has. */
export function secretsStepOf(
  own: { readonly file: string; readonly domainFqdn: string; readonly secrets?: SecretsInFile | undefined },
  present: readonly SecretKey[],
  setAnew: boolean,
  faults: string[],
): SecretsStep | undefined {
  const references = own.secrets ?? {};
  const named = namedIn(references);
  if (named.length === 0 || (!setAnew && named.every((key) => present.includes(key)))) return undefined;
  const lost = present.filter((key) => !named.includes(key));
  if (lost.length > 0) {
    faults.push(
      `${own.file}: ${own.domainFqdn} has the secret ${lost.join(", ")}, which the file doesn't name and which would be lost: one write replaces all secrets. Name it, too, or let go of it by 'uplink secret set … --drop'.`,
    );
    return undefined;
  }
  return { kind: "secrets", domainFqdn: own.domainFqdn, references, before: present };
}

/** In the order of the contract, whatever the file's. */
export function namedIn(references: SecretsInFile): SecretKey[] {
  return SECRET_KEYS.filter((key) => references[key] !== undefined);
}

/** A line for each secret: where it comes from, and that one is there already. */
export function secretLines({ references, before }: SecretsStep): string[] {
  return namedIn(references).map((key) => {
    const reference = references[key];
    const from = reference ? wordsOf(reference) : "";
    return `    ${key}: from ${from}${before.includes(key) ? "; in place of the one that is set" : ""}`;
  });
}

/** Faults of places, by their text: a secret among the files that are kept and shared is no secret. */
export function misplacedSecrets(folder: string, file: string, references: SecretsInFile): string[] {
  return namedIn(references).flatMap((key) => {
    const reference = references[key];
    if (!reference || !("file" in reference) || !isInside(resolve(folder), resolve(folder, reference.file))) return [];
    return [inside(file, key, reference.file)];
  });
}

/** By domain, all of a plan, before its first step. Throws `AgentError` config-invalid that names reference and key. */
export async function readSecretsOf(
  { steps }: ConfigPlan,
  folder: string,
  terminal: Terminal,
): Promise<ReadonlyMap<string, SecretsRequest>> {
  const found = new Map<string, SecretsRequest>();
  for (const step of steps) {
    if (step.kind !== "secrets") continue;
    const value: SecretsRequest["value"] = [];
    for (const key of namedIn(step.references)) {
      const reference = step.references[key];
      if (!reference) continue;
      const text = await readSecret(key, reference, terminal, folder);
      // A link may lead back into the folder.
      if ("file" in reference && isInside(await realpath(folder), await realpath(resolve(folder, reference.file))))
        throw new AgentError("config-invalid", inside(step.domainFqdn, key, reference.file), "Nothing was done.");
      value.push({ key, value: text });
    }
    found.set(step.domainFqdn, { value });
  }
  return found;
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(join("..", "/")) && !isAbsolute(way);
}

function inside(file: string, key: SecretKey, path: string): string {
  return `${file}: the secret ${key} is to come from ${path}, inside the folder of these files, which is kept and shared. Move it out, and name it as ../${path.split(/[\\/]/).at(-1)}, for example.`;
}
