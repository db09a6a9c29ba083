/**
 * While a simulation runs, `randomUUID` and `randomBytes` of node:crypto draw from its seed: ids are keys of rows, and keys
 * decide the order in which rows are read. Real input and output (`outside`) keeps the real ones, so that what a storage
 * client draws for its own headers changes nothing.
 */
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { createDice, type Dice } from "./random.ts";

const real = { randomUUID: crypto.randomUUID, randomBytes: crypto.randomBytes };
let dice: Dice | undefined;
let isOutside = false;

/** Runs real input or output with real chance. Nothing of the simulation runs meanwhile. */
export async function outside<T>(work: () => Promise<T>): Promise<T> {
  isOutside = true;
  try {
    return await work();
  } finally {
    isOutside = false;
  }
}

export function bytesFrom(from: Dice, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => from.below(256)));
}

/** The dice of what is played now; none: real chance. */
const seeded = (): Dice | undefined => (isOutside ? undefined : dice);

// In place from the beginning: telling every module of another function takes as long as a tenth of a short history.
Object.assign(crypto, {
  randomUUID: (options?: Parameters<typeof real.randomUUID>[0]) => {
    const from = seeded();
    return from ? uuidFrom(from) : real.randomUUID(options);
  },
  randomBytes: (count: number, done?: (error: Error | null, bytes: Buffer) => void) => {
    const from = seeded();
    if (!from) return done ? real.randomBytes(count, done) : real.randomBytes(count);
    if (!done) return bytesFrom(from, count);
    done(null, bytesFrom(from, count));
    return undefined;
  },
});
syncBuiltinESMExports();

/** Returns what ends it. */
export function seedCrypto(seed: number): () => void {
  dice = createDice(seed);
  return () => {
    dice = undefined;
  };
}

function uuidFrom(from: Dice) {
  const hex = bytesFrom(from, 16).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}` as const;
}
