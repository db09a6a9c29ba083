/**
 * What an object of Graph is to the engine, and the reads that find it: batches of `$filter … in (…)` with up to 15
 * values each, so that matching 200 objects costs a handful of calls.
 */

import { normalUpn } from "../../domain/values.ts";
import type { TargetObject, TargetQuery } from "../../ports/target-directory.ts";

export const USER_SELECT = [
  "id",
  "userPrincipalName",
  "mail",
  "displayName",
  "onPremisesImmutableId",
  "accountEnabled",
  "onPremisesSyncEnabled",
].join(",");

type By = TargetQuery["by"];

/** Graph refuses a filter with more alternatives. */
const VALUES_A_FILTER = 15;
const PROPERTY: Readonly<Record<By, string>> = {
  id: "id",
  immutableId: "onPremisesImmutableId",
  deletedImmutableId: "onPremisesImmutableId",
  userPrincipalName: "userPrincipalName",
  mail: "mail",
};

/** A read that answers the queries at these positions. */
export interface FindRead {
  readonly url: string;
  readonly by: By;
  readonly positions: readonly number[];
}

/** The reads that answer all queries. A value that nothing can equal (empty) asks for nothing. */
export function readsFor(queries: readonly TargetQuery[], among: "live" | "deleted" = "live"): readonly FindRead[] {
  const positionsBy = new Map<By, number[]>();
  queries.forEach((query, position) => {
    if (query.value === "") return;
    const positions = positionsBy.get(query.by) ?? [];
    positions.push(position);
    positionsBy.set(query.by, positions);
  });
  const reads: FindRead[] = [];
  for (const [by, positions] of positionsBy) {
    for (let at = 0; at < positions.length; at += VALUES_A_FILTER) {
      const part = positions.slice(at, at + VALUES_A_FILTER);
      const values = [...new Set(part.map((position) => queries[position]?.value ?? ""))];
      reads.push({ by, positions: part, url: findUrl(by, values, among) });
    }
  }
  return reads;
}

function findUrl(by: By, values: readonly string[], among: "live" | "deleted"): string {
  const deleted = among === "deleted" || by === "deletedImmutableId";
  const path = deleted ? "/directory/deletedItems/microsoft.graph.user" : "/users";
  const filter = `${PROPERTY[by]} in (${values.map((value) => `'${value.replaceAll("'", "''")}'`).join(",")})`;
  return `${path}?$filter=${encodeURIComponent(filter)}&$select=${USER_SELECT}&$top=999`;
}

/** Whether an object that a read brought is an answer to this very query. */
export function answersQuery(object: TargetObject, query: TargetQuery): boolean {
  switch (query.by) {
    case "id":
      return object.id === query.value.toLowerCase() || object.id === query.value;
    case "immutableId":
    case "deletedImmutableId":
      return object.immutableId === query.value;
    case "userPrincipalName":
      return normalUpn(object.userPrincipalName ?? "") === normalUpn(query.value);
    case "mail":
      return normalUpn(object.mail ?? "") === normalUpn(query.value);
  }
}

/** An object out of a list of users; undefined for what has no id. */
export function targetObjectOf(value: unknown, deleted: boolean): TargetObject | undefined {
  const fields = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const text = (name: string) => (typeof fields[name] === "string" ? fields[name] : undefined);
  const id = text("id");
  if (id === undefined) return undefined;
  const enabled = fields["accountEnabled"];
  return {
    id,
    type: "user",
    ...defined("userPrincipalName", text("userPrincipalName")),
    ...defined("mail", text("mail")),
    ...defined("displayName", text("displayName")),
    ...defined("immutableId", text("onPremisesImmutableId")),
    ...(typeof enabled === "boolean" ? { accountEnabled: enabled } : {}),
    synchronized: fields["onPremisesSyncEnabled"] === true,
    deleted,
  };
}

function defined<K extends string>(name: K, value: string | undefined): { readonly [key in K]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in K]: string });
}
