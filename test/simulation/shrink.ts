/** Cuts a history that breaks a guarantee to a small one that breaks the same: parts of its steps go, then its settings. */
import type { Guarantee } from "./oracles.ts";
import { type PlayOptions, play } from "./play.ts";
import type { History, Step } from "./steps.ts";
import type { Stores } from "./world.ts";

/** Attempts at most: a small history is wanted, not the smallest. */
const MOST_ATTEMPTS = 250;

export async function shrink(
  history: History,
  guarantee: Guarantee,
  stores: () => Stores,
  options: PlayOptions = {},
): Promise<History> {
  let attempts = 0;
  const breaks = async (candidate: History): Promise<boolean> => {
    if (++attempts > MOST_ATTEMPTS) return false;
    return (await play(candidate, stores(), options)).violation?.guarantee === guarantee;
  };
  let small = history;
  for (let size = Math.ceil(small.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < small.steps.length; ) {
      const steps = [...small.steps.slice(0, at), ...small.steps.slice(at + size)];
      const candidate = { ...small, steps };
      if (await breaks(candidate)) small = candidate;
      else at += size;
    }
  }
  for (const simpler of [
    { forests: 1 },
    { chunkObjects: 200 },
    { quota: null },
    { guard: { floor: 20, count: 500, percent: 10 } },
  ]) {
    const candidate = { ...small, ...simpler };
    if (JSON.stringify(candidate) !== JSON.stringify(small) && (await breaks(candidate))) small = candidate;
  }
  for (const [index, step] of small.steps.entries()) {
    for (const plain of plainerOf(step)) {
      const candidate = { ...small, steps: small.steps.map((own, at) => (at === index ? plain : own)) };
      if (await breaks(candidate)) {
        small = candidate;
        break;
      }
    }
  }
  return small;
}

function plainerOf(step: Step): Step[] {
  if (step.do === "read") {
    const plain: Step = { ...step, way: {}, meanwhile: [], size: 50 };
    return JSON.stringify(plain) === JSON.stringify(step)
      ? []
      : [plain, { ...step, way: {}, meanwhile: [] }, { ...step, size: 50 }];
  }
  if (step.do === "fault" && step.count > 1) return [{ ...step, count: 1 }];
  return [];
}
