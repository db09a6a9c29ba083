/**
 * What an object of Graph is to the engine, and the reads that find it: batches of `$filter … in (…)` with up to 15
 * values each, so that matching 200 objects costs a handful of calls. Only a living group is asked for by its
 * alternate key, one by one: that is what uniqueName is documented for.
 */

import { normalUpn } from "../../domain/values.ts";
import type { TargetObject, TargetObjectType, TargetQuery } from "../../ports/target-directory.ts";
import { namedGroupUrl } from "./addresses.ts";

export const USER_SELECT = [
  "id",
  "userPrincipalName",
  "mail",
  "displayName",
  "onPremisesImmutableId",
  "accountEnabled",
  "onPremisesSyncEnabled",
].join(",");

export const GROUP_SELECT = ["id", "mail", "displayName", "uniqueName", "onPremisesSyncEnabled"].join(",");

type By = TargetQuery["by"];
type Among = "live" | "deleted";

/** Graph refuses a filter with more alternatives. */
const VALUES_A_FILTER = 15;
const PROPERTY: Readonly<Record<By, string>> = {
  id: "id",
  immutableId: "onPremisesImmutableId",
  deletedImmutableId: "onPremisesImmutableId",
  uniqueName: "uniqueName",
  deletedUniqueName: "uniqueName",
  userPrincipalName: "userPrincipalName",
  mail: "mail",
};

/** A read that answers the queries at these positions. */
export interface FindRead {
  readonly url: string;
  readonly type: TargetObjectType;
  readonly among: Among;
  readonly positions: readonly number[];
}

/** The reads that answer the queries at these positions. A value that nothing can equal (empty) asks for nothing. */
export function readsFor(
  queries: readonly TargetQuery[],
  positions: readonly number[],
  among: Among = "live",
): readonly FindRead[] {
  const alike = new Map<string, { readonly by: By; readonly type: TargetObjectType; readonly positions: number[] }>();
  for (const position of positions) {
    const query = queries[position];
    if (!query || query.value === "") continue;
    const type = typeOf(query);
    const key = `${query.by} ${type}`;
    const some = alike.get(key) ?? { by: query.by, type, positions: [] };
    some.positions.push(position);
    alike.set(key, some);
  }
  const reads: FindRead[] = [];
  for (const { by, type, positions: asked } of alike.values()) {
    const where = by === "deletedImmutableId" || by === "deletedUniqueName" ? "deleted" : among;
    const most = by === "uniqueName" ? 1 : VALUES_A_FILTER;
    for (let at = 0; at < asked.length; at += most) {
      const part = asked.slice(at, at + most);
      const values = [...new Set(part.map((position) => queries[position]?.value ?? ""))];
      reads.push({ type, among: where, positions: part, url: findUrl(by, type, values, where) });
    }
  }
  return reads;
}

function typeOf(query: TargetQuery): TargetObjectType {
  if (query.by === "id") return query.type ?? "user";
  return query.by === "uniqueName" || query.by === "deletedUniqueName" ? "group" : "user";
}

function findUrl(by: By, type: TargetObjectType, values: readonly string[], among: Among): string {
  const select = type === "user" ? USER_SELECT : GROUP_SELECT;
  if (by === "uniqueName") return `${namedGroupUrl(values[0] ?? "")}?$select=${select}`;
  const path = among === "deleted" ? `/directory/deletedItems/microsoft.graph.${type}` : `/${type}s`;
  const filter = `${PROPERTY[by]} in (${values.map((value) => `'${value.replaceAll("'", "''")}'`).join(",")})`;
  return `${path}?$filter=${encodeURIComponent(filter)}&$select=${select}&$top=999`;
}

/** Whether an object that a read brought is an answer to this very query. */
export function answersQuery(object: TargetObject, query: TargetQuery): boolean {
  switch (query.by) {
    case "id":
      return object.id === query.value.toLowerCase() || object.id === query.value;
    case "immutableId":
    case "deletedImmutableId":
      return object.immutableId === query.value;
    case "uniqueName":
    case "deletedUniqueName":
      return object.uniqueName?.toLowerCase() === query.value.toLowerCase();
    case "userPrincipalName":
      return normalUpn(object.userPrincipalName ?? "") === normalUpn(query.value);
    case "mail":
      return normalUpn(object.mail ?? "") === normalUpn(query.value);
  }
}

/** An object out of a list of this type; undefined for what has no id. */
export function targetObjectOf(value: unknown, type: TargetObjectType, deleted: boolean): TargetObject | undefined {
  const fields = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const text = (name: string) => (typeof fields[name] === "string" ? fields[name] : undefined);
  const id = text("id");
  if (id === undefined) return undefined;
  const enabled = fields["accountEnabled"];
  return {
    id,
    type,
    ...defined("userPrincipalName", text("userPrincipalName")),
    ...defined("mail", text("mail")),
    ...defined("displayName", text("displayName")),
    ...defined("immutableId", text("onPremisesImmutableId")),
    ...defined("uniqueName", text("uniqueName")),
    ...(typeof enabled === "boolean" ? { accountEnabled: enabled } : {}),
    synchronized: fields["onPremisesSyncEnabled"] === true,
    deleted,
  };
}

function defined<K extends string>(name: K, value: string | undefined): { readonly [key in K]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in K]: string });
}
