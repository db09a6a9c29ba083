/**
 * `$filter` of OData as far as a log needs it: comparisons of a property with a literal, and `contains`, joined by `and`.
 * What the language has besides (`or`, `not`, functions, arithmetic) is told by name, so that a caller learns that it is
 * understood and not answered. Which properties there are is for the asker to know.
 */

export type FilterOperator = "eq" | "ne" | "gt" | "ge" | "lt" | "le" | "contains";

export interface FilterTerm {
  /** As written: nested ones with `/`. */
  readonly property: string;
  readonly operator: FilterOperator;
  /** Text of a literal: without quotes where it had some. */
  readonly value: string;
  readonly isQuoted: boolean;
  /** Where it begins, in UTF-16 units from 0. */
  readonly position: number;
}

export type ParsedFilter =
  | { readonly ok: true; readonly terms: readonly FilterTerm[] }
  /** `unsupported`: OData, but not answered here; `malformed`: not OData. */
  | {
      readonly ok: false;
      readonly kind: "unsupported" | "malformed";
      readonly fault: string;
      readonly position: number;
    };

interface Token {
  readonly kind: "word" | "text" | "(" | ")" | ",";
  readonly text: string;
  readonly position: number;
}

class FilterFault extends Error {
  readonly kind: "unsupported" | "malformed";
  readonly position: number;
  constructor(kind: "unsupported" | "malformed", fault: string, position: number) {
    super(fault);
    this.kind = kind;
    this.position = position;
  }
}

const COMPARISONS: readonly string[] = ["eq", "ne", "gt", "ge", "lt", "le"] satisfies FilterOperator[];
const ELSEWHERE: readonly string[] = ["or", "not", "in", "has", "add", "sub", "mul", "div", "mod"];
const MOST_CHARACTERS = 2_000;
const MOST_TERMS = 20;
const MOST_DEPTH = 20;

export function parseFilter(text: string): ParsedFilter {
  try {
    if (text.length > MOST_CHARACTERS)
      throw new FilterFault("malformed", `has ${text.length} characters; ${MOST_CHARACTERS} are the most`, 0);
    const parser = createParser(tokensOf(text), text.length);
    return { ok: true, terms: parser() };
  } catch (error) {
    if (!(error instanceof FilterFault)) throw error;
    return { ok: false, kind: error.kind, fault: error.message, position: error.position };
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  // A quote within a text is doubled.
  const pattern = /\s+|([(),])|'((?:[^']|'')*)'|([^\s(),']+)/y;
  while (pattern.lastIndex < text.length) {
    const position = pattern.lastIndex;
    const found = pattern.exec(text);
    if (!found) throw new FilterFault("malformed", "has a text without its closing quote", position);
    const [, mark, quoted, word] = found;
    if (mark !== undefined) tokens.push({ kind: mark as "(", text: mark, position });
    else if (quoted !== undefined) tokens.push({ kind: "text", text: quoted.replaceAll("''", "'"), position });
    else if (word !== undefined) tokens.push({ kind: "word", text: word, position });
  }
  return tokens;
}

function createParser(tokens: readonly Token[], end: number): () => FilterTerm[] {
  let at = 0;
  let depth = 0;
  const terms: FilterTerm[] = [];
  const peek = () => tokens[at];
  const take = (kind: Token["kind"] | "literal", what: string): Token => {
    const token = tokens[at];
    const fits = kind === "literal" ? token?.kind === "text" || token?.kind === "word" : token?.kind === kind;
    if (!token || !fits) throw new FilterFault("malformed", `expects ${what}`, token?.position ?? end);
    at++;
    return token;
  };
  const add = (property: Token, operator: FilterOperator, literal: Token) => {
    if (terms.length === MOST_TERMS)
      throw new FilterFault("malformed", `has more than ${MOST_TERMS} terms`, property.position);
    const { text: value, kind } = literal;
    terms.push({
      ...{ property: property.text, operator, value },
      ...{ isQuoted: kind === "text", position: property.position },
    });
  };
  const term = (): void => {
    if (peek()?.kind === "(") {
      take("(", "'('");
      if (++depth > MOST_DEPTH)
        throw new FilterFault("malformed", `nests deeper than ${MOST_DEPTH}`, peek()?.position ?? end);
      conjunction();
      take(")", "')' or 'and'");
      depth--;
      return;
    }
    const first = take("word", "a property");
    if (ELSEWHERE.includes(first.text)) throw new FilterFault("unsupported", `has '${first.text}'`, first.position);
    if (peek()?.kind === "(") {
      if (first.text !== "contains") throw new FilterFault("unsupported", `has '${first.text}(…)'`, first.position);
      take("(", "'('");
      const property = take("word", "a property");
      take(",", "','");
      const value = take("text", "a text in quotes");
      take(")", "')'");
      add(property, "contains", value);
      return;
    }
    const operator = take("word", "an operator: eq, gt, ge, lt, le");
    if (ELSEWHERE.includes(operator.text))
      throw new FilterFault("unsupported", `has '${operator.text}'`, operator.position);
    if (!COMPARISONS.includes(operator.text))
      throw new FilterFault(
        "malformed",
        `has '${operator.text}' for an operator: eq, gt, ge, lt, le`,
        operator.position,
      );
    add(first, operator.text as FilterOperator, take("literal", "a value"));
  };
  const conjunction = (): void => {
    for (;;) {
      term();
      const next = peek();
      if (next?.kind !== "word") return;
      if (ELSEWHERE.includes(next.text)) throw new FilterFault("unsupported", `has '${next.text}'`, next.position);
      if (next.text !== "and") return;
      at++;
    }
  };
  return () => {
    conjunction();
    const rest = peek();
    if (rest)
      throw new FilterFault("malformed", `has '${rest.text}' where 'and' or the end is expected`, rest.position);
    return terms;
  };
}
