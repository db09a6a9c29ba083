/**
 * What becomes of a planned object while its job's exports are held: nothing is sent, nothing waits for the guard, and its
 * outcome is *staged*. Its row learns what the directory says all the same.
 *
 * Held, an object has no value in the index but those that its target object has: two jobs with one target don't stand in each
 * other's way by what one of them isn't allowed to send. Who would have had to wait for a value is staged like anybody:
 * whoever has it may give it up with the release. What is in doubt keeps its claims: they stand for what may be in the target.
 */
import type { Claim, ObjectRecord } from "../../domain/object-record.ts";
import { removesOf } from "../cycles/removes-of.ts";
import type { ObjectFailure, OutcomeEntry, PlannedObject } from "../lanes/chunk-files.ts";
import { claimsWithout, withClaims } from "../matching/object-claims.ts";
import type { ClaimIndex, ClaimResult } from "../state/claim-index.ts";

export const EXPORTS_HELD = "ExportsHeld";

const HELD: ObjectFailure = {
  code: EXPORTS_HELD,
  message: "It would be sent, and the job's exports are held.",
  remedy: "Nothing: it is exported when they are released.",
};

/** They wait for somebody who may not give up what he has. */
const WAITING_CODES: readonly (string | undefined)[] = ["AttributeValueMustBeUnique", "DuplicateSourceEntries"];

/** As it is carried out while exports are held; doing it again changes nothing. */
export function withoutExport(planned: PlannedObject): PlannedObject {
  const { action, waiting, record, isSuperseded } = planned;
  const isWanted = action.kind !== "none" || waiting.length > 0 || WAITING_CODES.includes(planned.failure?.code);
  if (isSuperseded || (!planned.held && !isWanted)) return planned;
  const claims = claimsWhileHeld(record);
  const { members: _, ...rest } = planned;
  return {
    ...rest,
    action: { kind: "none" },
    waiting: [],
    outcome: "staged",
    failure: HELD,
    held: planned.held ?? {
      action: action.kind === "none" && waiting.includes("deletes") ? "delete" : action.kind,
      removes: removesOf(planned),
    },
    record: withClaims(record, claims),
    abandoned: claimsWithout([...planned.abandoned, ...(record.claims ?? [])], claims),
    isChanged: planned.isChanged || !isKnownAsHeld(record),
  };
}

/** Its row says so already. */
export function isKnownAsHeld({ last }: ObjectRecord): boolean {
  return last?.outcome === "staged" && last.code === EXPORTS_HELD;
}

export function isHeldEntry({ outcome, code }: Pick<OutcomeEntry, "outcome" | "code">): boolean {
  return outcome === "staged" && code === EXPORTS_HELD;
}

/** Of what it claimed and never exported. */
export function claimsWhileHeld({ mark, link, claims = [] }: ObjectRecord): readonly Claim[] {
  return mark !== undefined || link?.doubt !== undefined ? claims : [];
}

/** An index that answers as if it were asked in earnest, and stays as it is. */
export function lookingOnly(index: ClaimIndex): ClaimIndex {
  return {
    async claim(requests) {
      const seen = new Map<string, string>();
      const found = await index.holders(requests.map(({ claim }) => claim));
      return requests.map(({ owner, claim }, at): ClaimResult => {
        const key = keyOf(claim);
        const first = seen.get(key) ?? owner;
        seen.set(key, first);
        if (first !== owner) return { kind: "taken", owner: first };
        const held = found[at];
        return held === undefined || (held.kind === "taken" && held.owner === owner) ? { kind: "held" } : held;
      });
    },
    take: async () => ({ kind: "held" }),
    release: async () => undefined,
    disown: async () => undefined,
    addCandidates: async () => undefined,
    holder: index.holder,
    holders: index.holders,
  };
}

function keyOf({ kind, value }: Claim): string {
  return `${kind}:${value}`;
}
