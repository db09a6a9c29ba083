/**
 * From a declared operation to a route: path, query and body are parsed by its declaration before its handler sees them, so a
 * handler is one call of a use case. Who asks is known by then (`http-answer.ts`).
 */

import { keysetPage } from "../shared/application/admin/keyset-page.ts";
import type { Admin } from "../shared/application/admin/verify-admin-token.ts";
import type { ProvenAgent } from "../shared/application/agents/verify-proof.ts";
import { existsAlready, type Failure, fail, ok, type Result } from "../shared/application/failure.ts";
import {
  type BodyOf,
  type Operation,
  type ParamName,
  plainPath,
  type QueryOf,
  type ReplyOf,
} from "../shared/contracts/operation.ts";
import { ifMatchOf, onlyNewOf, parseBody, parseParams, parseQuery } from "./asked-parts.ts";
import type { Guarded, Route, RouteReply, RouteRequest } from "./http-route.ts";

export interface Asked<O extends Operation> {
  readonly params: Readonly<Record<ParamName<O["path"]>, string>>;
  readonly query: QueryOf<O>;
  readonly body: BodyOf<O>;
  /** The ETag that the caller wants to change, without quotes; null: whichever it is. */
  readonly ifMatch: string | null;
  /** `If-None-Match: *`: nothing that is there may be changed, or taken for what is made. */
  readonly onlyNew: boolean;
  /** As it came, for what isn't JSON. */
  readonly request: RouteRequest;
  /** The same path with another query, as Graph's `@odata.nextLink` has it: absolute. */
  readonly linkTo: (query: Readonly<Record<string, string>>) => string;
}

/** `etag`: of what is answered, without quotes. */
export interface Served<B> {
  readonly body: B;
  readonly status?: 200 | 201 | 202 | 204;
  readonly etag?: string;
}

/** What is only answered may be read-only. */
type Sent<T> = T extends readonly (infer Item)[]
  ? readonly Sent<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Sent<T[Key]> }
    : T;
type Answer<O extends Operation> = Promise<Result<Served<Sent<ReplyOf<O>>>>>;
type Of<G extends Operation["guard"]> = Operation & { readonly guard: G };

export function serveAdmin<const O extends Of<"admin-read" | "admin-write">>(
  operation: O,
  handle: (asked: Asked<O>, admin: Admin) => Answer<O>,
): Route {
  return routeOf(operation, {
    guard: operation.guard,
    handle: (request, admin, audit) =>
      served(operation, request, (asked) => {
        const run = () => handle(asked, admin);
        if (operation.guard !== "admin-write" || !audit) return run();
        const { params, query, body } = asked;
        return audit.around({ operation, params, query, body, requestId: request.requestId ?? null }, admin, run);
      }),
  });
}

export function serveAgent<const O extends Of<"agent">>(
  operation: O,
  handle: (asked: Asked<O>, agent: ProvenAgent) => Answer<O>,
): Route {
  return routeOf(operation, {
    guard: "agent",
    handle: (request, agent) => served(operation, request, (asked) => handle(asked, agent)),
  });
}

export function serveOpen<const O extends Of<"enrolment" | "public">>(
  operation: O,
  handle: (asked: Asked<O>) => Answer<O>,
): Route {
  return routeOf(operation, { guard: operation.guard, handle: (request) => served(operation, request, handle) });
}

/** What is public, and what who may read is told in its place. */
export function serveOpenOrAdmin<const O extends Of<"public"> & { readonly tellsAdmins: true }>(
  operation: O,
  handle: (asked: Asked<O>) => Answer<O>,
  handleAdmin: (asked: Asked<O>) => Answer<O>,
): Route {
  return routeOf(operation, {
    guard: "public",
    handle: (request) => served(operation, request, handle),
    handleAdmin: (request) => served(operation, request, handleAdmin),
  });
}

/** The usual answer: what the use case gave. */
export function plain<T>(result: Result<T>): Result<Served<T>> {
  return result.ok ? ok({ body: result.value }) : result;
}

/**
 * A list that is short by nature: whole, unless the caller asks for pages. They go by a key that each entry has for itself, in the order
 * that the whole list has: by the newest first where that is so.
 */
export function listed<T>(
  { query, linkTo }: Pick<Asked<Operation>, "linkTo"> & { readonly query: ShortQuery },
  all: Result<readonly T[]>,
  keyOf: (entry: T) => string,
  order: "ascending" | "descending" = "ascending",
): Result<Served<ReturnType<typeof pageOf<T>>>> {
  if (!all.ok) return all;
  const { $top: top, $skiptoken: after, ...rest } = query;
  if (top === undefined && after === undefined) return ok({ body: { value: all.value } });
  const page = keysetPage(all.value, keyOf, { top: top ?? all.value.length, after, order });
  const given = Object.entries(rest).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  const asked = { ...Object.fromEntries(given), ...(top === undefined ? {} : { $top: String(top) }) };
  return ok({ body: pageOf(page, (next) => linkTo({ ...asked, $skiptoken: next })) });
}

interface ShortQuery {
  readonly $top?: number | undefined;
  readonly $skiptoken?: string | undefined;
}

/** A page of a list; `link` gives the address of the page that begins at `next`. */
export function pageOf<T>(
  { value, next }: { readonly value: readonly T[]; readonly next?: string | undefined },
  link: (next: string) => string,
): { readonly value: readonly T[]; readonly "@odata.nextLink"?: string } {
  return next === undefined ? { value } : { value, "@odata.nextLink": link(next) };
}

/** What a page of a list was asked with. */
type PageAsked = Pick<Asked<Operation>, "linkTo"> & {
  readonly query: { readonly $top: number; readonly $skiptoken?: string | undefined };
};

/** A page that the use case cut. */
export function paged<T>(
  { query: { $top }, linkTo }: PageAsked,
  found: Result<{ readonly value: readonly T[]; readonly next?: string | undefined }>,
): Result<Served<ReturnType<typeof pageOf<T>>>> {
  if (!found.ok) return found;
  return ok({ body: pageOf(found.value, (next) => linkTo({ $top: String($top), $skiptoken: next })) });
}

/** A page of a whole list, in the order of a key. */
export function pagedBy<T>(asked: PageAsked, all: Result<readonly T[]>, keyOf: (entry: T) => string) {
  const { $top: top, $skiptoken: after } = asked.query;
  return paged(asked, all.ok ? ok(keysetPage(all.value, keyOf, { top, after })) : all);
}

/** `present` undefined: there is no such thing, so that only who names none goes on. Failures: 412. */
export function expectEtag(what: string, ifMatch: string | null, present: string | undefined): Result<null> {
  if (ifMatch === null || ifMatch === present || (ifMatch === "*" && present !== undefined)) return ok(null);
  return fail(etagMismatch(what, ifMatch, present));
}

/** What `expectEtag` says, and that nothing is there where the caller makes something new. Failures: 412. */
export function expectPresent(
  what: string,
  { ifMatch, onlyNew }: Pick<Asked<Operation>, "ifMatch" | "onlyNew">,
  present: string | undefined,
): Result<null> {
  return onlyNew && present !== undefined ? existsAlready(what) : expectEtag(what, ifMatch, present);
}

/**
 * Of what has a version for its ETag: the one that a caller wants to change; undefined: whichever it is. 0, which nothing has, for what is no
 * ETag of ours.
 */
export function expectedVersionOf(ifMatch: string | null): number | undefined {
  if (ifMatch === null || ifMatch === "*") return undefined;
  return /^\d{1,9}$/.test(ifMatch) ? Number(ifMatch) : 0;
}

/** What a use case refuses for its version is 412 where the caller gave that by `If-Match`. */
export function asEtagMismatch<T>(done: Result<T>, ifMatch: string | null, code: string): Result<T> {
  const isOutdated = expectedVersionOf(ifMatch) !== undefined && !done.ok && done.failure.code === code;
  return isOutdated ? fail({ ...done.failure, status: 412, code: "etag-mismatch", details: [NOT_CURRENT] }) : done;
}

const NOT_CURRENT = { target: "If-Match", message: "is not the ETag that it has now" };

function etagMismatch(what: string, ifMatch: string, present: string | undefined): Failure {
  const isNow = present === undefined ? "isn't there" : `has the ETag "${present}" by now`;
  return {
    status: 412,
    code: "etag-mismatch",
    message: `${what} ${isNow}, not "${ifMatch}": somebody changed it.`,
    remedy: "Get it again, look at what changed, and send the ETag that came with it.",
    details: [NOT_CURRENT],
  };
}

function routeOf(operation: Operation, guarded: Guarded): Route {
  return { name: operation.id, methods: [operation.method], route: operation.path, operation, ...guarded };
}

async function served<O extends Operation>(
  operation: O,
  request: RouteRequest,
  handle: (asked: Asked<O>) => Answer<O>,
): Promise<Result<RouteReply>> {
  const params = parseParams(operation, request);
  if (!params.ok) return params;
  const query = parseQuery(operation, request.query);
  if (!query.ok) return query;
  const body = parseBody(operation, request);
  if (!body.ok) return body;
  const onlyNew = onlyNewOf(operation, request.ifNoneMatch ?? null);
  if (!onlyNew.ok) return onlyNew;
  const ifMatch = ifMatchOf(operation, request.ifMatch);
  if (!ifMatch.ok) return ifMatch;
  const path = plainPath(operation.path).replace(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(params.value[name] ?? ""),
  );
  // The declaration's types say what its parsers gave.
  const asked = {
    params: params.value,
    query: query.value,
    body: body.value,
    ifMatch: ifMatch.value,
    onlyNew: onlyNew.value,
    request,
    linkTo: (next: Readonly<Record<string, string>>) =>
      `${request.origin}/api/${path}?${new URLSearchParams(next).toString().replaceAll("%24", "$")}`,
  } as Asked<O>;
  const done = await handle(asked);
  if (!done.ok) return done;
  const usual = operation.statuses?.[0] ?? (operation.reply === null ? 204 : 200);
  const { status = usual, etag } = done.value;
  return ok({ status, body: done.value.body, ...(etag === undefined ? {} : { headers: { etag: `W/"${etag}"` } }) });
}
