/**
 * `uplink logs --follow`: what is added to the provisioning log, oldest first, until it is stopped.
 *
 * An entry stands at the time at which its batch was accepted and is written when its object was exported, so entries come in
 * behind newer ones. Each look takes the last minutes again (the window, counted back from the newest entry: this machine's
 * clock decides nothing), and shows what it hasn't shown. Between two looks it waits longer than a look takes, several times.
 */
import { AgentError } from "../agent/agent-error.ts";
import type { ProvisioningLogReply } from "../shared/contracts/provisioning-log.ts";

export interface FollowDeps {
  /** Entries since a moment (ISO; undefined: of all times), newest first, all of them or the newest `top`. */
  readonly read: (since: string | undefined, top: number | undefined) => Promise<readonly ProvisioningLogReply[]>;
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
  /** Identifiers of what needn't be shown any more, with their time. */
  const known = new Map<string, string>();
  let newest: string | undefined;
  const note = (entries: readonly ProvisioningLogReply[]) => {
    for (const { id, activityDateTime } of entries) {
      known.set(id, activityDateTime);
      if (newest === undefined || activityDateTime > newest) newest = activityDateTime;
    }
  };
  const windowBegins = () => (newest === undefined ? undefined : new Date(Date.parse(newest) - windowMs).toISOString());

  const last = await deps.read(undefined, top);
  note(last);
  // What else is in the window came before: only what is added is news.
  const begins = windowBegins();
  if (begins !== undefined && last.length >= top) note(await deps.read(begins, undefined));
  if (last.length > 0) deps.show([...last].reverse());

  for (let wait = everyMs; ; ) {
    await deps.wait(wait);
    if (deps.stop.aborted) return;
    const began = deps.now();
    try {
      const entries = await deps.read(windowBegins(), undefined);
      const news = entries.filter(({ id }) => !known.has(id));
      note(news);
      if (news.length > 0) deps.show([...news].reverse());
      const from = windowBegins() ?? "";
      for (const [id, at] of known) if (at < from) known.delete(id);
      wait = Math.min(MOST_WAIT_MS, Math.max(everyMs, WAIT_FACTOR * (deps.now() - began)));
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== "service-unreachable") throw error;
      wait = Math.min(MOST_WAIT_MS, 2 * wait);
      deps.complain(`${error.message} Trying again in ${Math.round(wait / 1000)} s.`);
    }
  }
}
