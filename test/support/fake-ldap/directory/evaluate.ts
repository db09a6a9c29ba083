/** Filters over the directory's objects: what a term can't be decided for (no such value, hidden) doesn't match. */
import { guidFromBytes } from "../../../../shared/domain/values.ts";
import type { FilterTerm } from "../filter-terms.ts";
import type { Sight } from "./access.ts";
import { findByDn } from "./names.ts";
import { type DirectoryObject, isDeleted, liveHolders, liveTargets, type Value } from "./replica.ts";
import { categoryOf, forwardOf, isDnSyntax, linkNumberOf } from "./schema.ts";
import { type View, valuesOf } from "./view.ts";

const RULE = {
  and: "1.2.840.113556.1.4.803",
  or: "1.2.840.113556.1.4.804",
  /** Along a chain of links, however long. */
  chain: "1.2.840.113556.1.4.1941",
} as const;

export type Predicate = (object: DirectoryObject) => boolean;

/** The term made ready once for many objects: names in it are looked up here. */
export function predicateOf(view: View, term: FilterTerm, sight: Sight): Predicate {
  switch (term.kind) {
    case "and": {
      const parts = term.terms.map((one) => predicateOf(view, one, sight));
      return (object) => parts.every((part) => part(object));
    }
    case "or": {
      const guids = guidsOf(term);
      if (guids !== undefined) return (object) => guids.has(object.guid);
      const parts = term.terms.map((one) => predicateOf(view, one, sight));
      return (object) => parts.some((part) => part(object));
    }
    case "not": {
      const inner = predicateOf(view, term.term, sight);
      return (object) => !inner(object);
    }
    case "rule":
      return sight.seesAttribute(term.attribute) ? rulePredicate(view, term) : () => false;
    default:
      return sight.seesAttribute(term.attribute) ? valuePredicate(view, term) : () => false;
  }
}

/** All GUIDs that a filter of nothing but GUIDs names: then there is no need to look at every object. */
export function guidsOf(term: FilterTerm): Set<string> | undefined {
  const terms = term.kind === "or" ? term.terms : [term];
  const guids = new Set<string>();
  for (const one of terms) {
    if (one.kind !== "equals" || one.attribute !== "objectguid") return undefined;
    guids.add(one.value.length === 16 ? guidFromBytes(one.value) : "");
  }
  return guids;
}

function valuePredicate(
  view: View,
  term: Extract<FilterTerm, { kind: "equals" | "atLeast" | "atMost" | "present" | "like" }>,
): Predicate {
  const { attribute } = term;
  if (term.kind === "present") {
    return (object) => attribute === "objectclass" || valuesOf(view, object, attribute).length > 0;
  }
  if (term.kind === "like")
    return (object) => valuesOf(view, object, attribute).some((value) => term.pattern.test(value.toString()));
  if (term.kind === "atLeast") {
    const bound = BigInt(term.value.toString());
    return (object) => valuesOf(view, object, attribute).some((value) => BigInt(value.toString()) >= bound);
  }
  if (term.kind === "atMost") {
    const bound = BigInt(term.value.toString());
    return (object) => valuesOf(view, object, attribute).some((value) => BigInt(value.toString()) <= bound);
  }
  if (attribute === "objectcategory") return categoryPredicate(view, term.value.toString());
  if (isDnSyntax(attribute)) return referencePredicate(view, attribute, term.value.toString());
  return (object) => valuesOf(view, object, attribute).some((value) => isSame(value, term.value));
}

/** By the class's name too, which the server turns into the category. A tombstone has none. */
function categoryPredicate(view: View, text: string): Predicate {
  const wanted = (
    text.includes("=") ? text : categoryOf(text === "person" ? "user" : text, view.form.root)
  ).toLowerCase();
  return (object) =>
    !isDeleted(object) && valuesOf(view, object, "objectcategory")[0]?.toString().toLowerCase() === wanted;
}

function referencePredicate(view: View, attribute: string, text: string): Predicate {
  const target = findByDn(view.replica, text, view.form.root);
  if (target === undefined) return () => false;
  if (attribute === "distinguishedname") return (object) => object.guid === target.guid;
  return (object) => neighbours(view, object, attribute).some(({ guid }) => guid === target.guid);
}

function rulePredicate(view: View, term: Extract<FilterTerm, { kind: "rule" }>): Predicate {
  if (term.rule !== RULE.chain) {
    const bits = BigInt(term.value.toString());
    return (object) =>
      valuesOf(view, object, term.attribute).some((value) => {
        const common = BigInt(value.toString()) & bits;
        return term.rule === RULE.and ? common === bits : term.rule === RULE.or && common !== 0n;
      });
  }
  const target = findByDn(view.replica, term.value.toString(), view.form.root);
  if (target === undefined) return () => false;
  // Backwards from the target, once, so that a cycle of groups ends.
  const back = backOf(term.attribute);
  const reached = new Set<string>();
  const open = [target];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const next of neighbours(view, at, back)) {
      if (reached.has(next.guid)) continue;
      reached.add(next.guid);
      open.push(next);
    }
  }
  return (object) => reached.has(object.guid);
}

/** Objects at the other end of an object's links; `<name` means those that link to it by `name`. */
function neighbours(view: View, object: DirectoryObject, attribute: string): DirectoryObject[] {
  if (attribute.startsWith("<")) return liveHolders(view.replica, object, attribute.slice(1));
  const forward = forwardOf(attribute);
  if (forward !== undefined) return liveHolders(view.replica, object, forward);
  if (linkNumberOf(attribute) !== undefined) return liveTargets(view.replica, object, attribute);
  return (object.attributes.get(attribute)?.values ?? []).flatMap((value) => {
    const found = view.replica.objects.get(value.toString());
    return found === undefined ? [] : [found];
  });
}

const backOf = (attribute: string): string => forwardOf(attribute)?.toLowerCase() ?? `<${attribute}`;

function isSame(value: Value, wanted: Buffer): boolean {
  if (typeof value !== "string") return value.equals(wanted);
  return value.toLowerCase() === wanted.toString("utf8").toLowerCase();
}
