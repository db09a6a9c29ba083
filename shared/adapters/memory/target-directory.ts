/**
 * A target directory in this process, for tests of use cases: as strict as Graph where the port says so (required and
 * unique values, verified suffixes, objects that others master, role holders, soft delete and restore, links to what is
 * there), with switches for what goes wrong: refused, throttled, answered too late, shown too late, not there at all.
 *
 * It checks no lengths and no property names: that is what the directory stand-in is for.
 */

import { applyDifference, type TargetValues } from "../../domain/target-value.ts";
import {
  type ApplyOptions,
  type FindOptions,
  type TargetAction,
  type TargetDirectory,
  type TargetFailure,
  type TargetMemberChange,
  type TargetObjectType,
  TargetPageLost,
  type TargetResult,
  type TargetState,
  TargetUnavailable,
} from "../../ports/target-directory.ts";
import { createMemoryActions } from "./target-actions.ts";
import { answers, toTargetObject, toTargetState } from "./target-finding.ts";
import { createMemoryLinks, type MemberFault } from "./target-links.ts";
import { failure, type MemoryObject } from "./target-object.ts";

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
  /** Sets values behind everybody's back, as somebody does by hand; null takes one away. No rule is looked at. */
  edit(id: string, values: TargetValues): void;
  /** Deletes an object softly by hand, or takes that back. */
  setDeleted(id: string, deleted: boolean): void;
  /** Members come and go by hand. */
  editMembers(groupId: string, change: { readonly add?: readonly string[]; readonly remove?: readonly string[] }): void;
  /** Purges an object, as somebody does by hand: it can't be restored. */
  purge(id: string): void;
  order(fault: Fault): void;
  /** Questions for this value, or about the object or members of this id, are refused for themselves from now on; undefined ends that. */
  refuse(value: string, failure: TargetFailure | undefined): void;
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
  const refusals = new Map<string, TargetFailure>();
  let unavailable: TargetUnavailable | undefined;
  let ids = 0;
  let writes = 0;

  const nextId = () => `00000000-0000-4000-8000-${(++ids).toString(16).padStart(12, "0")}`;
  const reachable = () => {
    if (unavailable) throw unavailable;
  };

  const isRefused = (value: string, at: number, onRefused: FindOptions["onRefused"]): boolean => {
    const refusal = refusals.get(value);
    if (refusal && !onRefused) throw new TargetUnavailable("target-refused", refusal.message, refusal.remedy, 300_000);
    if (refusal) onRefused?.(at, refusal);
    return refusal !== undefined;
  };

  const carryOut = createMemoryActions({ objects, links, nextId, initialDomain, verifiedDomains });

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

  const apply = (action: TargetAction, { onWrite, onThrottle }: ApplyOptions): TargetResult => {
    const { key } = action;
    received.push(action);
    const parts = partsOf(action);
    if (parts === 0 && action.kind === "update") return { key, outcome: "done", id: action.id };
    const fault = takeFault(action);
    if (fault?.kind === "throttle") {
      const retryAfterMs = fault.retryAfterMs ?? 1_000;
      onThrottle?.(retryAfterMs);
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
    async find(queries, { onRefused } = {}) {
      reachable();
      const all = [...(shown ?? objects).values()];
      return queries.map((query, at) =>
        isRefused(query.value, at, onRefused) ? [] : all.filter((object) => answers(object, query)).map(toTargetObject),
      );
    },
    async privileged(wanted) {
      reachable();
      return new Set(wanted.filter((id) => objects.get(id)?.privileged));
    },
    async apply(actions, options) {
      reachable();
      const keys = new Set(actions.map((action) => action.key));
      if (keys.size < actions.length) throw new Error("Two actions of one call have the same key.");
      return actions.map((action) => apply(action, options));
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
    async page(type, properties, from = "0") {
      reachable();
      if (!/^\d+$/.test(from)) throw new TargetPageLost();
      const all = [...(shown ?? objects).values()];
      const size = options.pageSize ?? 100;
      const items: TargetState[] = [];
      let at = Number(from);
      for (; at < all.length && items.length < size; at++) {
        const object = all[at];
        if (object?.type === type && !object.deleted) items.push(toTargetState(object, properties));
      }
      return { items, ...(at < all.length ? { next: String(at) } : {}) };
    },
    async states(type, ids, properties, { onRefused } = {}) {
      reachable();
      return ids.map((id, at) => {
        if (isRefused(id, at, onRefused)) return undefined;
        const object = (shown ?? objects).get(id);
        return object?.type === type ? toTargetState(object, properties) : undefined;
      });
    },
    async memberPages(asked, { onRefused } = {}) {
      reachable();
      return asked.map(({ groupId, from = "0" }, at) => {
        if (isRefused(groupId, at, onRefused)) return undefined;
        if (objects.get(groupId)?.deleted !== false) return undefined;
        const ids = seenMembers(groupId);
        const end = Number(from) + (options.pageSize ?? 100);
        return { items: ids.slice(Number(from), end), ...(end < ids.length ? { next: String(end) } : {}) };
      });
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
    edit(id, values) {
      const object = objects.get(id);
      if (object) objects.set(id, { ...object, values: applyDifference(object.values, values) });
    },
    setDeleted(id, deleted) {
      const object = objects.get(id);
      if (object) objects.set(id, { ...object, deleted });
    },
    editMembers(groupId, { add = [], remove = [] }) {
      links.bind(groupId, add);
      links.unbind(groupId, remove);
    },
    purge(id) {
      objects.delete(id);
    },
    setPrivileged(id, held) {
      const object = objects.get(id);
      if (object) objects.set(id, { ...object, privileged: held });
    },
    refuse(value, refusal) {
      if (refusal) refusals.set(value, refusal);
      else refusals.delete(value);
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
