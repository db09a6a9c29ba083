/** `npm run fuzz`: 100,000 wrong requests, or as many as are asked for, from a seed that it prints. */
import { runFuzz } from "./run.ts";

const at = (name: string, usual: number) => {
  const index = process.argv.indexOf(name);
  if (index < 0) return usual;
  const text = process.argv[index + 1] ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text);
  process.stderr.write(`${name} takes a whole number, not '${text}'.\n`);
  process.exit(2);
};
const requests = at("--requests", 100_000);
const seed = at("--seed", Math.floor(Math.random() * 2 ** 31));
process.stdout.write(`${requests} wrong requests, seed ${seed}\n`);
const began = Date.now();
const report = await runFuzz({
  ...{ requests, seed },
  // On the way, so that a run that is ended has said what it saw.
  onFault: (fault) => process.stderr.write(`${fault}\n`),
  onProgress: (done, heapBytes) =>
    process.stderr.write(
      `  ${done} after ${Math.round((Date.now() - began) / 1000)} s, heap ${(heapBytes / 1024 / 1024).toFixed(1)} MiB\n`,
    ),
});
const counts = Object.entries(report.statuses).map(([status, count]) => `${status}: ${count}`);
process.stdout.write(`${report.operations} functions answered ${counts.join(", ")}\n`);
process.stdout.write(`The heap grew by ${(report.heapGrowthBytes / 1024 / 1024).toFixed(1)} MiB.\n`);
process.stdout.write(`${report.mustBeRefused} could be nothing but refused.\n`);
if (report.unmet.length > 0) process.stdout.write(`Not met: ${report.unmet.join(", ")}\n`);
// A run of a few requests needn't come to all.
const isPartial = report.unmet.length > 0 && requests >= 5_000;
const hasGrown = report.heapGrowthBytes > 64 * 1024 * 1024;
if (report.faults.length > 0 || hasGrown || isPartial) {
  process.stderr.write(`Failed: again with npm run fuzz -- --seed ${seed} --requests ${requests}\n`);
  process.exit(1);
}
