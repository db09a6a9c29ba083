/**
 * What is asked of the provisioning log: from `$filter` (or the parameters of our own) to a scope that has rows in the order of
 * its answer. What has none is refused, and told what has: a filter that had to look through everything would cost more the
 * larger the log grows, and one that is passed over would answer too much.
 */
import { pathParam } from "../../contracts/path-params.ts";
import { nearestName } from "../../domain/nearest-name.ts";
import { type FilterTerm, parseFilter } from "../../domain/odata-filter.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";

/** Milliseconds since 1970, both inclusive; absent: unbounded. */
export interface LogQuestion {
  readonly jobId?: string;
  readonly objectGuid?: string;
  readonly isFailed: boolean;
  readonly since?: number;
  readonly until?: number;
  /** Two terms contradict each other: nothing is both. */
  readonly isEmpty: boolean;
}

export interface LogParameters {
  readonly filter?: string | undefined;
  readonly orderby?: string | undefined;
  readonly jobId?: string | undefined;
  readonly objectGuid?: string | undefined;
}

/** All that an entry shows and a filter may name; see the answer's contract. */
const PROPERTIES: readonly string[] = [
  ...["id", "activityDateTime", "tenantId", "jobId", "cycleId", "changeId", "provisioningAction"],
  ...["durationInMilliseconds", "initiatedBy/id", "initiatedBy/displayName", "initiatedBy/initiatorType"],
  ...["servicePrincipal/id", "servicePrincipal/displayName", "sourceSystem/id", "sourceSystem/displayName"],
  ...["targetSystem/id", "targetSystem/displayName", "sourceIdentity/id", "sourceIdentity/displayName"],
  ...["sourceIdentity/identityType", "targetIdentity/id", "targetIdentity/displayName", "targetIdentity/identityType"],
  ...["provisioningStatusInfo/status", "provisioningStatusInfo/errorInformation/errorCode"],
];

const SUPPORTED =
  "It answers jobId eq, sourceIdentity/id eq (an objectGUID), provisioningStatusInfo/status eq 'failure', and activityDateTime with ge, gt, le, lt or eq, joined by 'and'; not an object and failures at once. For the rest, fetch a time range and look there, or 'uplink logs --csv'.";

const DESCENDING = /^\s*activityDateTime\s+desc\s*$/;
const MOMENT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,12})?)?(Z|[+-]\d{2}:\d{2}))?$/;

interface Draft {
  jobId?: string;
  objectGuid?: string;
  isFailed: boolean;
  since: number;
  until: number;
  isEmpty: boolean;
}

/** Failures: 400, `query-unsupported` or `invalid-query`. */
export function parseLogQuestion(parameters: LogParameters): Result<LogQuestion> {
  const { filter, orderby } = parameters;
  if (orderby !== undefined && !DESCENDING.test(orderby))
    return fail(
      unsupported("$orderby", `asks for '${shown(orderby)}'`, "It answers activityDateTime desc, newest first."),
    );
  const draft: Draft = {
    isFailed: false,
    since: Number.NEGATIVE_INFINITY,
    until: Number.POSITIVE_INFINITY,
    isEmpty: false,
  };
  for (const [name, value] of [
    ["jobId", parameters.jobId],
    ["objectGuid", parameters.objectGuid],
  ] as const) {
    const fault = value === undefined ? undefined : narrow(draft, name, value, name);
    if (fault) return fail(fault);
  }
  const terms = filter === undefined ? [] : termsOf(filter);
  if (!Array.isArray(terms)) return fail(terms);
  for (const term of terms) {
    const fault = apply(draft, term);
    if (fault) return fail(fault);
  }
  if (draft.isFailed && draft.objectGuid !== undefined)
    return fail(unsupported("$filter", "asks for the failures of one object", SUPPORTED));
  const { since, until, ...rest } = draft;
  return ok({
    ...rest,
    isEmpty: draft.isEmpty || since > until,
    ...(Number.isFinite(since) ? { since } : {}),
    ...(Number.isFinite(until) ? { until } : {}),
  });
}

function termsOf(filter: string): FilterTerm[] | Failure {
  const parsed = parseFilter(filter);
  if (parsed.ok) return [...parsed.terms];
  const where = `${parsed.fault}, at character ${parsed.position + 1}`;
  return parsed.kind === "unsupported" ? unsupported("$filter", where, SUPPORTED) : malformed("$filter", where);
}

function apply(draft: Draft, term: FilterTerm): Failure | undefined {
  const { property, operator, value, isQuoted, position } = term;
  const at = `, at character ${position + 1}`;
  switch (property) {
    case "jobId":
    case "sourceIdentity/id":
      if (operator !== "eq") return unsupported("$filter", `asks for ${property} with '${operator}'${at}`, SUPPORTED);
      if (!isQuoted) return malformed("$filter", `has a value for ${property} without quotes${at}`);
      return narrow(draft, property === "jobId" ? "jobId" : "objectGuid", value, "$filter");
    case "provisioningStatusInfo/status":
      if (operator !== "eq" || value !== "failure")
        return unsupported("$filter", `asks for ${property} ${operator} '${shown(value)}'${at}`, SUPPORTED);
      if (!isQuoted) return malformed("$filter", `has a value for ${property} without quotes${at}`);
      draft.isFailed = true;
      return undefined;
    case "activityDateTime": {
      if (operator === "ne" || operator === "contains")
        return unsupported("$filter", `asks for ${property} with '${operator}'${at}`, SUPPORTED);
      const moment = MOMENT.test(value) ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(moment))
        return malformed("$filter", `has '${shown(value)}' for a moment${at}; write 2026-01-05T08:00:00Z`);
      if (operator === "eq" || operator === "ge") draft.since = Math.max(draft.since, moment);
      if (operator === "gt") draft.since = Math.max(draft.since, moment + 1);
      if (operator === "eq" || operator === "le") draft.until = Math.min(draft.until, moment);
      if (operator === "lt") draft.until = Math.min(draft.until, moment - 1);
      return undefined;
    }
    default:
      return noIndex(property, at);
  }
}

function noIndex(property: string, at: string): Failure {
  if (PROPERTIES.includes(property))
    return unsupported("$filter", `asks for ${property}${at}, by which the log isn't sorted`, SUPPORTED);
  const nearest = nearestName(property, PROPERTIES);
  const meant = nearest === undefined ? "" : `; did you mean ${nearest}?`;
  return unsupported("$filter", `asks for '${shown(property)}'${at}, which entries don't have${meant}`, SUPPORTED);
}

/** Only what may be a part of a key comes further than this. */
function narrow(draft: Draft, name: "jobId" | "objectGuid", value: string, where: string): Failure | undefined {
  const parsed = pathParam(name).safeParse(value);
  if (!parsed.success)
    return malformed(
      where,
      `has '${shown(value)}' for ${name}, which ${parsed.error.issues[0]?.message ?? "is malformed"}`,
    );
  if (draft[name] !== undefined && draft[name] !== parsed.data) draft.isEmpty = true;
  draft[name] = parsed.data;
  return undefined;
}

function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

export function unsupported(target: string, fault: string, remedy: string): Failure {
  return {
    status: 400,
    code: "query-unsupported",
    message: `The provisioning log can't answer that: ${target} ${fault}.`,
    remedy,
    details: [{ target, message: fault }],
  };
}

function malformed(target: string, fault: string): Failure {
  return {
    status: 400,
    code: "invalid-query",
    message: `The query's ${target} ${fault}.`,
    remedy: `Mend it. ${SUPPORTED}`,
    details: [{ target, message: fault }],
  };
}
