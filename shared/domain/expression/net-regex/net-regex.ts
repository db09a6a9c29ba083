/**
 * .NET regular expressions: test, replace, replace one group, read one group.
 *
 * A pattern is parsed, compiled to a program and run by a matcher of our own; JavaScript's never sees it. What .NET
 * would do is what happens, with two exceptions: what isn't supported is refused when the pattern is compiled, and
 * matching is metered. A pattern that tries too many ways ends with an `ExpressionError` of the code `limit`, after the
 * same number of steps on any machine.
 */

import { createRecent } from "../../recent.ts";
import { charge, chargeText, MAXIMUM_TEXT, type Work } from "../work.ts";
import { forgetCaptures, lastCapture } from "./captures.ts";
import { emitProgram } from "./emit.ts";
import { createMachine, type Machine, runAt } from "./machine.ts";
import { parseNetRegex } from "./parse.ts";
import { type Prospect, prospectOf } from "./prospect.ts";
import { compileReplacement, type ReplacementPart } from "./replacement.ts";
import { RegexRefusal } from "./tree.ts";
import { contains } from "./unit-set.ts";

export interface NetRegex {
  readonly test: (input: string, work: Work) => boolean;
  /** Replaces every match; `$1`, `${name}`, `$&`, `$$` … as in .NET. */
  readonly replace: (input: string, replacement: string, work: Work) => string;
  /** Replaces, in every match, only what the group captured. */
  readonly replaceGroup: (input: string, group: string, replacement: string, work: Work) => string;
  /** What the group captured in the first match; undefined without a match or when the group took no part. */
  readonly read: (input: string, group: string, work: Work) => string | undefined;
  readonly hasGroup: (group: string) => boolean;
  /** Throws `RegexRefusal` for a replacement that .NET refuses. */
  readonly checkReplacement: (replacement: string) => void;
}

/**
 * The pattern as a `NetRegex`. Throws `RegexRefusal` for what .NET refuses and for what isn't supported; `replaceGroup`
 * and `read` throw it for a group that isn't there. Every matching call throws `ExpressionError` when its work runs out.
 */
export function compileNetRegex(pattern: string): NetRegex {
  const { root, groups } = parseNetRegex(pattern);
  const machine = createMachine(emitProgram(root, groups.count));
  const prospect = prospectOf(root);
  const find = (input: string, from: number, origin: number, work: Work) =>
    findFrom(machine, prospect, input, { from, origin, work });

  const slotOf = (group: string): number => {
    const slot = groups.slotOf(group);
    if (slot === undefined) throw new RegexRefusal(`The pattern has no group '${group}'.`);
    return slot;
  };

  let last: { text: string; parts: readonly ReplacementPart[] } | undefined;
  const partsOf = (text: string) => {
    if (last?.text !== text) last = { text, parts: compileReplacement(text, groups) };
    return last.parts;
  };

  /** Writes the input anew, with something else between `start` and `end` of what `place` says of every match. */
  function rewrite(input: string, replacement: string, slot: number, work: Work): string {
    const parts = partsOf(replacement);
    let result = "";
    let done = 0;
    const add = (text: string) => {
      if (result.length + text.length > MAXIMUM_TEXT) chargeText(work, result.length + text.length);
      result += text;
    };
    for (let from = 0, origin = 0; from <= input.length && find(input, from, origin, work); ) {
      origin = machine.end;
      // .NET looks for the next match one unit further when this one was empty.
      from = machine.end === machine.start ? machine.end + 1 : machine.end;
      const place = capturedAt(machine, slot);
      if (!place || place.start < done) continue;
      add(input.slice(done, place.start));
      charge(work, parts.length);
      for (const part of parts) add(textOfPart(part, machine, input));
      done = place.end;
    }
    if (done === 0 && result === "") return input;
    add(input.slice(done));
    return result;
  }

  return {
    test: (input, work) => find(input, 0, 0, work),
    replace: (input, replacement, work) => rewrite(input, replacement, 0, work),
    replaceGroup: (input, group, replacement, work) => rewrite(input, replacement, slotOf(group), work),
    read: (input, group, work) => {
      const slot = slotOf(group);
      if (!find(input, 0, 0, work)) return undefined;
      const place = capturedAt(machine, slot);
      return place && input.slice(place.start, place.end);
    },
    hasGroup: (group) => groups.slotOf(group) !== undefined,
    checkReplacement: (replacement) => {
      partsOf(replacement);
    },
  };
}

/** For a constant one, which stands in every schema that has it. */
export const compileConstantRegex = createRecent(compileNetRegex);

interface Search {
  readonly from: number;
  readonly origin: number;
  readonly work: Work;
}

/** The leftmost match from `from` on. */
function findFrom(machine: Machine, prospect: Prospect, input: string, { from, origin, work }: Search): boolean {
  const { anchor, prefix, first, leap } = prospect;
  const last = input.length - prospect.least;
  forgetCaptures(machine);
  if (anchor !== undefined) {
    const place = anchor === "begin" ? 0 : origin;
    return from <= place && place <= last && runFrom(machine, prospect, input, place, origin, work);
  }
  for (let at = from; at <= last; ) {
    const start = at;
    if (prefix !== "") {
      at = input.indexOf(prefix, at);
      if (at < 0) at = input.length + 1;
    } else if (first) {
      while (at <= last && !contains(first, input.charCodeAt(at))) at++;
    }
    charge(work, 1 + ((at - start) >> 3));
    if (at > last) return false;
    if (runAt(machine, input, at, origin, work)) return true;
    if (leap === "all") return false;
    const line = leap === "line" ? input.indexOf("\n", at) : at;
    at = line < 0 ? input.length + 1 : line + 1;
  }
  return false;
}

function runFrom(
  machine: Machine,
  { prefix }: Prospect,
  input: string,
  place: number,
  origin: number,
  work: Work,
): boolean {
  if (prefix !== "" && !input.startsWith(prefix, place)) return false;
  return runAt(machine, input, place, origin, work);
}

function capturedAt(machine: Machine, slot: number): { start: number; end: number } | undefined {
  return slot === 0 ? machine : lastCapture(machine, slot);
}

function textOfPart(part: ReplacementPart, machine: Machine, input: string): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "slot": {
      const place = capturedAt(machine, part.slot);
      return place ? input.slice(place.start, place.end) : "";
    }
    case "before":
      return input.slice(0, machine.start);
    case "after":
      return input.slice(machine.end);
    case "all":
      return input;
  }
}
