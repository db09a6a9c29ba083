/**
 * The engine without storage, orchestrations and a real target: the pure functions alone, called one after the other in the
 * order in which the use cases call them. What is wrong here is wrong in a decision, not in what carries it out.
 *
 * `source` is a directory of a few people, groups and links; `projection` says what the target should hold by the directory
 * alone. The target is a map that refuses what Microsoft Graph refuses (links to what isn't there, a second object of one
 * name), and drops a manager who is deleted.
 */
import { type ClassFlow, evaluateObject } from "../../shared/application/mapping/evaluate-object.ts";
import type { Evaluation } from "../../shared/application/mapping/job-mapping.ts";
import type { JobRow } from "../../shared/application/state/job-rows.ts";
import { compileAttributeFlow } from "../../shared/domain/attribute-flow.ts";
import { changeVersion, endOfRead, readNoOf } from "../../shared/domain/change-version.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { GRAPH_TARGETS } from "../../shared/domain/graph-target.ts";
import {
  foldChange,
  type SourceChange,
  type SourceLink,
  withFoldedLinks,
  withoutMissing,
} from "../../shared/domain/image.ts";
import { afterDone, stepOf, withoutTarget } from "../../shared/domain/link-difference.ts";
import {
  type Edge,
  foldLinks,
  type LinkStatement,
  type ListHead,
  NO_LIST,
  withoutMissingEdges,
} from "../../shared/domain/links.ts";
import type { Link, ObjectRecord } from "../../shared/domain/object-record.ts";
import { planObject, REMOVAL_CLASSES } from "../../shared/domain/plan.ts";
import { bindAction, type ReferenceTarget } from "../../shared/domain/references.ts";
import type { TargetType } from "../../shared/domain/target-table.ts";
import { applyDifference, type TargetValues } from "../../shared/domain/target-value.ts";

const CONFIGURATION = "c0ffee";
const NOW = Date.UTC(2026, 0, 5);
const FLOWS = compiled();

export interface SourceUser {
  readonly kind: "user";
  readonly inScope: boolean;
  readonly enabled: boolean;
  readonly title: string | null;
  readonly manager: string | null;
}
export interface SourceGroup {
  readonly kind: "group";
  readonly inScope: boolean;
  readonly description: string | null;
  readonly members: readonly string[];
}
export type SourceEntry = SourceUser | SourceGroup | { readonly kind: "contact" };
export type Source = ReadonlyMap<string, SourceEntry>;

/** A change with its links, as an agent sends it, and when it was read. */
export interface ModelChange {
  readonly version: string;
  readonly change: Parameters<typeof withFoldedLinks>[0];
}

interface ModelTargetObject {
  readonly id: string;
  readonly type: TargetType;
  readonly values: TargetValues;
  readonly deleted: boolean;
  readonly members: ReadonlySet<string>;
}

export function createModel() {
  const records = new Map<string, ObjectRecord>();
  const lists = new Map<string, { readonly head: ListHead; readonly edges: ReadonlyMap<string, Edge> }>();
  const target = new Map<string, ModelTargetObject>();
  let ids = 0;
  let writes = 0;

  const evaluate = (record: ObjectRecord): Evaluation =>
    evaluateObject(
      {
        job: { configurationId: CONFIGURATION, settings: { suffixPolicy: "replace" } } as JobRow,
        byClass: FLOWS,
        target: { initialDomain: "example.onmicrosoft.com", verifiedDomains: ["corp.example"] },
        now: NOW,
        random: () => 1,
      },
      record,
      record.link === undefined,
    );

  const guids = () => [...records.keys()].sort();
  const living = (id: unknown) => target.get(String(id))?.deleted === false;

  function resolve(): Map<string, ReferenceTarget> {
    return new Map(
      [...records].flatMap(([guid, { link }]): [string, ReferenceTarget][] =>
        link
          ? [[guid, { targetId: link.targetId, type: link.type ?? "user", isDeleted: link.deletedAt !== undefined }]]
          : [],
      ),
    );
  }

  /** Changes in the order in which they come; what they mean doesn't depend on it. */
  function fold(changes: readonly ModelChange[], isFull: boolean): void {
    for (const { change, version } of changes) {
      const context = { configurationId: CONFIGURATION, seesAll: true };
      const { record } = foldChange(records.get(change.objectGuid), withFoldedLinks(change), version, context);
      records.set(change.objectGuid, record);
      const links = "links" in change ? (change.links ?? []) : [];
      const statements = links
        .filter((link) => link.attribute === "member")
        .map((link) => statementOf(link, version, isFull));
      if (statements.length === 0) continue;
      const { head, edges } = lists.get(change.objectGuid) ?? { head: NO_LIST, edges: new Map() };
      lists.set(change.objectGuid, foldLinks(head, edges, statements, { keepsVersions: false }));
    }
  }

  /** The end of a complete full read that sees everything: who and what it lacks is gone. */
  function end(readNo: number, seen: ReadonlySet<string>): void {
    for (const [guid, record] of records) {
      if (record.state === "live" && !seen.has(guid) && readNoOf(record.version) <= readNo)
        records.set(guid, { ...record, state: "absent", version: endOfRead(readNo) });
      else if (record.missing?.readNo === readNo) records.set(guid, withoutMissing(record));
    }
    for (const [guid, { head, edges }] of lists)
      lists.set(guid, { head, edges: withoutMissingEdges(edges, head, readNo) });
  }

  /** Objects, then references to what appeared, until nothing moves; then members. */
  function run(): void {
    for (let pass = 0, moved = true; moved; pass++) {
      if (pass > 10) throw new Error("The planner goes round in circles.");
      const before = writes;
      for (const guid of guids()) exportObject(guid);
      moved = writes > before;
    }
    for (const guid of [...lists.keys()].sort()) exportMembers(guid);
  }

  function exportObject(guid: string): void {
    const record = records.get(guid);
    if (!record) return;
    const evaluation = evaluate(record);
    if (evaluation.kind === "ignored" || evaluation.kind === "failed") return;
    const desired =
      evaluation.kind === "absent"
        ? { kind: "absent" as const, reason: evaluation.scope }
        : { kind: "present" as const, values: evaluation.values };
    const planned = planObject(record, desired, { allow: REMOVAL_CLASSES, now: NOW }).action;
    const references = evaluation.kind === "present" ? evaluation.references : {};
    const { action } = bindAction(planned, record.link, references, resolve(), resends.has(guid));
    resends.delete(guid);
    if (action.kind === "none") return;
    writes++;
    if (action.kind !== "delete" && evaluation.kind !== "present") throw new Error(`${guid} is written out of scope.`);
    const values = action.kind === "delete" ? {} : action.values;
    const manager = values["manager"];
    if (typeof manager === "string" && !(living(manager) && target.get(manager)?.type === "user"))
      throw new Error(`${guid} names ${manager}, who is no living user.`);
    if (action.kind === "create") {
      const type = evaluation.kind === "present" ? evaluation.identity.type : "user";
      const id = `${type}-${++ids}`;
      put({ id, type, values: applyDifference({}, values), deleted: false, members: new Set() });
      const made: Link = {
        targetId: id,
        owner: CONFIGURATION,
        origin: "created",
        exported: applyDifference({}, values),
      };
      records.set(guid, { ...record, link: type === "user" ? made : { ...made, type } });
      return;
    }
    const object = target.get(action.targetId);
    if (!object || !record.link) throw new Error(`${guid} writes to ${action.targetId}, which isn't there.`);
    const { deletedAt: _, ...link } = record.link;
    if (action.kind === "delete") {
      put({ ...object, deleted: true });
      for (const one of target.values())
        if (one.values["manager"] === object.id)
          put({ ...one, values: applyDifference(one.values, { manager: null }) });
      records.set(guid, { ...record, link: { ...link, deletedAt: NOW } });
      return;
    }
    if (action.kind === "restore") for (const other of referrersOf(guid)) resends.add(other);
    put({ ...object, values: applyDifference(object.values, values), deleted: false });
    records.set(guid, { ...record, link: { ...link, exported: applyDifference(link.exported, values) } });
  }

  /** What the reverse index finds for somebody who came back. */
  const resends = new Set<string>();
  function referrersOf(guid: string): string[] {
    return [...records].flatMap(([own, { image }]) => (image["manager"]?.[0] === guid ? [own] : []));
  }

  function put(object: ModelTargetObject): void {
    const name = object.values["uniqueName"] ?? object.values["onPremisesImmutableId"];
    for (const other of target.values()) {
      const taken = other.values["uniqueName"] ?? other.values["onPremisesImmutableId"];
      if (other.id !== object.id && taken === name) throw new Error(`${object.id} is a twin of ${other.id}.`);
    }
    target.set(object.id, object);
  }

  function exportMembers(guid: string): void {
    const own = lists.get(guid);
    const link = records.get(guid)?.link;
    const group = link?.deletedAt === undefined ? target.get(link?.targetId ?? "") : undefined;
    if (!own || !group || group.type !== "group") return;
    const found = resolve();
    const edges = new Map(own.edges);
    const members = new Set(group.members);
    for (const [member, edge] of own.edges) {
      // A step may uncover another one: the object before goes, the present one comes.
      let present = edge;
      for (let again = true; again; ) {
        again = false;
        const step = stepOf(present, found.get(member), NOW);
        if (step.kind === "forget") {
          edges.delete(member);
          break;
        }
        if (step.kind !== "add" && step.kind !== "remove") break;
        writes++;
        if (step.kind === "add" && !living(step.target))
          throw new Error(`${guid} names ${step.target}, who isn't there.`);
        if (step.kind === "add") members.add(step.target);
        else members.delete(step.target);
        present = step.kind === "add" ? { ...afterDone(present, "add"), target: step.target } : withoutTarget(present);
        edges.set(member, present);
        again = step.kind === "remove";
      }
    }
    put({ ...group, members });
    lists.set(guid, { head: own.head, edges });
  }

  /** What stands in the target by the names of the source: what a reader of it sees. */
  function shown(): Map<string, Shown> {
    const guidOf = new Map([...records].map(([guid, { link }]) => [link?.targetId, guid]));
    const visible = (id: string) => target.get(id)?.deleted === false;
    return new Map(
      [...target.values()]
        .filter((object) => !object.deleted && !foreign.has(object.id))
        .map((object): [string, Shown] => {
          const { jobTitle: title, description, accountEnabled: enabled, manager } = object.values;
          const members = [...object.members].filter(visible).map((id) => guidOf.get(id) ?? id);
          const own = object.type === "user" ? { title, enabled } : { description };
          return [
            guidOf.get(object.id) ?? object.id,
            {
              type: object.type,
              ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)),
              manager: typeof manager === "string" ? (guidOf.get(manager) ?? manager) : null,
              members: members.sort(),
            },
          ];
        })
        .sort(([one], [other]) => (one < other ? -1 : 1)),
    );
  }

  /** Objects that were there before us. */
  const foreign = new Set<string>();
  return {
    fold,
    end,
    run,
    shown,
    writes: () => writes,
    target: () => new Map(target),
    records: () => new Map(records),
    seed(object: Omit<ModelTargetObject, "deleted">) {
      foreign.add(object.id);
      target.set(object.id, { ...object, deleted: false });
    },
  };
}

export type Model = ReturnType<typeof createModel>;

export interface Shown {
  readonly type: TargetType;
  readonly title?: unknown;
  readonly description?: unknown;
  readonly enabled?: unknown;
  readonly manager: string | null;
  readonly members: readonly string[];
}

/** What the target should hold, told by the directory alone. A manager or member who has no place there is left out. */
export function projection(source: Source): Map<string, Shown> {
  const isThere = (guid: string, kinds: readonly string[]) => {
    const entry = source.get(guid);
    return entry !== undefined && entry.kind !== "contact" && entry.inScope && kinds.includes(entry.kind);
  };
  const shown = [...source].flatMap(([guid, entry]): [string, Shown][] => {
    if (!isThere(guid, ["user", "group"])) return [];
    if (entry.kind === "user") {
      const { title, enabled, manager } = entry;
      const bound = manager !== null && manager !== guid && isThere(manager, ["user"]) ? manager : null;
      return [[guid, { type: "user", ...(title === null ? {} : { title }), enabled, manager: bound, members: [] }]];
    }
    if (entry.kind !== "group") return [];
    const members = [...new Set(entry.members)].filter((own) => isThere(own, ["user", "group"])).sort();
    const { description } = entry;
    return [[guid, { type: "group", ...(description === null ? {} : { description }), manager: null, members }]];
  });
  return new Map(shown.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** A full read. Versions follow the order of GUIDs. */
export function fullRead(source: Source, readNo: number): ModelChange[] {
  const sorted = [...source].sort(([one], [other]) => (one < other ? -1 : 1));
  return sorted.map(([guid, entry], at) => ({
    version: changeVersion(readNo, 1, at),
    change: changeOf(guid, entry, undefined, undefined),
  }));
}

/** What came to be different between two looks at the directory; members as single values or as a whole list. */
export function deltaRead(before: Source, after: Source, readNo: number, wholeLists: boolean): ModelChange[] {
  const guids = [...new Set([...before.keys(), ...after.keys()])].sort();
  return guids.flatMap((guid, at): ModelChange[] => {
    const was = before.get(guid);
    const is = after.get(guid);
    const version = changeVersion(readNo, 1, at);
    if (!is) return was ? [{ version, change: { op: "delete", objectGuid: guid } }] : [];
    // New, or back: all that it has was reported, and its list comes whole.
    if (!was)
      return [{ version, change: changeOf(guid, is, [...Object.keys(attributesOf(guid, is)), "manager"], undefined) }];
    const [old, now] = [attributesOf(guid, was), attributesOf(guid, is)];
    const changed = [...new Set([...Object.keys(old), ...Object.keys(now)])].filter(
      (name) => JSON.stringify(old[name]) !== JSON.stringify(now[name]),
    );
    if (managerOf(was) !== managerOf(is)) changed.push("manager");
    const [had, has] = [membersOf(was), membersOf(is)];
    const sameMembers = JSON.stringify([...had].sort()) === JSON.stringify([...has].sort());
    if (changed.length === 0 && sameMembers) return [];
    return [{ version, change: changeOf(guid, is, changed, sameMembers ? null : wholeLists ? undefined : had) }];
  });
}

type Linked = ModelChange["change"];

/** `had`: members as what came and went since; undefined: as a whole list; null: not at all. */
function changeOf(
  guid: string,
  entry: SourceEntry,
  changed: readonly string[] | undefined,
  had: readonly string[] | undefined | null,
): Linked {
  const manager = managerOf(entry);
  const isNamed = changed === undefined ? manager !== null : changed.includes("manager") || manager !== null;
  const links: ModelLink[] = [];
  if (entry.kind === "user" && isNamed) links.push(replace("manager", manager === null ? [] : [manager]));
  if (entry.kind === "group" && had !== null) {
    const { members } = entry;
    if (had === undefined) links.push(replace("member", members));
    else
      links.push({
        attribute: "member",
        mode: "delta",
        add: members.filter((own) => !had.includes(own)).map((own) => ({ guid: own })),
        remove: had.filter((own) => !members.includes(own)).map((own) => ({ guid: own })),
      });
  }
  const upsert: SourceChange = {
    op: "upsert",
    objectGuid: guid,
    objectClass: entry.kind,
    dn: `CN=${guid},DC=corp,DC=example`,
    attributes: attributesOf(guid, entry),
    ...(changed === undefined ? {} : { changed }),
  };
  return { ...upsert, links };
}

interface ModelLink extends SourceLink {
  readonly mode: "replace" | "delta";
  readonly remove: readonly { readonly guid: string }[];
}

const replace = (attribute: string, guids: readonly string[]): ModelLink => ({
  attribute,
  mode: "replace",
  add: guids.map((guid) => ({ guid })),
  remove: [],
});

function statementOf(link: SourceLink, version: string, isFull: boolean): LinkStatement {
  const { mode, add, remove } = link as ModelLink;
  return mode === "delta"
    ? { kind: "delta", version, add, remove }
    : { kind: "list", version, values: add, part: 0, last: true, isFull };
}

function attributesOf(guid: string, entry: SourceEntry): Record<string, string[]> {
  const name = `n${guid.slice(0, 8)}`;
  const text = (key: string, value: string | null) => (value === null ? {} : { [key]: [value] });
  switch (entry.kind) {
    case "contact":
      return { cn: [name] };
    case "group":
      return {
        cn: [name],
        sAMAccountName: [name],
        groupType: [entry.inScope ? "-2147483646" : "2"],
        ...text("description", entry.description),
      };
    case "user":
      return {
        cn: [name],
        sAMAccountName: [name],
        userPrincipalName: [`${name}@corp.example`],
        userAccountControl: [entry.enabled ? "512" : "514"],
        ...text("isCriticalSystemObject", entry.inScope ? null : "TRUE"),
        ...text("title", entry.title),
      };
  }
}

const managerOf = (entry: SourceEntry) => (entry.kind === "user" ? entry.manager : null);
const membersOf = (entry: SourceEntry) => (entry.kind === "group" ? entry.members : []);

function compiled(): Map<string, ClassFlow> {
  const flows = new Map<string, ClassFlow>();
  for (const mapping of defaultSchema().synchronizationRules.flatMap((rule) => rule.objectMappings)) {
    const targetName = mapping.targetObjectName ?? "";
    const goal = GRAPH_TARGETS.get(targetName);
    if (!goal) {
      flows.set(mapping.sourceObjectName ?? "", { targetName });
      continue;
    }
    const parameters = { DomainFQDN: "corp.example", DomainNetBios: "CORP", ConfigurationId: CONFIGURATION };
    const result = compileAttributeFlow(mapping, goal.table, parameters);
    if (!result.ok) throw new Error("The default schema doesn't compile.");
    flows.set(mapping.sourceObjectName ?? "", { targetName, type: goal.type, flow: result.flow });
  }
  return flows;
}
