/**
 * Microsoft Graph as a target directory: users with their managers, groups with their members.
 *
 * This file puts the parts together: tokens and wire (`graph-client`), reads that retry (`read-client`), writes as
 * rounds of batches (`apply-actions`), one action's way through refusals (`pending-action`), memberships
 * (`change-members`), addresses and bodies (`requests`), the table of failures (`graph-failure`). A group that keeps its
 * members by a rule, or that Microsoft's own sync masters, refuses what we write to it and is left as it is. What it keeps in memory makes it quicker or more patient, never right: a token, who is privileged
 * for a minute, what was written a moment ago.
 */

import { setTimeout as sleepFor } from "node:timers/promises";
import type { TokenCredential } from "@azure/identity";
import type { Clock, Random } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { TargetDescription, TargetDirectory } from "../../ports/target-directory.ts";
import { TargetUnavailable } from "../../ports/target-directory.ts";
import { createAccessTokens } from "./access-token.ts";
import type { ActionContext } from "./action-step.ts";
import { objectUrl } from "./addresses.ts";
import { applyActions } from "./apply-actions.ts";
import { changeMembers } from "./change-members.ts";
import { findObjects, listOf, objectsOf } from "./find-objects.ts";
import { createGraphClient } from "./graph-client.ts";
import { createLimit } from "./limit.ts";
import { createPrivileged } from "./privileged.ts";
import { createReadClient, type ReadClient } from "./read-client.ts";
import { targetObjectOf, USER_SELECT } from "./read-objects.ts";
import { createStateReads } from "./read-states.ts";
import { createRecentWrites } from "./recent-writes.ts";
import { createBody } from "./write-body.ts";

export interface GraphTargetDeps {
  /** With the version, such as `https://graph.microsoft.com/v1.0`. */
  readonly baseUrl: string;
  readonly credential: TokenCredential;
  /** Such as `https://graph.microsoft.com/.default`. */
  readonly scope: string;
  readonly log: Log;
  readonly random: Random;
  readonly clock: Clock;
  /** `$batch` calls on their way at once, for all callers of this adapter. */
  readonly maxParallelBatches: number;
  /** Whether a new user has to change the password that nobody knows; false when left out. */
  readonly forceChangePasswordNextSignIn?: boolean;
  /** For one HTTP exchange; milliseconds, 30,000 when left out. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof fetch;
  readonly sleep?: (ms: number) => Promise<void>;
}

/** Makes no call. Failures are those of the port. */
export function createGraphTargetDirectory(deps: GraphTargetDeps): TargetDirectory {
  const { clock, log, random, forceChangePasswordNextSignIn = false } = deps;
  const sleep = deps.sleep ?? ((ms: number) => sleepFor(ms));
  const limit = createLimit(deps.maxParallelBatches);
  const client = createGraphClient({
    baseUrl: deps.baseUrl,
    tokens: createAccessTokens(deps),
    fetch: deps.fetch ?? fetch,
    clock,
    log,
    timeoutMs: deps.timeoutMs ?? 30_000,
  });
  const backOffMs = (waits: number) => 2_000 * 2 ** Math.min(waits, 4) * (1 + (random.bytes(1)[0] ?? 0) / 256);
  const reads = createReadClient({ client, sleep, backOffMs, limit });
  const privileged = createPrivileged({ reads, clock, log });
  const recent = createRecentWrites(clock);
  let writes = 0;
  let described: Promise<TargetDescription> | undefined;

  const initialDomain = async () => {
    described ??= describe(reads);
    const known = await described.catch(() => undefined);
    if (!known) described = undefined;
    return known?.initialDomain;
  };
  const baseUrl = deps.baseUrl.replace(/\/$/, "");
  const bodyOptions = { baseUrl, random, forceChangePasswordNextSignIn };
  const context: ActionContext = {
    baseUrl,
    createBody: (action) => createBody(action, bodyOptions),
    recentWrite: (id) => recent.last(id),
    isRecent: (at) => recent.isRecent(at),
    initialDomain,
    backOffMs,
  };

  const countWrites = (onWrite: (() => void) | undefined) => () => {
    writes++;
    onWrite?.();
  };

  return {
    describe: () => describe(reads),
    find: (queries, options) => findObjects(reads, queries, options),
    async privileged(ids, options) {
      if (ids.length === 0) return new Set();
      const all = await privileged.ids(options);
      return new Set(ids.filter((id) => all.has(id)));
    },
    async apply(actions, options) {
      const results = await applyActions(actions, options.priority === "low", {
        client,
        context,
        sleep,
        limit,
        onWrite: countWrites(options.onWrite),
        onThrottle: (retryAfterMs) => options.onThrottle?.(retryAfterMs),
        onCount: (part) => options.onCount?.(part),
        // An update makes nothing that could lag.
        onDone: (action, id) => {
          if (action.kind !== "update") recent.add(id, action.kind);
        },
      });
      const unsent = results.filter((result) => result.outcome === "unsent").length;
      if (unsent > 0) log.info("graph-writes-put-off", { unsent, of: actions.length });
      return results;
    },
    async changeMembers(changes, options) {
      const results = await changeMembers(changes, options.priority === "low", {
        client,
        baseUrl,
        sleep,
        limit,
        parallelBatches: deps.maxParallelBatches,
        backOffMs,
        recentWrite: (id) => recent.last(id),
        onWrite: countWrites(options.onWrite),
        onThrottle: (retryAfterMs) => options.onThrottle?.(retryAfterMs),
        onCount: (part) => options.onCount?.(part),
      });
      const unsent = results.reduce((sum, result) => sum + result.unsent.length, 0);
      if (unsent > 0) log.info("graph-members-put-off", { unsent, groups: changes.length });
      return results;
    },
    async *members(groupId) {
      const path = `${objectUrl({ type: "group", id: groupId })}/members?$select=id&$top=999`;
      for await (const page of reads.pages(path, "empty")) {
        yield page.flatMap((member) => targetObjectOf(member, "user", false)?.id ?? []);
      }
    },
    ...createStateReads(reads, (queries, options) => findObjects(reads, queries, options)),
    async *users() {
      for await (const page of reads.pages(`/users?$select=${USER_SELECT}&$top=999`)) {
        yield objectsOf(page, "user", false);
      }
    },
    writes: () => writes,
  };
}

async function describe(reads: ReadClient): Promise<TargetDescription> {
  const [body] = await reads.getAll(["/organization?$select=id,verifiedDomains"]);
  const [organization] = listOf(body) as readonly { readonly verifiedDomains?: unknown }[];
  const domains = Array.isArray(organization?.verifiedDomains) ? organization.verifiedDomains : [];
  const known = domains.filter((domain): domain is { name: string; isInitial?: boolean } => {
    return typeof (domain as { readonly name?: unknown } | null)?.name === "string";
  });
  const initial = known.find((domain) => domain.isInitial === true);
  if (!initial) {
    throw new TargetUnavailable(
      "target-refused",
      "The target doesn't name its initial domain.",
      "Give the application Organization.Read.All or Directory.Read.All, with admin consent.",
      300_000,
    );
  }
  return {
    initialDomain: initial.name.toLowerCase(),
    verifiedDomains: known.map((domain) => domain.name.toLowerCase()),
  };
}
