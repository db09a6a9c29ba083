/** IIF, Switch, Not, CBool and Error: what decides, and what gives up. */

import { any, condition, type FunctionDefinition, text, textArgument } from "../definition.ts";
import { ExpressionError } from "../failure.ts";
import { described, firstOf, integerOf, misfitCode, type Scalar, textOfScalar, type Value } from "../value.ts";

const BOOLEAN_TEXT: Readonly<Record<string, boolean>> = { true: true, false: false };

/** Null and empty fail a check; what is neither a Boolean nor a number is an error. */
function truthOf(value: Value, what: string): boolean | null {
  const first = firstOf(value);
  if (first === null || first === "") return null;
  if (typeof first === "boolean") return first;
  const integer = integerOf(first);
  if (integer !== undefined) return integer !== 0n;
  const truth = typeof first === "string" ? BOOLEAN_TEXT[first.trim().toLowerCase()] : undefined;
  if (truth !== undefined) return truth;
  throw new ExpressionError(misfitCode(first), `${what} must be True or False, not ${described(first)}.`);
}

const iif: FunctionDefinition = {
  name: "IIF",
  // The default mappings leave the last branch out: nothing then flows from it.
  parameters: [
    condition("condition"),
    { ...any("valueIfTrue"), optional: true },
    { ...any("valueIfFalse"), optional: true },
  ],
  returns: "any",
  compile: (call) => {
    if (call.count !== 3) {
      const remedy = "Write IIF(condition, valueIfTrue, valueIfFalse).";
      throw call.fail("arity", `IIF takes three arguments, not ${call.count}.`, remedy);
    }
    const condition = call.required(0);
    const whenTrue = call.required(1);
    const whenFalse = call.required(2);
    return (context) => (truthOf(condition(context), "The condition of IIF") ? whenTrue(context) : whenFalse(context));
  },
};

/** Text against text, exactly; the key "" also matches null. */
const switchFunction: FunctionDefinition = {
  name: "Switch",
  parameters: [any("source"), { ...any("defaultValue"), optional: true }],
  repeating: { parameters: [text("key"), any("value")], times: 1 },
  returns: "any",
  compile: (call) => {
    const source = call.required(0);
    const otherwise = call.required(1);
    const pairs: { key: (context: Parameters<typeof source>[0]) => string | null; value: typeof source }[] = [];
    for (let index = 2; index < call.count; index += 2) {
      pairs.push({ key: textArgument(call, index), value: call.required(index + 1) });
    }
    return (context) => {
      const first = firstOf(source(context));
      const wanted = first === null ? "" : textOfScalar(first);
      for (const { key, value } of pairs) {
        if ((key(context) ?? "") === wanted) return value(context);
      }
      return otherwise(context);
    };
  },
};

/** True becomes False; anything else, null too, becomes True. AD writes its Booleans in capitals. */
const not: FunctionDefinition = {
  name: "Not",
  parameters: [{ name: "source", type: "Boolean" }],
  returns: "Boolean",
  compile: (call) => {
    const source = call.required(0);
    return (context) => {
      const value: Scalar | null = firstOf(source(context));
      return value === null || textOfScalar(value).toLowerCase() !== "true";
    };
  },
};

/** True for what is not zero, else False: for null too. */
const cBool: FunctionDefinition = {
  name: "CBool",
  parameters: [condition("expression")],
  returns: "Boolean",
  compile: (call) => {
    const expression = call.required(0);
    return (context) => truthOf(expression(context), "The argument of CBool") ?? false;
  },
};

const error: FunctionDefinition = {
  name: "Error",
  parameters: [text("message")],
  returns: "any",
  compile: (call) => {
    const message = textArgument(call, 0);
    return (context) => {
      throw new ExpressionError("custom", message(context) || "The mapping reports an error without a message.");
    };
  },
};

export const CONDITION_FUNCTIONS: readonly FunctionDefinition[] = [iif, switchFunction, not, cBool, error];
