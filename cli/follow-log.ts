/**
 * `uplink logs --follow`: what is added to the provisioning log, oldest first, until it is stopped.
 *
 * An entry stands at the time at which its batch was accepted and is written when its object was exported, so entries come in
 * behind newer ones. Each look takes the last minutes again (the window, counted back from the newest entry: this machine's
 * clock decides nothing), of a job that has something older under way its entries from there on, too, and shows what it hasn't shown.
 * Between two looks it waits longer than a look takes, several times.
 */
import { AgentError } from "../agent/agent-error.ts";
import type { ProvisioningLogReply } from "../shared/contracts/provisioning-log.ts";

/** Moments are ISO; what isn't said bounds nothing. */
export interface LogRange {
  readonly jobId?: string;
  readonly since?: string | undefined;
  readonly before?: string;
}

/** By job: the oldest moment whose entries may still be written; a job that isn't named has nothing under way. */
export type UnderWay = ReadonlyMap<string, string>;

export interface FollowDeps {
  /** Newest first, all of them or the newest `top`. */
  readonly read: (range: LogRange, top?: number) => Promise<readonly ProvisioningLogReply[]>;
  readonly underWay: () => Promise<UnderWay>;
  /** Oldest first; never none. */
  readonly show: (entries: readonly ProvisioningLogReply[]) => void;
  /** The service can't be reached: it is asked again. */
  readonly complain: (message: string) => void;
  /** Resolves after so many milliseconds, or when it is stopped. */
  readonly wait: (ms: number) => Promise<void>;
  readonly now: () => number;
  readonly stop: AbortSignal;
}

export interface FollowOptions {
  /** Entries that are shown of what is there already. */
  readonly top: number;
  readonly windowMs: number;
  readonly everyMs: number;
}

/** A look takes a fifth of the time at most. */
const WAIT_FACTOR = 4;
const MOST_WAIT_MS = 60_000;

export async function followLog(deps: FollowDeps, { top, windowMs, everyMs }: FollowOptions): Promise<void> {
  /** What needn't be shown any more, by its identifier. */
  const known = new Map<string, Pick<ProvisioningLogReply, "jobId" | "activityDateTime">>();
  let newest: string | undefined;
  const note = (entries: readonly ProvisioningLogReply[]) => {
    for (const { id, jobId, activityDateTime } of entries) {
      known.set(id, { jobId, activityDateTime });
      if (newest === undefined || activityDateTime > newest) newest = activityDateTime;
    }
  };
  const windowBegins = () => (newest === undefined ? undefined : new Date(Date.parse(newest) - windowMs).toISOString());
  /** The window, and behind it what jobs have under way: a request more for such a job alone. */
  const look = async (open: UnderWay) => {
    const since = windowBegins();
    const found = [await deps.read({ since })];
    for (const [jobId, from] of open)
      if (since !== undefined && from < since) found.push(await deps.read({ jobId, since: from, before: since }));
    return newestFirst(found.flat());
  };
  const forget = (open: UnderWay) => {
    const since = windowBegins() ?? "";
    for (const [id, { jobId, activityDateTime }] of known)
      if (activityDateTime < since && activityDateTime < (open.get(jobId) ?? since)) known.delete(id);
  };

  // Asked before the log is: what is closed in between has its entries by then.
  let open = await deps.underWay();
  let last = await deps.read({}, top);
  note(last);
  if (last.length >= top) {
    // What else is there came before: only what is added is news.
    const there = await look(open);
    const isLast = new Set(last.map(({ id }) => id));
    last = newestFirst([...there.filter(({ id }) => !isLast.has(id)), ...last]).slice(0, top);
    note(there);
  }
  if (last.length > 0) deps.show([...last].reverse());

  for (let wait = everyMs; ; ) {
    await deps.wait(wait);
    if (deps.stop.aborted) return;
    const began = deps.now();
    try {
      const now = await deps.underWay();
      // What was under way at the last look may have been written since, and be closed by now.
      const entries = await look(earlier(open, now));
      open = now;
      const news = entries.filter(({ id }) => !known.has(id));
      note(news);
      if (news.length > 0) deps.show([...news].reverse());
      forget(open);
      wait = Math.min(MOST_WAIT_MS, Math.max(everyMs, WAIT_FACTOR * (deps.now() - began)));
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== "service-unreachable") throw error;
      wait = Math.min(MOST_WAIT_MS, 2 * wait);
      deps.complain(`${error.message} Trying again in ${Math.round(wait / 1000)} s.`);
    }
  }
}

/** Of each job the earlier moment. */
function earlier(one: UnderWay, other: UnderWay): UnderWay {
  const all = new Map(one);
  for (const [jobId, at] of other) if (at < (all.get(jobId) ?? "~")) all.set(jobId, at);
  return all;
}

/** Those of one moment stay in the order in which they came. */
export function newestFirst(entries: readonly ProvisioningLogReply[]): readonly ProvisioningLogReply[] {
  return [...entries].sort((left, right) => {
    if (left.activityDateTime === right.activityDateTime) return 0;
    return left.activityDateTime < right.activityDateTime ? 1 : -1;
  });
}
