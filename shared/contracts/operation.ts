/**
 * One operation of an HTTP API, declared once: its function is registered by it, its request parsed, the command line's
 * call made and the OpenAPI document written from it. What is declared here is all that a caller may rely on.
 *
 * It doesn't say how an operation is carried out, and not what every operation may answer: see `COMMON_REFUSALS`.
 */
import type { z } from "zod";

export type Guard = "admin-read" | "admin-write" | "agent" | "enrolment" | "public";

/** What a refusal's code is answered with. */
export type RefusalStatus = 400 | 401 | 403 | 404 | 408 | 409 | 412 | 413 | 415 | 422 | 429 | 503;

export interface Operation {
  /** Name of the function and `operationId`. */
  readonly id: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api/`; `{name}`, or `{name:regex(…)}` as the Functions host understands it. */
  readonly path: string;
  readonly guard: Guard;
  /** One line for people. */
  readonly summary: string;
  /** A field that is neither optional nor has a default has to be given; a parameter that isn't here is refused. */
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** An absent body is `{}`. */
  readonly isBodyOptional?: boolean;
  /** The body is none of `body`, and is read by who serves it. Without either a body that says something is refused. */
  readonly readsOwnBody?: boolean;
  /** Null: an answer without body. */
  readonly reply: z.ZodType | null;
  /** 200 (204 without body), unless said otherwise; the first is the usual one. */
  readonly statuses?: readonly (200 | 201 | 202 | 204)[];
  /** It is public, and tells more to who sends a token that may read; who sends another one is refused. */
  readonly tellsAdmins?: boolean;
  /** It answers an ETag, and minds `If-Match`. */
  readonly hasEtag?: boolean;
  /** It makes something, and minds `If-None-Match: *`: what is there already stays as it is; another value is refused. */
  readonly mindsExisting?: boolean;
  /**
   * Neither what it is asked nor what it answers stands in the audit log, but for the names of fields: secrets, and contents that are
   * kept elsewhere.
   */
  readonly isUntold?: boolean;
  /** Codes of its own, and what they are answered with. */
  readonly refusals?: Readonly<Record<string, RefusalStatus>>;
}

/** What any operation may be refused with, by what it declares: codes and their status. */
export function commonRefusals({
  guard,
  path,
  query,
  body,
  readsOwnBody,
  hasEtag,
  mindsExisting,
  method,
  tellsAdmins = false,
}: Operation): Record<string, RefusalStatus> {
  const isAdmin = guard === "admin-read" || guard === "admin-write" || tellsAdmins;
  return {
    "query-unsupported": 400,
    ...(query ? { "invalid-query": 400 } : {}),
    ...(path.includes("{") ? { "invalid-path": 400 } : {}),
    ...(body || (method !== "GET" && !readsOwnBody) ? { "not-json": 400, "invalid-body": 422 } : {}),
    ...(isAdmin ? { "token-refused": 401, "role-missing": 403 } : {}),
    ...(guard === "agent" ? { "proof-refused": 401, "agent-revoked": 403, "agent-locked": 403 } : {}),
    ...(guard === "enrolment" ? { "proof-refused": 401, "token-refused": 401 } : {}),
    ...(hasEtag && method !== "GET" ? { "etag-mismatch": 412 } : {}),
    // Where nothing has an ETag, a condition that names one is refused.
    ...(mindsExisting || (guard === "admin-write" && !hasEtag) ? { "invalid-header": 400 } : {}),
    ...(mindsExisting ? { "exists-already": 412 } : {}),
    "payload-too-large": 413,
    // Who is nobody's concern isn't looked for anywhere.
    ...(guard === "public" && !tellsAdmins ? {} : { "storage-unreachable": 503, "service-unavailable": 503 }),
  };
}

/** Keeps the literal types of a declaration. */
export function operation<const O extends Operation>(declared: O): O {
  return declared;
}

type NameIn<S extends string> = S extends `${infer Name}:${string}` ? Name : S;
/** The names of a path's parameters. */
export type ParamName<P extends string> = P extends `${string}{${infer Inner}}${infer Rest}`
  ? NameIn<Inner> | ParamName<Rest>
  : never;

export type QueryOf<O extends Operation> = O["query"] extends z.ZodType ? z.output<O["query"]> : Record<string, never>;
export type BodyOf<O extends Operation> = O["body"] extends z.ZodType ? z.output<O["body"]> : undefined;
/** As a caller writes it: what has a default may be left out. */
export type BodyInput<O extends Operation> = O["body"] extends z.ZodType ? z.input<O["body"]> : undefined;
export type QueryInput<O extends Operation> = O["query"] extends z.ZodType
  ? z.input<O["query"]>
  : Record<string, never>;
export type ReplyOf<O extends Operation> = O["reply"] extends z.ZodType ? z.output<O["reply"]> : undefined;

/** Path of an operation without what only the host reads, for callers and for the document. */
export function plainPath(path: string): string {
  return path.replace(/\{(\w+):[^}]*\}/g, "{$1}");
}

/** The names of a path's parameters with the pattern that the host holds them to, if there is one. */
export function paramsOf(path: string): readonly { readonly name: string; readonly pattern: string | undefined }[] {
  return [...path.matchAll(/\{(\w+)(?::regex\(((?:[^{}])*)\))?\}/g)].map(([, name = "", pattern]) => ({
    name,
    pattern,
  }));
}

/** The request path, with every parameter encoded. */
export function pathWith<O extends Operation>(
  declared: O,
  params: Readonly<Record<ParamName<O["path"]>, string>>,
): string {
  const given: Readonly<Record<string, string>> = params;
  return plainPath(declared.path).replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(given[name] ?? ""));
}
