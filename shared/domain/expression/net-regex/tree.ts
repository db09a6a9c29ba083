/** The tree of a .NET pattern, and what the emitter must know about it. */

import type { CharSet } from "./charset.ts";

export interface Capture {
  readonly type: "capture";
  readonly name: string | undefined;
  /** Set once the whole pattern is known: .NET numbers the unnamed groups first. */
  number: number;
  body: RegexNode;
}

export type RegexNode =
  | { readonly type: "unit"; readonly code: number }
  | {
      readonly type: "set";
      readonly set: CharSet;
      readonly isNegated: boolean;
      readonly except: Extract<RegexNode, { type: "set" }> | undefined;
    }
  | { readonly type: "assertion"; readonly source: string }
  | { readonly type: "sequence"; readonly items: readonly RegexNode[] }
  | { readonly type: "choice"; readonly options: readonly RegexNode[] }
  | { readonly type: "group"; readonly opening: "(?:" | "(?=" | "(?!" | "(?<=" | "(?<!"; readonly body: RegexNode }
  | { readonly type: "atomic"; readonly body: RegexNode }
  | {
      readonly type: "repeat";
      readonly body: RegexNode;
      readonly least: number;
      readonly most: number;
      readonly suffix: string;
    }
  | { readonly type: "back"; readonly to: Capture }
  | Capture;

/** A pattern that can't be carried over. The message says which construct, and where. */
export class RegexRefusal extends Error {}

export function childrenOf(node: RegexNode): readonly RegexNode[] {
  switch (node.type) {
    case "sequence":
      return node.items;
    case "choice":
      return node.options;
    case "group":
    case "atomic":
    case "repeat":
    case "capture":
      return [node.body];
    default:
      return [];
  }
}

export function canBeEmpty(node: RegexNode): boolean {
  switch (node.type) {
    case "unit":
    case "set":
      return false;
    case "assertion":
    case "back":
      return true;
    case "sequence":
      return node.items.every(canBeEmpty);
    case "choice":
      return node.options.some(canBeEmpty);
    case "repeat":
      return node.least === 0 || canBeEmpty(node.body);
    case "group":
      return node.opening !== "(?:" || canBeEmpty(node.body);
    case "atomic":
    case "capture":
      return canBeEmpty(node.body);
  }
}

/** From the root down to `target`, both included; empty when it isn't there. */
export function pathTo(root: RegexNode, target: RegexNode): readonly RegexNode[] {
  if (root === target) return [root];
  for (const child of childrenOf(root)) {
    const path = pathTo(child, target);
    if (path.length > 0) return [root, ...path];
  }
  return [];
}

/** True when a match of the node may go by what lies below it. */
export function isOptional(node: RegexNode): boolean {
  if (node.type === "choice") return node.options.length > 1;
  if (node.type === "repeat") return node.least === 0;
  return node.type === "group" && (node.opening === "(?!" || node.opening === "(?<!");
}
