/**
 * Two versions of a schema compared as an admin reads them: which object mappings and attribute mappings came, went and
 * changed, with what was there before and is there now.
 *
 * Mappings are told apart by their names, not by their places. Expressions are compared by what they say: another
 * spelling of the same is told as such. What the engine doesn't read (identifiers, metadata, definitions of
 * directories) is compared as JSON, by path.
 */

import { expressionOf } from "./attribute-flow/source-expression.ts";
import { parse } from "./expression/parser.ts";
import { printExpression } from "./expression/print.ts";
import { nameOfMapping } from "./schema-check.ts";
import type {
  AttributeMapping,
  ObjectMapping,
  ScopeFilter,
  SynchronizationRule,
  SynchronizationSchema,
} from "./synchronization-schema.ts";

export interface SchemaChange {
  readonly what: string;
  /** Null: there was, or is, nothing. */
  readonly before: string | null;
  readonly after: string | null;
}

type Kind = "added" | "removed" | "changed";

export interface AttributeDiff {
  readonly targetAttribute: string;
  readonly kind: Kind;
  readonly changes: readonly SchemaChange[];
}

export interface ObjectMappingDiff {
  readonly objectMapping: string;
  readonly kind: Kind;
  readonly changes: readonly SchemaChange[];
  readonly attributes: readonly AttributeDiff[];
}

/** Empty lists: nothing differs. */
export interface SchemaDiff {
  /** Outside of the object mappings. */
  readonly changes: readonly SchemaChange[];
  readonly objectMappings: readonly ObjectMappingDiff[];
}

export function diffSchemas(before: SynchronizationSchema, after: SynchronizationSchema): SchemaDiff {
  const left = mappingsOf(before);
  const right = mappingsOf(after);
  const objectMappings = pairs(left, right).flatMap(([objectMapping, was, is]) => {
    if (was && is) {
      const diff = changedMapping(objectMapping, was, is);
      return diff.changes.length + diff.attributes.length > 0 ? [diff] : [];
    }
    const kind: Kind = is ? "added" : "removed";
    const one = is ?? was;
    return one ? [{ objectMapping, kind, changes: [attributeCount(one, kind)], attributes: [] }] : [];
  });
  return { changes: [...ruleChanges(before, after), ...jsonChanges("", rest(before), rest(after))], objectMappings };
}

/** By a name that is unique: a second one of the same gets a number. */
function keyed<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T> {
  const named = new Map<string, T>();
  for (const item of items) {
    const name = nameOf(item);
    let key = name;
    for (let number = 2; named.has(key); number++) key = `${name} (${number})`;
    named.set(key, item);
  }
  return named;
}

/** In the order of the newer one; what went stands behind. */
function pairs<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
): [string, T | undefined, T | undefined][] {
  const names = [...new Set([...after.keys(), ...before.keys()])];
  return names.map((name) => [name, before.get(name), after.get(name)]);
}

function mappingsOf(schema: SynchronizationSchema): Map<string, ObjectMapping> {
  return keyed(
    schema.synchronizationRules.flatMap((rule) => rule.objectMappings),
    nameOfMapping,
  );
}

function attributeCount({ attributeMappings }: ObjectMapping, kind: "added" | "removed"): SchemaChange {
  const count = `${attributeMappings.length} attributes`;
  return { what: "mapping", before: kind === "removed" ? count : null, after: kind === "added" ? count : null };
}

function changedMapping(objectMapping: string, was: ObjectMapping, is: ObjectMapping): ObjectMappingDiff {
  const named = (mapping: ObjectMapping) =>
    keyed(mapping.attributeMappings, (one) => one.targetAttributeName || "(no name)");
  const attributes = pairs(named(was), named(is)).flatMap(([targetAttribute, old, now]): AttributeDiff[] => {
    const changes = [
      ...differences(old ? settingsOfAttribute(old) : {}, now ? settingsOfAttribute(now) : {}),
      ...(old && now ? jsonChanges("", unreadOfAttribute(old), unreadOfAttribute(now)) : []),
    ];
    if (old && now) return changes.length > 0 ? [{ targetAttribute, kind: "changed", changes }] : [];
    return [{ targetAttribute, kind: now ? "added" : "removed", changes }];
  });
  const changes = [
    ...differences(settingsOfMapping(was), settingsOfMapping(is)),
    ...scopeChanges(was.scope, is.scope),
    ...jsonChanges("", unread(was), unread(is)),
  ];
  return { objectMapping, kind: "changed", changes, attributes };
}

type Settings = Readonly<Record<string, string | null>>;

function settingsOfMapping({ name, enabled, flowTypes }: ObjectMapping): Settings {
  return {
    name: name ?? null,
    enabled: String(enabled !== false),
    flowTypes: (flowTypes ?? "Add, Update, Delete")
      .split(",")
      .map((one) => one.trim())
      .join(", "),
  };
}

function settingsOfAttribute(one: AttributeMapping): Settings {
  return {
    expression: expressionOf(one.source) ?? null,
    flowType: one.flowType ?? "Always",
    flowBehavior: one.flowBehavior ?? "FlowWhenChanged",
    defaultValue: one.defaultValue ?? null,
    matchingPriority: String(one.matchingPriority ?? 0),
    exportMissingReferences: String(one.exportMissingReferences ?? false),
  };
}

/** What every mapping has unless somebody says otherwise: not worth a line when a mapping comes or goes. */
const USUAL: Settings = {
  flowType: "Always",
  flowBehavior: "FlowWhenChanged",
  matchingPriority: "0",
  exportMissingReferences: "false",
};

function differences(was: Settings, is: Settings): SchemaChange[] {
  const names = [...new Set([...Object.keys(is), ...Object.keys(was)])];
  return names.flatMap((what) => {
    const before = was[what] ?? null;
    const after = is[what] ?? null;
    if (before === after) return [];
    const isUsual = (before ?? after) === USUAL[what] && (before === null || after === null);
    if (isUsual) return [];
    const isSpelling = what === "expression" && before !== null && after !== null && meaning(before) === meaning(after);
    return [{ what: isSpelling ? "spelling of the expression" : what, before, after }];
  });
}

function meaning(expression: string): string {
  try {
    return printExpression(parse(expression));
  } catch {
    return expression;
  }
}

function scopeChanges(was: ScopeFilter | null | undefined, is: ScopeFilter | null | undefined): SchemaChange[] {
  return (["groups", "inputFilterGroups", "categoryFilterGroups"] as const).flatMap((kind) => {
    const named = (filter: ScopeFilter | null | undefined) =>
      keyed(filter?.[kind] ?? [], (group) => `${kind === "groups" ? "scope" : kind}: ${group.name || "group"}`);
    return pairs(named(was), named(is)).flatMap(([what, old, now]) => {
      if (!old || !now) {
        const all = clausesOf(old ?? now).join(" AND ") || "(no clause)";
        return [{ what, before: old ? all : null, after: now ? all : null }];
      }
      const left = clausesOf(old);
      const right = clausesOf(now);
      const gone = left.filter((clause) => !right.includes(clause));
      const came = right.filter((clause) => !left.includes(clause));
      // One for one reads best as a change.
      if (gone.length === 1 && came.length === 1) return [{ what, before: gone[0] ?? null, after: came[0] ?? null }];
      return [
        ...gone.map((clause) => ({ what, before: clause, after: null })),
        ...came.map((clause) => ({ what, before: null, after: clause })),
      ];
    });
  });
}

function clausesOf(group: NonNullable<ScopeFilter["groups"]>[number] | undefined): string[] {
  return (group?.clauses ?? []).map(({ sourceOperandName, operatorName, targetOperand }) => {
    const values = (targetOperand?.values ?? []).map((value) => `'${value}'`).join(", ");
    return [sourceOperandName ?? "(no attribute)", operatorName ?? "(no operator)", values].join(" ").trimEnd();
  });
}

function ruleChanges(before: SynchronizationSchema, after: SynchronizationSchema): SchemaChange[] {
  const named = (schema: SynchronizationSchema) => keyed(schema.synchronizationRules, (rule) => rule.name || "rule");
  return pairs(named(before), named(after)).flatMap(([name, old, now]) =>
    differences(old ? settingsOfRule(old) : {}, now ? settingsOfRule(now) : {}).map((change) => ({
      ...change,
      what: `rule ${name}: ${change.what}`,
    })),
  );
}

function settingsOfRule(rule: SynchronizationRule): Settings {
  const { priority, sourceDirectoryName, targetDirectoryName, containerFilter, groupFilter } = rule;
  return {
    priority: priority === null || priority === undefined ? null : String(priority),
    direction: `${sourceDirectoryName ?? "?"} → ${targetDirectoryName ?? "?"}`,
    containerFilter: containerFilter?.includedContainers?.join("; ") || null,
    groupFilter: groupFilter?.includedGroups?.join("; ") || null,
  };
}

/** A schema without what is compared above. */
function rest({ synchronizationRules, ...others }: SynchronizationSchema): unknown {
  const rules = synchronizationRules.map(
    ({
      objectMappings,
      name,
      priority,
      sourceDirectoryName,
      targetDirectoryName,
      containerFilter,
      groupFilter,
      ...own
    }) => ({ name, ...own }),
  );
  return { ...others, synchronizationRules: rules };
}

function unread({ attributeMappings, scope, name, enabled, flowTypes, ...others }: ObjectMapping): unknown {
  return others;
}

function unreadOfAttribute({
  targetAttributeName,
  source,
  defaultValue,
  flowType,
  flowBehavior,
  matchingPriority,
  exportMissingReferences,
  ...others
}: AttributeMapping): unknown {
  return others;
}

/** A line for each value that differs; lists of things with names are compared by name. */
function jsonChanges(path: string, before: unknown, after: unknown): SchemaChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (isThing(before) && isThing(after)) {
    const left = childrenOf(before);
    const right = childrenOf(after);
    const changes = pairs(left, right).flatMap(([name, was, is]) =>
      jsonChanges(path === "" ? name : `${path}.${name}`, was, is),
    );
    return changes;
  }
  return [{ what: path, before: shown(before), after: shown(after) }];
}

function isThing(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function childrenOf(thing: object): Map<string, unknown> {
  if (!Array.isArray(thing)) return new Map(Object.entries(thing));
  const items: readonly unknown[] = thing;
  const nameOf = (item: unknown): string => {
    const { name, key } = (isThing(item) ? item : {}) as { readonly name?: unknown; readonly key?: unknown };
    return typeof name === "string" ? name : typeof key === "string" ? key : "item";
  };
  return keyed(items, nameOf);
}

const SHOWN = 200;

function shown(value: unknown): string | null {
  if (value === undefined) return null;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`;
}
