/**
 * Heartbeats while the agent is busy with an open read: they renew the lease, and tell whether the read is still wanted.
 *
 * Only what the service says counts. A heartbeat that doesn't arrive is no reason to stop: if the lease goes to another
 * agent meanwhile, the next batch is answered with 409.
 */
import type { HeartbeatReply, HeartbeatRequest, ReadOrder } from "../shared/contracts/agent-api.ts";
import type { DomainIdentity } from "../shared/contracts/change.ts";
import type { Log } from "../shared/ports/log.ts";
import { rest } from "./rest.ts";
import type { UplinkClient } from "./uplink-client.ts";
import { AGENT_VERSION } from "./version.ts";

/** What became of an open read, in the service's words; undefined: go on. `order` is the one that took its place. */
export interface ReadLost {
  readonly why: "inactive" | "lease-lost" | "replaced" | "closed";
  readonly order: ReadOrder | null;
}

export function verdictOnRead(reply: HeartbeatReply, open: ReadOrder): ReadLost | undefined {
  if (reply.agentStatus !== "active") return { why: "inactive", order: null };
  if (!reply.lease.held || reply.lease.epoch !== open.leaseEpoch) return { why: "lease-lost", order: reply.order };
  if (reply.order === null) return { why: "closed", order: null };
  if (reply.order.readNo !== open.readNo) return { why: "replaced", order: reply.order };
  return undefined;
}

export function continueRequest(order: ReadOrder, domain: DomainIdentity): HeartbeatRequest {
  return { version: AGENT_VERSION, domain, leaseEpoch: order.leaseEpoch, want: "continue" };
}

export interface LeaseWatch {
  /** Set when the read is not ours any more. */
  readonly lost: ReadLost | undefined;
  /** Ends the watch, after the request that is under way. */
  stop(): Promise<void>;
}

/** Calls `onLost` once, when the service says so. */
export function watchLease(
  deps: { readonly client: UplinkClient; readonly log: Log },
  read: { readonly order: ReadOrder; readonly domain: DomainIdentity; readonly everySeconds: number },
  onLost: () => void,
): LeaseWatch {
  const ended = new AbortController();
  let lost: ReadLost | undefined;
  const work = (async () => {
    for (;;) {
      await rest(read.everySeconds * 1000, ended.signal);
      if (ended.signal.aborted) return;
      const result = await deps.client.heartbeat(continueRequest(read.order, read.domain), {
        signal: ended.signal,
        attempts: 1,
      });
      if (!result.ok) {
        deps.log.debug("heartbeat-failed", { code: result.failure.code });
        continue;
      }
      lost = verdictOnRead(result.value, read.order);
      if (lost === undefined) continue;
      onLost();
      return;
    }
  })();
  return {
    get lost() {
      return lost;
    },
    stop: async () => {
      ended.abort();
      await work;
    },
  };
}
