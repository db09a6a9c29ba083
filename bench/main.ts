/**
 * `npm run bench [-- --users N …] [--full] [--json FILE] [--profile FOLDER]`: a table, then the same as JSON.
 * `npm run bench -- --member-change [--members N]`: what one member more or less costs in a group of N; with `--users`
 * or `--full` beside those sizes.
 * `npm run bench -- --cold-load [--rounds N] [--json FILE]`: how long the functions app takes to load; see `cold-load.ts`.
 * `npm run bench -- --mapping [--objects N] [--rounds N]`: how fast objects are mapped, nothing else; see `mapping.ts`.
 *
 * Reaches for the numbers below and says which were missed; a missed one is no failure of the program, because how fast
 * a machine is stands not in our hands.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { benchSize } from "./bench.ts";
import { runColdLoadBench } from "./cold-load.ts";
import { conditionsHere } from "./conditions.ts";
import { runMappingBench } from "./mapping.ts";
import type { Measured, MemberChangeMeasured } from "./measured.ts";
import { benchMemberChange } from "./member-change.ts";
import { missed, report } from "./report.ts";

const USUAL = [2_000, 10_000];
const FULL = 50_000;

const MEMBERS = 20_000;

function sizesOf(users: readonly string[], full: boolean): number[] {
  const sizes = users.map(Number);
  const wrong = sizes.filter((size) => !Number.isInteger(size) || size < 100 || size > 500_000);
  if (wrong.length > 0) throw new Error("--users takes a whole number from 100 to 500000.");
  return full ? [...sizes, FULL] : sizes;
}

function membersOf(text: string | undefined): number {
  const members = Number(text ?? MEMBERS);
  if (!Number.isInteger(members) || members < 100 || members > 250_000)
    throw new Error("--members takes a whole number from 100 to 250000.");
  return members;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      users: { type: "string", multiple: true },
      full: { type: "boolean", default: false },
      json: { type: "string" },
      profile: { type: "string" },
      "member-change": { type: "boolean", default: false },
      members: { type: "string" },
    },
  });
  const hasMemberChange = values["member-change"];
  const members = membersOf(values.members);
  const usual = hasMemberChange ? [] : USUAL;
  const sizes = sizesOf(values.users ?? usual.map(String), values.full);
  if (values.profile !== undefined) await mkdir(values.profile, { recursive: true });
  const results: Measured[] = [];
  const memberChanges: MemberChangeMeasured[] = [];
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const conditions = {
    storage: "Azurite in memory",
    target: "directory stand-in on this machine, quota off",
    source: "LDIF: each run is a full read; for a member's change a directory in memory, read in deltas",
    ...conditionsHere(),
  };
  for (const users of sizes) {
    await benchSize({
      users,
      log,
      done: (measured) => results.push(measured),
      ...(values.profile === undefined ? {} : { profiles: resolve(values.profile) }),
    });
  }
  if (hasMemberChange) await benchMemberChange({ members, log, done: (measured) => memberChanges.push(measured) });
  const all = { conditions, results, memberChanges };
  const json = `${JSON.stringify({ ...all, missed: missed(all) }, null, 2)}\n`;
  process.stdout.write(`${report(all)}\n`);
  if (values.json === undefined) process.stdout.write(`\n${json}`);
  else await writeFile(values.json, json);
}

const args = process.argv.slice(2);
function chosen(): Promise<void> {
  if (args.includes("--mapping")) return runMappingBench(args);
  return args.includes("--cold-load") ? runColdLoadBench(args) : main();
}
chosen().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
