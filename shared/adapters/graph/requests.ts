/**
 * The requests that actions and membership changes are: their addresses and bodies.
 *
 * A group with a uniqueName is created by an upsert (`PATCH /groups(uniqueName='…')`, `Prefer: create-if-missing`) and
 * not by POST: Graph takes a uniqueName in no other way, and an upsert that is repeated after its answer was lost finds
 * the group that it made. A POST would make a twin each time, for groups have no other value that is unique. The second
 * time its answer is 204 without an id, which a read by the same name brings.
 *
 * An update never carries what can't change (uniqueName), and no reference: a manager is a write of its own.
 */

import type { TargetValues } from "../../domain/target-value.ts";
import type { TargetAction } from "../../ports/target-directory.ts";
import { deletedItemUrl, memberAddress, namedGroupUrl, objectUrl, userAddress } from "./addresses.ts";
import type { GraphRequest } from "./graph-client.ts";
import { type Body, type CreateAction, updateBody } from "./write-body.ts";

type UpdateAction = Extract<TargetAction, { kind: "update" }>;

export interface RequestContext {
  /** With the version, without a slash at its end. */
  readonly baseUrl: string;
  readonly createBody: (action: CreateAction) => Body;
}

/** What is sent first; undefined when there is nothing to write. */
export function firstRequest(action: TargetAction, context: RequestContext): GraphRequest | undefined {
  switch (action.kind) {
    case "create":
      return createRequest(action, context);
    case "update": {
      const values = ownValues(action);
      if (Object.keys(values).length === 0) return undefined;
      return { method: "PATCH", url: objectUrl(action), body: updateBody(values) };
    }
    case "delete":
      return { method: "DELETE", url: objectUrl(action) };
    case "restore":
      return { method: "POST", url: `${deletedItemUrl(action.id)}/restore`, body: {} };
  }
}

function createRequest(action: CreateAction, context: RequestContext): GraphRequest {
  const body = context.createBody(action);
  const uniqueName = uniqueNameOf(action);
  if (uniqueName === undefined) return { method: "POST", url: `/${action.type}s`, body };
  return { method: "PATCH", url: namedGroupUrl(uniqueName), headers: { Prefer: "create-if-missing" }, body };
}

/** The manager as a write of its own; undefined when the update says nothing of one. */
export function managerRequest(action: TargetAction, context: RequestContext): GraphRequest | undefined {
  if (action.kind !== "update" || action.type !== "user") return undefined;
  const manager = action.values["manager"];
  if (manager === undefined) return undefined;
  const url = `${objectUrl(action)}/manager/$ref`;
  if (manager === null) return { method: "DELETE", url };
  return { method: "PUT", url, body: { "@odata.id": userAddress(context.baseUrl, String(manager)) } };
}

/** The values of an update that a PATCH carries. */
function ownValues(action: UpdateAction): TargetValues {
  const apart = action.type === "user" ? "manager" : "uniqueName";
  return Object.fromEntries(Object.entries(action.values).filter(([name]) => name !== apart));
}

/** Of a group's create that has one. */
export function uniqueNameOf(action: TargetAction): string | undefined {
  if (action.kind !== "create" || action.type !== "group") return undefined;
  const uniqueName = action.values["uniqueName"];
  return typeof uniqueName === "string" && uniqueName !== "" ? uniqueName : undefined;
}

export function addTogether(baseUrl: string, groupId: string, memberIds: readonly string[]): GraphRequest {
  const addresses = memberIds.map((id) => memberAddress(baseUrl, id));
  return { method: "PATCH", url: objectUrl({ type: "group", id: groupId }), body: { "members@odata.bind": addresses } };
}

export function addOne(baseUrl: string, groupId: string, memberId: string): GraphRequest {
  const url = `${objectUrl({ type: "group", id: groupId })}/members/$ref`;
  return { method: "POST", url, body: { "@odata.id": memberAddress(baseUrl, memberId) } };
}

/** Without `$ref` this address would be the member itself, and it would be deleted. */
export function removeOne(groupId: string, memberId: string): GraphRequest {
  const url = `${objectUrl({ type: "group", id: groupId })}/members/${encodeURIComponent(memberId)}/$ref`;
  return { method: "DELETE", url };
}
