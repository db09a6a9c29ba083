/** Plays a history in a test: a violation is cut small, and both are the failure's message. */
import { expect } from "vitest";
import { play } from "./play.ts";
import { shrink } from "./shrink.ts";
import type { History } from "./steps.ts";
import type { Stores } from "./world.ts";

export async function expectToHold(history: History, fresh: () => Stores): Promise<string> {
  const played = await play(history, fresh());
  if (!played.violation) return played.digest;
  const small = await shrink(history, played.violation.guarantee, fresh);
  expect.fail(`Seed ${history.seed}: ${played.violation.message}\nCut small: ${JSON.stringify(small)}`);
}
