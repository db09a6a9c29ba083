/**
 * Puts objects into a stopped directory, past LDAP: thousands in seconds.
 *
 * What the directory itself makes of them (identifiers, security identifiers, back links) it makes here too, because Samba's own
 * library does the writing.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { DomainController } from "./domain-controller.ts";
import type { AttributeValue } from "./ldap.ts";

type Values = Readonly<Record<string, AttributeValue | readonly AttributeValue[]>>;

/** `append` adds values to an object that is there. */
export type LoadStep =
  | { readonly add: string; readonly attributes: Values }
  | { readonly append: string; readonly attributes: Values }
  | { readonly rereadSchema: true };

const script = fileURLToPath(new URL("load-offline.py", import.meta.url));

/** In the order given. @throws with the directory's words for the first step that it refuses. */
export async function loadOffline(controller: DomainController, steps: readonly LoadStep[]): Promise<void> {
  const input = JSON.stringify(
    steps.map((step) => ("rereadSchema" in step ? step : { ...step, attributes: encoded(step.attributes) })),
  );
  await new Promise<void>((resolve, reject) => {
    // Debian's own Python: Samba's modules are not in any other.
    const loader = execFile(
      "/usr/bin/python3",
      [script, controller.smbConf, controller.samDatabase],
      (error, _, said) => (error === null ? resolve() : reject(new Error(said.trim() || error.message))),
    );
    // A loader that ends early closes its input; its own words say why.
    loader.stdin?.on("error", () => {});
    loader.stdin?.end(input);
  });
}

function encoded(attributes: Values): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, values]) => [
      name,
      [values].flat().map((value) => Buffer.from(value as string).toString("base64")),
    ]),
  );
}
