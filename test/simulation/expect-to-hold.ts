/** Plays a history in a test: a violation is cut small, and both are the failure's message. And what histories were hit by. */
import { expect } from "vitest";
import { FAULT_KINDS, generate, SOURCE_FAULTS } from "./generate.ts";
import { memoryStores } from "./open-stores.ts";
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

/** With so many seeds that whoever plays them wants to know what they tried: a fault that only was drawn tried nothing. */
export const ENOUGH_SEEDS = 150;

/** What a directory server goes through hits no call by itself; what comes of a backup put back is asked for. */
const OF_NO_CALL: readonly string[] = ["replicate", "backup"];

/** Every fault that is to take effect, as it is counted, with the part of a step that draws it. */
const FAULTS_THAT_HIT: ReadonlyMap<string, string> = new Map([
  ...FAULT_KINDS.map((kind) => {
    const [on, ...rest] = kind.split(" ");
    return [kind, `"on":"${on}","kind":"${rest.join(" ")}"`] as const;
  }),
  ...SOURCE_FAULTS.filter((kind) => !OF_NO_CALL.includes(kind)).map(
    (kind) => [`source ${kind}`, `"kind":"${kind}","after"`] as const,
  ),
  ["source skew-aged", '"kind":"skew","after"'],
  ["source written-meanwhile", '"meanwhile":[{'],
  ["way repeated", '"way":{"repeat"'],
  ["way reordered", '"way":{"reorder"'],
  ["way truncated", '"way":{"truncate"'],
  ["way answer-lost", '"way":{"lost"'],
  ["way torn", '"way":{"torn"'],
  ["graph quota", '"do":"graph","kind":"quota"'],
  ["graph lag", '"do":"graph","kind":"lag"'],
  ["blobs gone", '"do":"blob-gone"'],
  ["host crashed", '"do":"crash"'],
  ["stranger taken over (upn)", '"do":"stranger"'],
  ["stranger taken over (mail)", '"kind":"mail"'],
  ["stranger taken over (anchor)", '"kind":"anchor"'],
  ...["other-anchor", "role", "mastered"].map((kind) => [`stranger in the way (${kind})`, `"kind":"${kind}"`] as const),
]);

/** Seeds that no other test plays. */
const BEYOND = 1_000_000;
const MOST_BEYOND = 40;

/**
 * The faults that no history shows: none that `hits` has, and for each of the others none of the histories beyond that draw it.
 * Those hold every guarantee, too.
 */
export async function neverHit(hits: Map<string, number>): Promise<string[]> {
  const never: string[] = [];
  for (const [fault, part] of FAULTS_THAT_HIT) {
    let seed = BEYOND;
    for (let played = 0; !hits.has(fault) && played < MOST_BEYOND; seed++) {
      const history = generate(seed);
      if (!JSON.stringify(history.steps).includes(part)) continue;
      played++;
      countHits(hits, await expectToHold(history, memoryStores));
    }
    if (!hits.has(fault)) never.push(fault);
  }
  return never;
}
