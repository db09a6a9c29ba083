/**
 * `GET auditLogs/provisioning`: a question about the log, answered page by page in Graph's shape. A page costs at most two
 * requests to the log (`state/log-pages.ts`) and one for what its jobs are called, however many they are; that is remembered for a minute.
 *
 * A skip token says where the next page begins, and of which question: with another one it is refused, for it would answer
 * something that nobody asked. It holds no secret and gives no right.
 */
import { createHash } from "node:crypto";
import type { ProvisioningLogReply } from "../../contracts/provisioning-log.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RowStore } from "../../ports/row-store.ts";
import { type Failure, fail, ok, type Result } from "../failure.ts";
import { endOfHour, LOG_PLACE, logKeptSince } from "../state/log-keys.ts";
import type { LogCursor, LogPages } from "../state/log-pages.ts";
import { type LogParameters, type LogQuestion, parseLogQuestion, unsupported } from "./log-question.ts";
import { type LoggedJob, logReply } from "./log-reply.ts";
import { createLoggedJobs } from "./logged-jobs.ts";

export interface LogAsked extends LogParameters {
  readonly top: number;
  readonly skipToken?: string | undefined;
  /** Days up to now. */
  readonly sinceDays?: number | undefined;
}

/** `next`: the skip token of what follows. */
export type AskLog = (
  asked: LogAsked,
) => Promise<Result<{ readonly value: ProvisioningLogReply[]; readonly next?: string }>>;

const REMEMBERED_MS = 60_000;
const DAY_MS = 86_400_000;
/** Each costs a request, and an entity of which nothing may be shown: so a page of one entry can't be asked of two. */
const MOST_JOBS_OF_AN_OBJECT = 2;

export function createAskLog(deps: {
  readonly rows: RowStore;
  readonly clock: Clock;
  readonly provisioningLog: LogPages;
  /** Months of the log that are kept, besides the current one. */
  readonly logMonths: number;
}): AskLog {
  const loggedJobs = createLoggedJobs(deps);
  const names = new Map<string, { readonly job: LoggedJob; readonly at: number }>();

  const remembered = (jobId: string): LoggedJob | undefined => {
    const known = names.get(jobId);
    return known && deps.clock.now() - known.at < REMEMBERED_MS ? known.job : undefined;
  };
  const remember = (jobId: string, job: LoggedJob) => void names.set(jobId, { job, at: deps.clock.now() });

  /** One request. */
  async function list(): Promise<readonly string[]> {
    const all = await loggedJobs.all();
    for (const [jobId, job] of all) remember(jobId, job);
    return [...all].filter(([, { isGone }]) => !isGone).map(([jobId]) => jobId);
  }

  /** At most one request; none where they were listed for this page. */
  async function jobsShown(jobIds: ReadonlySet<string>, areListed: boolean): Promise<ReadonlyMap<string, LoggedJob>> {
    const unknown = areListed ? [] : [...jobIds].filter((jobId) => !remembered(jobId));
    const [first] = unknown;
    // The log outlives its job.
    if (first !== undefined && unknown.length === 1) remember(first, (await loggedJobs.one(first)) ?? unnamed(first));
    else if (unknown.length > 1) await list();
    return new Map([...jobIds].map((jobId) => [jobId, remembered(jobId) ?? unnamed(jobId)]));
  }

  async function jobsOf(question: LogQuestion, top: number): Promise<Result<readonly string[]>> {
    if (question.jobId !== undefined) return ok([question.jobId]);
    const jobIds = await list();
    const remedy = "Add jobId eq '…' for the job that reads the object's domain; 'uplink job list' has them.";
    if (top < jobIds.length && jobIds.length <= MOST_JOBS_OF_AN_OBJECT)
      return fail(
        unsupported(
          "$top",
          `asks for ${top} entry of an object of any of ${jobIds.length} jobs`,
          `${remedy} Or ask for more.`,
        ),
      );
    if (jobIds.length <= MOST_JOBS_OF_AN_OBJECT) return ok(jobIds);
    return fail(unsupported("$filter", `asks for an object of any of ${jobIds.length} jobs`, remedy));
  }

  return async (asked) => {
    const parsed = parseLogQuestion(asked);
    if (!parsed.ok) return parsed;
    const question = parsed.value;
    const digest = digestOf(question, asked.sinceDays);
    const from = asked.skipToken === undefined ? undefined : cursorOf(asked.skipToken, digest);
    if (from === null) return fail(noSuchPage());
    if (question.isEmpty) return ok({ value: [] });
    const now = deps.clock.now();
    const oldest = logKeptSince(now, deps.logMonths);
    const since = Math.max(
      oldest,
      question.since ?? oldest,
      asked.sinceDays === undefined ? oldest : now - asked.sinceDays * DAY_MS,
    );
    // To the end of an hour, where nobody asked for less: whole hours cost one request.
    const until = Math.min(question.until ?? Number.POSITIVE_INFINITY, endOfHour(now));
    const { jobId, objectGuid, isFailed } = question;
    const ofJobs = objectGuid === undefined ? ok([]) : await jobsOf(question, asked.top);
    if (!ofJobs.ok) return ofJobs;
    const scope = {
      ...{ isFailed, since, until },
      ...(jobId === undefined ? {} : { jobId }),
      ...(objectGuid === undefined ? {} : { object: { objectGuid, jobIds: ofJobs.value } }),
    };
    const page = await deps.provisioningLog.page(scope, asked.top, from);
    const areListed = objectGuid !== undefined && jobId === undefined;
    const shownJobs = await jobsShown(new Set(page.entries.map((entry) => entry.jobId)), areListed);
    const value = page.entries.flatMap((entry) => {
      const job = shownJobs.get(entry.jobId);
      return job ? [logReply(entry, job)] : [];
    });
    return ok({ value, ...(page.next === undefined ? {} : { next: tokenOf(page.next, digest) }) });
  };
}

function unnamed(jobId: string): LoggedJob {
  return { configurationId: "", displayName: jobId, targetKey: "", domainFqdn: "" };
}

/** What a skip token is bound to. */
function digestOf(question: LogQuestion, sinceDays: number | undefined): string {
  const { jobId, objectGuid, isFailed, since, until } = question;
  const text = JSON.stringify([jobId, objectGuid, isFailed, since, until, sinceDays].map((one) => one ?? null));
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}

function tokenOf({ place, shown }: LogCursor, digest: string): string {
  return Buffer.from([digest, place, ...(shown === undefined ? [] : [shown])].join("|")).toString("base64url");
}

/** Null: it isn't one of this question. */
function cursorOf(token: string, digest: string): LogCursor | null {
  if (!/^[A-Za-z0-9_-]+$/.test(token)) return null;
  const [own, place = "", shown, ...more] = Buffer.from(token, "base64url").toString("latin1").split("|");
  if (own !== digest || more.length > 0 || !LOG_PLACE.test(place)) return null;
  if (shown === undefined) return { place };
  return /^\d{1,9}$/.test(shown) ? { place, shown: Number(shown) } : null;
}

function noSuchPage(): Failure {
  return {
    status: 400,
    code: "log-page",
    message: "The $skiptoken is no place in the answer to this question: it was changed, or belongs to another one.",
    remedy: "Begin without $skiptoken, and go on by @odata.nextLink as it is.",
    details: [{ target: "$skiptoken", message: "doesn't belong to this query" }],
  };
}
