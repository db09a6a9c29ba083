/**
 * The file that the bench of the quota writes. Its two halves take minutes each and may run apart, side by side: a half goes
 * beside the other one that the file holds, when that was measured at the same size, on the same machine and day; of
 * anything else nothing stays. `command` tells what was run.
 */
import { readFile, writeFile } from "node:fs/promises";
import type { QuotaMeasured, QuotaResult } from "./quota-measured.ts";
import { missedByQuota } from "./quota-report.ts";

const AND = " && ";

/** Rejects when the file can't be read or written, or isn't JSON; one that isn't there is made. */
export async function writeQuotaFile(file: string, result: QuotaResult): Promise<void> {
  const present = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  const joined = present === undefined ? result : joinHalves(JSON.parse(present) as QuotaResult, result);
  await writeFile(file, `${JSON.stringify(joined, null, 2)}\n`);
}

/** What was measured now, and of what was measured before the half that wasn't measured again. */
export function joinHalves(before: QuotaResult, now: QuotaResult): QuotaResult {
  const { load, shares, deltas } = now.figures;
  const isWhole = load !== undefined && shares.length > 0;
  const isApart = (load === undefined) !== (before.figures.load === undefined);
  if (isWhole || !isApart || madeOf(before) !== madeOf(now)) return now;
  const measured: QuotaMeasured = {
    ...(load ? { load } : before.figures.load ? { load: before.figures.load } : {}),
    shares: load ? before.figures.shares : shares,
    deltas: load ? before.figures.deltas : deltas,
  };
  return {
    ...now,
    command: [before.command, now.command].join(AND),
    figures: { conditions: now.figures.conditions, ...measured, missed: missedByQuota(measured) },
  };
}

function madeOf({ command, date, node, figures }: QuotaResult): string {
  return JSON.stringify([command.replace(/ --only \w+/, ""), date, node, figures.conditions]);
}
