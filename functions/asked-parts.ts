/**
 * What came with a request, read as its operation declares: parameters of the path, query, body, and the headers of conditions. What isn't
 * declared is refused, by its name.
 */
import { parseJson } from "../shared/application/admin/parse-request.ts";
import { fail, ok, type Result } from "../shared/application/failure.ts";
import { graphBody } from "../shared/contracts/graph-body.ts";
import { type Operation, paramsOf } from "../shared/contracts/operation.ts";
import { pathParam } from "../shared/contracts/path-params.ts";
import type { RouteRequest } from "./http-route.ts";

export function parseParams(operation: Operation, request: RouteRequest): Result<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const { name, pattern } of paramsOf(operation.path)) {
    const text = request.params[name] ?? "";
    if (pattern !== undefined) {
      if (!new RegExp(pattern).test(text)) return invalidParam(name, text, `must match ${pattern}`);
      values[name] = text;
      continue;
    }
    const parsed = pathParam(name).safeParse(text);
    if (!parsed.success) return invalidParam(name, text, parsed.error.issues[0]?.message ?? "is malformed");
    values[name] = parsed.data;
  }
  return ok(values);
}

function invalidParam(name: string, text: string, fault: string) {
  const message = `The path's ${name} ${fault}; it has ${text.length} characters.`;
  return fail({
    status: 400,
    code: "invalid-path",
    message,
    remedy: `Take the ${name} from a list that the service answered.`,
    details: [{ target: name, message: fault }],
  });
}

export function parseQuery(operation: Operation, query: URLSearchParams): Result<unknown> {
  const supported = Object.keys(operation.query?.shape ?? {});
  const given: Record<string, string> = Object.create(null);
  for (const [name, value] of query) {
    if (!supported.includes(name)) return unsupportedQuery(name, supported);
    if (name in given) return invalidQuery(name, "is given twice");
    given[name] = value;
  }
  if (!operation.query) return ok({});
  const parsed = operation.query.safeParse({ ...given });
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  return invalidQuery(issue?.path.join(".") ?? "", issue?.message ?? "is malformed");
}

function unsupportedQuery(name: string, supported: readonly string[]) {
  const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
  return fail({
    status: 400,
    code: "query-unsupported",
    message: `The query has '${shown}', which this doesn't know.`,
    remedy: supported.length > 0 ? `It knows ${supported.join(", ")}.` : "Ask without query.",
    details: [{ target: shown, message: "is not supported" }],
  });
}

function invalidQuery(name: string, fault: string) {
  return fail({
    status: 400,
    code: "invalid-query",
    message: `The query's ${name}: ${fault}.`,
    remedy: "Mend it; the contract is in the OpenAPI document.",
    details: [{ target: name, message: fault }],
  });
}

export function parseBody(operation: Operation, { body }: RouteRequest): Result<unknown> {
  if (operation.readsOwnBody || operation.method === "GET") return ok(undefined);
  if (!operation.body) return isBlank(body) ? ok(undefined) : parseNoBody(operation, body);
  const given = operation.isBodyOptional && body.length === 0 ? Buffer.from("{}") : body;
  return parseJson(given, operation.body, `body of ${operation.id}`);
}

const NoBody = graphBody({});

/** What somebody asks by a body that nobody reads would be done without it: a dry run for real. */
function parseNoBody({ id }: Operation, body: Uint8Array): Result<unknown> {
  const parsed = parseJson(body, NoBody, `body of ${id}`);
  if (parsed.ok) return ok(undefined);
  return fail({ ...parsed.failure, remedy: `${id} takes no body: send none, or an empty object.` });
}

function isBlank(body: Uint8Array): boolean {
  return body.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}

/** Of a field that the operation declares, and that means nothing in what it is asked for. */
export function meaninglessField(operation: Operation, name: string, fault: string) {
  return fail({
    status: 422,
    code: "invalid-body",
    message: `The body of ${operation.id} is refused at '${name}': it ${fault}.`,
    remedy: "Leave it out, or ask for what takes it; the contract is in the OpenAPI document.",
    details: [{ target: name, message: fault }],
  });
}

/** What names a version here would be taken for whatever there is: where somebody means to change nothing, that is refused. */
export function onlyNewOf({ mindsExisting }: Operation, header: string | null): Result<boolean> {
  if (!mindsExisting || header === null) return ok(false);
  if (header.trim() === "*") return ok(true);
  return invalidHeader(
    "If-None-Match",
    "The header If-None-Match has something else than *, which is all that this minds.",
    "Send If-None-Match: * to make what isn't there yet, or leave the header out.",
  );
}

/** Without quotes. What an admin wants to change only as he saw it isn't changed unseen where nothing has an ETag to hold that against. */
export function ifMatchOf({ id, guard, hasEtag }: Operation, header: string | null): Result<string | null> {
  if (header === null) return ok(null);
  const tag = header
    .trim()
    .replace(/^W\//, "")
    .replace(/^"(.*)"$/, "$1");
  if (hasEtag || guard !== "admin-write" || header.trim() === "*") return ok(tag);
  return invalidHeader(
    "If-Match",
    `The header If-Match has something else than *, and what ${id} changes has no ETag.`,
    "Leave the header out: what it is asked for is done whatever there is, or refused by what it finds.",
  );
}

function invalidHeader(target: string, message: string, remedy: string) {
  const details = [{ target, message: "must be *" }];
  return fail({ status: 400, code: "invalid-header", message, remedy, details });
}
