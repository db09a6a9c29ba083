/**
 * Replace, with its five documented modes. Which arguments are given decides, when the schema is compiled; any other
 * combination is refused. An argument that is omitted and the constants "" for oldValue, the pattern, the group's name
 * and the template count as not given; replacementValue "" does.
 */

import { type Call, type Evaluate, type FunctionDefinition, optionalText, text, textArgument } from "../definition.ts";
import { ExpressionError } from "../failure.ts";
import { compileConstantRegex, compileNetRegex, type NetRegex } from "../net-regex/net-regex.ts";
import { RegexRefusal } from "../net-regex/tree.ts";
import { isEmpty } from "../value.ts";
import { charge, chargeSearch, chargeText, type Work } from "../work.ts";

const [OLD, PATTERN, GROUP, REPLACEMENT, ATTRIBUTE, TEMPLATE] = [1, 2, 3, 4, 5, 6] as const;

const MODES: Readonly<Record<string, (call: Call) => Evaluate>> = {
  "oldValue+replacementValue": replaceText,
  "oldValue+template": fillTemplate,
  "regexPattern+replacementValue": replaceMatches,
  "regexPattern+regexGroupName+replacementValue": replaceGroup,
  "regexPattern+regexGroupName+replacementAttributeName": readFromOther,
};

const NAMES = [
  "source",
  "oldValue",
  "regexPattern",
  "regexGroupName",
  "replacementValue",
  "replacementAttributeName",
  "template",
];

function isGiven(call: Call, index: number): boolean {
  const node = call.argNode(index);
  return node !== undefined && (index === REPLACEMENT || !(node.type === "string" && node.value === ""));
}

function replaceText(call: Call): Evaluate {
  const [source, old, replacement] = [0, OLD, REPLACEMENT].map((index) => textArgument(call, index));
  return (context) => {
    const value = source?.(context) ?? null;
    const wanted = old?.(context) ?? "";
    if (value === null || wanted === "") return value;
    return replaceEvery(value, wanted, replacement?.(context) ?? "", context.work);
  };
}

function replaceEvery(text: string, wanted: string, replacement: string, work: Work): string {
  chargeSearch(work, text, wanted);
  const parts = text.split(wanted);
  // Before it is made: the result may be larger than the memory.
  chargeText(work, text.length + (parts.length - 1) * (replacement.length - wanted.length));
  return parts.join(replacement);
}

function fillTemplate(call: Call): Evaluate {
  const [source, old, template] = [0, OLD, TEMPLATE].map((index) => textArgument(call, index));
  return (context) => {
    const value = source?.(context) ?? null;
    const wanted = old?.(context) ?? "";
    const form = template?.(context) ?? null;
    if (value === null || form === null || wanted === "") return form === null ? null : value === null ? null : form;
    return replaceEvery(form, wanted, value, context.work);
  };
}

function replaceMatches(call: Call): Evaluate {
  const source = textArgument(call, 0);
  const regexOf = regexArgument(call);
  const replacement = textArgument(call, REPLACEMENT);
  return (context) => {
    const value = source(context);
    if (value === null) return null;
    return guarded(() => regexOf(context).replace(value, replacement(context) ?? "", context.work));
  };
}

function replaceGroup(call: Call): Evaluate {
  const source = textArgument(call, 0);
  const regexOf = regexArgument(call);
  const group = textArgument(call, GROUP);
  const replacement = textArgument(call, REPLACEMENT);
  return (context) => {
    const value = source(context);
    if (value === null) return null;
    return guarded(() => {
      const [named, text] = [group(context) ?? "", replacement(context) ?? ""];
      return regexOf(context).replaceGroup(value, named, text, context.work);
    });
  };
}

/** A source with a value stays as it is; without one, the group's text in the other attribute. */
function readFromOther(call: Call): Evaluate {
  const source = call.required(0);
  const regexOf = regexArgument(call);
  const group = textArgument(call, GROUP);
  const other = textArgument(call, ATTRIBUTE);
  return (context) => {
    const value = source(context);
    if (!isEmpty(value)) return value;
    const text = other(context);
    if (text === null) return null;
    return guarded(() => regexOf(context).read(text, group(context) ?? "", context.work) ?? null);
  };
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RegexRefusal) throw new ExpressionError("regex", error.message);
    throw error;
  }
}

/** Steps for each character of a pattern that is compiled while an object waits. */
const COMPILING = 16;

/** A constant pattern is compiled with the schema, any other when its text is seen first. */
function regexArgument(call: Call): (context: Parameters<Evaluate>[0]) => NetRegex {
  const node = call.argNode(PATTERN);
  if (node?.type === "string") {
    const regex = constantRegex(call, node.value);
    return () => regex;
  }
  const pattern = textArgument(call, PATTERN);
  let last: { pattern: string; regex: NetRegex } | undefined;
  return (context) => {
    const wanted = pattern(context) ?? "";
    if (last?.pattern !== wanted) {
      charge(context.work, COMPILING * wanted.length);
      last = { pattern: wanted, regex: compileNetRegex(wanted) };
    }
    return last.regex;
  };
}

function constantRegex(call: Call, pattern: string): NetRegex {
  const remedy = "Correct the pattern: it is a .NET regular expression, without options but those written in it.";
  try {
    const regex = compileConstantRegex(pattern);
    const group = call.argNode(GROUP);
    if (group?.type === "string" && group.value !== "") {
      if (!regex.hasGroup(group.value)) throw new RegexRefusal(`The pattern has no group '${group.value}'.`);
    }
    const replacement = call.argNode(REPLACEMENT);
    if (replacement?.type === "string") regex.checkReplacement(replacement.value);
    return regex;
  } catch (error) {
    if (error instanceof RegexRefusal) throw call.fail("regex", error.message, remedy, PATTERN);
    throw error;
  }
}

const replace: FunctionDefinition = {
  name: "Replace",
  parameters: [text("source"), ...NAMES.slice(1).map(optionalText)],
  returns: "text",
  compile: (call) => {
    const given = NAMES.filter((_, index) => index > 0 && isGiven(call, index));
    const mode = Object.hasOwn(MODES, given.join("+")) ? MODES[given.join("+")] : undefined;
    if (mode) return mode(call);
    const shown = given.length === 0 ? "nothing but its source" : given.join(", ");
    const remedy = `Give one of: ${Object.keys(MODES).join("; ")}.`;
    throw call.fail("unsupported", `Replace has no mode for ${shown}.`, remedy);
  },
};

export const REPLACE_FUNCTIONS: readonly FunctionDefinition[] = [replace];
