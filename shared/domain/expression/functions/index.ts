/** The table of functions: provisioning and cloud sync together, by their exact names. */

import type { FunctionDefinition } from "../definition.ts";
import { CONDITION_FUNCTIONS } from "./conditions.ts";
import { withConstantChecks } from "./constants.ts";
import { CONVERSION_FUNCTIONS } from "./conversion.ts";
import { DATE_FUNCTIONS } from "./dates.ts";
import { LIST_FUNCTIONS } from "./lists.ts";
import { PRESENCE_FUNCTIONS } from "./presence.ts";
import { RANDOM_FUNCTIONS } from "./random.ts";
import { REPLACE_FUNCTIONS } from "./replace.ts";
import { ROLE_FUNCTIONS } from "./roles.ts";
import { TEXT_FUNCTIONS } from "./text.ts";
import { UNSUPPORTED_FUNCTIONS } from "./unsupported.ts";

export const FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map(
  [
    CONDITION_FUNCTIONS,
    CONVERSION_FUNCTIONS,
    DATE_FUNCTIONS,
    LIST_FUNCTIONS,
    PRESENCE_FUNCTIONS,
    RANDOM_FUNCTIONS,
    REPLACE_FUNCTIONS,
    ROLE_FUNCTIONS,
    TEXT_FUNCTIONS,
    UNSUPPORTED_FUNCTIONS,
  ]
    .flat()
    .map((definition) => [definition.name, withConstantChecks(definition)]),
);

/** Bare words that stand for themselves as arguments. */
export const WORDS: ReadonlySet<string> = new Set(["vbTextCompare", "vbBinaryCompare", "Unicode", "ASCII", "UTF8"]);
