/**
 * What one member more, and one less, costs in a very large group: `npm run bench -- --member-change --members 50000`.
 *
 * A fresh runtime, a directory in memory with that many people and one group of all of them, and the agent's own code
 * between the two, in this process. The initial load is what it takes to get there; measured are the two deltas after it.
 */
import { join } from "node:path";
import { createAgent } from "../agent/agent.ts";
import { Intervals } from "../agent/config.ts";
import { createAgentKey } from "../agent/keys.ts";
import { createUplinkClient } from "../agent/uplink-client.ts";
import { AGENT_VERSION } from "../agent/version.ts";
import type { SecureFetch } from "../local/start/secure-fetch.ts";
import type { CycleReply } from "../shared/contracts/admin/cycles.ts";
import type { Log } from "../shared/ports/log.ts";
import { MEMBERS_A_WRITE } from "../shared/ports/target-directory.ts";
import { watchForClose } from "./close-watch.ts";
import { difference, type MemberChangeMeasured, takeReadings } from "./measured.ts";
import {
  createMemberSource,
  type MemberSource,
  memberDelta,
  memberOf,
  membersForest,
  NEWCOMER,
} from "./member-source.ts";
import { type MeteredRuntime, withMeteredRuntime } from "./metered-runtime.ts";

export interface MemberChangeOptions {
  readonly members: number;
  readonly log: (line: string) => void;
  readonly done: (measured: MemberChangeMeasured) => void;
}

const WAIT_SECONDS = 60;
const MEGABYTE = 1_048_576;

interface Agent {
  readonly source: MemberSource;
  /** One read; resolves when the service has all of it. */
  readonly send: () => Promise<void>;
}

/** Calls `done` after each delta. Rejects when a process fails, a cycle isn't closed in time or came to something else. */
export async function benchMemberChange({ members, log, done }: MemberChangeOptions): Promise<void> {
  await withMeteredRuntime(log, async (metered) => {
    const agent = await startAgent(metered, createMemberSource(membersForest(members)));
    log(`A group of ${members}: initial sync …`);
    const loaded = await sendAndClose(metered, agent);
    // The first ones are bound with the group's create, and are no links by then.
    expectLinks(loaded, { added: members - MEMBERS_A_WRITE, removed: 0 });
    log(`A group of ${members}: one member more, one less …`);
    agent.source.next([memberDelta([NEWCOMER], [])]);
    done(await measure(metered, agent, members, "one member more"));
    agent.source.next([memberDelta([], [memberOf(0)])]);
    done(await measure(metered, agent, members, "one member less"));
  });
}

async function measure(
  metered: MeteredRuntime,
  agent: Agent,
  members: number,
  run: MemberChangeMeasured["run"],
): Promise<MemberChangeMeasured> {
  const { runtime, fetch, meter } = metered;
  await meter.reset();
  const before = await takeReadings(runtime, fetch, meter);
  const began = Date.now();
  const cycle = await sendAndClose(metered, agent);
  const milliseconds = Date.now() - began;
  const after = await takeReadings(runtime, fetch, meter);
  expectLinks(cycle, run === "one member more" ? { added: 1, removed: 0 } : { added: 0, removed: 1 });
  const spent = difference(before, after);
  return {
    members,
    run,
    milliseconds,
    graphWrites: spent.graphWrites,
    graphRequests: spent.graphRequests,
    storage: after.host.storage,
    durable: spent.durable,
    hostMegabytes: { before: before.host.peakBytes / MEGABYTE, peak: after.host.peakBytes / MEGABYTE },
    cpuSeconds: { host: spent.hostCpu, azurite: spent.azuriteCpu, directory: spent.directoryCpu },
  };
}

async function sendAndClose({ runtime, configuration }: MeteredRuntime, agent: Agent): Promise<CycleReply> {
  const closed = await watchForClose(runtime);
  await agent.send();
  await closed();
  const [cycle] = await runtime.admin.cycles(configuration.jobId, 1);
  if (!cycle) throw new Error("The cycle was closed and is not there.");
  return cycle;
}

/** A number that is small because something went wrong is no result. */
function expectLinks(cycle: CycleReply, wanted: { readonly added: number; readonly removed: number }): void {
  const { added, removed, pending, staged, failed } = cycle.links;
  if (added === wanted.added && removed === wanted.removed && pending + staged + failed === 0) return;
  throw new Error(
    `The cycle added ${added} members and removed ${removed}; ${wanted.added} and ${wanted.removed} were to be (${pending} pending, ${staged} staged, ${failed} failed).`,
  );
}

/** Enrolled with a key of its own, as `uplink agent enrol` does. */
async function startAgent(
  { folder, runtime, fetch, configuration }: MeteredRuntime,
  source: MemberSource,
): Promise<Agent> {
  const key = await createAgentKey(join(folder, "agent.key.json"));
  const deps = { key, clock: { now: () => Date.now() }, log: silent, fetch: webFetch(fetch) };
  const stop = new AbortController().signal;
  const { token } = await runtime.admin.createToken(configuration.id);
  const { domain } = await source.describe();
  const url = runtime.urls.service;
  const enrolled = await createUplinkClient({ ...deps, url }).enrol(
    { token, publicKey: key.publicJwk, name: "bench", version: AGENT_VERSION, platform: "bench", domain },
    { signal: stop, attempts: 1 },
  );
  if (!enrolled.ok) throw new Error(`The agent could not enrol: ${enrolled.failure.message}`);
  const agent = createAgent({
    ...deps,
    source,
    config: { url, agentId: "agent", outboxDir: join(folder, "outbox"), intervals: Intervals.parse({}) },
  });
  return {
    source,
    async send() {
      const sent = await agent.once(stop, { waitSeconds: WAIT_SECONDS });
      if (!sent.read) throw new Error("The service gave no order to read.");
    },
  };
}

/** What the agent's client uses of `fetch`. */
function webFetch(fetch: SecureFetch): typeof globalThis.fetch {
  return (input, { method, headers, body } = {}) =>
    fetch(String(input), {
      method: method ?? "GET",
      headers: Object.fromEntries(new Headers(headers)),
      ...(typeof body === "string" || body instanceof Uint8Array ? { body } : {}),
    });
}

const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
