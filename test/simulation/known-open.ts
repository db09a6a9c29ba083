/**
 * Seeds that show what the engine doesn't keep yet, by the guarantee: the table of gaps in `docs/SPEC.md` tells what it is. Each
 * must still show it, so that whoever mends it takes it out of here.
 */
import type { Guarantee } from "./oracles.ts";

export const KNOWN_OPEN: ReadonlyMap<number, Guarantee> = new Map([[193, "N5"]]);
