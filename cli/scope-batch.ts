/**
 * `uplink scope eval --batch`: a line of JSON for each object and its filter, a line of JSON for whether it is in.
 *
 * A filter that is refused is an error of its line, with every fault at once; so is an object that can't be told to be
 * in or out. Nothing that stands in a line ends the batch.
 */

import { createRecent } from "../shared/domain/recent.ts";
import { compileScope, type ScopeResult } from "../shared/domain/scope.ts";
import { idText, parseExactJson } from "./exact-json.ts";
import { jsonFilter } from "./json-filter.ts";
import { isRecord, jsonSource, kindOf, ShapeError } from "./json-source.ts";
import { wordsOfLine } from "./lines.ts";
import { jsonFacts } from "./scope-facts.ts";

type Answer =
  | { readonly inScope: boolean; readonly because: string }
  | { readonly kind: "error"; readonly message: string };

/** Lines of a scope batch, one at a time; undefined stands for a line that was too long. */
export function createScopeBatch(): (line: string | undefined) => string {
  const compiled = createRecent((filter): ScopeResult => compileScope(jsonFilter(parseExactJson(filter))));
  return (line) => {
    let request: unknown;
    try {
      request = parseExactJson(line ?? "");
    } catch (error) {
      return lineOf(null, errorAnswer(wordsOfLine(line, error)));
    }
    const id = isRecord(request) ? (request["id"] ?? null) : null;
    try {
      return lineOf(id, evaluate(request, compiled));
    } catch (error) {
      return lineOf(id, errorAnswer(wordsOf(error)));
    }
  };
}

function evaluate(request: unknown, compiled: (filter: string) => ScopeResult): Answer {
  if (!isRecord(request)) throw new ShapeError(`The line must hold an object, not ${kindOf(request)}.`);
  const { filter, source } = request;
  if (filter === undefined) throw new ShapeError("filter is missing.");
  const read = jsonSource(source ?? {});
  const facts = jsonFacts(request["facts"]);
  const result = compiled(JSON.stringify(filter));
  if (!result.ok) return errorAnswer(result.failures.map(({ message, remedy }) => `${message} ${remedy}`).join(" "));
  const verdict = result.scope.evaluate(read, facts);
  if (verdict.failure) return errorAnswer(verdict.explanation);
  return { inScope: verdict.inScope, because: verdict.explanation };
}

function errorAnswer(message: string): Answer {
  return { kind: "error", message };
}

/** The next line must be answered whatever this one did; a defect is told as what it is. */
function wordsOf(error: unknown): string {
  if (error instanceof ShapeError) return error.message;
  return `A defect of the program: ${error instanceof Error ? error.message : String(error)}`;
}

function lineOf(id: unknown, answer: Answer): string {
  return `{"id":${idText(id)},${JSON.stringify(answer).slice(1)}`;
}
