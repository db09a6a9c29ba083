/**
 * How objects are read: $select, $expand, $top, $filter, pages, and what an object looks like in an answer.
 */
import { candidates, type Filter, meets, parseFilter } from "./filter.ts";
import { groupDefaults, groupProperties } from "./group-properties.ts";
import { type PropertyRules, ruleOf } from "./property-table.ts";
import { type Refusal, refuse } from "./rules.ts";
import type { Store } from "./store.ts";
import type { Answer, Call, Entry, JsonObject, Kind } from "./types.ts";
import { userDefaults, userProperties } from "./user-properties.ts";

const DEFAULT_PAGE = 100;
/** $expand shows so many related objects; their own list has the rest. */
export const MAX_EXPANDED = 20;
const MAX_PAGE = 999;

type TypeInfo = {
  odata: string;
  table: PropertyRules;
  defaults: readonly string[];
  expandable: ReadonlySet<string>;
  filter: { properties: ReadonlySet<string>; collections: ReadonlySet<string> };
};

export const types: Record<Kind, TypeInfo> = {
  user: {
    odata: "#microsoft.graph.user",
    table: userProperties,
    defaults: userDefaults,
    expandable: new Set(["manager"]),
    filter: {
      properties: new Set([
        ...["id", "accountEnabled", "city", "companyName", "country", "department", "displayName", "employeeId"],
        ...["givenName", "jobTitle", "mail", "mailNickname", "onPremisesImmutableId", "onPremisesSyncEnabled"],
        ...["officeLocation", "state", "surname", "usageLocation", "userPrincipalName", "userType"],
      ]),
      collections: new Set(["proxyAddresses", "otherMails", "businessPhones"]),
    },
  },
  group: {
    odata: "#microsoft.graph.group",
    table: groupProperties,
    defaults: groupDefaults,
    expandable: new Set(["members"]),
    filter: {
      properties: new Set([
        ...["id", "displayName", "mail", "mailEnabled", "mailNickname", "securityEnabled", "uniqueName"],
        ...["isAssignableToRole", "onPremisesSyncEnabled"],
      ]),
      collections: new Set(["groupTypes", "proxyAddresses"]),
    },
  },
};

export type View = { select: readonly string[]; expand: ReadonlyMap<string, readonly string[] | undefined> };

/** Parses $select and $expand for a kind. */
export function parseView(call: Call, kind: Kind): View | Refusal {
  const type = types[kind];
  const unknown = (name: string) =>
    refuse(
      "select-unknown",
      `Parsing OData Select and Expand failed: Could not find a property named '${name}' on type '${type.odata.slice(1)}'.`,
    );
  const select = call.query
    .get("$select")
    ?.split(",")
    .map((name) => name.trim());
  for (const name of select ?? []) if (!isScalar(type.table, name)) return unknown(name);
  const expand = new Map<string, readonly string[] | undefined>();
  for (const part of call.query.get("$expand")?.split(/,(?![^(]*\))/) ?? []) {
    const match = /^(\w+)(?:\(\$select=([\w,]+)\))?$/.exec(part.trim());
    const name = match?.[1];
    if (!name || !type.expandable.has(name)) return unknown(name ?? part);
    const inner = match[2]?.split(",");
    const wrong = inner?.find((one) => !isScalar(userProperties, one) && !isScalar(groupProperties, one));
    if (wrong !== undefined) return unknown(wrong);
    expand.set(name, inner);
  }
  return { select: select ?? type.defaults, expand };
}

function isScalar(table: PropertyRules, name: string): boolean {
  const rule = ruleOf(table, name);
  return rule !== undefined && rule.kind !== "relation";
}

/** An object as an answer shows it; absent values are null, absent collections []. */
export function project(entry: Entry, select: readonly string[]): JsonObject {
  const table = types[entry.kind].table;
  const shown: JsonObject = {};
  for (const name of select) {
    if (name === "id") shown["id"] = entry.id;
    else if (name === "deletedDateTime") {
      shown[name] = entry.deletedAt === undefined ? null : new Date(entry.deletedAt).toISOString();
    } else if (name === "onPremisesExtensionAttributes") shown[name] = allExtensions(entry.properties[name]);
    else shown[name] = entry.properties[name] ?? emptyOf(table, name);
  }
  return shown;
}

/** An object in a list of directory objects: its type goes with it. */
export function projectTyped(entry: Entry, select?: readonly string[]): JsonObject {
  const type = types[entry.kind];
  return { "@odata.type": type.odata, ...project(entry, select ?? type.defaults) };
}

function emptyOf(table: PropertyRules, name: string): unknown {
  const rule = ruleOf(table, name);
  const isList = rule?.kind === "list" || (rule !== undefined && "list" in rule && rule.list);
  return isList ? [] : null;
}

function allExtensions(value: unknown): JsonObject {
  const all: JsonObject = {};
  for (let number = 1; number <= 15; number++) all[`extensionAttribute${number}`] = null;
  return Object.assign(all, value);
}

/** Parses the filter of a call; undefined when it has none. */
function parseCallFilter(call: Call, kind: Kind): Filter | Refusal | undefined {
  const text = call.query.get("$filter");
  return text === undefined ? undefined : parseFilter(text, types[kind].filter);
}

/** Refuses each query option ($…) but those named. */
export function refuseOptions(call: Call, ...allowed: string[]): Refusal | undefined {
  for (const name of call.query.keys()) {
    if (name.startsWith("$") && !allowed.includes(name)) {
      return refuse("query-option-unsupported", `The query option '${name}' is not supported here.`);
    }
  }
  return undefined;
}

/** Parses $top (1 to 999, default 100) and $skiptoken (the `seq` of the last object that was shown). */
export function parsePage(call: Call): { top: number; after: number } | Refusal {
  const top = call.query.get("$top");
  const size = top === undefined ? DEFAULT_PAGE : Number(top);
  if (!Number.isInteger(size) || size < 1 || size > MAX_PAGE) {
    return refuse("top-range", `Invalid page size specified: '${top}'. Must be between 1 and ${MAX_PAGE} inclusive.`);
  }
  const token = call.query.get("$skiptoken");
  if (token === undefined) return { top: size, after: 0 };
  const after = Number(Buffer.from(token, "base64url").toString("latin1").replace(/^s:/, ""));
  return Number.isInteger(after) && after > 0 && token !== ""
    ? { top: size, after }
    : refuse("skiptoken-invalid", "The specified page token value has expired or is no longer valid.");
}

/** The next link of a page that ended with the object numbered `seq`. */
export function nextLink(call: Call, seq: number): string {
  const [path, query] = call.url.split("?", 2);
  const kept = (query ?? "").split("&").filter((part) => part !== "" && !/^(\$|%24)skiptoken=/i.test(part));
  kept.push(`$skiptoken=${Buffer.from(`s:${seq}`, "latin1").toString("base64url")}`);
  return `${call.root}/${path}?${kept.join("&")}`;
}

/**
 * Answers a list of users or groups, live or deleted, that `sees` lets through.
 * `expand` adds what $expand asks to one shown object.
 */
export function answerList(
  call: Call,
  kind: Kind,
  deps: { store: Store; sees: (entry: Entry) => boolean; expand?: (entry: Entry, view: View) => JsonObject },
  among: "live" | "deleted" = "live",
): Answer {
  const refusedOption = refuseOptions(call, "$select", "$expand", "$top", "$skiptoken", "$filter");
  if (refusedOption) return refusedOption;
  const view = parseView(call, kind);
  if ("rule" in view) return view;
  const page = parsePage(call);
  if ("rule" in page) return page;
  const filter = parseCallFilter(call, kind);
  if (filter && "rule" in filter) return filter;

  const { store } = deps;
  const narrowed = filter ? candidates(filter, store, among) : undefined;
  const source =
    narrowed?.filter((entry) => entry.kind === kind && entry.seq > page.after) ?? store.scan(kind, page.after);
  const value: JsonObject[] = [];
  let last = 0;
  let more = false;
  for (const entry of source) {
    if (!deps.sees(entry) || (filter && !meets(entry, filter))) continue;
    if (value.length === page.top) {
      more = true;
      break;
    }
    value.push({ ...project(entry, view.select), ...deps.expand?.(entry, view) });
    last = entry.seq;
  }
  return {
    status: 200,
    body: {
      "@odata.context": `${call.root}/$metadata#${kind}s`,
      ...(more ? { "@odata.nextLink": nextLink(call, last) } : {}),
      value,
    },
  };
}
