/**
 * `npm run simulate`: plays any number of seeds from any seed on; says how fast, and what went wrong how often. A violation is cut
 * to a small history, which is printed and, with `--save`, kept as a regression.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FAULT_KINDS, generate } from "./generate.ts";
import { openStores } from "./open-stores.ts";
import { play } from "./play.ts";
import { shrink } from "./shrink.ts";
import type { History } from "./steps.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "300" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    stores: { type: "string", default: "memory" },
    history: { type: "string" },
    trace: { type: "boolean", default: false },
    save: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});

const stores = await openStores(values.stores);
try {
  process.exitCode = await run();
} finally {
  await stores.close();
}

async function run(): Promise<number> {
  const histories = values.history
    ? [JSON.parse(readFileSync(values.history, "utf8")) as History]
    : values.seed === undefined
      ? Array.from({ length: Number(values.seeds) }, (_, index) => generate(Number(values.from) + index))
      : [generate(Number(values.seed))];
  const hits = new Map<string, number>();
  const began = Date.now();
  const cpu = process.cpuUsage();
  let failed = 0;
  for (const [index, history] of histories.entries()) {
    if (index > 0 && index % 50 === 0) process.stdout.write(`${index} seeds played\n`);
    const played = await play(history, stores.fresh());
    for (const [what, count] of played.hits) hits.set(what, (hits.get(what) ?? 0) + count);
    if (values.trace)
      process.stdout.write(`${played.trace.join("\n")}\ndigest ${played.digest}, ${played.calls} calls\n`);
    if (!played.violation) continue;
    failed++;
    process.stdout.write(`seed ${history.seed}: ${played.violation.message}\n`);
    if (values.keep) continue;
    const small = await shrink(history, played.violation.guarantee, stores.fresh);
    process.stdout.write(`cut to ${small.steps.length} steps:\n${JSON.stringify(small)}\n`);
    if (values.save) save(small);
    break;
  }
  const seconds = (Date.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const own = (user + system) / 1_000_000 / histories.length;
  process.stdout.write(
    `${histories.length} seeds in ${seconds.toFixed(1)} s, ${(histories.length / seconds).toFixed(1)} a second; ${own.toFixed(2)} s of CPU each\n`,
  );
  for (const [what, count] of [...hits].sort()) process.stdout.write(`  ${what}: ${count}\n`);
  const never = FAULT_KINDS.filter((kind) => !hits.has(kind));
  if (never.length > 0) process.stdout.write(`  never: ${never.join(", ")}\n`);
  return failed === 0 ? 0 : 1;
}

function save(history: History): void {
  const folder = join(import.meta.dirname, "regressions");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `seed-${history.seed}.json`);
  writeFileSync(path, `${JSON.stringify(history, null, 1)}\n`);
  process.stdout.write(`kept as ${path}\n`);
}
