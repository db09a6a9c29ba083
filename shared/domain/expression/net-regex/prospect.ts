/**
 * Where in a text a match of a pattern can begin, so that most places are passed over without starting the machine.
 * Never wrong, at worst of no help: a place that is passed over can't be the beginning of a match.
 */

import { leastLength, type RegexNode, UNBOUNDED } from "./tree.ts";
import { contains, setOfUnits, type UnitSet, unionOf } from "./unit-set.ts";

export interface Prospect {
  /** Only at the beginning of the text, or where the search began. */
  readonly anchor: "begin" | "origin" | undefined;
  /** What every match begins with, or the beginning of that; "" when it is not one text. */
  readonly prefix: string;
  /** What the first unit of every match is in. */
  readonly first: UnitSet | undefined;
  /** Begins with `.*`: a failure tells of every place before the next line, or of all. */
  readonly leap: "line" | "all" | undefined;
  /** The fewest units of a match. */
  readonly least: number;
}

/** Enough to be rare. Looking for a long text takes its length times the other's in the worst case. */
const LONGEST_PREFIX = 32;

export function prospectOf(root: RegexNode): Prospect {
  const head = flattened([root]);
  const prefix = prefixOf(head).slice(0, LONGEST_PREFIX);
  return {
    anchor: isAnchored(root, "begin") ? "begin" : isAnchored(root, "origin") ? "origin" : undefined,
    prefix,
    first: prefix === "" && leastLength(root) > 0 ? firstOf(head) : undefined,
    leap: leapOf(root),
    least: leastLength(root),
  };
}

/** One after another, without the groups around; alternatives and repetitions stay whole. */
function flattened(nodes: readonly RegexNode[]): readonly RegexNode[] {
  return nodes.flatMap((node) => {
    if (node.type === "sequence") return flattened(node.items);
    return node.type === "capture" || node.type === "atomic" ? flattened([node.body]) : [node];
  });
}

const takesNothing = (node: RegexNode) => node.type === "place" || node.type === "look";

function prefixOf(nodes: readonly RegexNode[]): string {
  let prefix = "";
  for (const node of nodes) {
    if (node.type === "unit") prefix += String.fromCharCode(node.code);
    else if (!takesNothing(node)) break;
  }
  return prefix;
}

function firstOf(nodes: readonly RegexNode[]): UnitSet | undefined {
  const sets: UnitSet[] = [];
  return gatherFirst(nodes, sets) ? unionOf(sets) : undefined;
}

/** False when a match of the nodes may be empty, or begin with anything. */
function gatherFirst(nodes: readonly RegexNode[], sets: UnitSet[]): boolean {
  for (const node of nodes) {
    if (takesNothing(node)) continue;
    if (node.type === "unit" || node.type === "set") {
      sets.push(node.type === "set" ? node.set : setOfUnits([node.code]));
      return true;
    }
    if (node.type === "choice") return node.options.every((option) => gatherFirst(flattened([option]), sets));
    if (node.type !== "repeat" || !gatherFirst(flattened([node.body]), sets)) return false;
    if (node.least > 0) return true;
  }
  return false;
}

function isAnchored(node: RegexNode, place: "begin" | "origin"): boolean {
  switch (node.type) {
    case "place":
      return node.place === place;
    case "sequence": {
      const first = node.items.find((item) => !takesNothing(item) || isAnchored(item, place));
      return first !== undefined && isAnchored(first, place);
    }
    case "choice":
      return node.options.every((option) => isAnchored(option, place));
    case "capture":
    case "atomic":
      return isAnchored(node.body, place);
    case "repeat":
      return node.least > 0 && isAnchored(node.body, place);
    default:
      return false;
  }
}

const LINE_FEED = 10;

/**
 * A match that begins later in the stretch that `.*` can take would be one that begins earlier, too. Not so when the
 * pattern asks where it began.
 */
function leapOf(root: RegexNode): "line" | "all" | undefined {
  const first = root.type === "sequence" ? root.items[0] : root;
  if (first?.type !== "repeat" || first.body.type !== "set") return undefined;
  const { set } = first.body;
  if (first.least > 0 || first.most < UNBOUNDED || asksForOrigin(root)) return undefined;
  if (set.above !== true || !set.latin.every((one, code) => one === 1 || code === LINE_FEED)) return undefined;
  return contains(set, LINE_FEED) ? "all" : "line";
}

function asksForOrigin(node: RegexNode): boolean {
  switch (node.type) {
    case "place":
      return node.place === "origin";
    case "sequence":
      return node.items.some(asksForOrigin);
    case "choice":
      return node.options.some(asksForOrigin);
    case "if-captured":
      return asksForOrigin(node.yes) || asksForOrigin(node.no);
    case "if-matched":
      return [node.condition, node.yes, node.no].some(asksForOrigin);
    case "capture":
    case "atomic":
    case "repeat":
    case "look":
      return asksForOrigin(node.body);
    default:
      return false;
  }
}
