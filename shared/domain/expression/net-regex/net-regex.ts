/**
 * .NET regular expressions, run by JavaScript's engine: test, replace, replace one group, read one group.
 *
 * A pattern is parsed and written anew, with classes spelt out in UTF-16 units, `$` before a last line feed, groups by
 * number. Two things differ between the engines even then, and are refused when the pattern depends on them: a group
 * that an iteration of a loop passes by (JavaScript forgets it, .NET doesn't), and a reference to a group that took no
 * part (matches in JavaScript, fails in .NET).
 */

import { classBody } from "./charset.ts";
import { type ParsedRegex, parseNetRegex } from "./parse.ts";
import { type Capture, canBeEmpty, childrenOf, isOptional, pathTo, type RegexNode, RegexRefusal } from "./tree.ts";

export interface NetRegex {
  readonly test: (input: string) => boolean;
  /** Replaces every match; `$1`, `${name}`, `$&`, `$$` … as in .NET. */
  readonly replace: (input: string, replacement: string) => string;
  /** Replaces, in every match, only what the group captured. */
  readonly replaceGroup: (input: string, group: string, replacement: string) => string;
  /** What the group captured in the first match; undefined without a match or when the group took no part. */
  readonly read: (input: string, group: string) => string | undefined;
  readonly hasGroup: (group: string) => boolean;
}

/**
 * The pattern as a `NetRegex`. Throws `RegexRefusal` for what .NET refuses and for what can't be carried over;
 * `replace`, `replaceGroup` and `read` throw it too when they ask for a group that the engines treat differently.
 */
export function compileNetRegex(pattern: string): NetRegex {
  const parsed = parseNetRegex(pattern);
  checkReferences(parsed.root);
  const emitter = createEmitter();
  const source = emitter.emit(parsed.root);
  const flags = parsed.ignoreCase ? "i" : "";
  const first = build(source, flags, pattern);
  const every = new RegExp(source, `${flags}g`);
  const everyWithIndices = new RegExp(source, `${flags}dg`);
  const find = (group: string) =>
    parsed.captures.find((capture) => capture.name === group || String(capture.number) === group);
  const indexOf = (group: string): number => {
    const capture = find(group);
    if (!capture) throw new RegexRefusal(`The pattern has no group '${group}'.`);
    checkStable(parsed.root, capture);
    return emitter.indices.get(capture) ?? 0;
  };
  const expander = (replacement: string) => compileReplacement(replacement, parsed, (group) => indexOf(group));
  return {
    test: (input) => first.test(input),
    replace: (input, replacement) => {
      const expand = expander(replacement);
      return input.replace(every, (...found) => expand(matchOf(found, input)));
    },
    replaceGroup: (input, group, replacement) => {
      const index = indexOf(group);
      const expand = expander(replacement);
      let result = "";
      let done = 0;
      for (const match of input.matchAll(everyWithIndices)) {
        const place = match.indices?.[index];
        if (!place) continue;
        result += input.slice(done, place[0]) + expand({ groups: match, index: match.index, input });
        done = place[1];
      }
      return result + input.slice(done);
    },
    read: (input, group) => {
      const index = indexOf(group);
      return first.exec(input)?.[index];
    },
    hasGroup: (group) => find(group) !== undefined,
  };
}

function build(source: string, flags: string, pattern: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch (cause) {
    throw new RegexRefusal(`The pattern '${pattern}' can't be carried over: ${cause}`);
  }
}

function createEmitter() {
  const indices = new Map<Capture, number>();
  let count = 0;

  function emit(node: RegexNode): string {
    switch (node.type) {
      case "unit":
        return `\\u${node.code.toString(16).padStart(4, "0")}`;
      case "set": {
        // An empty class matches nothing and an empty negated one everything, in JavaScript as here.
        const positive = `[${node.isNegated ? "^" : ""}${classBody(node.set)}]`;
        return node.except ? `(?:(?!${emit(node.except)})${positive})` : positive;
      }
      case "assertion":
        return node.source;
      case "sequence":
        return node.items.map(emit).join("");
      case "choice":
        return node.options.map(emit).join("|");
      case "group":
        return `${node.opening}${emit(node.body)})`;
      case "capture": {
        indices.set(node, ++count);
        return `(${emit(node.body)})`;
      }
      case "atomic": {
        // A lookahead doesn't give back what it found; the reference then takes exactly that.
        const index = ++count;
        return `(?:(?=(${emit(node.body)}))\\${index})`;
      }
      case "repeat":
        return `(?:${emit(node.body)})${node.suffix}`;
      case "back":
        return `(?:\\${indices.get(node.to)})`;
    }
  }

  return { emit, indices };
}

function checkReferences(root: RegexNode): void {
  const walk = (node: RegexNode) => {
    if (node.type === "back") checkReference(root, node, node.to);
    childrenOf(node).forEach(walk);
  };
  walk(root);
}

function checkReference(root: RegexNode, back: RegexNode, to: Capture): void {
  const toGroup = pathTo(root, to);
  const toBack = pathTo(root, back);
  const shared = toGroup.findIndex((node, index) => node !== toBack[index]);
  const common = toGroup[shared - 1];
  const isBehind = shared > 0 && common?.type === "sequence" && isBefore(common.items, toGroup[shared], toBack[shared]);
  const label = to.name ?? String(to.number);
  if (!isBehind || toGroup.slice(shared).some(isOptional)) {
    throw new RegexRefusal(`The pattern refers to the group '${label}', which may have taken no part by then.`);
  }
  checkStable(root, to);
}

function isBefore(items: readonly RegexNode[], left: RegexNode | undefined, right: RegexNode | undefined): boolean {
  return left !== undefined && right !== undefined && items.indexOf(left) < items.indexOf(right);
}

/** Refuses a group whose last capture isn't the same in both engines. */
function checkStable(root: RegexNode, capture: Capture): void {
  const path = pathTo(root, capture);
  path.forEach((node, index) => {
    if (node.type !== "repeat" || node.most <= 1) return;
    if (path.slice(index + 1).some(isOptional) || canBeEmpty(node.body)) {
      const label = capture.name ?? String(capture.number);
      throw new RegexRefusal(`The group '${label}' lies in a loop that may pass it by; its value isn't certain.`);
    }
  });
}

interface Match {
  readonly groups: ArrayLike<string | undefined>;
  readonly index: number;
  readonly input: string;
}

function matchOf(found: readonly unknown[], input: string): Match {
  // The arguments of a replacer: the match, its groups, then the index.
  const index = found.findIndex((value) => typeof value === "number");
  return { groups: found.slice(0, index) as (string | undefined)[], index: Number(found[index]), input };
}

const SUBSTITUTION = /\$(?:(\d+)|\{(\w+)\}|([$&`'+_]))/g;

function compileReplacement(replacement: string, parsed: ParsedRegex, indexOf: (group: string) => number) {
  const parts: ((match: Match) => string)[] = [];
  const addText = (text: string) => {
    if (text !== "") parts.push(() => text);
  };
  let done = 0;
  for (const match of replacement.matchAll(SUBSTITUTION)) {
    addText(replacement.slice(done, match.index));
    done = match.index + match[0].length;
    parts.push(substitution(match, parsed, indexOf));
  }
  addText(replacement.slice(done));
  return (match: Match) => parts.map((part) => part(match)).join("");
}

function substitution(
  [whole, digits, name, sign]: RegExpExecArray,
  { captures }: ParsedRegex,
  indexOf: (group: string) => number,
): (match: Match) => string {
  const group = digits ?? name;
  if (group !== undefined) {
    if (group === "0") return ({ groups }) => groups[0] ?? "";
    const exists = captures.some((capture) => capture.name === group || String(capture.number) === group);
    // .NET leaves a reference to no group as it stands.
    if (!exists) return () => whole;
    const index = indexOf(group);
    return ({ groups }) => groups[index] ?? "";
  }
  switch (sign) {
    case "$":
      return () => "$";
    case "&":
      return ({ groups }) => groups[0] ?? "";
    case "`":
      return ({ input, index }) => input.slice(0, index);
    case "'":
      return ({ input, index, groups }) => input.slice(index + (groups[0]?.length ?? 0));
    case "_":
      return ({ input }) => input;
    default: {
      const last = captures.reduce((most, capture) => Math.max(most, capture.number), 0);
      const index = last === 0 ? 0 : indexOf(String(last));
      return ({ groups }) => groups[index] ?? "";
    }
  }
}
