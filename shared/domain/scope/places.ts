/**
 * Scope clauses that ask where an object is and which groups it is in, by objectGUID: a rename or a move changes nothing.
 *
 * In Graph's shape: `objectGUID IS_MEMBER_OF [group, …]` (in any of them, nested ones included; a group that is named counts
 * as in) and `distinguishedName IS_DESCENDANT_OF [unit, …]` (at or below any; `parentGuid` says the same), each also with
 * `NOT ` before it. An object's attributes don't hold the answer: it comes from facts that were found out for the object
 * and lie on its record. An answer may be unknown (undefined), which is no evidence for anything: nobody is removed and
 * nobody is made because of it.
 */
import type { ObjectRecord, ScopeFacts } from "../object-record.ts";
import type { ScopeFilter, ScopeFilterClause } from "../synchronization-schema.ts";
import { isGuid } from "../values.ts";

/** True, false, or undefined where nobody knows. */
export type Answer = boolean | undefined;

/** What is known of one object. */
export interface AskFacts {
  isBelow(unit: string): Answer;
  isMemberOf(group: string): Answer;
  /** For explanations: what the unit or group is called, where that is known. */
  nameOf?(guid: string): string | undefined;
}

export const NO_FACTS: AskFacts = { isBelow: () => undefined, isMemberOf: () => undefined };

/** Units and groups that scopes name, in lower case and sorted. */
export interface NamedObjects {
  readonly organizationalUnits: readonly string[];
  readonly groups: readonly string[];
}

export interface PlaceClause {
  readonly named: NamedObjects;
  readonly text: string;
  readonly ask: (facts: AskFacts) => Answer;
  /** What is known of it, by the names of units and groups where these are known. */
  readonly shown: (facts: AskFacts) => string;
}

export interface PlaceFault {
  readonly code: "scope-operator" | "scope-operand";
  readonly message: string;
  readonly remedy: string;
}

const OPERATOR = /^(NOT )?(IS_MEMBER_OF|IS_DESCENDANT_OF)$/;
/** Undefined: the clause asks for an attribute. */
export function compilePlaceClause(clause: ScopeFilterClause): PlaceClause | PlaceFault | undefined {
  const match = OPERATOR.exec((clause.operatorName ?? "").trim().toUpperCase());
  if (!match) return undefined;
  const negative = match[1] ?? "";
  const isOfGroups = match[2] === "IS_MEMBER_OF";
  const operator = `${negative}${match[2]}`;
  const attribute = clause.sourceOperandName ?? "";
  const allowed = isOfGroups ? ["objectguid"] : ["distinguishedname", "parentguid"];
  if (!allowed.includes(attribute.toLowerCase())) {
    const right = isOfGroups ? "objectGUID" : "distinguishedName";
    return {
      code: "scope-operator",
      message: `${operator} can't be asked of the attribute '${attribute}'.`,
      remedy: `Write ${right} ${operator} with ${isOfGroups ? "the groups'" : "the organizational units'"} objectGUIDs.`,
    };
  }
  const values = clause.targetOperand?.values ?? [];
  const faulty = values.filter((value) => !isGuid(guidText(value)));
  if (values.length === 0 || faulty.length > 0) {
    const what = isOfGroups ? "group" : "organizational unit";
    const message =
      values.length === 0
        ? `${attribute} ${operator} names no ${what}.`
        : `${attribute} ${operator} wants objectGUIDs, and '${faulty[0]}' is none${faulty.length > 1 ? ` (nor are ${faulty.length - 1} more)` : ""}.`;
    const remedy = `Give the objectGUID of each ${what}: a distinguished name changes when it is renamed or moved.`;
    return { code: "scope-operand", message, remedy };
  }
  const guids = [...new Set(values.map(guidText))].sort();
  const one = (facts: AskFacts, guid: string) => (isOfGroups ? facts.isMemberOf(guid) : facts.isBelow(guid));
  const ask = (facts: AskFacts): Answer => {
    const answers = guids.map((guid) => one(facts, guid));
    const any = answers.includes(true) ? true : answers.includes(undefined) ? undefined : false;
    return negative === "" || any === undefined ? any : !any;
  };
  return {
    named: isOfGroups ? { organizationalUnits: [], groups: guids } : { organizationalUnits: guids, groups: [] },
    text: `${attribute} ${operator} ${guids.map((guid) => `'${guid}'`).join(", ")}`,
    ask,
    shown: (facts) => {
      const by = (answer: Answer) => guids.filter((guid) => one(facts, guid) === answer);
      const where = isOfGroups ? "in" : "below";
      const [yes, unknown] = [by(true), by(undefined)];
      if (yes.length > 0) return `${where} ${listed(yes, facts)}`;
      if (unknown.length > 0) return `whether it is ${where} ${listed(unknown, facts)}`;
      return `not ${where} ${listed(guids, facts)}`;
    },
  };
}

/** Everything that clauses of this kind name in a filter; faulty ones name nothing. */
export function namedIn(filter: ScopeFilter | null | undefined): NamedObjects {
  const groups = [...(filter?.groups ?? []), ...(filter?.inputFilterGroups ?? [])];
  return together(groups.flatMap((group) => (group.clauses ?? []).map(namedByClause)));
}

export function together(all: readonly NamedObjects[]): NamedObjects {
  const distinct = (guids: readonly string[]) => [...new Set(guids)].sort();
  return {
    organizationalUnits: distinct(all.flatMap((one) => one.organizationalUnits)),
    groups: distinct(all.flatMap((one) => one.groups)),
  };
}

/**
 * What everybody whom the filters let in has in common, as far as an agent can decide it before data leaves: below one of
 * these units, or in one of these groups. Undefined: nothing (a filter is missing, or one of its groups asks for neither).
 *
 * `inputFilterGroups` and negations narrow too, and are left to the cloud. Where groups are asked for at all, units
 * aren't given out: an agent that sends only what is below them would keep the groups themselves to itself.
 */
export function commonCondition(filters: readonly (ScopeFilter | null | undefined)[]): NamedObjects | undefined {
  const ways = filters.flatMap((filter) => {
    const groups = filter?.groups ?? [];
    return groups.length === 0 ? [NOTHING] : groups.map((group) => narrowest((group.clauses ?? []).map(wanted)));
  });
  if (ways.length === 0) return undefined;
  const asksForGroups = filters.some((filter) => namedIn(filter).groups.length > 0);
  const all = together(ways);
  if (ways.every((way) => way.groups.length > 0)) return { organizationalUnits: [], groups: all.groups };
  if (asksForGroups || !ways.every((way) => way.organizationalUnits.length > 0)) return undefined;
  return { organizationalUnits: all.organizationalUnits, groups: [] };
}

const NOTHING: NamedObjects = { organizationalUnits: [], groups: [] };

/** Clauses are ANDed: any one of each kind is a condition, and the one that names least narrows most, as a rule. */
function narrowest(clauses: readonly NamedObjects[]): NamedObjects {
  const least = (lists: readonly (readonly string[])[]) =>
    lists.filter((list) => list.length > 0).sort((left, right) => left.length - right.length)[0] ?? [];
  return {
    organizationalUnits: least(clauses.map((one) => one.organizationalUnits)),
    groups: least(clauses.map((one) => one.groups)),
  };
}

function namedByClause(clause: ScopeFilterClause): NamedObjects {
  const compiled = compilePlaceClause(clause);
  return compiled && "named" in compiled ? compiled.named : NOTHING;
}

function wanted(clause: ScopeFilterClause): NamedObjects {
  return (clause.operatorName ?? "").trim().toUpperCase().startsWith("NOT ") ? NOTHING : namedByClause(clause);
}

/** In `ScopeFacts.doubt`: what is above the object isn't known. */
export const PLACES_IN_DOUBT = "places";
/** In `ScopeFacts.doubt`: lists of members had not been read whole when the facts were found. */
export const GROUPS_IN_DOUBT = "groups";

/** What the record knows. `of`: the digest of what scopes name now; `missing`: of it, what isn't in the directory as far as is known. */
export function askRecord(
  record: Pick<ObjectRecord, "facts" | "parentGuid">,
  named: { readonly of: string; readonly missing: ReadonlySet<string> },
): AskFacts {
  const { facts } = record;
  const answer = (guid: string, blanket: string): Answer => {
    if (!facts || named.missing.has(guid)) return undefined;
    if (facts.holds.includes(guid)) return true;
    if (facts.of !== named.of) return undefined;
    return facts.doubt?.some((own) => own === guid || own === blanket) ? undefined : false;
  };
  return {
    // Found for another place: the object moved, and nobody has looked since.
    isBelow: (unit) => (facts && facts.parent !== record.parentGuid ? undefined : answer(unit, PLACES_IN_DOUBT)),
    isMemberOf: (group) => answer(group, GROUPS_IN_DOUBT),
  };
}

/** In one form, whatever the order of keys. */
export function factsText(facts: ScopeFacts | undefined): string {
  return facts ? JSON.stringify([facts.of, facts.parent ?? null, facts.holds, facts.doubt ?? []]) : "";
}

const LISTED = 5;

function listed(guids: readonly string[], facts: AskFacts): string {
  const names = guids.slice(0, LISTED).map((guid) => {
    const name = facts.nameOf?.(guid);
    return name === undefined ? guid : `${name} (${guid})`;
  });
  return guids.length > LISTED ? `${names.join(", ")} and ${guids.length - LISTED} more` : names.join(" or ");
}

function guidText(value: string): string {
  const bare = value.trim().toLowerCase();
  return bare.startsWith("{") && bare.endsWith("}") ? bare.slice(1, -1) : bare;
}
