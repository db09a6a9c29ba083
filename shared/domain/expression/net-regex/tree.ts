/** The tree of a .NET pattern. Groups are slots: 0 is the whole match, the others are sorted by their .NET numbers. */

import { setOfUnits, type UnitSet, unionOf } from "./unit-set.ts";

/** Where a zero-width test holds. `end` is \z, `last` is \Z and a plain $: the end or before a last line feed. */
export type Place = "begin" | "end" | "last" | "line-begin" | "line-end" | "boundary" | "no-boundary" | "origin";

export type RegexNode =
  | { readonly type: "unit"; readonly code: number }
  | { readonly type: "set"; readonly set: UnitSet }
  | { readonly type: "place"; readonly place: Place }
  | { readonly type: "sequence"; readonly items: readonly RegexNode[] }
  | { readonly type: "choice"; readonly options: readonly RegexNode[] }
  | { readonly type: "look"; readonly isBehind: boolean; readonly isNegative: boolean; readonly body: RegexNode }
  | { readonly type: "atomic"; readonly body: RegexNode }
  | {
      readonly type: "repeat";
      readonly body: RegexNode;
      readonly least: number;
      /** `UNBOUNDED` for no limit. */
      readonly most: number;
      readonly isLazy: boolean;
    }
  /** `slot` takes what the body matched; `released` gives its last capture back (a balancing group). -1 for none. */
  | { readonly type: "capture"; readonly slot: number; readonly released: number; readonly body: RegexNode }
  | { readonly type: "back"; readonly slot: number; readonly ignoreCase: boolean }
  | { readonly type: "if-captured"; readonly slot: number; readonly yes: RegexNode; readonly no: RegexNode }
  | { readonly type: "if-matched"; readonly condition: RegexNode; readonly yes: RegexNode; readonly no: RegexNode };

/** What .NET takes for "any number of times". */
export const UNBOUNDED = 0x7fffffff;

export const EMPTY: RegexNode = { type: "sequence", items: [] };

/** `a|b` is `[ab]`: which of the two it was makes no difference. */
export function choiceOf(options: readonly RegexNode[]): RegexNode {
  const [only] = options;
  if (options.length === 1 && only) return only;
  const sets = options.flatMap((option) => {
    return option.type === "set" ? [option.set] : option.type === "unit" ? [setOfUnits([option.code])] : [];
  });
  return sets.length === options.length ? { type: "set", set: unionOf(sets) } : { type: "choice", options };
}

/** A pattern that can't be used. The message says which construct, and where. */
export class RegexRefusal extends Error {}

/** The fewest units that a match of the node takes. */
export function leastLength(node: RegexNode): number {
  switch (node.type) {
    case "unit":
    case "set":
      return 1;
    case "place":
    case "look":
    case "back":
      return 0;
    case "sequence":
      return Math.min(
        UNBOUNDED,
        node.items.reduce((sum, item) => sum + leastLength(item), 0),
      );
    case "choice":
      return Math.min(...node.options.map(leastLength));
    case "repeat":
      return node.least === 0 ? 0 : Math.min(UNBOUNDED, node.least * leastLength(node.body));
    case "atomic":
    case "capture":
      return leastLength(node.body);
    case "if-captured":
    case "if-matched":
      return Math.min(leastLength(node.yes), leastLength(node.no));
  }
}
