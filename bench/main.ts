/**
 * `npm run bench [-- --users N …] [--full] [--json FILE] [--profile FOLDER]`: a table, then the same as JSON.
 *
 * Reaches for the numbers below and says which were missed; a missed one is no failure of the program, because how fast
 * a machine is stands not in our hands.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { benchSize } from "./bench.ts";
import type { Measured } from "./measured.ts";
import { missed, table } from "./report.ts";

const USUAL = [2_000, 10_000];
const FULL = 50_000;

function sizesOf(users: readonly string[] | undefined, full: boolean): number[] {
  const sizes = users === undefined ? USUAL : users.map(Number);
  const wrong = sizes.filter((size) => !Number.isInteger(size) || size < 100 || size > 500_000);
  if (wrong.length > 0) throw new Error("--users takes a whole number from 100 to 500000.");
  return full ? [...sizes, FULL] : sizes;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      users: { type: "string", multiple: true },
      full: { type: "boolean", default: false },
      json: { type: "string" },
      profile: { type: "string" },
    },
  });
  const sizes = sizesOf(values.users, values.full);
  if (values.profile !== undefined) await mkdir(values.profile, { recursive: true });
  const results: Measured[] = [];
  const conditions = {
    storage: "Azurite in memory",
    target: "directory stand-in on this machine, quota off",
    source: "LDIF: each run is a full read",
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpus: `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
  };
  for (const users of sizes) {
    await benchSize({
      users,
      log: (line) => process.stderr.write(`${line}\n`),
      done: (measured) => results.push(measured),
      ...(values.profile === undefined ? {} : { profiles: resolve(values.profile) }),
    });
  }
  const json = `${JSON.stringify({ conditions, results, missed: missed(results) }, null, 2)}\n`;
  process.stdout.write(`${table(conditions, results)}\n`);
  if (values.json === undefined) process.stdout.write(`\n${json}`);
  else await writeFile(values.json, json);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
