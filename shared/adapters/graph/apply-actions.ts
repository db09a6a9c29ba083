/**
 * Carries out actions in rounds of `$batch` calls: send what is pending, take each reply as its item's own, send again
 * what a short wait can cure. A call sleeps two seconds at most in all; what needs longer comes back *unsent* with the
 * time to wait, and the orchestration sets a timer.
 */

import type { FailureCode } from "../../domain/failure-codes.ts";
import type { TargetAction, TargetAnswer, TargetFailure, TargetResult } from "../../ports/target-directory.ts";
import { TargetUnavailable } from "../../ports/target-directory.ts";
import { type ActionContext, giveUp, type PendingAction } from "./action-step.ts";
import { answerOf, BATCH_SIZE, type GraphClient, type GraphReply, isThrottle } from "./graph-client.ts";
import { startAction, stepOf } from "./pending-action.ts";

export interface ApplyDeps {
  readonly client: GraphClient;
  readonly context: ActionContext;
  readonly sleep: (ms: number) => Promise<void>;
  /** Runs one batch when a place is free. */
  readonly limit: <T>(task: () => Promise<T>) => Promise<T>;
  /** A write was answered other than by throttling. */
  readonly onWrite: () => void;
  readonly onThrottle: (retryAfterMs: number | undefined) => void;
  readonly onCount: (part: number | undefined) => void;
  /** It took effect just now. */
  readonly onDone: (action: TargetAction, id: string) => void;
}

const SLEEP_BUDGET_MS = 2_000;

type Sent = { readonly pending: PendingAction; readonly reply: GraphReply | TargetUnavailable };

/** Results in the order of the actions. Throws `TargetUnavailable` only when no action had a result yet. */
export async function applyActions(
  actions: readonly TargetAction[],
  lowPriority: boolean,
  deps: ApplyDeps,
): Promise<readonly TargetResult[]> {
  const results = new Map<TargetAction, TargetResult>();
  const answers = new Map<TargetAction, TargetAnswer>();
  let budgetMs = SLEEP_BUDGET_MS;
  let pending: PendingAction[] = [];
  for (const action of actions) {
    const started = startAction(action, deps.context);
    if (started) pending.push(started);
    else if (action.kind !== "create") results.set(action, { key: action.key, outcome: "done", id: action.id });
  }

  let anyReply = false;
  while (pending.length > 0) {
    const sent = await sendAll(pending, lowPriority, deps);
    const broken = sent.find((one) => one.reply instanceof TargetUnavailable)?.reply;
    anyReply ||= sent.some((one) => !(one.reply instanceof TargetUnavailable));
    if (broken instanceof TargetUnavailable && !anyReply) throw broken;
    pending = [];
    let waitMs = 0;
    for (const { pending: item, reply } of sent) {
      if (reply instanceof TargetUnavailable) {
        results.set(item.action, giveUp(item, unavailableFailure(reply)));
        continue;
      }
      if (isWrite(item, reply)) deps.onWrite();
      if (isThrottle(reply)) deps.onThrottle(reply.retryAfterMs);
      if (item.request.method !== "GET") {
        noteAnswer(answers, item.action, reply);
        if (reply.kind === "answer") deps.onCount(reply.quotaUsed);
      }
      const step = await stepOf(item, reply, deps.context);
      if (step.kind === "result") {
        results.set(item.action, step.result);
        if (step.result.outcome === "done" && tookEffect(item, reply)) deps.onDone(item.action, step.result.id);
      } else if (step.kind === "continue") pending.push(step.next);
      else if (step.waitMs <= budgetMs) {
        pending.push(step.next);
        waitMs = Math.max(waitMs, step.waitMs);
      } else if (step.instead) pending.push(step.instead);
      else results.set(item.action, giveUp(item, step.otherwise));
    }
    budgetMs -= waitMs;
    if (waitMs > 0) await deps.sleep(waitMs);
  }
  return actions.map((action) => {
    const result = results.get(action);
    if (!result) throw new Error(`The action on ${action.key} has no result: a defect of the Graph adapter.`);
    const answer = answers.get(action);
    return answer ? { ...result, answer } : result;
  });
}

async function sendAll(pending: readonly PendingAction[], lowPriority: boolean, deps: ApplyDeps): Promise<Sent[]> {
  const batches: (readonly PendingAction[])[] = [];
  for (let at = 0; at < pending.length; at += BATCH_SIZE) batches.push(pending.slice(at, at + BATCH_SIZE));
  const replies = await Promise.all(
    batches.map((batch) =>
      deps.limit(async (): Promise<readonly (GraphReply | TargetUnavailable)[]> => {
        try {
          return await deps.client.batch(
            batch.map((item) => item.request),
            lowPriority,
          );
        } catch (error) {
          // Other batches may have had their effect: their results must not be lost with this one.
          if (error instanceof TargetUnavailable) return batch.map(() => error);
          throw error;
        }
      }),
    ),
  );
  return batches.flatMap((batch, at) =>
    batch.map((item, index): Sent => {
      const reply = replies[at]?.[index];
      if (!reply) throw new Error("A batch gave fewer replies than it had items: a defect of the Graph client.");
      return { pending: item, reply };
    }),
  );
}

/** Of one whose last write wasn't answered, what was said to the one before says nothing. */
function noteAnswer(answers: Map<TargetAction, TargetAnswer>, action: TargetAction, reply: GraphReply): void {
  const answer = answerOf(reply);
  if (answer) answers.set(action, answer);
  else answers.delete(action);
}

/** Not so for what was done before: a delete that found nothing, a restore of what lives. */
function tookEffect(item: PendingAction, reply: GraphReply): boolean {
  return item.request.method !== "GET" && reply.kind === "answer" && reply.status < 300;
}

function isWrite(item: PendingAction, reply: GraphReply): boolean {
  if (item.request.method === "GET" || reply.kind === "unsent") return false;
  return reply.kind === "lost" || (reply.status !== 429 && reply.status !== 503);
}

const UNAVAILABLE = {
  "target-unreachable": "InternalServerError",
  "target-credentials": "Unauthorized",
  "target-refused": "UnprocessableEntity",
} as const satisfies Record<TargetUnavailable["code"], FailureCode>;

function unavailableFailure(error: TargetUnavailable): TargetFailure {
  return {
    code: UNAVAILABLE[error.code],
    message: error.message,
    remedy: error.remedy,
    retriable: true,
    retryAfterMs: error.retryAfterMs,
  };
}
