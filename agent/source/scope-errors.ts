/** What keeps a scope from being applied, for every kind of source. */
import { SCOPE_NESTING } from "../../shared/contracts/agent-api.ts";
import { SourceError } from "../../shared/ports/source-directory.ts";

const NAMED_IN_MESSAGE = 5;

/** Gone, or hidden from the account: no reader can tell them apart. `what` says where it was looked for. */
export function scopeMissing(objectGuids: readonly string[], what: string): SourceError {
  const named = objectGuids.slice(0, NAMED_IN_MESSAGE).join(", ");
  const more = objectGuids.length > NAMED_IN_MESSAGE ? ` and ${objectGuids.length - NAMED_IN_MESSAGE} more` : "";
  return new SourceError(
    "source-scope",
    `The scope names objects that can't be read in ${what}: ${named}${more}. Without them nobody can tell who is in scope, so nothing is sent.`,
    "Restore them or let the agent's account read them; or take them out of the job's scope (uplink job scope).",
    { objectGuids },
  );
}

/** A place of the scope moved while a page was made of where it was. */
export function scopeMoved(what: string): SourceError {
  return new SourceError(
    "source-incomplete",
    `A unit or group of the scope was renamed or moved in ${what} while it was read.`,
    "Nothing to do: it is read again.",
  );
}

/** A delta can't tell what it should; the service is asked for a full read, and told why. */
export class FullReadNeeded extends SourceError {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super("source-cookie", message, "Nothing to do: a full read follows.");
    this.name = "FullReadNeeded";
    this.reason = reason;
  }
}

export function nestingChanged(group: string): FullReadNeeded {
  return new FullReadNeeded(
    SCOPE_NESTING,
    `Group ${group} was nested in a group of the scope, or is so no more: who came and went with it shows in a full read only.`,
  );
}
