/**
 * A target directory in this process, for tests of use cases: as strict as Graph where the port says so (required and
 * unique values, verified suffixes, objects that others master, role holders, soft delete and restore), with switches
 * for what goes wrong: refused, throttled, answered too late, shown too late, not there at all.
 *
 * It checks no lengths and no property names: that is what the directory stand-in is for.
 */

import { applyDifference, type TargetValues } from "../../domain/target-value.ts";
import { normalUpn } from "../../domain/values.ts";
import type {
  TargetAction,
  TargetDirectory,
  TargetFailure,
  TargetObject,
  TargetObjectType,
  TargetQuery,
  TargetResult,
  TargetUnavailable,
} from "../../ports/target-directory.ts";
import { conflictFailure, failure, type MemoryObject, rightsFailure } from "./target-object.ts";
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
  /** Every method throws this from now on; undefined ends that. */
  setUnavailable(error: TargetUnavailable | undefined): void;
  /** All actions that came in, in order, whatever became of them. */
  readonly received: readonly TargetAction[];
}

const DEFAULT_DOMAIN = "example.onmicrosoft.com";

export function createMemoryTargetDirectory(options: MemoryTargetOptions = {}): MemoryTargetDirectory {
  const initialDomain = options.initialDomain ?? DEFAULT_DOMAIN;
  const verifiedDomains = [...new Set([initialDomain, ...(options.verifiedDomains ?? [])])];
  const objects = new Map<string, MemoryObject>();
  const received: TargetAction[] = [];
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
    const taken = clash(values);
    if (taken !== undefined) return { key, outcome: "failed", failure: conflictFailure(action, taken) };
    const id = nextId();
    const stored = applyDifference({}, values);
    objects.set(id, { id, type, values: stored, synchronized: false, privileged: false, deleted: false });
    return { key, outcome: "done", id };
  };

  const update = (action: Extract<TargetAction, { kind: "update" }>, object: MemoryObject): TargetResult => {
    const { key, id } = action;
    const held = object.privileged ? sensitiveNames(action.values) : [];
    const allowed = Object.fromEntries(Object.entries(action.values).filter(([name]) => !held.includes(name)));
    const waits = held.length > 0 ? rightsFailure(action, held) : undefined;
    if (waits && Object.keys(allowed).length === 0) return { key, outcome: "failed", failure: waits };
    const refused = checkValues(action, allowed, verifiedDomains);
    if (refused) return { key, outcome: "failed", failure: refused };
    const taken = clash(allowed, id);
    if (taken !== undefined) return { key, outcome: "failed", failure: conflictFailure(action, taken) };
    objects.set(id, { ...object, values: applyDifference(object.values, allowed) });
    return { key, outcome: "done", id, ...(waits ? { warnings: [waits] } : {}) };
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
    return { key, outcome: "done", id };
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
    if (action.kind === "update" && Object.keys(action.values).length === 0) {
      return { key, outcome: "done", id: action.id };
    }
    const fault = takeFault(action);
    if (fault?.kind === "throttle") {
      const retryAfterMs = fault.retryAfterMs ?? 1_000;
      const throttled = failure(action, "TooManyRequests", "the target throttles", { retriable: true, retryAfterMs });
      return { key, outcome: "unsent", failure: throttled };
    }
    writes++;
    onWrite?.();
    if (fault?.kind === "fail") {
      const broken = failure(action, "InternalServerError", "it failed on purpose", { retriable: true });
      return { key, outcome: "failed", failure: fault.failure ?? broken };
    }
    const result = carryOut(action);
    if (fault?.kind !== "lose-answer") return result;
    const lost = failure(action, "Timeout", "whether it took effect is unknown", { retriable: true });
    return { key, outcome: "failed", failure: lost };
  };

  return {
    received,
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
    async *users() {
      reachable();
      const users = [...(shown ?? objects).values()].filter((object) => object.type === "user" && !object.deleted);
      const size = options.pageSize ?? 100;
      for (let at = 0; at < users.length; at += size) yield users.slice(at, at + size).map(toTargetObject);
    },
    writes: () => writes,
    seed(seeds) {
      return seeds.map(({ id = nextId(), type = "user", values, ...flags }) => {
        const { synchronized = false, privileged = false, deleted = false } = flags;
        objects.set(id, { id, type, values, synchronized, privileged, deleted });
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
    setUnavailable(error) {
      unavailable = error;
    },
  };
}

function answers(object: MemoryObject, query: TargetQuery): boolean {
  if (query.value === "") return false;
  switch (query.by) {
    case "id":
      return object.id === query.value;
    case "immutableId":
      return !object.deleted && textOf(object, "onPremisesImmutableId") === query.value;
    case "deletedImmutableId":
      return object.deleted && textOf(object, "onPremisesImmutableId") === query.value;
    case "userPrincipalName":
    case "mail":
      return !object.deleted && normalUpn(textOf(object, query.by)) === normalUpn(query.value);
  }
}

function toTargetObject(object: MemoryObject): TargetObject {
  const text = (name: string, as: string) => (textOf(object, name) === "" ? {} : { [as]: textOf(object, name) });
  const enabled = object.values["accountEnabled"];
  return {
    id: object.id,
    type: object.type,
    ...text("userPrincipalName", "userPrincipalName"),
    ...text("mail", "mail"),
    ...text("displayName", "displayName"),
    ...text("onPremisesImmutableId", "immutableId"),
    ...(typeof enabled === "boolean" ? { accountEnabled: enabled } : {}),
    synchronized: object.synchronized,
    deleted: object.deleted,
  };
}

function textOf(object: MemoryObject, name: string): string {
  const value = object.values[name];
  return typeof value === "string" ? value : "";
}
