/** The words that the parts of the directory stand-in share. */
import type { Refusal } from "./rules.ts";

export type JsonObject = { [key: string]: unknown };

export type Kind = "user" | "group";

/** An object of the directory. Times are epoch milliseconds; `seq` orders objects by creation and never changes. */
export type Entry = {
  id: string;
  kind: Kind;
  seq: number;
  properties: JsonObject;
  managerId?: string;
  /** Reads, filters and references don't see the object before this time. */
  visibleAt: number;
  deletedAt?: number;
  /** A synced object whose source of authority was moved to the cloud: writable again. */
  cloudManaged?: boolean;
};

/** Writes as they are counted. Each is one against the quota, whatever it carries. */
export type WriteKind =
  | "createUser"
  | "updateUser"
  | "deleteUser"
  | "setManager"
  | "removeManager"
  | "createGroup"
  | "updateGroup"
  | "deleteGroup"
  | "addMember"
  /** A PATCH that binds members and does nothing else. */
  | "addMembers"
  | "removeMember"
  | "restore"
  | "deletePermanently";

/** An application that holds a token. `roles` are template ids of directory roles, `permissions` Graph's names. */
export type Caller = {
  applicationId: string;
  tenantId: string;
  permissions: ReadonlySet<string>;
  roles: ReadonlySet<string>;
};

/** One call, alone or out of a batch. `url` is the path below the service root with its query. */
export type Call = {
  method: string;
  segments: readonly string[];
  query: ReadonlyMap<string, string>;
  header(name: string): string | undefined;
  /** {} when there is none. */
  body: JsonObject;
  caller: Caller;
  /** The root that links in answers start with, such as https://localhost:7080/v1.0. */
  root: string;
  /** The path and query as they were asked, for next links. */
  url: string;
};

type Reply = { status: number; body?: JsonObject; headers?: Record<string, string>; wrote?: WriteKind };
export type Answer = Reply | Refusal;

export function isRefusal(answer: Answer | JsonObject): answer is Refusal {
  return "rule" in answer;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text property, or undefined when it is null or absent. */
export function textOf(entry: Entry, name: string): string | undefined {
  const value = entry.properties[name];
  return typeof value === "string" ? value : undefined;
}

export function textsOf(entry: Entry, name: string): string[] {
  const value = entry.properties[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
