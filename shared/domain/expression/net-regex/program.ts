/**
 * What a parsed pattern is compiled to: a list of instructions for the machine, operands in the same array.
 *
 * Instructions go forward through the text unless their name ends in `Left`, as lookbehinds do in .NET. A repetition of
 * one unit is one instruction; any other is a loop with its count and the place of its last round in registers, never
 * written out: `(a{1000}){1000}` is as small as `(a*)*`.
 */

import type { UnitSet } from "./unit-set.ts";

/** The machine has these numbers in its cases: a switch over literals is a jump, over names a search. */
export const OP = {
  /** The end: everything matched. */
  done: 0,
  /** unit */
  unit: 1,
  unitLeft: 2,
  /** set */
  set: 3,
  setLeft: 4,
  /** text */
  text: 5,
  textLeft: 6,
  /** place */
  place: 7,
  /** target */
  jump: 8,
  /** Goes on, and to the target if that fails: target */
  choice: 9,
  /** Goes to the target, and on if that fails: target */
  defer: 10,
  /** Notes where the text stands: register */
  mark: 11,
  /** From the mark to here: slot, register */
  capture: 12,
  /** Gives back the last capture of one slot and captures what lies between: slot, released slot, register */
  balance: 13,
  /** slot */
  back: 14,
  backLeft: 15,
  backFold: 16,
  backFoldLeft: 17,
  /** As many units of a set as there are: set, least, most, 1 if none is given back. `loopAgain` follows. */
  loop: 18,
  /** Gives one back: the unit that must come next, or -1 */
  loopAgain: 19,
  loopLeft: 20,
  loopLeftAgain: 21,
  /** As few units of a set as possible: set, least, most. `lazyAgain` follows. */
  lazy: 22,
  /** Takes one more: set, the unit that must come next, or -1 */
  lazyAgain: 23,
  lazyLeft: 24,
  lazyLeftAgain: 25,
  /** count register or -1, place register or -1 */
  loopStart: 26,
  /** One more round or out: count register or -1, place register or -1, least, most, exit */
  round: 27,
  roundLazy: 28,
  /** The round that `roundLazy` put off: as there */
  roundAgain: 29,
  /** Notes the height of the stack and the place: height register, place register */
  open: 30,
  /** Forgets the choices since `open`, and goes back to its place: height register, place register */
  look: 31,
  /** Forgets the choices since `open`: height register */
  commit: 32,
  /** Undoes all since `open` and fails: height register */
  reject: 33,
  /** slot, target if it has captured nothing */
  unlessCaptured: 34,
} as const;

/** The numbers of places in `OP.place`. */
export const PLACES = ["begin", "end", "last", "line-begin", "line-end", "boundary", "no-boundary", "origin"] as const;

export interface Program {
  readonly code: Int32Array;
  readonly sets: readonly UnitSet[];
  readonly texts: readonly string[];
  readonly registers: number;
  /** Groups, the whole match included. */
  readonly slots: number;
}
