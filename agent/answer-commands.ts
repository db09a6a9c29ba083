/**
 * Commands from the service, beside whatever is being read: asked for by a request that the service answers when it has one, while
 * this agent holds the domain's lease.
 *
 * Nothing depends on it: a service that is older or away is asked again later, a command that can't be carried out is answered so,
 * and one that came twice is answered twice. It sends what the directory says now, and decides nothing about it.
 */
import { type CommandAnswer, ReadObjectCommand } from "../shared/contracts/agent-commands.ts";
import type { Log } from "../shared/ports/log.ts";
import { SourceError } from "../shared/ports/source-directory.ts";
import type { AgentSource } from "./agent-source.ts";
import type { Intervals } from "./config.ts";
import { rest } from "./rest.ts";
import type { UplinkClient } from "./uplink-client.ts";

/** The lease as heartbeats told it last. */
export interface HeldLease {
  /** The epoch, once it is held; undefined: the signal ended the wait. */
  held(stop: AbortSignal): Promise<number | undefined>;
  /** The same client, whose heartbeats are noted. */
  noting(client: UplinkClient): UplinkClient;
}

export function createHeldLease(): HeldLease {
  let epoch: number | undefined;
  const waiting: (() => void)[] = [];
  return {
    async held(stop) {
      while (epoch === undefined && !stop.aborted)
        await new Promise<void>((resolve) => {
          const go = () => {
            stop.removeEventListener("abort", go);
            resolve();
          };
          waiting.push(go);
          stop.addEventListener("abort", go, { once: true });
        });
      return stop.aborted ? undefined : epoch;
    },
    noting: (client) => ({
      ...client,
      async heartbeat(request, options) {
        const reply = await client.heartbeat(request, options);
        if (!reply.ok) return reply;
        const { agentStatus, lease } = reply.value;
        epoch = agentStatus === "active" && lease.held ? lease.epoch : undefined;
        if (epoch !== undefined) for (const go of waiting.splice(0)) go();
        return reply;
      },
    }),
  };
}

/** A service that doesn't know commands is asked again after so long: it may have been renewed. */
const UNKNOWN_SERVICE_SECONDS = 300;
const ANSWER_ATTEMPTS = 3;
/** As the contract bounds them. */
const MESSAGE_LENGTH = 2_000;

/** Until the signal. Never rejects. */
export async function answerCommands(
  deps: {
    readonly client: UplinkClient;
    readonly source: AgentSource;
    readonly lease: HeldLease;
    readonly log: Log;
    readonly intervals: Pick<Intervals, "retryFirstSeconds" | "retryMostSeconds">;
  },
  stop: AbortSignal,
): Promise<void> {
  const { client, source, log } = deps;
  if (source.lookUp === undefined) return;
  let failures = 0;
  while (!stop.aborted) {
    const leaseEpoch = await deps.lease.held(stop);
    if (leaseEpoch === undefined) return;
    const asked = await client.awaitCommands(leaseEpoch, { signal: stop, attempts: 1 });
    if (stop.aborted) return;
    if (!asked.ok) {
      const { code, status, message } = asked.failure;
      const isUnknown = status === 404 && code !== "job-not-found";
      log.debug("commands-unavailable", { code, status, message });
      const { retryFirstSeconds: first, retryMostSeconds: most } = deps.intervals;
      await rest(
        (isUnknown ? UNKNOWN_SERVICE_SECONDS : Math.min(first * 2 ** Math.min(failures, 16), most)) * 1000,
        stop,
      );
      failures++;
      continue;
    }
    failures = 0;
    let isAnswered = true;
    for (const { id, kind, ...rest } of asked.value.commands) {
      const parsed = ReadObjectCommand.safeParse({ id, kind, ...rest });
      if (!parsed.success) {
        log.warn("command-unknown", { commandId: id, kind });
        isAnswered = false;
        continue;
      }
      const outcome = await outcomeOf(source, parsed.data);
      const answered = await client.answerCommand(
        id,
        { leaseEpoch, outcome },
        { signal: stop, attempts: ANSWER_ATTEMPTS },
      );
      isAnswered &&= answered.ok;
      log.info("command-answered", {
        commandId: id,
        outcome: outcome.kind === "read" ? outcome.object.kind : outcome.code,
        ...(answered.ok ? {} : { refused: answered.failure.code }),
      });
    }
    // One that it doesn't know, or can't get rid of, is no reason to ask without pause.
    await rest(Math.max(asked.value.pollSeconds, isAnswered ? 0 : deps.intervals.retryFirstSeconds) * 1000, stop);
  }
}

async function outcomeOf(source: AgentSource, command: ReadObjectCommand): Promise<CommandAnswer["outcome"]> {
  try {
    if (source.lookUp === undefined) throw new Error("this source can't look objects up");
    const { id: _, kind: __, ...order } = command;
    return await source.lookUp(order);
  } catch (error) {
    const isOfSource = error instanceof SourceError;
    const message = error instanceof Error ? error.message : String(error);
    return {
      kind: "failed",
      code: isOfSource ? error.code : "agent-defect",
      message: (message || "no reason").slice(0, MESSAGE_LENGTH),
      remedy: isOfSource ? error.remedy.slice(0, MESSAGE_LENGTH) : "See the agent's log; report it as a defect.",
    };
  }
}
