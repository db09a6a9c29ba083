/**
 * `uplink expression eval --batch`: a line of JSON for each expression, a line of JSON for what it comes to.
 *
 * Errors are data. A line that is no JSON, or not of the right shape, has its error in its place; nothing that stands
 * in a line ends the batch.
 */

import { type CompileResult, compileExpression } from "../shared/domain/expression/compile.ts";
import { createRecent } from "../shared/domain/recent.ts";
import { idText, parseExactJson } from "./exact-json.ts";
import { contextOf, surroundingsOf } from "./expression-context.ts";
import { type ErrorResult, errorResult, failureResult, type Result, resultOf } from "./expression-result.ts";
import { isRecord, jsonSource, kindOf, ShapeError } from "./json-source.ts";
import { wordsOfLine } from "./lines.ts";

/** Lines of an expression batch, one at a time; undefined stands for a line that was too long. */
export function createExpressionBatch(clock: () => number): (line: string | undefined) => string {
  const compiled = createRecent((text): CompileResult => compileExpression(text));
  return (line) => {
    let request: unknown;
    try {
      request = parseExactJson(line ?? "");
    } catch (error) {
      return lineOf(null, errorResult("parse", wordsOfLine(line, error)));
    }
    const id = isRecord(request) ? (request["id"] ?? null) : null;
    try {
      return lineOf(id, evaluate(request, compiled, clock));
    } catch (error) {
      return lineOf(id, refusal(error));
    }
  };
}

function evaluate(request: unknown, compiled: (text: string) => CompileResult, clock: () => number): Result {
  if (!isRecord(request)) throw new ShapeError(`The line must hold an object, not ${kindOf(request)}.`);
  const { expression } = request;
  if (typeof expression !== "string") throw new ShapeError(`expression must be a text, not ${kindOf(expression)}.`);
  const read = jsonSource(request["source"] ?? {});
  const around = surroundingsOf(request["context"]);
  const result = compiled(expression);
  if (!result.ok) return failureResult(result.failure);
  return resultOf(result.program.evaluate(contextOf(read, around, clock)));
}

/** The next line must be answered whatever this one did; a defect is told as what it is. */
function refusal(error: unknown): ErrorResult {
  if (error instanceof ShapeError) return errorResult("type", error.message);
  return errorResult(
    "unsupported",
    `A defect of the program: ${error instanceof Error ? error.message : String(error)}`,
  );
}

function lineOf(id: unknown, result: Result): string {
  return `{"id":${idText(id)},${JSON.stringify(result).slice(1)}`;
}
