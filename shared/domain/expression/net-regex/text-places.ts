/** What the machine asks of a text: what holds at a place, and whether two stretches are the same. */

import { fold } from "./case-folding.ts";
import { boundaryUnits } from "./categories.ts";
import { contains, makeSet, type UnitSet } from "./unit-set.ts";

export function isSame(input: string, left: number, right: number, size: number, ignoreCase: boolean): boolean {
  for (let index = 0; index < size; index++) {
    const one = input.charCodeAt(left + index);
    const other = input.charCodeAt(right + index);
    if (one !== other && !(ignoreCase && fold(one) === fold(other))) return false;
  }
  return true;
}

let boundary: UnitSet | undefined;

function isInWord(input: string, at: number): boolean {
  boundary ??= makeSet({
    ranges: [],
    categories: [{ category: boundaryUnits(), isNegated: false }],
    isNegated: false,
    except: undefined,
    ignoreCase: false,
  });
  return at >= 0 && at < input.length && contains(boundary, input.charCodeAt(at));
}

const LINE_FEED = 10;

/** `place` is an index into `PLACES`. */
export function isAtPlace(place: number, input: string, pos: number, origin: number): boolean {
  switch (place) {
    case 0: // begin
      return pos === 0;
    case 1: // end
      return pos === input.length;
    case 2: // last
      return pos === input.length || (pos === input.length - 1 && input.charCodeAt(pos) === LINE_FEED);
    case 3: // line-begin
      return pos === 0 || input.charCodeAt(pos - 1) === LINE_FEED;
    case 4: // line-end
      return pos === input.length || input.charCodeAt(pos) === LINE_FEED;
    case 5: // boundary
      return isInWord(input, pos - 1) !== isInWord(input, pos);
    case 6: // no-boundary
      return isInWord(input, pos - 1) === isInWord(input, pos);
    default: // origin
      return pos === origin;
  }
}
