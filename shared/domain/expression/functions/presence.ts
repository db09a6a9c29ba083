/** Null, empty, present: the functions that ask whether there is a value, and the one that drops an attribute. */

import { any, type FunctionDefinition, optionalText } from "../definition.ts";
import { firstOf, isEmpty, type Value } from "../value.ts";

/**
 * Thrown by IgnoreFlowIfNullOrEmpty and caught by the program: the attribute is left out of the flow, wherever in the
 * expression the function stands. One frozen object, so that throwing it costs no stack trace.
 */
export const IGNORE_FLOW = Object.freeze({ signal: "ignore-flow" });

const isNull: FunctionDefinition = {
  name: "IsNull",
  parameters: [any("expression")],
  returns: "Boolean",
  compile: (call) => {
    const expression = call.required(0);
    return (context) => expression(context) === null;
  },
};

const isNullOrEmpty: FunctionDefinition = {
  name: "IsNullOrEmpty",
  parameters: [any("expression")],
  returns: "Boolean",
  compile: (call) => {
    const expression = call.required(0);
    return (context) => isEmpty(expression(context));
  },
};

const isPresent: FunctionDefinition = {
  name: "IsPresent",
  parameters: [any("expression")],
  returns: "Boolean",
  compile: (call) => {
    const expression = call.required(0);
    return (context) => !isEmpty(expression(context));
  },
};

/** Graph's list of functions has it with a signature only: the older name of IsNull. */
const isNothing: FunctionDefinition = { ...isNull, name: "IsNothing", parameters: [any("source")] };

/** Whether CStr would make a text of it: of everything but null, structures and bytes that have no written form. */
const isString: FunctionDefinition = {
  name: "IsString",
  parameters: [any("expression")],
  returns: "Boolean",
  compile: (call) => {
    const expression = call.required(0);
    return (context) => {
      const value = firstOf(expression(context));
      if (typeof value !== "object") return true;
      return value !== null && (value.kind === "date" || (value.kind === "binary" && value.form !== "bytes"));
    };
  },
};

const coalesce: FunctionDefinition = {
  name: "Coalesce",
  parameters: [any("source")],
  repeating: { parameters: [{ ...optionalText("defaultValue"), type: "any" }], times: 0 },
  returns: "any",
  compile: (call) => {
    const sources = Array.from({ length: call.count }, (_, index) => call.required(index));
    return (context): Value => {
      for (const source of sources) {
        const value = source(context);
        if (value !== null) return value;
      }
      return null;
    };
  },
};

const ignoreFlowIfNullOrEmpty: FunctionDefinition = {
  name: "IgnoreFlowIfNullOrEmpty",
  parameters: [any("expression")],
  returns: "any",
  compile: (call) => {
    const expression = call.required(0);
    return (context) => {
      const value = expression(context);
      if (isEmpty(value)) throw IGNORE_FLOW;
      return value;
    };
  },
};

/** Only logs are affected: the program says that its value is redacted, the value flows as it is. */
const redact: FunctionDefinition = {
  name: "Redact",
  parameters: [any("value")],
  returns: "any",
  compile: (call) => call.required(0),
};

export const PRESENCE_FUNCTIONS: readonly FunctionDefinition[] = [
  isNull,
  isNothing,
  isNullOrEmpty,
  isPresent,
  isString,
  coalesce,
  ignoreFlowIfNullOrEmpty,
  redact,
];
