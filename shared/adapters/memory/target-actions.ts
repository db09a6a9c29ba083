/**
 * What actions do to the objects of the memory target: the rules about values, uniqueness, references, deletion and
 * coming back. Nothing here knows of faults or counts writes.
 */

import { applyDifference, type TargetValue, type TargetValues, withoutProperties } from "../../domain/target-value.ts";
import { normalUpn } from "../../domain/values.ts";
import {
  MEMBERS_A_WRITE,
  type TargetAction,
  type TargetFailure,
  type TargetResult,
} from "../../ports/target-directory.ts";
import { textOf } from "./target-finding.ts";
import type { MemoryLinks } from "./target-links.ts";
import { conflictFailure, failure, type MemoryObject, rightsFailure, unboundFailure } from "./target-object.ts";
import { checkCreate, checkValues, sensitiveNames } from "./target-rules.ts";

export function createMemoryActions(deps: {
  readonly objects: Map<string, MemoryObject>;
  readonly links: MemoryLinks;
  readonly nextId: () => string;
  readonly initialDomain: string;
  readonly verifiedDomains: readonly string[];
}): (action: TargetAction) => TargetResult {
  const { objects, links, nextId, initialDomain, verifiedDomains } = deps;

  /** The first unique value among `values` that another object holds. */
  const clash = (values: TargetValues, own?: string): string | undefined => {
    const taken = (name: string, isHeld: (object: MemoryObject) => boolean) =>
      typeof values[name] === "string" && [...objects.values()].some((object) => object.id !== own && isHeld(object));
    const upn = normalUpn(String(values["userPrincipalName"]));
    // Nor is a group's name given to another one.
    const uniqueName = String(values["uniqueName"]).toLowerCase();
    if (taken("uniqueName", (one) => textOf(one, "uniqueName").toLowerCase() === uniqueName)) return "uniqueName";
    if (taken("userPrincipalName", (one) => !one.deleted && normalUpn(textOf(one, "userPrincipalName")) === upn)) {
      return "userPrincipalName";
    }
    // A deleted object keeps its anchor: it is restored, not replaced.
    const anchor = values["onPremisesImmutableId"];
    if (taken("onPremisesImmutableId", (one) => textOf(one, "onPremisesImmutableId") === anchor)) {
      return "onPremisesImmutableId";
    }
    const mail = normalUpn(String(values["mail"]));
    return taken("mail", (one) => !one.deleted && normalUpn(textOf(one, "mail")) === mail) ? "mail" : undefined;
  };

  const create = (action: Extract<TargetAction, { kind: "create" }>): TargetResult => {
    const { key, type, values } = action;
    const refused = checkCreate(action, verifiedDomains);
    if (refused) return { key, outcome: "failed", failure: refused };
    const { members = [] } = action;
    if (members.length > MEMBERS_A_WRITE) throw new Error(`A create binds ${MEMBERS_A_WRITE} members at most.`);
    const present = type === "group" ? namesake(values) : undefined;
    if (present && !present.deleted) return createAgain(action, present);
    const taken = clash(values);
    if (taken !== undefined) return { key, outcome: "failed", failure: conflictFailure(action, taken) };
    const id = nextId();
    const canBind = members.every((member) => links.canBind(undefined, member));
    const hasManager = isManager(values["manager"]);
    const stored = applyDifference({}, hasManager ? values : withoutProperties(values, ["manager"]));
    objects.set(id, { id, type, values: stored, synchronized: false, privileged: false, deleted: false });
    if (canBind) links.bind(id, members);
    const unbound = [...(canBind ? [] : ["members"]), ...(hasManager ? [] : ["manager"])];
    const warnings = unbound.map((name) => unboundFailure(action, name));
    return { key, outcome: "done", id, ...(warnings.length > 0 ? { warnings } : {}) };
  };

  const namesake = ({ uniqueName }: TargetValues): MemoryObject | undefined =>
    typeof uniqueName === "string" && uniqueName !== ""
      ? [...objects.values()].find((one) => textOf(one, "uniqueName").toLowerCase() === uniqueName.toLowerCase())
      : undefined;

  /** A group is created by its name: the second time it is the same one, and members are its own matter. */
  const createAgain = (action: Extract<TargetAction, { kind: "create" }>, present: MemoryObject): TargetResult => {
    const { key, type, values, members = [] } = action;
    const result = carryOut({ kind: "update", key, type, id: present.id, values });
    const isThere = members.some((id) => links.membersOf(present.id).has(id));
    const canBind = !isThere && members.every((member) => links.canBind(present, member));
    if (result.outcome !== "done") return result;
    if (canBind) links.bind(present.id, members);
    return canBind ? result : { ...result, warnings: [...(result.warnings ?? []), unboundFailure(action, "members")] };
  };

  const isManager = (id: TargetValue | undefined): boolean => {
    if (typeof id !== "string") return true;
    const manager = objects.get(id);
    return manager?.type === "user" && !manager.deleted;
  };

  const update = (action: Extract<TargetAction, { kind: "update" }>, object: MemoryObject): TargetResult => {
    const { key, id } = action;
    if (object.privileged && object.type === "group") {
      return { key, outcome: "failed", failure: rightsFailure(action, []) };
    }
    const held = object.privileged ? sensitiveNames(action.values) : [];
    const noManager = isManager(action.values["manager"]) ? [] : ["manager"];
    // A group's name is given at create, and never sent again.
    const left = [...held, ...noManager, "uniqueName"];
    const allowed = Object.fromEntries(Object.entries(action.values).filter(([name]) => !left.includes(name)));
    const waits = [
      ...(held.length > 0 ? [rightsFailure(action, held)] : []),
      ...noManager.map((name) => unboundFailure(action, name)),
    ];
    const [first] = waits;
    const isRefused = Object.keys(allowed).length === 0 || (action.isWhole === true && held.length > 0);
    if (first && isRefused) return { key, outcome: "failed", failure: first };
    const refused = checkValues(action, allowed, verifiedDomains);
    if (refused) return { key, outcome: "failed", failure: refused };
    const taken = clash(allowed, id);
    if (taken !== undefined) return { key, outcome: "failed", failure: conflictFailure(action, taken) };
    objects.set(id, { ...object, values: applyDifference(object.values, allowed) });
    return { key, outcome: "done", id, ...(waits.length > 0 ? { warnings: waits } : {}) };
  };

  const restore = (
    action: Extract<TargetAction, { kind: "delete" | "restore" }>,
    object: MemoryObject,
  ): TargetResult => {
    const { key, id } = action;
    let values = object.values;
    const warnings: TargetFailure[] = [];
    for (let taken = clash(values, id); taken !== undefined; taken = clash(values, id)) {
      warnings.push(conflictFailure(action, taken));
      values = applyDifference(values, taken === "mail" ? { mail: null } : { [taken]: `${key}@${initialDomain}` });
    }
    objects.set(id, { ...object, values, deleted: false });
    return { key, outcome: "done", id, ...(warnings.length > 0 ? { warnings } : {}) };
  };

  const carryOut = (action: TargetAction): TargetResult => {
    if (action.kind === "create") return create(action);
    const { key, id } = action;
    const object = objects.get(id);
    const isThere = object?.type === action.type && (action.kind === "restore" || !object.deleted);
    if (!object || !isThere) {
      if (action.kind === "delete") return { key, outcome: "done", id };
      const gone = failure(action, "InvalidAnchor", "the object doesn't exist", { status: 404 });
      return { key, outcome: "failed", failure: gone };
    }
    if (action.kind === "restore" && !object.deleted) return { key, outcome: "done", id };
    if (object.synchronized) {
      const mastered = failure(action, "CannotUpdateObjectsMasteredOnPremises", "Microsoft's own sync masters it");
      return { key, outcome: "failed", failure: mastered };
    }
    if (action.kind === "update") return update(action, object);
    if (object.privileged) return { key, outcome: "failed", failure: rightsFailure(action, []) };
    if (action.kind === "restore") return restore(action, object);
    objects.set(id, { ...object, deleted: true });
    for (const one of [...objects.values()]) {
      if (one.values["manager"] === id)
        objects.set(one.id, { ...one, values: withoutProperties(one.values, ["manager"]) });
    }
    return { key, outcome: "done", id };
  };

  return carryOut;
}
