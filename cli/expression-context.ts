/** What an expression is evaluated in, as people give it: an object from JSON, a clock, taken values, job parameters. */

import { randomFillSync } from "node:crypto";
import type { EvaluationContext } from "../shared/domain/expression/definition.ts";
import { createWork } from "../shared/domain/expression/work.ts";
import type { ReadAttribute } from "../shared/domain/source-object.ts";
import { isRecord, kindOf, ShapeError } from "./json-source.ts";

export interface Surroundings {
  /** Milliseconds since 1970; the clock when undefined. */
  readonly now: number | undefined;
  /** Values that the target has already (SelectUniqueValue), compared exactly. */
  readonly existing: ReadonlySet<string>;
  /** The job's parameters, `%Name%`. */
  readonly parameters: ReadonlyMap<string, string>;
}

const NOTHING: Surroundings = { now: undefined, existing: new Set(), parameters: new Map() };
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** ISO 8601; without an offset it is UTC. Milliseconds since 1970, or undefined. */
export function instantOf(text: string): number | undefined {
  if (!ISO.test(text)) return undefined;
  const isZoned = /(Z|[+-]\d{2}:?\d{2})$/i.test(text) || !/T/i.test(text);
  const instant = Date.parse(isZoned ? text : `${text}Z`);
  return Number.isNaN(instant) ? undefined : instant;
}

/** `{ now?, existing?, parameters? }`. Throws `ShapeError` that names the field. */
export function surroundingsOf(json: unknown): Surroundings {
  if (json === undefined || json === null) return NOTHING;
  if (!isRecord(json)) throw new ShapeError(`context must be an object, not ${kindOf(json)}.`);
  return {
    now: nowOf(json["now"]),
    existing: new Set(existingOf(json["existing"])),
    parameters: new Map(parametersOf(json["parameters"])),
  };
}

function nowOf(json: unknown): number | undefined {
  if (json === undefined || json === null) return undefined;
  const now = typeof json === "string" ? instantOf(json) : undefined;
  if (now === undefined) throw new ShapeError("context.now must be a date and time such as 2026-01-15T10:20:30Z.");
  return now;
}

function existingOf(json: unknown): readonly string[] {
  if (json === undefined || json === null) return [];
  if (Array.isArray(json) && json.every((value) => typeof value === "string")) return json;
  throw new ShapeError("context.existing must be an array of texts.");
}

function parametersOf(json: unknown): [string, string][] {
  if (json === undefined || json === null) return [];
  if (!isRecord(json)) throw new ShapeError(`context.parameters must be an object, not ${kindOf(json)}.`);
  return Object.entries(json).map(([name, value]) => {
    if (typeof value === "string") return [name, value];
    if (typeof value === "number" || typeof value === "boolean") return [name, String(value)];
    throw new ShapeError(`context.parameters.${name} must be a text, not ${kindOf(value)}.`);
  });
}

const work = createWork();

/** `clock` in milliseconds since 1970. Each evaluation fills the meter anew, so that one does for all. */
export function contextOf(read: ReadAttribute, around: Surroundings, clock: () => number): EvaluationContext {
  return {
    attribute: read,
    parameter: (name) => around.parameters.get(name),
    now: around.now ?? clock(),
    random: randomInteger,
    isTaken: (value) => around.existing.has(value),
    work,
  };
}

const pool = new Uint32Array(256);
let drawn = pool.length;

/** Unguessable, from 0 to 2^32 − 1: RandomString may make passwords. */
function randomInteger(): number {
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  const integer = pool[drawn] ?? 0;
  pool[drawn++] = 0;
  return integer;
}
