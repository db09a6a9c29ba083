/**
 * A tree as text, the opposite of `parse`: parsing what is printed gives the same tree, positions apart, for every tree
 * that the parser can make.
 *
 * One spelling is used for everything: a comma and a blank between arguments, blanks around operators, decimal numbers.
 * An omitted argument stays omitted.
 */

import type { Node } from "./ast.ts";

export function printExpression(node: Node): string {
  switch (node.type) {
    case "string":
      return printConstant(node.value);
    case "number":
      return node.value.toString();
    case "attribute":
      return `[${node.name}]`;
    case "parameter":
      return `%${node.name}%`;
    case "word":
      return node.name;
    case "compare":
      return `${printExpression(node.left)} ${node.operator} ${printExpression(node.right)}`;
    case "concatenate":
      return node.parts.map(printExpression).join(" & ");
    case "call":
      return `${node.name}(${node.args.map((arg) => (arg ? printExpression(arg) : "")).join(", ")})`;
  }
}

/** A text as a constant of the language. */
export function printConstant(value: string): string {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
