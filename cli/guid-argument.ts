/** GUIDs as people paste them: with braces and in capitals, as Active Directory's tools show them; refused before anybody is asked. */
import { InvalidArgumentError } from "commander";
import { isGuid } from "../shared/domain/values.ts";

/** In lower case, without braces. For commander, as the parser of an argument or option. */
export function guidArgument(text: string): string {
  const guid = text
    .trim()
    .replace(/^\{|\}$/g, "")
    .toLowerCase();
  if (!isGuid(guid)) throw new InvalidArgumentError("must be a GUID such as an objectGUID, 8-4-4-4-12.");
  return guid;
}

/** commander calls it for each of several values. */
export function guidArguments(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), guidArgument(text)];
}
