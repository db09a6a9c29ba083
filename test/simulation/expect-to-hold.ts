/** Plays a history in a test: a violation is cut small, and both are the failure's message. */
import { expect } from "vitest";
import { FAULT_KINDS, SOURCE_FAULTS } from "./generate.ts";
import { type Played, play } from "./play.ts";
import { shrink } from "./shrink.ts";
import type { History } from "./steps.ts";
import type { Stores } from "./world.ts";

export async function expectToHold(history: History, fresh: () => Stores): Promise<Played> {
  const played = await play(history, fresh());
  if (!played.violation) return played;
  const small = await shrink(history, played.violation.guarantee, fresh);
  expect.fail(`Seed ${history.seed}: ${played.violation.message}\nCut small: ${JSON.stringify(small)}`);
}

/** How often each fault took effect, over all histories that a file plays. */
export function countHits(into: Map<string, number>, { hits }: Played): void {
  for (const [what, count] of hits) into.set(what, (into.get(what) ?? 0) + count);
}

/** What a fault list must show once this many seeds were played: a fault that only was drawn tried nothing. */
export const ENOUGH_SEEDS = 150;

/** What a directory server goes through hits no call by itself, and what comes of a backup put back is rare: the other half of the seeds may have it. */
const OF_NO_CALL: readonly string[] = ["replicate", "backup", "restored", "rolled-back"];

/** Every fault that is to take effect in that many seeds. */
export const FAULTS_THAT_HIT: readonly string[] = [
  ...FAULT_KINDS,
  ...SOURCE_FAULTS.filter((kind) => !OF_NO_CALL.includes(kind)).map((kind) => `source ${kind}`),
];
