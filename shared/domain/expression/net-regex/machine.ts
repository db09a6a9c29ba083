/**
 * The machine that runs a program against a text from one place: a backtracking matcher with a stack of its own, so
 * neither the text nor the pattern can exhaust JavaScript's.
 *
 * The stack holds entries of three numbers: a choice (instruction, place, one more number) or what to undo. Failing
 * takes entries off until a choice comes. Every instruction, every entry taken off and every few units of a run cost a
 * step; without steps left it ends with an `ExpressionError` of the code `limit`.
 */

import { outOfWork, type Work } from "../work.ts";
import { addBetween, addCell, type Captures, grown } from "./captures.ts";
import type { Program } from "./program.ts";
import { isAtPlace, isSame } from "./text-places.ts";
import { contains, type UnitSet } from "./unit-set.ts";

export interface Machine extends Captures {
  readonly program: Program;
  readonly registers: Int32Array;
  /** Where the last successful run began and ended. */
  start: number;
  end: number;
}

const UNDO_REGISTER = -1;
/** Takes the newest cell away, too. */
const UNDO_CAPTURE = -2;
const UNDO_TOP = -3;

/** Entries that one instruction may push, with room to spare. */
const ROOM = 16;
/** Numbers that a stack holds at first; going beyond them, and beyond each doubling, costs extra. */
const FIRST_STACK = 1 << 12;
/** A stack of this many numbers is kept for the next run; larger ones are let go. */
const KEPT_STACK = 1 << 18;
let keptStack = new Int32Array(FIRST_STACK);

export function createMachine(program: Program): Machine {
  return {
    program,
    registers: new Int32Array(program.registers),
    tops: new Int32Array(program.slots).fill(-1),
    cells: new Int32Array(3 * (program.slots + 1)),
    cellCount: 0,
    start: 0,
    end: 0,
  };
}

/**
 * Tries to match at `from`; `origin` is where \G holds. On success `start`, `end`, `tops` and `cells` tell what matched
 * and what was captured; on failure nothing is captured.
 */
export function runAt(machine: Machine, input: string, from: number, origin: number, work: Work): boolean {
  const { registers, tops } = machine;
  const { code, sets, texts } = machine.program;
  const length = input.length;
  let stack = keptStack;
  let roof = FIRST_STACK;
  let height = 0;
  let pc = 0;
  let pos = from;
  let extra = 0;
  let fuel = work.remaining;

  for (;;) {
    if (--fuel < 0) {
      work.remaining = fuel;
      throw outOfWork(work);
    }
    if (height > roof - ROOM) {
      // By what it needs, not by what it finds: the steps must not depend on who ran before.
      fuel -= roof >> 2;
      roof *= 2;
      if (stack.length < roof) stack = grown(stack);
      if (stack.length <= KEPT_STACK) keptStack = stack;
    }
    // A case that matched continues; one that didn't breaks, and the last choice is taken up below.
    switch (code[pc]) {
      case 0: // done
        work.remaining = fuel;
        machine.start = from;
        machine.end = pos;
        return true;
      case 1: // unit
        if (pos >= length || input.charCodeAt(pos) !== code[pc + 1]) break;
        pos++;
        pc += 2;
        continue;
      case 2: // unitLeft
        if (pos <= 0 || input.charCodeAt(pos - 1) !== code[pc + 1]) break;
        pos--;
        pc += 2;
        continue;
      case 3: // set
        if (pos >= length || !contains(sets[code[pc + 1] as number] as UnitSet, input.charCodeAt(pos))) break;
        pos++;
        pc += 2;
        continue;
      case 4: // setLeft
        if (pos <= 0 || !contains(sets[code[pc + 1] as number] as UnitSet, input.charCodeAt(pos - 1))) break;
        pos--;
        pc += 2;
        continue;
      case 5: {
        // text
        const text = texts[code[pc + 1] as number] as string;
        fuel -= text.length >> 3;
        if (!input.startsWith(text, pos)) break;
        pos += text.length;
        pc += 2;
        continue;
      }
      case 6: {
        // textLeft
        const text = texts[code[pc + 1] as number] as string;
        fuel -= text.length >> 3;
        if (pos < text.length || !input.startsWith(text, pos - text.length)) break;
        pos -= text.length;
        pc += 2;
        continue;
      }
      case 7: // place
        if (!isAtPlace(code[pc + 1] as number, input, pos, origin)) break;
        pc += 2;
        continue;
      case 8: // jump
        pc = code[pc + 1] as number;
        continue;
      case 9: // choice
        stack[height] = code[pc + 1] as number;
        stack[height + 1] = pos;
        height += 3;
        pc += 2;
        continue;
      case 10: // defer
        stack[height] = pc + 2;
        stack[height + 1] = pos;
        height += 3;
        pc = code[pc + 1] as number;
        continue;
      case 11: {
        // mark
        const register = code[pc + 1] as number;
        stack[height] = UNDO_REGISTER;
        stack[height + 1] = register;
        stack[height + 2] = registers[register] as number;
        height += 3;
        registers[register] = pos;
        pc += 2;
        continue;
      }
      case 12: {
        // capture
        const slot = code[pc + 1] as number;
        stack[height] = UNDO_CAPTURE;
        stack[height + 1] = slot;
        stack[height + 2] = tops[slot] as number;
        height += 3;
        addCell(machine, slot, registers[code[pc + 2] as number] as number, pos);
        pc += 3;
        continue;
      }
      case 13: {
        // balance
        const slot = code[pc + 1] as number;
        const released = code[pc + 2] as number;
        const cell = tops[released] as number;
        if (cell < 0) break;
        const { cells } = machine;
        stack[height] = UNDO_TOP;
        stack[height + 1] = released;
        stack[height + 2] = cell;
        height += 3;
        tops[released] = cells[3 * cell + 2] as number;
        if (slot >= 0) {
          stack[height] = UNDO_CAPTURE;
          stack[height + 1] = slot;
          stack[height + 2] = tops[slot] as number;
          height += 3;
          const mark = registers[code[pc + 3] as number] as number;
          addBetween(machine, slot, cell, mark, pos);
        }
        pc += 4;
        continue;
      }
      case 14: // back
      case 15: // backLeft
      case 16: // backFold
      case 17: {
        // backFoldLeft
        const cell = tops[code[pc + 1] as number] as number;
        if (cell < 0) break;
        const first = machine.cells[3 * cell] as number;
        const size = (machine.cells[3 * cell + 1] as number) - first;
        const isLeft = (code[pc] as number) % 2 === 1;
        const at = isLeft ? pos - size : pos;
        fuel -= size >> 2;
        if (at < 0 || at + size > length) break;
        if (!isSame(input, first, at, size, (code[pc] as number) >= 16)) break;
        pos = isLeft ? at : at + size;
        pc += 2;
        continue;
      }
      case 18: {
        // loop
        const { latin, has } = sets[code[pc + 1] as number] as UnitSet;
        const least = code[pc + 2] as number;
        const most = code[pc + 3] as number;
        const start = pos;
        const limit = most < length - pos ? pos + most : length;
        while (pos < limit) {
          const unit = input.charCodeAt(pos);
          if (unit < 256 ? latin[unit] !== 1 : !has(unit)) break;
          pos++;
        }
        fuel -= (pos - start) >> 2;
        if (pos - start < least) break;
        if (code[pc + 4] === 0 && pos - start > least) {
          stack[height] = pc + 5;
          stack[height + 1] = pos;
          stack[height + 2] = start + least;
          height += 3;
        }
        pc += 7;
        continue;
      }
      case 19: {
        // loopAgain
        const next = code[pc + 1] as number;
        const start = pos;
        pos--;
        if (next >= 0) while (pos > extra && input.charCodeAt(pos) !== next) pos--;
        fuel -= (start - pos) >> 2;
        if (pos > extra) {
          stack[height] = pc;
          stack[height + 1] = pos;
          stack[height + 2] = extra;
          height += 3;
        }
        pc += 2;
        continue;
      }
      case 20: {
        // loopLeft
        const set = sets[code[pc + 1] as number] as UnitSet;
        const least = code[pc + 2] as number;
        const most = code[pc + 3] as number;
        const start = pos;
        const limit = most < pos ? pos - most : 0;
        while (pos > limit && contains(set, input.charCodeAt(pos - 1))) pos--;
        fuel -= (start - pos) >> 2;
        if (start - pos < least) break;
        if (code[pc + 4] === 0 && start - pos > least) {
          stack[height] = pc + 5;
          stack[height + 1] = pos;
          stack[height + 2] = start - least;
          height += 3;
        }
        pc += 7;
        continue;
      }
      case 21: // loopLeftAgain
        pos++;
        if (pos < extra) {
          stack[height] = pc;
          stack[height + 1] = pos;
          stack[height + 2] = extra;
          height += 3;
        }
        pc += 2;
        continue;
      case 22: {
        // lazy
        const set = sets[code[pc + 1] as number] as UnitSet;
        const least = code[pc + 2] as number;
        const most = code[pc + 3] as number;
        const start = pos;
        if (length - pos < least) break;
        while (pos - start < least && contains(set, input.charCodeAt(pos))) pos++;
        fuel -= (pos - start) >> 2;
        if (pos - start < least) break;
        if (most > least) {
          stack[height] = pc + 4;
          stack[height + 1] = pos;
          stack[height + 2] = most - least;
          height += 3;
        }
        pc += 7;
        continue;
      }
      case 23: {
        // lazyAgain
        const set = sets[code[pc + 1] as number] as UnitSet;
        const next = code[pc + 2] as number;
        const start = pos;
        const limit = extra < length - pos ? pos + extra : length;
        do {
          if (pos >= limit || !contains(set, input.charCodeAt(pos))) {
            pos = -1;
            break;
          }
          pos++;
        } while (next >= 0 && input.charCodeAt(pos) !== next);
        fuel -= (pos < 0 ? limit - start : pos - start) >> 2;
        if (pos < 0) break;
        if (pos < limit) {
          stack[height] = pc;
          stack[height + 1] = pos;
          stack[height + 2] = limit - pos;
          height += 3;
        }
        pc += 3;
        continue;
      }
      case 24: {
        // lazyLeft
        const set = sets[code[pc + 1] as number] as UnitSet;
        const least = code[pc + 2] as number;
        const most = code[pc + 3] as number;
        const start = pos;
        if (pos < least) break;
        while (start - pos < least && contains(set, input.charCodeAt(pos - 1))) pos--;
        fuel -= (start - pos) >> 2;
        if (start - pos < least) break;
        if (most > least) {
          stack[height] = pc + 4;
          stack[height + 1] = pos;
          stack[height + 2] = most - least;
          height += 3;
        }
        pc += 7;
        continue;
      }
      case 25: // lazyLeftAgain
        if (pos <= 0 || !contains(sets[code[pc + 1] as number] as UnitSet, input.charCodeAt(pos - 1))) break;
        pos--;
        if (extra > 1) {
          stack[height] = pc;
          stack[height + 1] = pos;
          stack[height + 2] = extra - 1;
          height += 3;
        }
        pc += 3;
        continue;
      case 26: // loopStart
        height = setRegister(stack, height, registers, code[pc + 1] as number, 0);
        height = setRegister(stack, height, registers, code[pc + 2] as number, -1);
        pc += 3;
        continue;
      case 27: // round
      case 28: {
        // roundLazy
        const count = code[pc + 1] as number;
        const place = code[pc + 2] as number;
        const done = count < 0 ? 0 : (registers[count] as number);
        const isLazy = code[pc] === 28;
        if (done >= (code[pc + 3] as number)) {
          const exit = code[pc + 5] as number;
          // A round that took nothing is the last one.
          if (done >= (code[pc + 4] as number) || (place >= 0 && registers[place] === pos)) {
            pc = exit;
            continue;
          }
          stack[height] = isLazy ? pc + 6 : exit;
          stack[height + 1] = pos;
          height += 3;
          if (isLazy) {
            pc = exit;
            continue;
          }
        }
        height = setRegister(stack, height, registers, count, done + 1);
        height = setRegister(stack, height, registers, place, pos);
        pc += isLazy ? 9 : 6;
        continue;
      }
      case 29: {
        // roundAgain
        const count = code[pc + 1] as number;
        if (count >= 0) height = setRegister(stack, height, registers, count, (registers[count] as number) + 1);
        height = setRegister(stack, height, registers, code[pc + 2] as number, pos);
        pc += 3;
        continue;
      }
      case 30: {
        // open
        const register = code[pc + 1] as number;
        height = setRegister(stack, height, registers, register, 0);
        height = setRegister(stack, height, registers, code[pc + 2] as number, pos);
        registers[register] = height;
        pc += 3;
        continue;
      }
      case 31: // look
      case 32: {
        // commit
        const floor = registers[code[pc + 1] as number] as number;
        fuel -= (height - floor) / 3;
        height = forgetChoices(stack, floor, height);
        if (code[pc] === 31) {
          pos = registers[code[pc + 2] as number] as number;
          pc += 3;
        } else pc += 2;
        continue;
      }
      case 33: {
        // reject
        const floor = registers[code[pc + 1] as number] as number;
        fuel -= (height - floor) / 3;
        while (height > floor) {
          height -= 3;
          if ((stack[height] as number) < 0) undo(machine, stack, height);
        }
        break;
      }
      case 34: // unlessCaptured
        pc = (tops[code[pc + 1] as number] as number) < 0 ? (code[pc + 2] as number) : pc + 3;
        continue;
    }

    for (;;) {
      if (height === 0) {
        work.remaining = fuel;
        return false;
      }
      height -= 3;
      fuel--;
      pc = stack[height] as number;
      if (pc >= 0) break;
      undo(machine, stack, height);
    }
    pos = stack[height + 1] as number;
    extra = stack[height + 2] as number;
  }
}

function setRegister(
  stack: Int32Array,
  height: number,
  registers: Int32Array,
  register: number,
  value: number,
): number {
  if (register < 0) return height;
  stack[height] = UNDO_REGISTER;
  stack[height + 1] = register;
  stack[height + 2] = registers[register] as number;
  registers[register] = value;
  return height + 3;
}

function undo(machine: Machine, stack: Int32Array, at: number): void {
  const index = stack[at + 1] as number;
  const value = stack[at + 2] as number;
  if (stack[at] === UNDO_REGISTER) {
    machine.registers[index] = value;
    return;
  }
  machine.tops[index] = value;
  if (stack[at] === UNDO_CAPTURE) machine.cellCount--;
}

/** Takes the choices from `floor` on out of the stack; what is to be undone stays. The height that is left. */
function forgetChoices(stack: Int32Array, floor: number, height: number): number {
  let kept = floor;
  for (let at = floor; at < height; at += 3) {
    if ((stack[at] as number) >= 0) continue;
    if (kept !== at) stack.copyWithin(kept, at, at + 3);
    kept += 3;
  }
  return kept;
}
