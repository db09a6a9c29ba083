/** The replacement language of .NET: `$1`, `${name}`, `$$`, `$&`, `` $` ``, `$'`, `$+`, `$_`; anything else is text. */

import type { Groups } from "./groups.ts";
import { RegexRefusal, UNBOUNDED } from "./tree.ts";

export type ReplacementPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "slot"; readonly slot: number }
  /** The source before the match, behind it, or all of it. */
  | { readonly type: "before" | "after" | "all" };

/** Word units of .NET in names, the joiners included. */
const REFERENCE = /\$(?:(\d+)|\{(\d+|[\p{L}\p{Mn}\p{Nd}\p{Pc}\u200c\u200d]+)\}|([$&`'+_]))/gu;

/** A reference to a group that the pattern doesn't have stays text, as in .NET. */
export function compileReplacement(text: string, groups: Groups): readonly ReplacementPart[] {
  const parts: ReplacementPart[] = [];
  const addText = (piece: string) => {
    if (piece !== "") parts.push({ type: "text", text: piece });
  };
  let done = 0;
  for (const match of text.matchAll(REFERENCE)) {
    addText(text.slice(done, match.index));
    done = match.index + match[0].length;
    const part = partOf(match, groups);
    if (part) parts.push(part);
    else addText(match[0]);
  }
  addText(text.slice(done));
  return parts;
}

function partOf([, digits, name, sign]: RegExpExecArray, groups: Groups): ReplacementPart | undefined {
  const label = digits ?? name;
  if (label !== undefined) {
    if (/^\d+$/.test(label) && Number(label) > UNBOUNDED) throw new RegexRefusal(`The replacement has $${label}.`);
    const slot = groups.slotOf(label);
    return slot === undefined ? undefined : { type: "slot", slot };
  }
  switch (sign) {
    case "&":
      return { type: "slot", slot: 0 };
    case "+":
      return { type: "slot", slot: groups.count - 1 };
    case "`":
      return { type: "before" };
    case "'":
      return { type: "after" };
    case "_":
      return { type: "all" };
    default:
      return { type: "text", text: "$" };
  }
}
