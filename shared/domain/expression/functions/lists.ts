/** Multi-valued attributes: Count, Item, RemoveDuplicates, Split, and SelectUniqueValue, which tries several values. */

import { any, type FunctionDefinition, list, number, text, textArgument } from "../definition.ts";
import { ExpressionError } from "../failure.ts";
import { allOf, listValue, requireNumber, type Scalar, textOf, textOfScalar } from "../value.ts";
import { chargeSearch } from "../work.ts";
import { checkConstant } from "./constants.ts";
import { trimmed } from "./text.ts";

const count: FunctionDefinition = {
  name: "Count",
  parameters: [list("attribute")],
  returns: "number",
  compile: (call) => {
    const source = call.required(0);
    return (context) => BigInt(allOf(source(context)).length);
  },
};

const item: FunctionDefinition = {
  name: "Item",
  parameters: [list("attribute"), number("index")],
  returns: "any",
  compile: (call) => {
    checkConstant(call, 1, "Count from 1.", (value) => {
      if ((requireNumber(value, "The index of Item") ?? 1) < 1)
        throw new ExpressionError("range", "Item counts from 1.");
    });
    const source = call.required(0);
    const index = call.required(1);
    return (context) => {
      const values = allOf(source(context));
      const wanted = requireNumber(index(context), "The index of Item");
      const found = wanted === null ? undefined : values[wanted - 1];
      if (found !== undefined) return found;
      throw new ExpressionError("range", `Item has no value number ${wanted ?? "(null)"}: there are ${values.length}.`);
    };
  },
};

/** The first of equal values stays; case counts. */
const removeDuplicates: FunctionDefinition = {
  name: "RemoveDuplicates",
  parameters: [list("attribute")],
  returns: "list",
  compile: (call) => {
    const source = call.required(0);
    return (context) => {
      const seen = new Map<string, Scalar>();
      for (const value of allOf(source(context))) {
        const key = textOfScalar(value);
        if (!seen.has(key)) seen.set(key, value);
      }
      return listValue([...seen.values()]);
    };
  },
};

/** Values lose the blanks around them, as in the documented example. */
const split: FunctionDefinition = {
  name: "Split",
  parameters: [text("source"), text("delimiter")],
  returns: "list",
  compile: (call) => {
    const source = textArgument(call, 0);
    const delimiter = textArgument(call, 1);
    return (context) => {
      const value = source(context);
      if (value === null || value === "") return null;
      const separator = delimiter(context) ?? "";
      chargeSearch(context.work, value, separator);
      const parts = separator === "" ? [value] : value.split(separator);
      return listValue(parts.map(trimmed));
    };
  },
};

/** The first rule whose value is free. A rule without a value is passed over. */
const selectUniqueValue: FunctionDefinition = {
  name: "SelectUniqueValue",
  parameters: [any("rule")],
  repeating: { parameters: [any("rule")], times: 1 },
  returns: "text",
  topLevelOnly: true,
  compile: (call) => {
    const rules = Array.from({ length: call.count }, (_, index) => call.required(index));
    return (context) => {
      const { isTaken } = context;
      if (!isTaken) {
        throw new ExpressionError("unique-exhausted", "SelectUniqueValue can't ask the target which values are taken.");
      }
      for (const rule of rules) {
        const value = textOf(rule(context));
        if (value !== null && value !== "" && !isTaken(value)) return value;
      }
      const message = `All ${rules.length} values of SelectUniqueValue are taken in the target.`;
      throw new ExpressionError("unique-exhausted", message);
    };
  },
};

export const LIST_FUNCTIONS: readonly FunctionDefinition[] = [count, item, removeDuplicates, split, selectUniqueValue];
