/**
 * Fidelity tests say what they mirror. A line of the installed library is quoted, and the test fails when that line
 * says something else, so that a citation can't rot; what belongs to the .NET extension, which isn't installed, is
 * named by its file and member or by its issue.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

type Citation = { readonly text: string; check(): void };

const version = "3.5.0";
const entry = createRequire(import.meta.url).resolve("durable-functions");
const root = join(dirname(entry), "..", "..");

/** `durable-functions 3.5.0 lib/src/FILE:LINE`, where the line holds the quoted text. */
export function sdk(file: string, line: number, quote: string): Citation {
  return {
    text: `durable-functions ${version} lib/src/${file}:${line}`,
    check: () => {
      const installed: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
      expect(installed).toMatchObject({ version });
      const said = readFileSync(join(root, "lib/src", file), "utf8").split("\n")[line - 1];
      expect(said, `lib/src/${file}:${line} of durable-functions`).toContain(quote);
    },
  };
}

const named = (text: string): Citation => ({ text, check: () => undefined });
/** A member of a file of Azure/azure-functions-durable-extension, below src/WebJobs.Extensions.DurableTask. */
export const extension = (file: string, member: string): Citation => named(`extension ${file} ${member}`);
/** A member of a file of Azure/durabletask, below src. */
export const framework = (file: string, member: string): Citation => named(`durabletask ${file} ${member}`);
export const extensionIssue = (number: number): Citation => named(`azure-functions-durable-extension#${number}`);
export const sdkIssue = (number: number): Citation => named(`azure-functions-durable-js#${number}`);

/** A test that mirrors at least one place. */
export function mirrors(
  title: string,
  citations: readonly [Citation, ...Citation[]],
  test: () => Promise<void> | void,
): void {
  it(`${title} [${citations.map(({ text }) => text).join("; ")}]`, async () => {
    for (const citation of citations) citation.check();
    await test();
  });
}
