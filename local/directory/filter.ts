/**
 * The part of OData's $filter that an exporter needs: eq, in, startswith, any over collections, and, or, parentheses.
 *
 * A filter is parsed once into a tree, then tested object by object; `candidates` says which objects an index can
 * narrow it to. Comparison ignores case, but for the immutable id. All else (ne, not, ge, endswith, unknown
 * properties) is refused: a filter that is ignored or half understood would hide a fault of the client.
 */
import { type Refusal, refuse } from "./rules.ts";
import type { Store } from "./store.ts";
import type { Entry } from "./types.ts";

type Scalar = string | boolean | null;
export type Filter =
  | { op: "eq" | "startswith"; property: string; collection: boolean; value: Scalar }
  | { op: "and" | "or"; parts: Filter[] };

const MAX_ALTERNATIVES = 15;
const TOKEN = /\s*(?:('(?:[^']|'')*')|([A-Za-z_][\w/.]*)|([(),:]))/y;

/** Parses `text`; `properties` and `collections` are the names that may be asked for. */
export function parseFilter(
  text: string,
  allowed: { properties: ReadonlySet<string>; collections: ReadonlySet<string> },
): Filter | Refusal {
  const tokens = tokenize(text);
  if (!tokens) return unsupported(`Invalid filter clause: '${text}'.`);
  let at = 0;
  const take = () => tokens[at++];
  const expect = (token: string) => {
    if (take() !== token) throw new Unsupported(`'${token}' expected in '${text}'.`);
  };

  function parseAny(level: "or" | "and"): Filter {
    const parts = [level === "or" ? parseAny("and") : parsePrimary()];
    while (tokens?.[at] === level) {
      at++;
      parts.push(level === "or" ? parseAny("and") : parsePrimary());
    }
    const [only] = parts;
    return parts.length === 1 && only ? only : { op: level, parts };
  }
  function parsePrimary(): Filter {
    const token = take();
    if (token === "(") {
      const inner = parseAny("or");
      expect(")");
      return inner;
    }
    if (token === "startswith" || token === "startsWith") {
      expect("(");
      const property = property_(take());
      expect(",");
      const value = parseValue();
      expect(")");
      if (typeof value !== "string") throw new Unsupported("startswith needs a text.");
      return { op: "startswith", property, collection: false, value };
    }
    if (token?.endsWith("/any")) return parseCollection(token.slice(0, -"/any".length));
    const property = property_(token);
    const operator = take();
    if (operator === "eq") return { op: "eq", property, collection: false, value: parseValue() };
    if (operator === "in") return parseIn(property);
    throw new Unsupported(`Unsupported operator '${operator ?? ""}' for property '${property}'.`);
  }
  function parseIn(property: string): Filter {
    expect("(");
    const parts: Filter[] = [];
    do parts.push({ op: "eq", property, collection: false, value: parseValue() });
    while (tokens?.[at] === "," && take());
    expect(")");
    return { op: "or", parts };
  }
  function parseCollection(property: string): Filter {
    if (!allowed.collections.has(property)) throw new Unsupported(`Unsupported property filter clause: '${property}'.`);
    expect("(");
    const variable = take();
    expect(":");
    const head = take();
    let filter: Filter;
    if (head === "startswith" || head === "startsWith") {
      expect("(");
      expect(variable ?? "");
      expect(",");
      filter = { op: "startswith", property, collection: true, value: parseValue() };
      expect(")");
    } else {
      if (head !== variable) throw new Unsupported(`'${variable ?? ""}' expected in '${text}'.`);
      expect("eq");
      filter = { op: "eq", property, collection: true, value: parseValue() };
    }
    expect(")");
    return filter;
  }
  function parseValue(): Scalar {
    const token = take();
    if (token?.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'");
    if (token === "true" || token === "false") return token === "true";
    if (token === "null") return null;
    throw new Unsupported(`A value is expected in '${text}'.`);
  }
  function property_(token: string | undefined): string {
    if (token !== undefined && allowed.properties.has(token)) return token;
    throw new Unsupported(`Unsupported or invalid query filter clause specified for property '${token ?? ""}'.`);
  }

  try {
    const filter = parseAny("or");
    if (at < tokens.length) throw new Unsupported(`Invalid filter clause: '${text}'.`);
    const most = mostAlternatives(filter);
    if (most <= MAX_ALTERNATIVES) return filter;
    return refuse(
      "filter-or-15",
      `Too many child clauses specified in search filter expression containing 'OR' operators: ${most}. Max allowed: ${MAX_ALTERNATIVES}.`,
    );
  } catch (error) {
    if (error instanceof Unsupported) return unsupported(error.message);
    throw error;
  }
}

/** Whether the object meets the filter. */
export function meets(entry: Entry, filter: Filter): boolean {
  switch (filter.op) {
    case "and":
      return filter.parts.every((part) => meets(entry, part));
    case "or":
      return filter.parts.some((part) => meets(entry, part));
    case "eq":
    case "startswith": {
      const held = filter.property === "id" ? entry.id : entry.properties[filter.property];
      if (filter.collection) return Array.isArray(held) && held.some((item) => compare(filter, item));
      return compare(filter, held ?? null);
    }
  }
}

/** The objects that can meet the filter, when an index knows; undefined when all must be looked at. */
export function candidates(filter: Filter, store: Store, among: "live" | "deleted"): Entry[] | undefined {
  if (filter.op === "and") {
    for (const part of filter.parts) {
      const found = candidates(part, store, among);
      if (found) return found;
    }
    return undefined;
  }
  if (filter.op === "or") {
    const found = new Set<Entry>();
    for (const part of filter.parts) {
      const some = candidates(part, store, among);
      if (!some) return undefined;
      for (const entry of some) found.add(entry);
    }
    return [...found].sort((a, b) => a.seq - b.seq);
  }
  if (filter.op !== "eq" || typeof filter.value !== "string") return undefined;
  const index = indexOf(filter.property, filter.value, among);
  if (!index) return undefined;
  const entry = index.kind === "id" ? store.get(index.value) : store.holder(index.kind, index.value);
  return entry ? [entry] : [];
}

type Index = { kind: "id" | Parameters<Store["holder"]>[0]; value: string };

function indexOf(property: string, value: string, among: "live" | "deleted"): Index | undefined {
  if (property === "id") return { kind: "id", value: value.toLowerCase() };
  if (property === "onPremisesImmutableId" || property === "uniqueName") return { kind: property, value };
  // Deleted objects hold no names and no addresses, so no index has them.
  if (among === "deleted") return undefined;
  if (property === "userPrincipalName") return { kind: property, value };
  if (property === "mail") return { kind: "address", value };
  return property === "proxyAddresses" && /^smtp:/i.test(value)
    ? { kind: "address", value: value.slice(5) }
    : undefined;
}

class Unsupported extends Error {}

function unsupported(message: string): Refusal {
  return refuse("filter-unsupported", message);
}

function tokenize(text: string): string[] | undefined {
  const tokens: string[] = [];
  const pattern = new RegExp(TOKEN);
  const source = text.trimEnd();
  while (pattern.lastIndex < source.length) {
    const match = pattern.exec(source);
    if (!match) return undefined;
    tokens.push(match[1] ?? match[2] ?? match[3] ?? "");
  }
  return tokens;
}

function mostAlternatives(filter: Filter): number {
  if (filter.op !== "and" && filter.op !== "or") return 1;
  const inner = filter.parts.map(mostAlternatives);
  return filter.op === "or" ? inner.reduce((sum, count) => sum + count, 0) : Math.max(...inner);
}

function compare(filter: { op: "eq" | "startswith"; property: string; value: Scalar }, held: unknown): boolean {
  if (typeof held !== "string" || typeof filter.value !== "string") return filter.op === "eq" && held === filter.value;
  const exact = filter.property === "onPremisesImmutableId";
  const [left, right] = exact ? [held, filter.value] : [held.toLowerCase(), filter.value.toLowerCase()];
  return filter.op === "eq" ? left === right : left.startsWith(right);
}
