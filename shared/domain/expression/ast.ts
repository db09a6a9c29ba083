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

interface ConcatenateNode {
  readonly type: "concatenate";
  readonly position: number;
  readonly left: Node;
  readonly right: Node;
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
