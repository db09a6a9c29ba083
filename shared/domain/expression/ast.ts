/** The tree of an expression. `position` is where the node begins in the text. An omitted argument is null. */

interface StringNode {
  readonly type: "string";
  readonly position: number;
  readonly value: string;
}

interface NumberNode {
  readonly type: "number";
  readonly position: number;
  readonly value: bigint;
}

interface AttributeNode {
  readonly type: "attribute";
  readonly position: number;
  readonly name: string;
}

interface ParameterNode {
  readonly type: "parameter";
  readonly position: number;
  readonly name: string;
}

/** A bare word such as `vbBinaryCompare` or `UTF8`. */
interface WordNode {
  readonly type: "word";
  readonly position: number;
  readonly name: string;
}

export interface CallNode {
  readonly type: "call";
  readonly position: number;
  readonly name: string;
  readonly args: readonly (Node | null)[];
}

export type Comparison = "=" | "<>" | "<" | "<=" | ">" | ">=";

export interface CompareNode {
  readonly type: "compare";
  readonly position: number;
  readonly operator: Comparison;
  readonly left: Node;
  readonly right: Node;
}

/** `a & b & c`: two parts or more, none of them a concatenation or a comparison. */
interface ConcatenateNode {
  readonly type: "concatenate";
  readonly position: number;
  readonly parts: readonly Node[];
}

export type Node =
  | StringNode
  | NumberNode
  | AttributeNode
  | ParameterNode
  | WordNode
  | CallNode
  | CompareNode
  | ConcatenateNode;

/** What a node is made of, in the order of the text; omitted arguments are left out. */
export function childrenOf(node: Node): readonly Node[] {
  switch (node.type) {
    case "call":
      return node.args.filter((arg) => arg !== null);
    case "compare":
      return [node.left, node.right];
    case "concatenate":
      return node.parts;
    default:
      return [];
  }
}

/** Whether two trees are the same, positions apart. */
export function isSameTree(left: Node | null, right: Node | null): boolean {
  if (left === null || right === null) return left === right;
  switch (left.type) {
    case "string":
    case "number":
      return left.type === right.type && left.value === right.value;
    case "attribute":
    case "parameter":
    case "word":
      return left.type === right.type && left.name === right.name;
    case "call":
      return left.type === right.type && left.name === right.name && areSame(left.args, right.args);
    case "compare":
      return (
        left.type === right.type &&
        left.operator === right.operator &&
        isSameTree(left.left, right.left) &&
        isSameTree(left.right, right.right)
      );
    case "concatenate":
      return left.type === right.type && areSame(left.parts, right.parts);
  }
}

function areSame(left: readonly (Node | null)[], right: readonly (Node | null)[]): boolean {
  return left.length === right.length && left.every((node, index) => isSameTree(node, right[index] ?? null));
}
