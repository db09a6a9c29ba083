/** The primary address of a directory object: the one of its `proxyAddresses` whose type is written in capitals. */

import type { Outcome } from "../expression/compile.ts";

const PRIMARY = "SMTP:";

/** Undefined where there is none, or more than one: then none of them is the primary one. */
export function primaryAddressOf(outcome: Outcome): string | undefined {
  const values = outcome.kind === "multi" ? outcome.values : outcome.kind === "value" ? [outcome.value] : [];
  const primary = values.flatMap((value) =>
    typeof value === "string" && value.startsWith(PRIMARY) ? [value.slice(PRIMARY.length).trim()] : [],
  );
  const [only] = primary;
  return primary.length === 1 && only?.includes("@") ? only : undefined;
}
