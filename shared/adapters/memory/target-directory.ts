/**
 * A target directory in this process, for tests of use cases: as strict as Graph where the port says so (required and
 * unique values, verified suffixes, objects that others master, role holders, soft delete and restore, links to what is
 * there), with switches for what goes wrong: refused, throttled, answered too late, shown too late, not there at all.
 *
 * It checks no lengths and no property names: that is what the directory stand-in is for.
 */

import { applyDifference, type TargetValue, type TargetValues, withoutProperties } from "../../domain/target-value.ts";
import { normalUpn } from "../../domain/values.ts";
import {
  MEMBERS_A_WRITE,
  type TargetAction,
  type TargetDirectory,
  type TargetFailure,
  type TargetMemberChange,
  type TargetObjectType,
  type TargetResult,
  type TargetUnavailable,
} from "../../ports/target-directory.ts";
import { answers, textOf, toTargetObject } from "./target-finding.ts";
import { createMemoryLinks, type MemberFault } from "./target-links.ts";
import { conflictFailure, failure, type MemoryObject, rightsFailure, unboundFailure } from "./target-object.ts";
import { checkCreate, checkValues, sensitiveNames } from "./target-rules.ts";

export interface MemoryTargetOptions {
  readonly initialDomain?: string;
  /** Beside the initial one; lower case. */
  readonly verifiedDomains?: readonly string[];
  /** Objects a page of `users()`. */
  readonly pageSize?: number;
}

interface MemorySeed {
  readonly id?: string;
  readonly type?: TargetObjectType;
  readonly values: TargetValues;
  readonly synchronized?: boolean;
  readonly privileged?: boolean;
  readonly deleted?: boolean;
  /** Of a group. */
  readonly members?: readonly string[];
}

/** What is to happen to the next actions that `matches` picks (all, when left out), `count` times (once). */
interface Fault {
  readonly count?: number;
  readonly matches?: (action: TargetAction) => boolean;
  readonly kind:
    | "throttle"
    /** Takes effect, and says that it doesn't know. */
    | "lose-answer"
    | "fail";
  /** For `fail`; InternalServerError when left out. */
  readonly failure?: TargetFailure;
  /** For `throttle`; 1,000 when left out. */
  readonly retryAfterMs?: number;
}

export interface MemoryTargetDirectory extends TargetDirectory {
  /** Adds objects without any check; their ids come back. */
  seed(objects: readonly MemorySeed[]): readonly string[];
  /** All objects, the deleted too, in order of creation. */
  objects(): readonly MemoryObject[];
  object(id: string): MemoryObject | undefined;
  /** What is written from now on shows in no read until this is set to false. */
  setLagging(isLagging: boolean): void;
  setPrivileged(id: string, held: boolean): void;
  order(fault: Fault): void;
  /** The same for single members of `changeMembers`. */
  orderMembers(fault: MemberFault): void;
  /** Ids of the living members of a group, in the order in which they were added. */
  membersOf(groupId: string): readonly string[];
  /** Every method throws this from now on; undefined ends that. */
  setUnavailable(error: TargetUnavailable | undefined): void;
  /** All actions that came in, in order, whatever became of them. */
  readonly received: readonly TargetAction[];
  /** All changes of members that came in, likewise. */
  readonly receivedChanges: readonly TargetMemberChange[];
}

const DEFAULT_DOMAIN = "example.onmicrosoft.com";

export function createMemoryTargetDirectory(options: MemoryTargetOptions = {}): MemoryTargetDirectory {
  const initialDomain = options.initialDomain ?? DEFAULT_DOMAIN;
  const verifiedDomains = [...new Set([initialDomain, ...(options.verifiedDomains ?? [])])];
  const objects = new Map<string, MemoryObject>();
  const received: TargetAction[] = [];
  const receivedChanges: TargetMemberChange[] = [];
  const links = createMemoryLinks(objects);
  let faults: { fault: Fault; left: number }[] = [];
  /** What reads see, while they lag behind `objects`. */
  let shown: ReadonlyMap<string, MemoryObject> | undefined;
  let unavailable: TargetUnavailable | undefined;
  let ids = 0;
  let writes = 0;

  const nextId = () => `00000000-0000-4000-8000-${(++ids).toString(16).padStart(12, "0")}`;
  const reachable = () => {
    if (unavailable) throw unavailable;
  };

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
    if (first && Object.keys(allowed).length === 0) return { key, outcome: "failed", failure: first };
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

  const countWrite = (onWrite: (() => void) | undefined) => {
    writes++;
    onWrite?.();
  };

  const takeFault = (action: TargetAction): Fault | undefined => {
    const entry = faults.find(({ fault }) => fault.matches?.(action) ?? true);
    if (!entry) return undefined;
    entry.left--;
    faults = faults.filter((one) => one.left > 0);
    return entry.fault;
  };

  const apply = (action: TargetAction, onWrite: (() => void) | undefined): TargetResult => {
    const { key } = action;
    received.push(action);
    const parts = partsOf(action);
    if (parts === 0 && action.kind === "update") return { key, outcome: "done", id: action.id };
    const fault = takeFault(action);
    if (fault?.kind === "throttle") {
      const retryAfterMs = fault.retryAfterMs ?? 1_000;
      const throttled = failure(action, "TooManyRequests", "the target throttles", { retriable: true, retryAfterMs });
      return { key, outcome: "unsent", failure: throttled };
    }
    for (let part = 0; part < parts; part++) countWrite(onWrite);
    if (fault?.kind === "fail") {
      const broken = failure(action, "InternalServerError", "it failed on purpose", { retriable: true });
      return { key, outcome: "failed", failure: fault.failure ?? broken };
    }
    const result = carryOut(action);
    if (fault?.kind !== "lose-answer") return result;
    const lost = failure(action, "Timeout", "whether it took effect is unknown", { retriable: true });
    return { key, outcome: "failed", failure: lost };
  };

  const seenMembers = (groupId: string): readonly string[] =>
    [...links.membersOf(groupId)].filter((id) => objects.get(id)?.deleted === false);

  return {
    received,
    receivedChanges,
    async describe() {
      reachable();
      return { initialDomain, verifiedDomains };
    },
    async find(queries) {
      reachable();
      const all = [...(shown ?? objects).values()];
      return queries.map((query) => all.filter((object) => answers(object, query)).map(toTargetObject));
    },
    async privileged(wanted) {
      reachable();
      return new Set(wanted.filter((id) => objects.get(id)?.privileged));
    },
    async apply(actions, { onWrite }) {
      reachable();
      const keys = new Set(actions.map((action) => action.key));
      if (keys.size < actions.length) throw new Error("Two actions of one call have the same key.");
      return actions.map((action) => apply(action, onWrite));
    },
    async changeMembers(changes, { onWrite }) {
      reachable();
      const named = new Set(changes.map(({ op, groupId }) => `${op} ${groupId}`));
      if (named.size < changes.length) throw new Error("Two changes of one call are of the same group and kind.");
      receivedChanges.push(...changes);
      return changes.map((change) => links.change(change, () => countWrite(onWrite)));
    },
    async *members(groupId) {
      reachable();
      if (objects.get(groupId)?.deleted !== false) return;
      const ids = seenMembers(groupId);
      const size = options.pageSize ?? 100;
      for (let at = 0; at < ids.length; at += size) yield ids.slice(at, at + size);
    },
    async *users() {
      reachable();
      const users = [...(shown ?? objects).values()].filter((object) => object.type === "user" && !object.deleted);
      const size = options.pageSize ?? 100;
      for (let at = 0; at < users.length; at += size) yield users.slice(at, at + size).map(toTargetObject);
    },
    writes: () => writes,
    seed(seeds) {
      return seeds.map(({ id = nextId(), type = "user", values, members = [], ...flags }) => {
        const { synchronized = false, privileged = false, deleted = false } = flags;
        objects.set(id, { id, type, values, synchronized, privileged, deleted });
        links.bind(id, members);
        return id;
      });
    },
    objects: () => [...objects.values()],
    object: (id) => objects.get(id),
    setLagging(isLagging) {
      shown = isLagging ? (shown ?? new Map(objects)) : undefined;
    },
    setPrivileged(id, held) {
      const object = objects.get(id);
      if (object) objects.set(id, { ...object, privileged: held });
    },
    order(fault) {
      faults.push({ fault, left: fault.count ?? 1 });
    },
    orderMembers(fault) {
      links.faults.push({ fault, left: fault.count ?? 1 });
    },
    membersOf: seenMembers,
    setUnavailable(error) {
      unavailable = error;
    },
  };
}

/** The writes that an action is: a manager is one of its own beside an update. */
function partsOf(action: TargetAction): number {
  if (action.kind !== "update") return 1;
  const { manager, uniqueName: _, ...values } = action.values;
  return (Object.keys(values).length > 0 ? 1 : 0) + (manager === undefined ? 0 : 1);
}
