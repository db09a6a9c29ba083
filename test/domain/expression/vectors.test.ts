/** The documented behaviour of the language, one case at a time, from the fixture. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../shared/domain/expression/compile.ts";
import { type Scalar, textOfScalar } from "../../../shared/domain/expression/value.ts";
import { type Result, run, type Source } from "./support.ts";

interface Vector {
  readonly id: string;
  readonly expression: string;
  readonly source: Source;
  readonly expected: unknown;
  readonly kind: "value" | "multi" | "error" | "absent";
  readonly type?: string;
  readonly dialect: string;
  readonly confidence: "high" | "medium";
  readonly flow?: "null" | "ignore";
  readonly errorClass?: string;
  readonly errorMessage?: string;
  readonly context?: { readonly now?: string; readonly existing?: readonly string[] };
  readonly compare?: "set";
}

const url = new URL("../../fixtures/vectors/expressions.json", import.meta.url);
const vectors = (JSON.parse(readFileSync(url, "utf8")) as Vector[]).filter((vector) => vector.dialect !== "connect");
const gated = vectors.filter((vector) => vector.confidence === "high");

/** Vectors that don't pass yet, each with its reason. Empty is the aim. */
const NOT_YET: Readonly<Record<string, string>> = {};

const TYPE_OF: Readonly<Record<string, (value: Scalar) => boolean>> = {
  string: (value) => typeof value === "string",
  integer: (value) => typeof value === "bigint",
  boolean: (value) => typeof value === "boolean",
  datetime: (value) => typeof value === "object" && value.kind === "date",
  object: (value) => typeof value === "object" && value.kind === "structure",
};

const isFailed = (result: Result): boolean => result.kind === "error" || result.kind === "failure";

function plain(value: Scalar): unknown {
  return typeof value === "object" && value.kind === "structure" ? value.fields : textOfScalar(value);
}

function check(vector: Vector, result: Result): void {
  if (vector.kind === "error") {
    expect(isFailed(result), JSON.stringify(result.kind)).toBe(true);
    if (vector.errorMessage) expect((result as { message?: string }).message).toBe(vector.errorMessage);
    return;
  }
  if (vector.kind === "absent") {
    expect(result.kind).toBe(vector.flow ?? "null");
    return;
  }
  const outcome = result as Outcome;
  if (vector.kind === "multi") {
    expect(outcome.kind).toBe("multi");
    const values = outcome.kind === "multi" ? outcome.values.map(plain) : [];
    const order = (list: unknown[]) => (vector.compare === "set" ? [...list].sort() : list);
    expect(order(values)).toEqual(order(vector.expected as unknown[]));
    return;
  }
  if (outcome.kind !== "value") throw new Error(`${vector.id} gave ${JSON.stringify(outcome)}.`);
  expect(plain(outcome.value)).toEqual(vector.expected);
  expect(TYPE_OF[vector.type ?? "string"]?.(outcome.value), `the type of ${vector.id}`).toBe(true);
}

describe("documented cases of the language", () => {
  it("has cases to check", () => {
    expect(gated.length).toBeGreaterThan(200);
    for (const id of Object.keys(NOT_YET)) expect(vectors.some((vector) => vector.id === id)).toBe(true);
  });

  it.each(gated.filter((vector) => !(vector.id in NOT_YET)).map((vector) => [vector.id, vector] as const))(
    "%s",
    (_, vector) => check(vector, run(vector.expression, vector.source, vector.context)),
  );
});
