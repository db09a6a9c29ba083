/** Compiles the tree of a pattern into a program for the machine. */

import { OP, PLACES, type Program } from "./program.ts";
import { leastLength, type RegexNode, RegexRefusal, UNBOUNDED } from "./tree.ts";
import { areDisjoint, contains, setOfUnits, type UnitSet } from "./unit-set.ts";

/**
 * What must come behind a node, as far as it is plain: units of a set, the end of the text, or nothing that could fail
 * (`done`).
 */
type Follow = UnitSet | "end" | "last" | "done" | undefined;

type Repeat = Extract<RegexNode, { type: "repeat" }>;

/** More would take longer to go through once than a pattern of this length can mean. */
const MAXIMUM_SIZE = 100_000;

/** `slots` are the groups, the whole match included. Throws `RegexRefusal` for a pattern that is too large. */
export function emitProgram(root: RegexNode, slots: number): Program {
  const code: number[] = [];
  const sets: UnitSet[] = [];
  const texts: string[] = [];
  let registers = 0;

  const put = (...words: number[]): number => {
    if (code.length > MAXIMUM_SIZE) throw new RegexRefusal("The pattern is too large.");
    return code.push(...words) - words.length;
  };
  const patch = (at: number) => {
    code[at] = code.length;
  };
  const register = () => registers++;
  const setIndex = (set: UnitSet) => {
    const known = sets.indexOf(set);
    return known >= 0 ? known : sets.push(set) - 1;
  };

  function emit(node: RegexNode, isLeft: boolean, follow: Follow): void {
    switch (node.type) {
      case "unit":
        put(isLeft ? OP.unitLeft : OP.unit, node.code);
        return;
      case "set":
        put(isLeft ? OP.setLeft : OP.set, setIndex(node.set));
        return;
      case "place":
        put(OP.place, PLACES.indexOf(node.place));
        return;
      case "back":
        put((node.ignoreCase ? OP.backFold : OP.back) + (isLeft ? 1 : 0), node.slot);
        return;
      case "sequence":
        emitSequence(node.items, isLeft, follow);
        return;
      case "choice":
        emitChoice(node.options, isLeft, follow);
        return;
      case "capture":
        emitCapture(node, isLeft, follow);
        return;
      case "repeat":
        emitRepeat(node, isLeft, follow);
        return;
      case "atomic": {
        const [height, place] = [register(), register()];
        put(OP.open, height, place);
        emit(node.body, isLeft, "done");
        put(OP.commit, height);
        return;
      }
      case "look":
        emitLook(node);
        return;
      case "if-captured": {
        const test = put(OP.unlessCaptured, node.slot, 0);
        emitBranches(node, test + 2, isLeft, follow);
        return;
      }
      case "if-matched": {
        const [height, place] = [register(), register()];
        put(OP.open, height, place);
        const choice = put(OP.choice, 0);
        emit(node.condition, isLeft, "done");
        put(OP.look, height, place);
        emitBranches(node, choice + 1, isLeft, follow);
        return;
      }
    }
  }

  function emitSequence(items: readonly RegexNode[], isLeft: boolean, follow: Follow): void {
    const ordered = isLeft ? [...items].reverse() : items;
    for (let index = 0; index < ordered.length; index++) {
      const item = ordered[index];
      if (!item) continue;
      const run = unitsFrom(ordered, index);
      if (run.length > 1) {
        const text = String.fromCharCode(...(isLeft ? run.reverse() : run));
        put(isLeft ? OP.textLeft : OP.text, texts.push(text) - 1);
        index += run.length - 1;
        continue;
      }
      const next = ordered[index + 1];
      emit(item, isLeft, isLeft ? undefined : next ? beginningOf(next) : follow);
    }
  }

  function emitChoice(options: readonly RegexNode[], isLeft: boolean, follow: Follow): void {
    const exits: number[] = [];
    for (const [index, option] of options.entries()) {
      const isLast = index === options.length - 1;
      const choice = isLast ? -1 : put(OP.choice, 0);
      emit(option, isLeft, follow);
      if (isLast) break;
      exits.push(put(OP.jump, 0) + 1);
      patch(choice + 1);
    }
    for (const exit of exits) patch(exit);
  }

  function emitBranches(node: { yes: RegexNode; no: RegexNode }, elseAt: number, isLeft: boolean, follow: Follow) {
    emit(node.yes, isLeft, follow);
    const exit = put(OP.jump, 0) + 1;
    patch(elseAt);
    emit(node.no, isLeft, follow);
    patch(exit);
  }

  function emitCapture(node: Extract<RegexNode, { type: "capture" }>, isLeft: boolean, follow: Follow): void {
    const start = register();
    put(OP.mark, start);
    emit(node.body, isLeft, follow);
    if (node.released < 0) put(OP.capture, node.slot, start);
    else put(OP.balance, node.slot, node.released, start);
  }

  function emitLook({ isBehind, isNegative, body }: Extract<RegexNode, { type: "look" }>): void {
    const [height, place] = [register(), register()];
    put(OP.open, height, place);
    if (!isNegative) {
      emit(body, isBehind, "done");
      put(OP.look, height, place);
      return;
    }
    const choice = put(OP.choice, 0);
    emit(body, isBehind, "done");
    put(OP.reject, height);
    patch(choice + 1);
  }

  function emitRepeat(node: Repeat, isLeft: boolean, follow: Follow): void {
    const { body, least, most, isLazy } = node;
    const set = body.type === "set" ? body.set : body.type === "unit" ? setOfUnits([body.code]) : undefined;
    if (set) {
      emitUnits(node, set, isLeft, follow);
      return;
    }
    if (most === 1) {
      // Least is 0: a repetition of exactly one is its body.
      const choice = put(isLazy ? OP.defer : OP.choice, 0);
      emit(body, isLeft, follow);
      patch(choice + 1);
      return;
    }
    const canBeEmpty = leastLength(body) === 0;
    if (!canBeEmpty && most === UNBOUNDED && least <= 1) {
      emitPlainLoop(node, isLeft);
      return;
    }
    const count = least > 0 || most < UNBOUNDED ? register() : -1;
    const place = canBeEmpty ? register() : -1;
    put(OP.loopStart, count, place);
    const again = put(isLazy ? OP.roundLazy : OP.round, count, place, least, most, 0);
    if (isLazy) put(OP.roundAgain, count, place);
    emit(body, isLeft, undefined);
    put(OP.jump, again);
    patch(again + 5);
  }

  /** `(?:ab)*` and `(?:ab)+`, whose rounds always take something: choices alone are enough. */
  function emitPlainLoop({ body, least, isLazy }: Repeat, isLeft: boolean): void {
    const op = isLazy ? OP.defer : OP.choice;
    const start = code.length;
    const ahead = least === 0 ? put(op, 0) : -1;
    emit(body, isLeft, undefined);
    const behind = least === 1 ? put(op, 0) : -1;
    put(OP.jump, start);
    patch((least === 0 ? ahead : behind) + 1);
  }

  function emitUnits({ least, most, isLazy }: Repeat, set: UnitSet, isLeft: boolean, follow: Follow): void {
    const next = typeof follow === "object" ? follow.single : -1;
    const index = setIndex(set);
    if (isLazy) {
      put(isLeft ? OP.lazyLeft : OP.lazy, index, least, most);
      put(isLeft ? OP.lazyLeftAgain : OP.lazyAgain, index, isLeft ? -1 : next);
      return;
    }
    const keepsAll = least === most || (!isLeft && givesNothingBack(set, follow));
    put(isLeft ? OP.loopLeft : OP.loop, index, least, most, keepsAll ? 1 : 0);
    put(isLeft ? OP.loopLeftAgain : OP.loopAgain, isLeft ? -1 : next);
  }

  emit(root, false, "done");
  put(OP.done);
  return { code: Int32Array.from(code), sets, texts, registers, slots };
}

/** The units that stand one after another from `index` on. */
function unitsFrom(items: readonly RegexNode[], index: number): number[] {
  const run: number[] = [];
  for (let item = items[index]; item?.type === "unit"; item = items[index + run.length]) run.push(item.code);
  return run;
}

/** True when a shorter run of the set can't lead to a match: what it gave back isn't what must come next. */
function givesNothingBack(set: UnitSet, follow: Follow): boolean {
  if (follow === undefined) return false;
  if (follow === "end" || follow === "done") return true;
  return follow === "last" ? !contains(set, 10) : areDisjoint(set, follow);
}

function beginningOf(node: RegexNode): Follow {
  switch (node.type) {
    case "unit":
      return setOfUnits([node.code]);
    case "set":
      return node.set;
    case "place":
      return node.place === "end" || node.place === "last" ? node.place : undefined;
    case "sequence":
      return node.items[0] ? beginningOf(node.items[0]) : undefined;
    case "capture":
    case "atomic":
      return beginningOf(node.body);
    case "repeat":
      return node.least > 0 ? beginningOf(node.body) : undefined;
    default:
      return undefined;
  }
}
