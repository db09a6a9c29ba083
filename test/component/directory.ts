/**
 * A small source directory as a model: people come, change and go; a read says what an agent would say of it (a full
 * read all that lives, a delta what happened since the read before, step by step); `projection` says what the target
 * should hold, told by the directory alone and by none of the engine's code.
 */
import type { Change } from "../../shared/contracts/change.ts";
import { aUser, guidOf } from "../support/cloud.ts";

export interface Person {
  readonly name: string;
  readonly upn: string;
  readonly department: string | null;
  readonly enabled: boolean;
  readonly deleted: boolean;
}

export type DirectoryStep =
  | { readonly do: "create"; readonly name: string }
  | { readonly do: "department"; readonly name: string; readonly to: string | null }
  | { readonly do: "enable"; readonly name: string; readonly to: boolean }
  | { readonly do: "upn"; readonly name: string; readonly to: string }
  | { readonly do: "delete"; readonly name: string }
  | { readonly do: "undelete"; readonly name: string };

/**
 * In every full read, and out of scope: a read that brings nobody at all is held back, whatever else it says.
 */
const KEEPER: Change = aUser("keeper", { isCriticalSystemObject: "TRUE" });

export function createDirectory() {
  const people = new Map<string, Person>();
  let journal: Change[] = [];

  /** False when the step makes no sense now (nobody to change, a name that is taken): nothing happened. */
  function take(step: DirectoryStep): boolean {
    const before = people.get(step.name);
    const after = next(before, step);
    if (!after) return false;
    if (!after.deleted && isTaken(after)) return false;
    people.set(step.name, after);
    journal.push(after.deleted ? { op: "delete", objectGuid: guidOf(step.name) } : changeOf(before, after));
    return true;
  }

  function isTaken(wanted: Person): boolean {
    return [...people.values()].some((own) => own.name !== wanted.name && !own.deleted && own.upn === wanted.upn);
  }

  return {
    take,
    people: () => [...people.values()],
    /** What a read brings; with it the delta begins anew. */
    read(kind: "full" | "delta"): Change[] {
      const changes = kind === "delta" ? journal : [...living(people).map((person) => whole(person)), KEEPER];
      journal = [];
      return changes;
    },
    projection: () => new Map(living(people).map((person) => [immutableIdOf(person.name), expected(person)])),
  };
}

export interface Expected {
  readonly userPrincipalName: string;
  readonly displayName: string;
  readonly department: string | undefined;
  readonly accountEnabled: boolean;
}

export function immutableIdOf(name: string): string {
  const [a = "", b = "", c = "", ...rest] = guidOf(name).split("-");
  const swap = (hex: string) => (hex.match(/../g) ?? []).reverse().join("");
  return Buffer.from(swap(a) + swap(b) + swap(c) + rest.join(""), "hex").toString("base64");
}

function expected(person: Person): Expected {
  return {
    userPrincipalName: person.upn,
    displayName: person.name,
    department: person.department ?? undefined,
    accountEnabled: person.enabled,
  };
}

function living(people: ReadonlyMap<string, Person>): Person[] {
  return [...people.values()].filter((person) => !person.deleted);
}

function next(before: Person | undefined, step: DirectoryStep): Person | undefined {
  if (step.do === "create")
    return before
      ? undefined
      : { name: step.name, upn: `${step.name}@corp.example`, department: null, enabled: true, deleted: false };
  if (!before) return undefined;
  if (step.do === "undelete") return before.deleted ? { ...before, deleted: false } : undefined;
  if (before.deleted) return undefined;
  switch (step.do) {
    case "department":
      return before.department === step.to ? undefined : { ...before, department: step.to };
    case "enable":
      return before.enabled === step.to ? undefined : { ...before, enabled: step.to };
    case "upn":
      return before.upn === step.to ? undefined : { ...before, upn: step.to };
    case "delete":
      return { ...before, deleted: true };
  }
}

function attributesOf(person: Person): Record<string, string> {
  return {
    userPrincipalName: person.upn,
    displayName: person.name,
    userAccountControl: person.enabled ? "512" : "514",
    ...(person.department === null ? {} : { department: person.department }),
  };
}

function whole(person: Person): Change {
  return aUser(person.name, attributesOf(person));
}

const NAMES = ["department", "displayName", "userAccountControl", "userPrincipalName"];

function changeOf(before: Person | undefined, after: Person): Change {
  if (!before || before.deleted) return aUser(after.name, attributesOf(after), [...NAMES, "sAMAccountName", "cn"]);
  const old = attributesOf(before);
  const now = attributesOf(after);
  return aUser(
    after.name,
    now,
    NAMES.filter((name) => old[name] !== now[name]),
  );
}
